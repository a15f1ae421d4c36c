/** Where nodes are: a node is its ClientId, and its address is where it was last heard. */
import type { LinkAddress } from "../seams/link.ts";
import { forget } from "./admission.ts";
import { suspend } from "./delivery.ts";
import type { LinkState } from "./link-state.ts";
import { tell } from "./node-log.ts";
import { named, placeOf, type SnNode } from "./sn-node.ts";

/** Puts the node at an address, from where it may drive away another. */
export function putAt(node: SnNode, link: LinkState, address: LinkAddress): void {
  const { core } = node;
  const there = link.nodes.get(address.key);
  if (there === node) {
    node.address ??= address;
    return;
  }
  if (there !== undefined) driveAway(there, node);
  const from = node.client === undefined ? undefined : placeOf(node);
  leavePlace(node);
  // Whoever wished to sleep there is awake now, or another.
  link.sleepWishes.take(address.key);
  link.nodes.set(address.key, node);
  node.link = link;
  node.address = address;
  node.addressKey = address.key;
  if (from !== undefined) {
    tell(node, "info", `${named(node)} moved from ${from} to ${placeOf(node)}`);
    core.records.putNode(node);
  }
}

/** Takes the node off its address; the key stays for those who want to know where it was. */
export function leavePlace(node: SnNode): void {
  const { link } = node;
  if (link !== undefined && link.nodes.get(node.addressKey) === node) {
    link.nodes.delete(node.addressKey);
  }
  node.address = undefined;
}

/**
 * What is sent to the address would reach the other node now, so that the one that was there gets
 * nothing until it is heard elsewhere; its supervision goes on.
 */
function driveAway(node: SnNode, by: SnNode): void {
  leavePlace(node);
  node.dialogue = undefined;
  if (node.client !== undefined) {
    tell(node, "info", `${named(node)} is no longer at ${placeOf(node)}: ${named(by)} is`);
    suspend(node);
  } else if (!node.established) {
    forget(node);
  }
}
