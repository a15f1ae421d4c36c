/** Answers that promise something wait until it is durable. */
import type { SnNode } from "./sn-node.ts";

/**
 * Runs `action` once all put so far is durable, unless the node's connection ended before. While the
 * disk takes nothing, the promise is given without: what is lost with a restart the node finds out and
 * asks for again, but without an answer it could do nothing at all.
 */
export function whenStored(node: SnNode, action: () => void): void {
  const { client } = node;
  if (node.core.records.full) {
    action();
    return;
  }
  node.core.records.afterCommit({
    settle: () => {
      if (client !== undefined && node.client === client) action();
    },
  });
}
