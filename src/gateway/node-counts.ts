/** Counts what becomes of messages for a node, for it and for its link. */
import type { SnNode } from "./sn-node.ts";

/**
 * Why a message for a node was given up: longer than what reaches it, or its name is; no topic id
 * was left for its name; the node refused it; a QoS 0 message when the node was away.
 */
export type DropReason = "tooLong" | "noTopicId" | "refused" | "away";

export function countDrop(node: SnNode, reason: DropReason, count = 1): void {
  if (count === 0) return;
  node.dropped += count;
  node.drops ??= {};
  node.drops[reason] = (node.drops[reason] ?? 0) + count;
  if (node.link !== undefined) node.link.counters.dropped += count;
  node.core.reports.activity(node);
}

/** A message goes to the node again, as it did not answer. */
export function countRetry(node: SnNode): void {
  node.retries++;
  if (node.link !== undefined) node.link.counters.retransmissions++;
  // One that was never connected leaves no trace.
  if (node.established) node.core.reports.activity(node);
}
