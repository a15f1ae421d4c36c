/**
 * Gives up from time to time what has waited for longer than it may, so that a session whose client
 * never comes back gives its part of the disk back. It looks at the first message of each queue only.
 */
import type { Timer } from "../time/scheduler.ts";
import type { Broker } from "./broker.ts";

/** Between two looks, ms. */
const SHORTEST = 1000;
const LONGEST = 60_000;
/** The clock is kept so often while a message may wait, but not more often than this, and at least so often, ms. */
const KEPT = 16;
const KEPT_MOST = 60_000;
const KEPT_LEAST = 3_600_000;

export class QueueSweep {
  readonly #broker: Broker;
  #timer: Timer | undefined;
  /** Monotonic ms. */
  #dueAt = Infinity;

  constructor(broker: Broker) {
    this.#broker = broker;
  }

  /** Goes on as before the restart, and as the broker's options are. */
  start(): void {
    const { options, queueClock } = this.#broker;
    if (options.maxQueuedAge > 0) this.watch(options.maxQueuedAge);
    // Whether that of a bridge goes on shows when the bridge has come.
    else if (queueClock.isGoing) this.#arm(LONGEST);
  }

  /** Goes on as the broker's options are now. */
  reload(): undefined {
    this.start();
  }

  stop(): void {
    this.#timer?.cancel();
    const { queueClock } = this.#broker;
    if (queueClock.isGoing) queueClock.keep();
  }

  /** From now on messages may wait for so many seconds somewhere; 0 is no limit. */
  watch(limit: number): void {
    if (limit === 0) return;
    this.#broker.queueClock.start();
    this.#arm(intervalOf(limit));
  }

  /** Looks after so many ms, or earlier if that is due. */
  #arm(interval: number): void {
    const { clock, scheduler } = this.#broker;
    const dueAt = clock.now() + interval;
    if (this.#dueAt <= dueAt) return;
    this.#timer?.cancel();
    this.#dueAt = dueAt;
    this.#timer = scheduler.at(dueAt, () => this.#look());
  }

  #look(): void {
    const { sessions, options, queueClock } = this.#broker;
    this.#dueAt = Infinity;
    let shortest = options.maxQueuedAge || Infinity;
    let keeps = false;
    for (const { outgoing, terms, persistent } of sessions.values()) {
      shortest = Math.min(shortest, terms?.maxQueuedAge || Infinity);
      outgoing.dropOld();
      if (persistent && outgoing.queueLength > 0) keeps = true;
    }
    if (shortest === Infinity) {
      queueClock.stop();
      return;
    }
    if (keeps) {
      const often = (shortest * 1000) / KEPT;
      queueClock.keepIfDue(Math.max(KEPT_MOST, Math.min(KEPT_LEAST, often)));
    }
    this.#arm(intervalOf(shortest));
  }
}

/** Between two looks where messages may wait for so many seconds, ms. */
function intervalOf(limit: number): number {
  return Math.max(SHORTEST, Math.min(LONGEST, (limit * 1000) / 4));
}
