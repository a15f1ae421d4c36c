/** Predefined topic ids that stand for two names at once. */
import { isPattern } from "../topics/client-id-pattern.ts";
import { clash, MOST_PATTERNS, nodeOf } from "../topics/predefined-topic.ts";
import type { PredefinedTopicConfig } from "./schema.ts";
import { quote } from "./show-value.ts";

export interface PlacedTopic {
  readonly topic: PredefinedTopicConfig;
  /** How a message calls it. */
  readonly place: string;
  readonly line: number;
}

export interface PredefinedConflict {
  /** The index of the one that comes too late. */
  readonly at: number;
  readonly message: string;
}

export function predefinedConflicts(topics: readonly PlacedTopic[]): PredefinedConflict[] {
  const found: PredefinedConflict[] = [];
  const exact = new Map<string, PlacedTopic>();
  const patterns = new Map<number, PlacedTopic[]>();
  let count = 0;
  for (const [at, placed] of topics.entries()) {
    const { topic } = placed;
    const node = nodeOf(topic);
    const key = `${topic.id} ${node}`;
    const first = exact.get(key);
    if (first === undefined) exact.set(key, placed);
    else if (first.topic.name !== topic.name) found.push({ at, message: taken(placed, first) });
    if (first !== undefined || !isPattern(node)) continue;
    count++;
    if (count === MOST_PATTERNS + 1) {
      found.push({ at, message: `there are more than ${MOST_PATTERNS} patterns of client ids` });
    }
    if (count > MOST_PATTERNS) continue;
    const others = patterns.get(topic.id) ?? [];
    const other = others.find((one) => clash(one.topic, topic));
    if (other !== undefined) found.push({ at, message: ambiguous(placed, other) });
    patterns.set(topic.id, [...others, placed]);
  }
  return found;
}

function taken({ topic }: PlacedTopic, { place }: PlacedTopic): string {
  const node = nodeOf(topic);
  const who = node === "" ? "all nodes" : `${isPattern(node) ? "nodes" : "node"} ${quote(node)}`;
  return `topic id ${topic.id} is defined for ${who} by ${place} already`;
}

function ambiguous({ topic }: PlacedTopic, other: PlacedTopic): string {
  return `topic id ${topic.id} of nodes ${quote(nodeOf(topic))} is another topic for nodes ${quote(nodeOf(other.topic))} by ${other.place}, and a node may fit both`;
}
