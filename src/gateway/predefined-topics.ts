/**
 * Topic ids that nodes know beforehand (MQTT-SN 1.2 §6.7): for all nodes, for those whose ClientId
 * fits a pattern, and for single ones. What is meant for fewer nodes goes before what is for more.
 */
import { isPattern, matchesClientId, weightOf } from "../topics/client-id-pattern.ts";
import { nodeOf, type PredefinedTopic } from "../topics/predefined-topic.ts";

class Table {
  readonly names = new Map<number, string>();
  /** In the order in which they are listed. */
  readonly ids = new Map<string, number[]>();

  set(id: number, name: string): void {
    if (this.names.has(id)) return;
    this.names.set(id, name);
    const ids = this.ids.get(name);
    if (ids === undefined) this.ids.set(name, [id]);
    else ids.push(id);
  }
}

/** Tables that hold for a node, the most particular one first. */
type View = readonly Table[];

/** Nodes whose patterns are remembered. */
const VIEWS = 20_000;

export class PredefinedTopics {
  #all: View = [new Table()];
  #byNode = new Map<string, View>();
  /** The most particular one first. */
  #patterns: { readonly pattern: string; readonly table: Table }[] = [];
  readonly #views = new Map<string, View>();
  /** Equal views are one, however many nodes have it; by the numbers of their patterns. */
  readonly #shared = new Map<string, View>();

  constructor(topics: readonly PredefinedTopic[]) {
    this.set(topics);
  }

  /** Replaces all of them, at once for all nodes. */
  set(topics: readonly PredefinedTopic[]): void {
    const tables = new Map<string, Table>();
    for (const topic of topics) {
      const node = nodeOf(topic);
      let table = tables.get(node);
      if (table === undefined) {
        table = new Table();
        tables.set(node, table);
      }
      table.set(topic.id, topic.name);
    }
    this.#views.clear();
    this.#shared.clear();
    this.#all = [tables.get("") ?? new Table()];
    tables.delete("");
    this.#patterns = [...tables]
      .filter(([node]) => isPattern(node))
      .map(([pattern, table]) => ({ pattern, table }))
      .sort((one, other) => weightOf(other.pattern) - weightOf(one.pattern));
    this.#byNode = new Map(
      [...tables]
        .filter(([node]) => !isPattern(node))
        .map(([node, table]) => [node, [table, ...this.#fitting(node)]]),
    );
  }

  /** The name that the id stands for to a node; "" for one who is no node. */
  nameOf(clientId: string, id: number): string | undefined {
    for (const { names } of this.#viewOf(clientId)) {
      const name = names.get(id);
      if (name !== undefined) return name;
    }
    return undefined;
  }

  /** An id under which the node knows the name, or undefined. */
  idOf(clientId: string, name: string): number | undefined {
    for (const { ids } of this.#viewOf(clientId)) {
      for (const id of ids.get(name) ?? []) {
        // A table that goes before may give that id another meaning.
        if (this.nameOf(clientId, id) === name) return id;
      }
    }
    return undefined;
  }

  /** Whether the id is taken for the node, so that it is not assigned to another name. */
  has(clientId: string, id: number): boolean {
    return this.nameOf(clientId, id) !== undefined;
  }

  #viewOf(clientId: string): View {
    const own = this.#byNode.get(clientId);
    if (own !== undefined) return own;
    if (this.#patterns.length === 0 || clientId === "") return this.#all;
    const known = this.#views.get(clientId);
    if (known !== undefined) return known;
    if (this.#views.size >= VIEWS) this.#views.clear();
    const view = this.#fitting(clientId);
    this.#views.set(clientId, view);
    return view;
  }

  /** The tables of the patterns that fit, and that for all. */
  #fitting(clientId: string): View {
    const fitting = [...this.#patterns.keys()].filter((index) =>
      matchesClientId(this.#patterns[index]?.pattern ?? "", clientId),
    );
    const key = fitting.join();
    let view = this.#shared.get(key);
    if (view === undefined) {
      const tables = fitting.flatMap((index) => this.#patterns[index]?.table ?? []);
      view = [...tables, ...this.#all];
      this.#shared.set(key, view);
    }
    return view;
  }
}
