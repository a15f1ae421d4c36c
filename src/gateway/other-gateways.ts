/**
 * Gateways that a link hears besides this one, by their ADVERTISE and by what clients say of them
 * in GWINFO (MQTT-SN 1.2 §6.1): for those who look after the network, and to find two of one id.
 */
import type { Clock } from "../time/clock.ts";

export interface OtherGateway {
  readonly id: number;
  /** Where its messages come from; for one that a client told of, its GwAdd in hexadecimal. */
  readonly address: string;
  /** Wall clock ms. */
  lastSeen: number;
  /** T_ADV that it told, s; 0 where it was not heard itself. */
  interval: number;
}

/** Remembered at a time; senders may be forged. */
const MOST = 32;
/** N_ADV of §7.2: so many advertisements may be missed. */
const MISSED = 3;
/** How long one is remembered that did not say when it will be heard again, s. */
const UNTOLD = 3600;

export class OtherGateways {
  readonly #clock: Clock;
  /** The one that was heard last comes last. */
  readonly #heard = new Map<string, OtherGateway & { until: number }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Notes one; `interval` is 0 where it is not known. True where it was not known before. */
  note(id: number, address: string, interval: number): boolean {
    const now = this.#clock.now();
    this.#forgetSilent(now);
    const key = `${id} ${address}`;
    const known = this.#heard.get(key);
    this.#heard.delete(key);
    if (this.#heard.size >= MOST) {
      const [oldest] = this.#heard.keys();
      if (oldest !== undefined) this.#heard.delete(oldest);
    }
    const told = interval > 0 ? interval : (known?.interval ?? 0);
    const until = now + (told > 0 ? told * MISSED : UNTOLD) * 1000;
    const lastSeen = this.#clock.wall();
    this.#heard.set(key, { id, address, lastSeen, interval: told, until });
    return known === undefined;
  }

  /** Those that are still to be reckoned with, by id. */
  list(): OtherGateway[] {
    this.#forgetSilent(this.#clock.now());
    return [...this.#heard.values()]
      .map(({ id, address, lastSeen, interval }) => ({ id, address, lastSeen, interval }))
      .sort((one, other) => one.id - other.id);
  }

  #forgetSilent(now: number): void {
    for (const [key, { until }] of this.#heard) if (until < now) this.#heard.delete(key);
  }
}
