/** Who holds a serial port: what can be found out of it, to tell a person whom to ask. */
import { readdir, readFile, readlink, stat } from "node:fs/promises";
import { basename, join } from "node:path";

/** Where programs leave notes of the ports they use, by old custom. */
const LOCK_FOLDERS = ["/run/lock", "/var/lock"];

/**
 * "picocom (process 1234)", which has locked the port by flock; undefined where nobody has. To find out
 * by opening it would change the other's settings: serialport sets before it locks.
 */
export async function flockHolder(port: string): Promise<string | undefined> {
  const place = await stat(port).then(placeOf, () => undefined);
  if (place === undefined) return undefined;
  const locks = await readFile("/proc/locks", "utf8").catch(() => "");
  for (const line of locks.split("\n")) {
    const [, kind, , , pid, where] = line.split(/\s+/);
    if (kind !== "FLOCK" || where !== place) continue;
    // Those of other containers are not told.
    const number = Number(pid);
    if (number === process.pid) return "another link";
    return number > 0 ? nameOf(number) : "another program";
  }
  return undefined;
}

/** As in /proc/locks: device numbers in hexadecimal, and the inode. */
function placeOf({ dev, ino }: { readonly dev: number; readonly ino: number }): string {
  const major = (dev >>> 8) & 0xfff;
  const minor = (dev & 0xff) | ((dev >>> 12) & 0xfff00);
  const hex = (value: number) => value.toString(16).padStart(2, "0");
  return `${hex(major)}:${hex(minor)}:${ino}`;
}

/** "minicom (process 1234)", from the note that a running program left; undefined where there is none. */
export async function lockHolder(
  port: string,
  folders: readonly string[] = LOCK_FOLDERS,
): Promise<string | undefined> {
  for (const folder of folders) {
    const text = await readFile(join(folder, `LCK..${basename(port)}`), "utf8").catch(() => "");
    const pid = Number(text.trim().split(/\s+/)[0]);
    if (Number.isInteger(pid) && pid > 0 && pid !== process.pid && isAlive(pid)) {
      return nameOf(pid);
    }
  }
  return undefined;
}

/** A process that has the port open, as far as this user may see such; undefined where none is seen. */
export async function openHolder(port: string): Promise<string | undefined> {
  const processes = await readdir("/proc").catch(() => []);
  for (const name of processes) {
    const pid = Number(name);
    if (!Number.isInteger(pid) || pid === process.pid) continue;
    const folder = join("/proc", name, "fd");
    for (const fd of await readdir(folder).catch(() => [])) {
      const target = await readlink(join(folder, fd)).catch(() => "");
      if (target === port) return nameOf(pid);
    }
  }
  return undefined;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

async function nameOf(pid: number): Promise<string> {
  const words = (await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "")).split("\0");
  const [program = "", script = ""] = words.map((word) => basename(word));
  const name =
    /^(?:node|python|perl|ruby)[\d.]*$/.test(program) && script !== "" ? script : program;
  return name === "" ? `process ${pid}` : `${name} (process ${pid})`;
}
