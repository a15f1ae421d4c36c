/** The forwarders of one link (MQTT-SN 1.2 §5.5), to reach nodes behind them that are not known yet. */
import type { LinkAddress } from "../seams/link.ts";
import type { Clock } from "../time/clock.ts";

/** Remembered at a time; senders may be forged. */
const MOST = 256;
/** One that brought nothing for so long is gone, ms. */
const SILENT = 24 * 3_600_000;

export class Forwarders {
  readonly #clock: Clock;
  /** By address key, the one that was heard last comes last. */
  readonly #heard = new Map<string, { readonly address: LinkAddress; readonly at: number }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  heard(address: LinkAddress): void {
    const { key } = address;
    const at = this.#clock.now();
    this.#heard.delete(key);
    if (this.#heard.size >= MOST) {
      const [oldest] = this.#heard.keys();
      if (oldest !== undefined) this.#heard.delete(oldest);
    }
    this.#heard.set(key, { address, at });
  }

  clear(): void {
    this.#heard.clear();
  }

  *[Symbol.iterator](): Iterator<LinkAddress> {
    const now = this.#clock.now();
    for (const [key, { address, at }] of this.#heard) {
      if (now - at > SILENT) this.#heard.delete(key);
      else yield address;
    }
  }
}
