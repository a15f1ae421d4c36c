/**
 * From the broker to the node (MQTT-SN 1.2 §6.10): names become topic ids, registered first where
 * need be, and one REGISTER or QoS 1 or 2 PUBLISH is outstanding at a time.
 */
import { utf8Length } from "../bytes/utf8.ts";
import type { QoS } from "../mqtt/qos.ts";
import type { TopicIdType } from "../mqttsn/packets.ts";
import { shortTopicId } from "../mqttsn/short-topic.ts";
import type { Message } from "../seams/message.ts";
import { countDrop, countRetry, type DropReason } from "./node-counts.ts";
import { tell } from "./node-log.ts";
import { entryFor } from "./node-topics.ts";
import { type HeldDelivery, Outbound } from "./outbound.ts";
import { frameLength, maximumFrame } from "./output.ts";
import { canReceive, named, placeOf, type SnNode } from "./sn-node.ts";
import { schedule } from "./supervision.ts";
import type { TopicEntry } from "./topic-registry.ts";

/** Flags, TopicId and MsgId of PUBLISH; TopicId and MsgId of REGISTER. */
const PUBLISH_FIELDS = 5;
const REGISTER_FIELDS = 4;

export function outboundOf(node: SnNode): Outbound {
  node.outbound ??= new Outbound();
  return node.outbound;
}

/** A message from the broker; see `Peer.deliver`. */
export function deliver(
  node: SnNode,
  message: Message,
  qos: QoS,
  retain: boolean,
  dup: boolean,
  packetId: number,
): void {
  if (!hasRoom(node, qos)) {
    postpone(node, qos);
    return;
  }
  const { topic, payload } = message;
  if (frameLength(PUBLISH_FIELDS + payload.length) > maximumFrame(node)) {
    const why = `${payload.length} bytes on ${JSON.stringify(topic)} are too long`;
    drop(node, qos, packetId, "tooLong", why);
    return;
  }
  let entry = node.topics?.find(topic);
  if (entry === undefined) {
    const short = shortTopicId(topic);
    if (short !== undefined) {
      publish(node, message, "short", short, qos, retain, dup, packetId);
      return;
    }
    const predefined = node.core.predefined.idOf(node.clientId, topic);
    if (predefined !== undefined) {
      publish(node, message, "predefined", predefined, qos, retain, dup, packetId);
      return;
    }
    const fits = isRegistrable(node, topic);
    entry = fits ? entryFor(node, topic) : undefined;
    if (entry === undefined) {
      const why = `no topic id can be given for ${JSON.stringify(topic)}`;
      drop(node, qos, packetId, fits ? "noTopicId" : "tooLong", why);
      return;
    }
  }
  if (entry.known) {
    publish(node, message, "normal", entry.id, qos, retain, dup, packetId);
    return;
  }
  const held = { message, qos, retain, dup, packetId, entry, corrected: false };
  if (entry.rejected || !isRegistrable(node, topic)) {
    dropHeld(node, held);
    return;
  }
  message.keep();
  outboundOf(node).held.push(held);
  // What else was in flight before comes again too, once this is through.
  if (dup) node.redeliverDue = true;
  pause(node);
  proceed(node);
}

/** Whether the node can take a message of this QoS now; mostly the broker knows and waits. */
function hasRoom(node: SnNode, qos: QoS): boolean {
  if (!canReceive(node)) return false;
  const { outbound } = node;
  if (outbound === undefined) return true;
  if (outbound.held.length > 0 || outbound.waiting) return false;
  return qos === 0 || outbound.step === "idle";
}

/** QoS 1 and 2 messages stay in flight at the broker and come again with `redeliver`. */
function postpone(node: SnNode, qos: QoS): void {
  pause(node);
  if (qos > 0) node.redeliverDue = true;
  else countDrop(node, "away");
}

/** Whether a REGISTER of the name reaches the node. */
function isRegistrable(node: SnNode, name: string): boolean {
  return frameLength(REGISTER_FIELDS + utf8Length(name)) <= maximumFrame(node);
}

/** The message cannot go to this node, now or later: the publish procedure is aborted (§6.10). */
export function drop(
  node: SnNode,
  qos: QoS,
  packetId: number,
  reason: DropReason,
  why: string,
): void {
  countDrop(node, reason);
  tell(node, "info", `message for ${named(node)} at ${placeOf(node)} dropped: ${why}`);
  if (qos > 0) node.client?.discard(packetId);
}

export function dropHeld(node: SnNode, held: HeldDelivery): void {
  const name = JSON.stringify(held.entry.name);
  const reason = held.entry.rejected ? "refused" : "tooLong";
  drop(node, held.qos, held.packetId, reason, `${name} cannot be registered with it`);
}

function publish(
  node: SnNode,
  message: Message,
  topicIdType: TopicIdType,
  topicId: number,
  qos: QoS,
  retain: boolean,
  dup: boolean,
  packetId: number,
): void {
  const { core } = node;
  if (qos > 0) {
    const outbound = outboundOf(node);
    outbound.step = "publish";
    outbound.message = message.keep();
    outbound.qos = qos;
    outbound.retain = retain;
    outbound.packetId = packetId;
    outbound.topicIdType = topicIdType;
    outbound.topicId = topicId;
    outbound.corrected = false;
    awaitAnswer(node, outbound);
  }
  if (dup) countRetry(node);
  else node.messagesOut++;
  if (node.state === "awake" && ++node.fetched >= core.options.awakeMessages) pause(node);
  const messageId = qos > 0 ? packetId : 0;
  const { payload } = message;
  core.output.send(node, {
    kind: "publish",
    dup,
    qos,
    retain,
    topicIdType,
    topicId,
    messageId,
    payload,
  });
  core.reports.activity(node);
}

/** Of T_RETRY: what was sent so lately is on its way yet, and so may be an answer to an earlier copy. */
const ON_ITS_WAY = 0.25;

/** Whether what is outstanding was sent only just now. */
export function sentJustNow(node: SnNode, outbound: Outbound): boolean {
  const interval = node.link?.link?.retryInterval ?? 0;
  return node.core.clock.now() < outbound.retryAt - interval * (1 - ON_ITS_WAY);
}

/** The answer to what goes out now is awaited for T_RETRY. */
function awaitAnswer(node: SnNode, outbound: Outbound): void {
  outbound.retries = 0;
  outbound.waiting = false;
  outbound.retryAt = node.core.clock.now() + (node.link?.link?.retryInterval ?? 0);
  schedule(node, outbound.retryAt);
}

function register(node: SnNode, outbound: Outbound, entry: TopicEntry): void {
  outbound.step = "register";
  outbound.registerId = outbound.registerId === 0xffff ? 1 : outbound.registerId + 1;
  awaitAnswer(node, outbound);
  sendRegister(node, outbound, entry);
}

function sendRegister(node: SnNode, outbound: Outbound, entry: TopicEntry): void {
  node.core.output.send(node, {
    kind: "register",
    topicId: entry.id,
    messageId: outbound.registerId,
    topicName: entry.name,
  });
}

/** A QoS 2 message was received, and its PUBREL is to be sent; see `Peer.release`. */
export function release(node: SnNode, packetId: number): void {
  if (canReceive(node)) {
    const outbound = outboundOf(node);
    const its = outbound.step === "received" && outbound.packetId === packetId;
    if (!its && outbound.step !== "idle") {
      postpone(node, 2);
      return;
    }
    outbound.step = "pubrel";
    outbound.qos = 2;
    outbound.packetId = packetId;
    outbound.message = undefined;
    awaitAnswer(node, outbound);
  }
  node.core.output.send(node, { kind: "pubrel", messageId: packetId });
}

/** Goes on with what waits for the node, after something was answered. */
export function proceed(node: SnNode): void {
  const { outbound } = node;
  while (outbound !== undefined && outbound.held.length > 0) {
    if (outbound.step !== "idle" || outbound.waiting || !canReceive(node)) return;
    const held = outbound.held[0] as HeldDelivery;
    if (held.entry.known) {
      outbound.held.shift();
      const { message, qos, retain, dup, packetId, entry } = held;
      publish(node, message, "normal", entry.id, qos, retain, dup, packetId);
      if (held.corrected && qos > 0) outbound.corrected = true;
    } else if (!held.entry.rejected && isRegistrable(node, held.entry.name)) {
      if (held.entry.stored) register(node, outbound, held.entry);
      return;
    } else {
      outbound.held.shift();
      dropHeld(node, held);
    }
  }
  resume(node);
}

function pause(node: SnNode): void {
  if (node.paused) return;
  node.paused = true;
  node.client?.pause();
}

/** Lets the broker deliver where nothing speaks against it. */
export function resume(node: SnNode): void {
  const { client, outbound } = node;
  if (!node.paused || client === undefined || !canReceive(node)) return;
  if (outbound !== undefined && (outbound.held.length > 0 || outbound.waiting)) return;
  if (node.state === "awake" && node.fetched >= node.core.options.awakeMessages) return;
  if (!node.redeliverDue) {
    node.paused = false;
    client.resume();
  } else if (outbound === undefined || outbound.step === "idle") {
    node.paused = false;
    node.redeliverDue = false;
    client.redeliver();
  }
}

/** Stops sending to the node; what it has not acknowledged goes out again when it is back. */
export function suspend(node: SnNode): void {
  node.paused = true;
  node.client?.suspend();
  node.redeliverDue = true;
  const { outbound } = node;
  if (outbound === undefined) return;
  outbound.finish();
  // The broker keeps the others in flight.
  outbound.held = outbound.held.filter((held) => held.qos === 0);
  if (outbound.held.length === 0) node.outbound = undefined;
}

/** The node answered "congestion": it is left alone for T_WAIT, then asked the same again. */
export function waitForNode(node: SnNode, outbound: Outbound): void {
  pause(node);
  outbound.waiting = true;
  outbound.retries = 0;
  outbound.retryAt = node.core.clock.now() + node.core.options.waitInterval * 1000;
  schedule(node, outbound.retryAt);
}

/**
 * Sends the outstanding message again, with DUP where it has that flag, and waits for T_RETRY anew.
 */
export function repeat(node: SnNode, outbound: Outbound): void {
  const { output } = node.core;
  const { step, retries } = outbound;
  if (step === "idle" || step === "received") return;
  awaitAnswer(node, outbound);
  outbound.retries = retries;
  countRetry(node);
  node.core.log.debug(`${named(node)} at ${placeOf(node)}: ${step} sent again`);
  if (step === "register") {
    const held = outbound.held[0];
    if (held !== undefined) sendRegister(node, outbound, held.entry);
  } else if (step === "pubrel") {
    output.send(node, { kind: "pubrel", messageId: outbound.packetId });
  } else if (outbound.message !== undefined) {
    const { qos, retain, topicIdType, topicId, packetId: messageId } = outbound;
    const { payload } = outbound.message;
    const kind = "publish";
    output.send(node, { kind, dup: true, qos, retain, topicIdType, topicId, messageId, payload });
  }
}

/** T_RETRY is over. False where the node has not answered N_RETRY repetitions (§6.13). */
export function retry(node: SnNode, outbound: Outbound): boolean {
  if (!outbound.waiting && outbound.retries >= (node.link?.link?.retryLimit ?? 0)) {
    node.core.log.debug(`${named(node)} at ${placeOf(node)} does not answer ${outbound.step}`);
    return false;
  }
  outbound.retries = outbound.waiting ? 0 : outbound.retries + 1;
  repeat(node, outbound);
  return true;
}
