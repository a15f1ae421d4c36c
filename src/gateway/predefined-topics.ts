/** Topic ids that nodes know beforehand (MQTT-SN 1.2 §6.7): for all nodes, and for single ones. */
import type { PredefinedTopic } from "./options.ts";

class Table {
  readonly names = new Map<number, string>();
  readonly ids = new Map<string, number>();

  set(id: number, name: string): void {
    this.names.set(id, name);
    // A name under several ids is sent under the one that is listed first.
    if (!this.ids.has(name)) this.ids.set(name, id);
  }
}

export class PredefinedTopics {
  readonly #all = new Table();
  readonly #byNode = new Map<string, Table>();

  constructor(topics: readonly PredefinedTopic[]) {
    for (const { id, name, node } of topics) this.#tableOf(node ?? "").set(id, name);
  }

  #tableOf(clientId: string): Table {
    if (clientId === "") return this.#all;
    let table = this.#byNode.get(clientId);
    if (table === undefined) {
      table = new Table();
      this.#byNode.set(clientId, table);
    }
    return table;
  }

  /** The name that the id stands for to a node; "" for one who is no node. */
  nameOf(clientId: string, id: number): string | undefined {
    return this.#byNode.get(clientId)?.names.get(id) ?? this.#all.names.get(id);
  }

  /** An id under which the node knows the name, or undefined. */
  idOf(clientId: string, name: string): number | undefined {
    const own = this.#byNode.get(clientId);
    if (own === undefined) return this.#all.ids.get(name);
    const ownId = own.ids.get(name);
    if (ownId !== undefined) return ownId;
    const id = this.#all.ids.get(name);
    // The node's own table may give that id another meaning.
    return id !== undefined && own.names.has(id) ? undefined : id;
  }

  /** Whether the id is taken for the node, so that it is not assigned to another name. */
  has(clientId: string, id: number): boolean {
    return this.nameOf(clientId, id) !== undefined;
  }
}
