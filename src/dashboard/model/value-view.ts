/** Which topics are shown, in what order: the filter box and the sortable columns. */
import type { Value, ValueStore } from "./value-store.ts";

export type ValueColumn = "topic" | "age" | "count";

export interface ValueQuery {
  /** Words that must all occur in a topic, in any case. */
  readonly filter: string;
  readonly column: ValueColumn;
  readonly descending: boolean;
  /** Rows shown at most. */
  readonly limit: number;
}

export interface ValueView {
  readonly rows: readonly Value[];
  /** Topics that match the filter, shown or not. */
  readonly matching: number;
  /** Topics there are. */
  readonly total: number;
  readonly missed: number;
}

export const EMPTY_VIEW: ValueView = { rows: [], matching: 0, total: 0, missed: 0 };

export function viewValues(store: ValueStore, query: ValueQuery): ValueView {
  const words = query.filter.toLowerCase().split(/\s+/).filter(Boolean);
  const topics =
    words.length === 0
      ? store.topics()
      : store.topics().filter((topic) => matches(topic.toLowerCase(), words));
  return {
    rows: pick(store, topics, query),
    matching: topics.length,
    total: store.size,
    missed: store.missed,
  };
}

function matches(topic: string, words: readonly string[]): boolean {
  return words.every((word) => topic.includes(word));
}

function pick(store: ValueStore, topics: readonly string[], query: ValueQuery): Value[] {
  const { column, descending, limit } = query;
  if (column === "topic") {
    const shown = descending ? topics.slice(-limit).reverse() : topics.slice(0, limit);
    return shown.map((topic) => store.get(topic) as Value);
  }
  const key = column === "age" ? ageKey : countKey;
  const sign = descending ? -1 : 1;
  return topics
    .map((topic) => store.get(topic) as Value)
    .sort((a, b) => sign * (key(a) - key(b)))
    .slice(0, limit);
}

/** Grows with age; a value of unknown age counts as older than any other. */
function ageKey(value: Value): number {
  return value.stored ? Number.MAX_VALUE : -value.heardAt;
}

function countKey(value: Value): number {
  return value.count;
}
