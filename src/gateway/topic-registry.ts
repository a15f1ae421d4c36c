/** One node's topic ids of type "normal" (MQTT-SN 1.2 §6.5, §7.3). */

export interface TopicEntry {
  readonly id: number;
  readonly name: string;
  /** The node was told the id, or asked for it, since it last connected. */
  known: boolean;
  /**
   * The record is durable, so that the node may be told: an id told and then forgotten could come
   * to stand for another name.
   */
  stored: boolean;
  /** The node refused to have the name registered: nothing is published on it (§6.10). */
  rejected: boolean;
}

/** 0x0000 and 0xFFFF are reserved (§5.3.11). */
const HIGHEST_ID = 0xfffe;
/** Up to so many names a search through all is as good as a map, and takes no memory. */
const FEW = 16;

export class TopicRegistry {
  /** In ascending order of id. */
  readonly #entries: TopicEntry[] = [];
  #byName: Map<string, TopicEntry> | undefined;

  get size(): number {
    return this.#entries.length;
  }

  [Symbol.iterator](): Iterator<TopicEntry> {
    return this.#entries[Symbol.iterator]();
  }

  find(name: string): TopicEntry | undefined {
    if (this.#byName !== undefined) return this.#byName.get(name);
    for (const entry of this.#entries) if (entry.name === name) return entry;
    return undefined;
  }

  get(id: number): TopicEntry | undefined {
    const entries = this.#entries;
    // Ids are given from 1 on, so that an entry mostly stands at its own number.
    const guess = entries[id - 1];
    if (guess !== undefined && guess.id === id) return guess;
    let low = 0;
    let high = entries.length - 1;
    while (low <= high) {
      const middle = (low + high) >> 1;
      const entry = entries[middle] as TopicEntry;
      if (entry.id === id) return entry;
      if (entry.id < id) low = middle + 1;
      else high = middle - 1;
    }
    return undefined;
  }

  /** Gives a name without one the next id that is not `taken`; undefined when there is none. */
  assign(name: string, taken: (id: number) => boolean): TopicEntry | undefined {
    let id = (this.#entries.at(-1)?.id ?? 0) + 1;
    while (id <= HIGHEST_ID && taken(id)) id++;
    if (id > HIGHEST_ID) return undefined;
    const entry: TopicEntry = { id, name, known: false, stored: false, rejected: false };
    this.#entries.push(entry);
    this.#index(entry);
    return entry;
  }

  /** Takes back an id assigned before a restart; false where id or name is taken already. */
  restore(id: number, name: string): boolean {
    if (id < 1 || id > HIGHEST_ID) return false;
    if (this.get(id) !== undefined || this.find(name) !== undefined) return false;
    const entry: TopicEntry = { id, name, known: false, stored: true, rejected: false };
    let at = this.#entries.length;
    while (at > 0 && (this.#entries[at - 1] as TopicEntry).id > id) at--;
    this.#entries.splice(at, 0, entry);
    this.#index(entry);
    return true;
  }

  /** The node may have forgotten all: each name is registered again before it is used (§6.10). */
  unconfirm(): void {
    for (const entry of this.#entries) {
      entry.known = false;
      entry.rejected = false;
    }
  }

  #index(entry: TopicEntry): void {
    if (this.#byName !== undefined) {
      this.#byName.set(entry.name, entry);
    } else if (this.#entries.length > FEW) {
      this.#byName = new Map();
      for (const known of this.#entries) this.#byName.set(known.name, known);
    }
  }
}
