/** A disk of its own for a test, in memory: one that can be full, or not take anything. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, statfsSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";

/** Why there can be no such disk here; false if there can. */
export const NO_SMALL_DISK: string | false =
  process.geteuid?.() === 0 ? false : "only root can mount";

export class SmallDisk {
  readonly path: string;
  readonly #filler: string;

  /** Goes with the test. `size` in bytes. */
  constructor(t: TestContext, size: number) {
    this.path = mkdtempSync(join(tmpdir(), "midge-disk-"));
    this.#filler = join(this.path, "filler");
    execFileSync("mount", ["-t", "tmpfs", "-o", `size=${size}`, "none", this.path]);
    t.after(() => {
      execFileSync("umount", ["-l", this.path]);
      rmSync(this.path, { recursive: true, force: true });
    });
  }

  get free(): number {
    const { bavail, bsize } = statfsSync(this.path);
    return bavail * bsize;
  }

  /** Takes what is free, but for so many bytes. */
  fill(but = 0): void {
    writeFileSync(this.#filler, new Uint8Array(Math.max(0, this.free - but)));
  }

  /** Gives it back. */
  empty(): void {
    rmSync(this.#filler, { force: true });
  }

  setReadOnly(isReadOnly: boolean): void {
    execFileSync("mount", ["-o", `remount,${isReadOnly ? "ro" : "rw"}`, this.path]);
  }
}
