/** Where stores are made that are not to last: in memory, where a sync costs nothing, if that can be had. */
import { existsSync, mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const MEMORY = "/dev/shm";

export function makeScratch(): string {
  return mkdtempSync(join(existsSync(MEMORY) ? MEMORY : tmpdir(), "midge-torn-"));
}
