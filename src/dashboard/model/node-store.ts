/** The nodes that the gateway tells of, by the topic it tells each under. */
import { NODE_STATES, type Node, parseNode } from "./node.ts";

/** Nodes kept; the gateway's own bound is lower, so that only a hostile publisher meets this one. */
export const MOST_NODES = 5000;

export type NodeColumn =
  | "clientId"
  | "state"
  | "lastSeen"
  | "address"
  | "messages"
  | "buffered"
  | "retries";

interface Entry {
  readonly node: Node;
  /** Which connection of the page told it. */
  readonly round: number;
}

export class NodeStore {
  readonly #entries = new Map<string, Entry>();
  #round = 0;

  get size(): number {
    return this.#entries.size;
  }

  /** Takes a description in; an empty payload means that the node is gone. */
  receive(key: string, payload: Uint8Array): void {
    if (payload.length === 0) {
      this.#entries.delete(key);
      return;
    }
    const node = parseNode(key, payload);
    if (node === undefined) return;
    if (!this.#entries.has(key) && this.#entries.size >= MOST_NODES) return;
    this.#entries.set(key, { node, round: this.#round });
  }

  /** A new connection begins: the gateway tells of every node again. */
  beginRound(): void {
    this.#round++;
  }

  /** The gateway has told of every node: those it did not mention went while nobody listened. */
  endRound(): void {
    for (const [key, { round }] of this.#entries)
      if (round !== this.#round) this.#entries.delete(key);
  }

  sorted(column: NodeColumn, descending: boolean): readonly Node[] {
    const compare = COMPARISONS[column];
    const sign = descending ? -1 : 1;
    return [...this.#entries.values()]
      .map(({ node }) => node)
      .sort((a, b) => sign * compare(a, b) || compareNames(a.clientId, b.clientId));
  }
}

const { compare: compareNames } = new Intl.Collator("en", { numeric: true });

const STATE_ORDER: readonly string[] = NODE_STATES;

const COMPARISONS: Readonly<Record<NodeColumn, (a: Node, b: Node) => number>> = {
  clientId: (a, b) => compareNames(a.clientId, b.clientId),
  state: (a, b) => STATE_ORDER.indexOf(a.state) - STATE_ORDER.indexOf(b.state),
  // As ages: the node heard last comes first.
  lastSeen: (a, b) => (b.lastSeen ?? 0) - (a.lastSeen ?? 0),
  address: (a, b) => compareNames(`${a.link} ${a.address}`, `${b.link} ${b.address}`),
  messages: (a, b) => a.messagesIn + a.messagesOut - (b.messagesIn + b.messagesOut),
  buffered: (a, b) => a.buffered - b.buffered,
  retries: (a, b) => a.retries - b.retries,
};
