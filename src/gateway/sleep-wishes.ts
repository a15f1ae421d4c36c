/**
 * DISCONNECTs with a duration from addresses where no node is. The node took the answer for leave to
 * sleep; its next PINGREQ, which has its ClientId, tells whose wish it was (MQTT-SN 1.2 §6.14).
 */
import type { Clock } from "../time/clock.ts";

/** Remembered at a time; senders may be forged. */
const MOST = 1000;

interface Wish {
  /** Seconds. */
  readonly duration: number;
  /** Monotonic ms. */
  readonly until: number;
}

export class SleepWishes {
  readonly #clock: Clock;
  /** By address key, the latest last. */
  readonly #wishes = new Map<string, Wish>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** `span`: for how long it holds, ms. */
  note(address: string, duration: number, span: number): void {
    this.#wishes.delete(address);
    if (this.#wishes.size >= MOST) {
      const [oldest] = this.#wishes.keys();
      if (oldest !== undefined) this.#wishes.delete(oldest);
    }
    this.#wishes.set(address, { duration, until: this.#clock.now() + span });
  }

  /** The duration wished for at the address, s, which is forgotten; undefined if none holds. */
  take(address: string): number | undefined {
    const wish = this.#wishes.get(address);
    if (wish === undefined) return undefined;
    this.#wishes.delete(address);
    return this.#clock.now() < wish.until ? wish.duration : undefined;
  }
}
