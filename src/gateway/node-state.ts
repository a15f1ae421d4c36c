/** Moves nodes between the states of MQTT-SN 1.2 §6.14, seen by those who count and report. */
import type { NodeState, SnNode } from "./sn-node.ts";

export function changeState(node: SnNode, state: NodeState): void {
  if (node.state === state) return;
  const { core } = node;
  core.nodes.setState(node, state);
  node.since = core.clock.wall();
  core.reports.stateChanged(node);
}

/**
 * How old the record of a node may become that is heard, but changes nothing of what is stored at
 * once: what an unexpected end costs of its counters, ms.
 */
const STALE = 6 * 3_600_000;

/** The node was heard: supervision starts anew. */
export function heard(node: SnNode): void {
  const { core } = node;
  const now = core.clock.now();
  node.lastHeard = now;
  node.storedLastSeen = undefined;
  node.probed = false;
  if (node.client === undefined) return;
  core.reports.activity(node);
  if (now - node.storedAt > STALE) core.records.putNode(node);
}
