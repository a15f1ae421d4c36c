/** What somebody publishes on one topic at one QoS: numbers that count up, and which were acknowledged. */
import type { QoS } from "../../../src/mqtt/qos.ts";

export interface StreamKind {
  readonly topic: string;
  readonly qos: QoS;
  readonly retain?: boolean;
  /** Some messages are longer than a node can be sent. */
  readonly long?: boolean;
}

const encoder = new TextEncoder();
/** One in so many messages is a long one. */
const LONG_EVERY = 40;
const LONG = 5000;
/** One in so many retained messages clears its topic. */
const CLEAR_EVERY = 4;

export class Stream {
  readonly topic: string;
  readonly qos: QoS;
  readonly retain: boolean;
  readonly #long: boolean;
  /** How many there are, acknowledged or not: numbers from 0 on. */
  published = 0;
  /** When each number was acknowledged, seconds on the log's clock; none if it was not. */
  readonly acknowledged = new Map<number, number>();

  constructor({ topic, qos, retain = false, long = false }: StreamKind) {
    this.topic = topic;
    this.qos = qos;
    this.retain = retain;
    this.#long = long;
  }

  next(): number {
    return this.published++;
  }

  /** The number and, now and then, much more; or nothing, which clears a retained message. */
  payloadOf(number: number): Uint8Array {
    if (this.clears(number)) return new Uint8Array(0);
    const length = this.#long && number % LONG_EVERY === LONG_EVERY - 1 ? LONG : 0;
    return encoder.encode(`${number} `.padEnd(length, "x"));
  }

  clears(number: number): boolean {
    return this.retain && number % CLEAR_EVERY === CLEAR_EVERY - 1;
  }
}

const decoder = new TextDecoder();

/** The number of a message; not a number where it has none. */
export function numberOf(payload: Uint8Array): number {
  return payload.length === 0 ? Number.NaN : Number.parseInt(decoder.decode(payload), 10);
}
