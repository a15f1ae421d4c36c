/** PUBLISH and PUBREL from a node (MQTT-SN 1.2 §6.6). */
import type { QoS } from "../mqtt/qos.ts";
import { isFailure, type ReasonCode } from "../mqtt/reason-codes.ts";
import { type MessageIdOnly, type Publish, ReturnCode } from "../mqttsn/packets.ts";
import { shortTopicName } from "../mqttsn/short-topic.ts";
import { PENDING } from "../seams/door.ts";
import { Message } from "../seams/message.ts";
import { isPublishable } from "./node-topics.ts";
import { PendingPublishes } from "./pending-publishes.ts";
import { returnCodeOf } from "./return-codes.ts";
import { named, type SnNode } from "./sn-node.ts";

export function handlePublish(node: SnNode, message: Publish): void {
  const { client } = node;
  if (client === undefined) return;
  const topic = topicOf(node, message);
  if (topic === undefined) {
    acknowledge(node, message, ReturnCode.invalidTopicId);
    return;
  }
  // From a connected node QoS -1 is QoS 0: its identity is known, and it wants no answer.
  const silent = message.qos === -1;
  const qos = silent ? 0 : (message.qos as QoS);
  const { messageId } = message;
  if (qos > 0 && !isAcceptable(node, message)) return;
  node.messagesIn++;
  const published = new Message(topic, message.payload, qos, message.retain, true);
  const outcome = client.publish(published, messageId, message.dup);
  if (outcome === PENDING) {
    node.pending ??= new PendingPublishes();
    node.pending.add(messageId, message.topicId, qos);
  } else if (isFailure(outcome)) {
    complain(node, topic, outcome);
    if (!silent) acknowledge(node, message, returnCodeOf(outcome));
  } else if (qos === 1) {
    acknowledge(node, message, ReturnCode.accepted);
  } else if (qos === 2) {
    node.core.output.send(node, { kind: "pubrec", messageId });
  }
}

/** The name that the message is for; undefined where the id stands for none. */
function topicOf(node: SnNode, message: Publish): string | undefined {
  const { topicId } = message;
  switch (message.topicIdType) {
    case "normal":
      return node.topics?.get(topicId)?.name;
    case "predefined":
      return node.core.predefined.nameOf(node.clientId, topicId);
    case "short":
      return publishableShortName(node, topicId);
  }
}

function publishableShortName(node: SnNode, topicId: number): string | undefined {
  const name = shortTopicName(topicId);
  return name !== undefined && isPublishable(node, name) ? name : undefined;
}

/** Whether another QoS 1 or 2 message may wait for custody; answers the node where not. */
function isAcceptable(node: SnNode, message: Publish): boolean {
  const { pending } = node;
  if (pending === undefined) return true;
  if (pending.has(message.messageId)) {
    // Its answer comes when the first one is safe; a second copy would only take room.
    return !message.dup;
  }
  if (pending.size < node.core.options.maxPending) return true;
  acknowledge(node, message, ReturnCode.congestion);
  return false;
}

function acknowledge(node: SnNode, message: Publish, returnCode: ReturnCode): void {
  const { topicId, messageId } = message;
  node.core.output.send(node, { kind: "puback", topicId, messageId, returnCode });
}

function complain(node: SnNode, topic: string, reason: ReasonCode): void {
  if (node.link?.complaints.allow(`${node.addressKey} publish`) !== true) return;
  const code = reason.toString(16);
  const may = returnCodeOf(reason) === ReturnCode.congestion ? "cannot" : "may not";
  node.core.log.warn(
    `${named(node)} ${may} publish on ${JSON.stringify(topic)}: the broker refuses it (0x${code})`,
  );
}

/** A message is safe now, or refused after all: it is acknowledged; see `Peer.published`. */
export function publishSettled(
  node: SnNode,
  messageId: number,
  reason: ReasonCode | undefined,
): void {
  const publish = node.pending?.take(messageId);
  if (publish === undefined) return;
  const { topicId, qos } = publish;
  const refused = reason !== undefined && isFailure(reason);
  if (qos === 2 && !refused) {
    node.core.output.send(node, { kind: "pubrec", messageId });
    return;
  }
  const returnCode = refused ? returnCodeOf(reason) : ReturnCode.accepted;
  node.core.output.send(node, { kind: "puback", topicId, messageId, returnCode });
}

/** Answered whether or not the message was known, as the node repeats it until it is. */
export function handlePubrel(node: SnNode, message: MessageIdOnly): void {
  node.client?.release(message.messageId);
}

/** A QoS 2 message is released for good; see `Peer.completed`. */
export function publishCompleted(node: SnNode, messageId: number): void {
  node.core.output.send(node, { kind: "pubcomp", messageId });
}
