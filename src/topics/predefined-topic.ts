/** Topic ids that are known beforehand (MQTT-SN 1.2 §6.7), as configurations and operators give them. */
import { isPattern, patternsMeet, weightOf } from "./client-id-pattern.ts";

export interface PredefinedTopic {
  /** 1 to 65534 (§5.3.11). */
  readonly id: number;
  readonly name: string;
  /** A ClientId, or a pattern; for all nodes where absent, empty or `*`. */
  readonly node?: string | undefined;
}

export const LOWEST_TOPIC_ID = 1;
export const HIGHEST_TOPIC_ID = 0xfffe;
/** Patterns of ClientIds are looked through one by one for every new node. */
export const MOST_PATTERNS = 1000;
/** Characters of a pattern; what is no pattern may be as long as ClientIds are. */
export const LONGEST_PATTERN = 256;

/** Whom it holds for: "" for all nodes. */
export function nodeOf({ node }: PredefinedTopic): string {
  return node === undefined || node === "*" ? "" : node;
}

export function isNodePattern(node: string): boolean {
  return !isPattern(node) || node.length <= LONGEST_PATTERN;
}

/**
 * Whether some node could not tell for which of the two names the id stands. One that is meant for
 * fewer nodes goes before one for more, and so is no clash.
 */
export function clash(one: PredefinedTopic, other: PredefinedTopic): boolean {
  if (one.id !== other.id || one.name === other.name) return false;
  const [a, b] = [nodeOf(one), nodeOf(other)];
  if (a === b) return true;
  if (!isPattern(a) || !isPattern(b)) return false;
  return weightOf(a) === weightOf(b) && patternsMeet(a, b);
}
