/** The browser's clocks, and its one timer behind the deadline heap. */
import type { Clock } from "../../time/clock.ts";
import { Scheduler } from "../../time/scheduler.ts";

export const browserClock: Clock = {
  now: () => performance.now(),
  wall: () => Date.now(),
};

/** The longest delay that setTimeout keeps, ms. */
const LONGEST_DELAY = 2 ** 31 - 1;

/** A scheduler that the browser's timer drives. */
export function browserScheduler(): Scheduler {
  const scheduler = new Scheduler(browserClock);
  let timer: ReturnType<typeof setTimeout> | undefined;
  function arm(): void {
    clearTimeout(timer);
    const deadline = scheduler.nextDeadline();
    if (deadline === undefined) return;
    const delay = Math.max(0, deadline - browserClock.now());
    timer = setTimeout(run, Math.min(delay, LONGEST_DELAY));
  }
  function run(): void {
    scheduler.runDue();
    arm();
  }
  scheduler.onEarlier = arm;
  return scheduler;
}
