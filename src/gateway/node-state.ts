/** Moves nodes between the states of MQTT-SN 1.2 §6.14, seen by those who count and report. */
import type { NodeState, SnNode } from "./sn-node.ts";

export function changeState(node: SnNode, state: NodeState): void {
  if (node.state === state) return;
  const { core } = node;
  core.nodes.setState(node, state);
  node.since = core.clock.wall();
  core.reports.stateChanged(node);
}

/** The node was heard: supervision starts anew. */
export function heard(node: SnNode): void {
  node.lastHeard = node.core.clock.now();
  node.storedLastSeen = undefined;
  node.probed = false;
  if (node.client !== undefined) node.core.reports.activity(node);
}
