/** The last message of each topic, within bounds that no flood of topics or bytes can break. */

/** Topics kept; beyond, the one that was heard longest ago makes room. */
export const MOST_TOPICS = 5000;
/** Longer topic names are counted, not kept; characters. */
export const LONGEST_TOPIC = 1024;
/** How much of a payload is kept, bytes. */
export const PAYLOAD_KEPT = 1024;

export interface Value {
  readonly topic: string;
  /** The payload, or its first 1024 bytes. */
  readonly kept: Uint8Array;
  /** Length of the whole payload, bytes. */
  readonly length: number;
  /** It came out of the broker's store, not live: its age is not known. */
  readonly stored: boolean;
  /** When it came, by the clock of `receive`, ms. */
  readonly heardAt: number;
  /** Messages on this topic since it has been kept. */
  readonly count: number;
}

export class ValueStore {
  /** Ordered by when they were heard, longest ago first. */
  readonly #values = new Map<string, Value>();
  #missed = 0;
  #topicsChanged = true;
  #topics: readonly string[] = [];

  get size(): number {
    return this.#values.size;
  }

  /** Topics that fell out or never came in because of the bounds, each counted as often as that happened. */
  get missed(): number {
    return this.#missed;
  }

  receive(topic: string, payload: Uint8Array, stored: boolean, now: number): void {
    if (topic.length > LONGEST_TOPIC) {
      this.#missed++;
      return;
    }
    const values = this.#values;
    const before = values.get(topic);
    if (before === undefined) {
      this.#topicsChanged = true;
      if (values.size >= MOST_TOPICS) this.#dropOldest();
    } else {
      // A new connection tells stored values again; one that is known keeps what is known of its age.
      if (stored && isSame(before, payload)) return;
      values.delete(topic);
    }
    values.set(topic, {
      topic,
      kept: payload.slice(0, PAYLOAD_KEPT),
      length: payload.length,
      stored,
      heardAt: now,
      count: (before?.count ?? 0) + 1,
    });
  }

  get(topic: string): Value | undefined {
    return this.#values.get(topic);
  }

  /** All topics in alphabetical order; the same array until a topic comes or goes. */
  topics(): readonly string[] {
    if (this.#topicsChanged) {
      this.#topics = [...this.#values.keys()].sort();
      this.#topicsChanged = false;
    }
    return this.#topics;
  }

  #dropOldest(): void {
    const oldest = this.#values.keys().next().value;
    if (oldest === undefined) return;
    this.#values.delete(oldest);
    this.#missed++;
  }
}

function isSame(value: Value, payload: Uint8Array): boolean {
  return value.length === payload.length && value.kept.every((byte, at) => byte === payload[at]);
}
