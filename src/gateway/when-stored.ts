/** Answers that promise something wait until it is durable. */
import type { SnNode } from "./sn-node.ts";

/** Runs `action` once all put so far is durable, unless the node's connection ended before. */
export function whenStored(node: SnNode, action: () => void): void {
  const { client } = node;
  node.core.records.afterCommit({
    settle: () => {
      if (client !== undefined && node.client === client) action();
    },
  });
}
