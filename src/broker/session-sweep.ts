/** Looks once a minute for sessions whose client has been away too long. */
import type { Timer } from "../time/scheduler.ts";
import type { Broker } from "./broker.ts";

const INTERVAL = 60_000;

export class SessionSweep {
  readonly #broker: Broker;
  #timer: Timer | undefined;

  constructor(broker: Broker) {
    this.#broker = broker;
  }

  start(): void {
    this.#timer = this.#broker.scheduler.after(INTERVAL, () => {
      this.#broker.expireSessions();
      this.start();
    });
  }

  stop(): void {
    this.#timer?.cancel();
  }
}
