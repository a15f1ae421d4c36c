/** A node's will data, kept by the gateway also while the node is away (MQTT-SN 1.2 §6.3). */
import type { Will } from "../seams/door.ts";
import { named, type SnNode } from "./sn-node.ts";

function sizeOf(will: Will | undefined): number {
  return will === undefined ? 0 : will.topic.length + will.payload.length;
}

/**
 * Whether access rules would let the will be published now. They are asked again when it is to be, so
 * that this only tells the node in time.
 */
export function mayPublishWill(node: SnNode, will: Will | undefined): boolean {
  const rights = node.identity?.rights;
  if (will === undefined || rights === undefined) return true;
  const { topic, payload, qos, retain } = will;
  if (rights.mayPublish(topic, payload, qos, retain)) return true;
  if (node.link?.complaints.allow(`${node.addressKey} will`) === true) {
    const name = JSON.stringify(topic);
    node.core.log.warn(`${named(node)} may not have a will on ${name}: it will not be published`);
  }
  return false;
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
