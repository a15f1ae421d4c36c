/** Looking for a gateway with SEARCHGW (MQTT-SN 1.2 §6.1). */
import type { SnMessage } from "../mqttsn/packets.ts";
import type { Random } from "../time/clock.ts";
import type { Scheduler, Timer } from "../time/scheduler.ts";
import type { Done } from "./outcome.ts";

export class GatewaySearch {
  readonly #scheduler: Scheduler;
  readonly #random: Random;
  /** T_SEARCHGW, ms. */
  readonly #interval: number;
  readonly #limit: number;
  readonly #broadcast: (message: SnMessage) => void;
  #radius = 0;
  #sent = 0;
  #timer: Timer | undefined;
  #done: Done | undefined;

  /** `limit`: repetitions before giving up. */
  constructor(
    scheduler: Scheduler,
    random: Random,
    interval: number,
    limit: number,
    broadcast: (message: SnMessage) => void,
  ) {
    this.#scheduler = scheduler;
    this.#random = random;
    this.#interval = interval;
    this.#limit = limit;
    this.#broadcast = broadcast;
  }

  /** Searches after a random time of at most T_SEARCHGW, then ever more seldom. */
  start(radius: number, done: Done): void {
    this.stop("disconnected");
    this.#radius = radius;
    this.#sent = 0;
    this.#done = done;
    this.#timer = this.#scheduler.after(this.#random() * this.#interval, () => this.#search());
  }

  /** A gateway was heard of, or the search is no longer wanted. */
  stop(outcome: "accepted" | "timeout" | "disconnected"): void {
    this.#timer?.cancel();
    const done = this.#done;
    this.#done = undefined;
    done?.(outcome);
  }

  /** Another node asked the same: its question counts as this one's. */
  overheard(radius: number): void {
    if (this.#done === undefined || this.#sent > 0 || radius !== this.#radius) return;
    this.#timer?.cancel();
    this.#count();
  }

  #search(): void {
    if (this.#sent > this.#limit) {
      this.stop("timeout");
      return;
    }
    this.#count();
    this.#broadcast({ kind: "searchgw", radius: this.#radius });
  }

  #count(): void {
    const pause = this.#interval * 2 ** this.#sent;
    this.#sent++;
    this.#timer = this.#scheduler.after(pause, () => this.#search());
  }
}
