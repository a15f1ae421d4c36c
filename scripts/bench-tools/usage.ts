/** What the server, the load generator and the rest of the machine use, as Linux tells it in /proc. */
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

/**
 * Time that programs and the kernel on their behalf ran on all cores together, from the text of
 * /proc/stat, µs.
 */
export function cpuFromMachineStat(stat: string): number {
  const [user = 0, nice = 0, system = 0] = stat
    .slice(stat.indexOf(" "))
    .trim()
    .split(" ")
    .map(Number);
  return (user + nice + system) * TICK_MICROSECONDS;
}

/** CPU time of all threads of a process, µs. Throws when it is gone. */
export function cpuTime(pid: number): number {
  return cpuFromStat(readFileSync(`/proc/${pid}/stat`, "utf8"));
}

/** Resident memory of a process, bytes. Throws when it is gone. */
export function residentMemory(pid: number): number {
  return residentFromStatus(readFileSync(`/proc/${pid}/status`, "utf8"));
}

export interface Usage {
  /** µs on a clock of its own. */
  readonly time: number;
  /** CPU time so far, µs. */
  readonly server: number;
  readonly generator: number;
  readonly machine: number;
}

/** `pid` is the server's process. */
export function usageNow(pid: number): Usage {
  const own = process.cpuUsage();
  return {
    time: performance.now() * 1000,
    server: cpuTime(pid),
    generator: own.user + own.system,
    machine: cpuFromMachineStat(readFileSync("/proc/stat", "utf8")),
  };
}

export interface UsageBetween {
  /** µs. */
  readonly elapsed: number;
  /** CPU time of the server, µs. */
  readonly serverTime: number;
  /** How many cores were in use, on average. */
  readonly serverCores: number;
  readonly generatorCores: number;
  readonly otherCores: number;
}

export function usageBetween(begin: Usage, end: Usage): UsageBetween {
  const elapsed = end.time - begin.time;
  const server = end.server - begin.server;
  const generator = end.generator - begin.generator;
  const other = Math.max(0, end.machine - begin.machine - server - generator);
  return {
    elapsed,
    serverTime: server,
    serverCores: server / elapsed,
    generatorCores: generator / elapsed,
    otherCores: other / elapsed,
  };
}
