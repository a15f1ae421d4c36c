/** How many bytes this process has had written to disks, as the kernel counts: whole pages. */
import { readFileSync } from "node:fs";

/** Undefined where the system does not tell. */
export function writtenBytes(): number | undefined {
  try {
    const text = readFileSync("/proc/self/io", "utf8");
    const [, bytes] = /^write_bytes: (\d+)$/m.exec(text) ?? [];
    return bytes === undefined ? undefined : Number(bytes);
  } catch {
    return undefined;
  }
}
