/**
 * Waits out the grace time of deliveries to durable recipients that are connected: one that is
 * acknowledged within it never reaches the store.
 */
import type { Clock } from "../time/clock.ts";
import type { Scheduler } from "../time/scheduler.ts";
import type { Delivery } from "./delivery.ts";
import { Queue } from "./queue.ts";
import type { Session } from "./session.ts";

interface Waiting {
  readonly deadline: number;
  readonly session: Session;
  readonly delivery: Delivery;
}

export class GracePeriod {
  readonly #scheduler: Scheduler;
  readonly #clock: Clock;
  readonly #duration: () => number;
  // All wait equally long, save where the duration has changed meanwhile, so the order of arrival is
  // the order of deadlines.
  readonly #queue = new Queue<Waiting>();
  #armed = false;

  /** `duration`, ms, may change; 0 is no grace. */
  constructor(scheduler: Scheduler, clock: Clock, duration: () => number) {
    this.#scheduler = scheduler;
    this.#clock = clock;
    this.#duration = duration;
  }

  add(session: Session, delivery: Delivery): void {
    const duration = this.#duration();
    if (duration === 0) {
      session.outgoing.graceOver(delivery);
      return;
    }
    const deadline = this.#clock.now() + duration;
    this.#queue.push({ deadline, session, delivery });
    if (!this.#armed) this.#arm(deadline);
  }

  #arm(deadline: number): void {
    this.#armed = true;
    this.#scheduler.at(deadline, () => this.#expire());
  }

  #expire(): void {
    this.#armed = false;
    const now = this.#clock.now();
    for (;;) {
      const first = this.#queue.peek();
      if (first === undefined) return;
      if (first.deadline > now) {
        this.#arm(first.deadline);
        return;
      }
      this.#queue.shift();
      first.session.outgoing.graceOver(first.delivery);
    }
  }
}
