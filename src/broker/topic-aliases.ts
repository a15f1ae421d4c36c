/** Topic aliases of MQTT 5.0, one connection, both directions (§3.3.2.3.4). */

/** What a client has given names to. */
export class IncomingAliases {
  readonly #maximum: number;
  #topics: Map<number, string> | undefined;

  constructor(maximum: number) {
    this.#maximum = maximum;
  }

  /**
   * The topic of a PUBLISH with this alias; "" where it has one that says no topic and stands for
   * none, undefined where it is over the maximum.
   */
  resolve(topic: string, alias: number): string | undefined {
    if (alias > this.#maximum) return undefined;
    if (topic === "") return this.#topics?.get(alias) ?? "";
    this.#topics ??= new Map();
    this.#topics.set(alias, topic);
    return topic;
  }
}

/** The first topics that a client receives get an alias each, as many as it allows. */
export class OutgoingAliases {
  readonly #maximum: number;
  readonly #aliases = new Map<string, number>();
  /** The topic that `aliasOf` has last given an alias to. */
  #newest: string | undefined;

  constructor(maximum: number) {
    this.#maximum = maximum;
  }

  /** The alias of a topic, and whether the client knows it already; undefined if it has none. */
  aliasOf(topic: string): { readonly alias: number; readonly known: boolean } | undefined {
    const known = this.#aliases.get(topic);
    this.#newest = undefined;
    if (known !== undefined) return { alias: known, known: true };
    if (this.#aliases.size >= this.#maximum) return undefined;
    const alias = this.#aliases.size + 1;
    this.#aliases.set(topic, alias);
    this.#newest = topic;
    return { alias, known: false };
  }

  /** The packet that `aliasOf` was asked for was not sent: the client has not learnt a new alias from it. */
  unsent(topic: string): void {
    if (this.#newest === topic) this.#aliases.delete(topic);
    this.#newest = undefined;
  }
}
