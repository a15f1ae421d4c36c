/** REGACK, PUBACK, PUBREC and PUBCOMP from a node, for what went to it (MQTT-SN 1.2 §6.10). */
import { type MessageIdOnly, ReturnCode, type TopicAck } from "../mqttsn/packets.ts";
import { drop, dropHeld, proceed, repeat, sentJustNow, waitForNode } from "./delivery.ts";
import { entryFor } from "./node-topics.ts";
import type { HeldDelivery, Outbound } from "./outbound.ts";
import { backToSleep } from "./sleep.ts";
import { canReceive, named, type SnNode } from "./sn-node.ts";
import type { TopicEntry } from "./topic-registry.ts";

export function handleRegack(node: SnNode, message: TopicAck): void {
  const { outbound } = node;
  if (outbound?.step !== "register" || outbound.registerId !== message.messageId) return;
  const held = outbound.held[0] as HeldDelivery;
  if (message.returnCode === ReturnCode.congestion) {
    congested(node, outbound);
    return;
  }
  outbound.finish();
  if (message.returnCode === ReturnCode.accepted) {
    held.entry.known = true;
  } else {
    // §6.10: a refusal stands for unsubscribing from that name. What a wildcard matches is kept out
    // by the mark.
    held.entry.rejected = true;
    node.client?.unsubscribe(held.entry.name);
    node.core.log.info(`${named(node)} refused topic ${JSON.stringify(held.entry.name)}`);
    outbound.held.shift();
    dropHeld(node, held);
  }
  proceed(node);
}

export function handlePuback(node: SnNode, message: TopicAck): void {
  const { outbound } = node;
  const { returnCode, messageId } = message;
  const accepted = returnCode === ReturnCode.accepted;
  if (outbound?.step !== "publish" || outbound.packetId !== messageId || outbound.qos === 0) {
    if (accepted) acceptLate(node, messageId);
    else if (returnCode === ReturnCode.invalidTopicId) forgetId(node, message.topicId);
    return;
  }
  if (!accepted && isStale(node, outbound)) return;
  if (accepted) {
    if (outbound.qos !== 1) return;
    outbound.finish();
    node.client?.acknowledge(messageId);
  } else if (returnCode === ReturnCode.congestion) {
    congested(node, outbound);
    return;
  } else if (returnCode !== ReturnCode.invalidTopicId || !correct(node, outbound)) {
    const { qos } = outbound;
    outbound.finish();
    drop(node, qos, messageId, "refused", `the node answered return code ${returnCode}`);
  }
  proceed(node);
}

/**
 * Whether a rejection may be that of the PUBLISH before the name was registered anew, come twice. If
 * it is not, the next repetition shows.
 */
function isStale(node: SnNode, outbound: Outbound): boolean {
  return outbound.corrected && outbound.retries === 0 && sentJustNow(node, outbound);
}

/** What was sent before the node fell asleep or out of sight is in flight at the broker still. */
function acceptLate(node: SnNode, packetId: number): void {
  if (!canReceive(node)) node.client?.acknowledge(packetId);
}

function congested(node: SnNode, outbound: Outbound): void {
  if (node.state === "awake") backToSleep(node);
  else waitForNode(node, outbound);
}

/**
 * The node does not know the id of a QoS 0 PUBLISH (§6.10): it is registered before the next one.
 */
function forgetId(node: SnNode, topicId: number): void {
  const entry = node.topics?.get(topicId);
  if (entry !== undefined) {
    entry.known = false;
    return;
  }
  const name = node.core.predefined.nameOf(node.clientId, topicId);
  if (name !== undefined) entryFor(node, name);
}

/**
 * Registers the name of the outstanding PUBLISH anew, to send it once again; false where that is of
 * no use.
 */
function correct(node: SnNode, outbound: Outbound): boolean {
  const { message, qos, retain, packetId } = outbound;
  if (outbound.corrected || message === undefined) return false;
  const entry = entryToCorrect(node, outbound);
  if (entry === undefined) return false;
  entry.known = false;
  const held = { message, qos, retain, dup: true, packetId, entry, corrected: true };
  outbound.finish();
  outbound.held.unshift(held);
  return true;
}

function entryToCorrect(node: SnNode, outbound: Outbound): TopicEntry | undefined {
  if (outbound.topicIdType === "short") return undefined;
  // A node that does not know a predefined id gets a normal one for that name.
  return entryFor(node, outbound.message?.topic ?? "");
}

export function handlePubrec(node: SnNode, message: MessageIdOnly): void {
  const { messageId } = message;
  const { outbound } = node;
  if (outbound?.packetId === messageId && outbound.qos === 2) {
    if (outbound.step === "publish") {
      outbound.finish();
      outbound.step = "received";
      node.client?.received(messageId);
      return;
    }
    if (outbound.step === "received") return;
    if (outbound.step === "pubrel") {
      repeat(node, outbound);
      return;
    }
  }
  // Nothing is known of it here: PUBREL ends the exchange at the node all the same.
  if (canReceive(node)) node.core.output.send(node, { kind: "pubrel", messageId });
  else node.client?.received(messageId);
}

export function handlePubcomp(node: SnNode, message: MessageIdOnly): void {
  const { outbound } = node;
  const { messageId } = message;
  if (outbound?.step !== "pubrel" || outbound.packetId !== messageId) {
    acceptLate(node, messageId);
    return;
  }
  outbound.finish();
  node.client?.acknowledge(messageId);
  proceed(node);
}
