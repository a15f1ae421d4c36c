/** Folders in which what is replaced is set aside, beside what replaces it. */
import { mkdtempSync } from "node:fs";
import { join } from "node:path";

/** Makes one in `data`, named by `prefix` and the time, and answers its path. */
export function makeAsideFolder(data: string, prefix: string): string {
  const stamp = new Date().toISOString().slice(0, 19).replaceAll(":", "-");
  return mkdtempSync(join(data, `${prefix}${stamp}-`));
}
