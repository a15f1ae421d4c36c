/** The nodes that are known, within the bound on their number and memory. */
import type { Core } from "./core.ts";
import { type NodeState, SnNode } from "./sn-node.ts";

export class NodeTable {
  readonly #limit: number;
  readonly #nodes = new Map<string, SnNode>();
  /** Those of which nothing but the memory is kept, in the order in which they went. */
  readonly #gone = new Set<SnNode>();
  readonly #counts: Record<NodeState, number> = {
    active: 0,
    asleep: 0,
    awake: 0,
    lost: 0,
    disconnected: 0,
  };

  constructor(limit: number) {
    this.#limit = limit;
  }

  get size(): number {
    return this.#nodes.size;
  }

  get full(): boolean {
    return this.#nodes.size >= this.#limit;
  }

  /** How many nodes are in each state. */
  get counts(): Readonly<Record<NodeState, number>> {
    return this.#counts;
  }

  /** The node that has been gone for longest without leaving a session, if any. */
  get oldestGone(): SnNode | undefined {
    for (const node of this.#gone) if (node.dialogue === undefined) return node;
    return undefined;
  }

  get(clientId: string): SnNode | undefined {
    return this.#nodes.get(clientId);
  }

  values(): IterableIterator<SnNode> {
    return this.#nodes.values();
  }

  /** The caller has seen to it that there is room, and no such node yet. */
  add(core: Core, clientId: string): SnNode {
    const node = new SnNode(core, clientId);
    this.#nodes.set(clientId, node);
    this.#counts[node.state]++;
    return node;
  }

  delete(node: SnNode): void {
    if (!this.#nodes.delete(node.clientId)) return;
    this.#gone.delete(node);
    this.#counts[node.state]--;
  }

  /** Moves a node to another state. */
  setState(node: SnNode, state: NodeState): void {
    this.#counts[node.state]--;
    this.#counts[state]++;
    node.state = state;
    this.#gone.delete(node);
    if ((state === "lost" || state === "disconnected") && node.clean) this.#gone.add(node);
  }
}
