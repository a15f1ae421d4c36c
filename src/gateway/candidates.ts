/**
 * Nodes that were turned away until someone approves them. Whoever reaches a link can make up
 * ClientIds, so the list is bounded, and those not heard of for longest go first.
 */
import type { Clock } from "../time/clock.ts";

export interface Candidate {
  readonly clientId: string;
  /** Where it came from last. */
  readonly link: string;
  readonly address: string;
  /** Wall clock ms, as is `lastSeen`. */
  readonly firstSeen: number;
  readonly lastSeen: number;
  /** CONNECTs so far. */
  readonly attempts: number;
}

const MOST_CANDIDATES = 200;
/** Those with longer ClientIds can be approved, but are not listed, characters. */
const LONGEST_CLIENT_ID = 1000;

export class Candidates {
  readonly #clock: Clock;
  /** In order of `lastSeen`. */
  readonly #list = new Map<string, Candidate>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get size(): number {
    return this.#list.size;
  }

  /** Those heard of last come first. */
  list(): readonly Candidate[] {
    return [...this.#list.values()].reverse();
  }

  get(clientId: string): Candidate | undefined {
    return this.#list.get(clientId);
  }

  /** Notes an attempt to connect; answers whether the node is new on the list. */
  note(clientId: string, link: string, address: string): boolean {
    if (clientId.length > LONGEST_CLIENT_ID) return false;
    const now = this.#clock.wall();
    const before = this.#list.get(clientId);
    this.#list.delete(clientId);
    if (this.#list.size >= MOST_CANDIDATES) {
      const oldest = this.#list.keys().next();
      if (!oldest.done) this.#list.delete(oldest.value);
    }
    const { firstSeen = now, attempts = 0 } = before ?? {};
    const candidate = { clientId, link, address, firstSeen, lastSeen: now, attempts: attempts + 1 };
    this.#list.set(clientId, candidate);
    return before === undefined;
  }

  remove(clientId: string): boolean {
    return this.#list.delete(clientId);
  }
}
