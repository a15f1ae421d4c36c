/** Looks from time to time for retained messages whose expiry interval is over. */
import type { Timer } from "../time/scheduler.ts";
import type { Broker } from "./broker.ts";

export class RetainedSweep {
  readonly #broker: Broker;
  #timer: Timer | undefined;

  constructor(broker: Broker) {
    this.#broker = broker;
  }

  start(): void {
    const { retainSweep } = this.#broker.options;
    if (retainSweep === 0) return;
    this.#timer = this.#broker.scheduler.after(retainSweep, () => {
      this.#broker.retained.sweep(this.#broker.clock.now());
      this.start();
    });
  }

  stop(): void {
    this.#timer?.cancel();
  }

  /** Goes on as the broker's options are now. */
  reload(): undefined {
    this.stop();
    this.start();
  }
}
