/** What a process has used so far, as Linux tells it in /proc. */
import { readFileSync } from "node:fs";

/** Linux counts CPU time for user space in hundredths of a second on every architecture. */
const TICK_MICROSECONDS = 10_000;

/** User and system time from the text of /proc/PID/stat, µs. */
export function cpuFromStat(stat: string): number {
  // The second field is the program's name in parentheses, and may itself hold both and spaces.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) * TICK_MICROSECONDS;
}

/** Resident memory from the text of /proc/PID/status, bytes. */
export function residentFromStatus(status: string): number {
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? Number.NaN) * 1024;
}

/** CPU time of all threads of a process, µs. Throws when it is gone. */
export function cpuTime(pid: number): number {
  return cpuFromStat(readFileSync(`/proc/${pid}/stat`, "utf8"));
}

/** Resident memory of a process, bytes. Throws when it is gone. */
export function residentMemory(pid: number): number {
  return residentFromStatus(readFileSync(`/proc/${pid}/status`, "utf8"));
}
