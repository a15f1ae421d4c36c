/** Topic aliases of MQTT 5.0, one connection, both directions (§3.3.2.3.4). */

/** Topics waiting for a second publish, at most; more are not worth remembering. */
const MOST_SEEN = 1000;
/** An alias takes three bytes itself. */
const LONGER_THAN_AN_ALIAS = 3;

/** The aliases towards a server. A topic gets one when it is published to for the second time. */
export class OutgoingAliases {
  readonly #maximum: number;
  readonly #aliases = new Map<string, number>();
  readonly #topics = new Map<number, string>();
  readonly #seen = new Set<string>();
  #last = 0;

  constructor(maximum: number) {
    this.#maximum = maximum;
  }

  /** The alias that the server knows for the topic; 0 if there is none. */
  known(topic: string): number {
    return this.#aliases.get(topic) ?? 0;
  }

  /** A free alias for a topic that is worth it, to be `bind`ed once it was sent; 0 if there is none. */
  next(topic: string): number {
    if (this.#last >= this.#maximum || topic.length <= LONGER_THAN_AN_ALIAS) return 0;
    if (!this.#seen.delete(topic)) {
      if (this.#seen.size < MOST_SEEN) this.#seen.add(topic);
      return 0;
    }
    while (this.#topics.has(this.#last + 1)) this.#last++;
    return this.#last < this.#maximum ? this.#last + 1 : 0;
  }

  /** The server has been sent the alias with the topic that it stands for from now on. */
  bind(alias: number, topic: string): void {
    const before = this.#topics.get(alias);
    if (before === topic) return;
    if (before !== undefined && this.#aliases.get(before) === alias) this.#aliases.delete(before);
    this.#topics.set(alias, topic);
    this.#aliases.set(topic, alias);
  }

  /** Whether the server knows the alias to stand for the topic. */
  stands(alias: number, topic: string): boolean {
    return this.#topics.get(alias) === topic;
  }
}

/** The aliases that a server has given. */
export class IncomingAliases {
  readonly #maximum: number;
  readonly #topics = new Map<number, string>();

  constructor(maximum: number) {
    this.#maximum = maximum;
  }

  /**
   * The topic of a PUBLISH with this alias: "" where it stands for none, undefined where it is over
   * the maximum [MQTT-3.1.2-26].
   */
  resolve(topic: string, alias: number): string | undefined {
    if (alias > this.#maximum) return undefined;
    if (topic === "") return this.#topics.get(alias) ?? "";
    this.#topics.set(alias, topic);
    return topic;
  }
}
