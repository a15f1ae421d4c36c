/** Waiting until a server has worked for a while, however little of the machine it is given. */
import { cpuTime } from "./usage.ts";
import { pause } from "./waiting.ts";

/** A server that keeps up with the load need not use all of a core. */
const SHARE = 0.7;
/** A server that is starved, or has nothing to do, is waited for this many times as long at most. */
const PATIENCE = 3;
const POLL_INTERVAL = 20;

/**
 * Waits `duration` ms, and then on until the server has used most of a core for so long, so that on a
 * busy machine as much work is measured as on an idle one.
 */
export async function serverWorked(pid: number, duration: number): Promise<void> {
  const enough = cpuTime(pid) + duration * SHARE * 1000;
  const last = performance.now() + PATIENCE * duration;
  await pause(duration);
  while (cpuTime(pid) < enough && performance.now() < last) await pause(POLL_INTERVAL);
}
