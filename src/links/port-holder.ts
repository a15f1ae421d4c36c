/** Who holds a serial port: what can be found out of it, to tell a person whom to ask. */
import { readdir, readFile, readlink } from "node:fs/promises";
import { basename, join } from "node:path";

/** Where programs leave notes of the ports they use, by old custom. */
const LOCK_FOLDERS = ["/run/lock", "/var/lock"];

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
