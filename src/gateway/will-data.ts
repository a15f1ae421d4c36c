/** A node's will data, kept by the gateway also while the node is away (MQTT-SN 1.2 §6.3). */
import type { Will } from "../seams/door.ts";
import type { SnNode } from "./sn-node.ts";

function sizeOf(will: Will | undefined): number {
  return will === undefined ? 0 : will.topic.length + will.payload.length;
}

/** Replaces the will data; false, and nothing changed, where the gateway's memory is used up. */
export function keepWill(node: SnNode, will: Will | undefined): boolean {
  const { memory } = node.core;
  const before = sizeOf(node.will);
  memory.give(before);
  if (!memory.take(sizeOf(will))) {
    memory.take(before);
    return false;
  }
  node.will = will;
  return true;
}
