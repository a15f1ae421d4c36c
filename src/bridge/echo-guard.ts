/**
 * Tells what a remote broker sends back from what others published there. A remote broker that does
 * not know of bridges returns what we publish on topics that we subscribe to; each message sent is
 * expected back once, by its topic and payload, for a limited time. Two messages alike are counted,
 * so one published by somebody else in between still comes through. Where more is under way than
 * is remembered, an echo may come through; it then stands doubled here but goes no further, since
 * what a bridge publishes here is not handed back to it.
 */
import type { Clock } from "../time/clock.ts";

interface Expected {
  count: number;
  /** When the last of them was sent, monotonic ms. */
  sentAt: number;
}

export class EchoGuard {
  readonly #clock: Clock;
  /** How long an echo may take, ms. */
  readonly #window: number;
  readonly #capacity: number;
  readonly #expected = new Map<number, Expected>();

  constructor(clock: Clock, window = 30_000, capacity = 4096) {
    this.#clock = clock;
    this.#window = window;
    this.#capacity = capacity;
  }

  /** A message was sent on a topic that comes back. */
  sent(topic: string, payload: Uint8Array): void {
    const key = digest(topic, payload);
    const sentAt = this.#clock.now();
    const count = (this.#take(key)?.count ?? 0) + 1;
    // The newest stand last, so the first is the one to give up.
    if (this.#expected.size >= this.#capacity) {
      for (const oldest of this.#expected.keys()) {
        this.#expected.delete(oldest);
        break;
      }
    }
    this.#expected.set(key, { count, sentAt });
  }

  /** Whether a message that came is one that was sent; it is then no longer expected. */
  isEcho(topic: string, payload: Uint8Array): boolean {
    const key = digest(topic, payload);
    const expected = this.#take(key);
    if (expected === undefined) return false;
    expected.count--;
    if (expected.count > 0) this.#expected.set(key, expected);
    return true;
  }

  clear(): void {
    this.#expected.clear();
  }

  #take(key: number): Expected | undefined {
    const expected = this.#expected.get(key);
    if (expected === undefined) return undefined;
    this.#expected.delete(key);
    return this.#clock.now() - expected.sentAt > this.#window ? undefined : expected;
  }
}

/** 53 bits of two FNV-1a hashes over topic and payload. */
function digest(topic: string, payload: Uint8Array): number {
  let one = 0x811c9dc5;
  let two = 0x050c5d1f;
  for (let at = 0; at < topic.length; at++) {
    const code = topic.charCodeAt(at);
    one = Math.imul(one ^ code, 0x01000193);
    two = Math.imul(two ^ code, 0x01000197);
  }
  one = Math.imul(one ^ payload.length, 0x01000193);
  for (let at = 0; at < payload.length; at++) {
    const byte = payload[at] as number;
    one = Math.imul(one ^ byte, 0x01000193);
    two = Math.imul(two ^ byte, 0x01000197);
  }
  return (one >>> 0) * 0x200000 + (two >>> 11);
}
