/** SUBSCRIBE and UNSUBSCRIBE (MQTT-SN 1.2 §6.9). */
import type { QoS } from "../mqtt/qos.ts";
import { isFailure, type ReasonCode } from "../mqtt/reason-codes.ts";
import {
  ReturnCode,
  type Subscribe,
  type TopicReference,
  type Unsubscribe,
} from "../mqttsn/packets.ts";
import { hasWildcard, isTopicFilter } from "../topics/names.ts";
import { acceptEntry, complainOfQuota } from "./handle-register.ts";
import { entryFor, isPublishable } from "./node-topics.ts";
import { returnCodeOf } from "./return-codes.ts";
import { named, type SnNode } from "./sn-node.ts";
import type { TopicEntry } from "./topic-registry.ts";
import { whenStored } from "./when-stored.ts";

/** What a TopicReference stands for; `returnCode` where it cannot be subscribed to. */
interface Target {
  readonly returnCode: ReturnCode;
  readonly filter: string;
  /** Of SUBACK; 0 where it is not relevant (§5.4.16). */
  readonly topicId: number;
  readonly entry: TopicEntry | undefined;
}

function rejected(returnCode: ReturnCode, topicId: number): Target {
  return { returnCode, filter: "", topicId, entry: undefined };
}

function accepted(filter: string, topicId: number, entry?: TopicEntry): Target {
  return { returnCode: ReturnCode.accepted, filter, topicId, entry };
}

function targetOf(node: SnNode, topic: TopicReference): Target {
  switch (topic.type) {
    case "predefined": {
      const name = node.core.predefined.nameOf(node.clientId, topic.topicId);
      if (name === undefined) return rejected(ReturnCode.invalidTopicId, topic.topicId);
      return accepted(name, topic.topicId);
    }
    case "short":
      // §6.7: no wildcards in short names.
      if (!isPublishable(node, topic.name)) return rejected(ReturnCode.notSupported, 0);
      return accepted(topic.name, 0);
    case "name":
      return namedTarget(node, topic.name);
  }
}

function namedTarget(node: SnNode, name: string): Target {
  if (!isTopicFilter(name, node.core.options.maxTopicLevels)) {
    return rejected(ReturnCode.notSupported, 0);
  }
  if (hasWildcard(name)) return accepted(name, 0);
  const entry = entryFor(node, name);
  if (entry !== undefined) return accepted(name, entry.id, entry);
  complainOfQuota(node, name);
  return rejected(ReturnCode.congestion, 0);
}

export function handleSubscribe(node: SnNode, message: Subscribe): void {
  const { client } = node;
  if (client === undefined) return;
  const { messageId } = message;
  const { returnCode, filter, topicId, entry } = targetOf(node, message.topic);
  if (returnCode !== ReturnCode.accepted) {
    answer(node, 0, topicId, messageId, returnCode);
    return;
  }
  // QoS -1 is for PUBLISH only; here it becomes 0.
  const asked = message.qos < 0 ? 0 : (message.qos as QoS);
  const settle = (granted: ReasonCode): void => {
    if (isFailure(granted)) {
      complain(node, filter, granted);
      answer(node, 0, topicId, messageId, returnCodeOf(granted));
      return;
    }
    const qos = granted as QoS;
    // A node that keeps its session relies on the subscription from SUBACK on.
    whenStored(node, () => {
      if (entry !== undefined) acceptEntry(entry);
      answer(node, qos, topicId, messageId, ReturnCode.accepted);
      client.deliverRetained(filter, qos);
    });
  };
  if (client.askSubscription === undefined) {
    settle(client.subscribe(filter, asked));
    return;
  }
  client.askSubscription(filter, asked, (granted) => {
    if (node.client === client) settle(granted);
  });
}

function answer(
  node: SnNode,
  qos: QoS,
  topicId: number,
  messageId: number,
  returnCode: ReturnCode,
): void {
  node.core.output.send(node, { kind: "suback", qos, topicId, messageId, returnCode });
}

function complain(node: SnNode, filter: string, reason: number): void {
  if (node.link?.complaints.allow(`${node.addressKey} subscribe`) !== true) return;
  const code = reason.toString(16);
  node.core.log.warn(
    `${named(node)} may not subscribe to ${JSON.stringify(filter)}: the broker refuses it (0x${code})`,
  );
}

/** Acknowledged whether or not there was such a subscription. */
export function handleUnsubscribe(node: SnNode, message: Unsubscribe): void {
  const { topic, messageId } = message;
  const name =
    topic.type === "predefined"
      ? node.core.predefined.nameOf(node.clientId, topic.topicId)
      : topic.name;
  // UNSUBACK cannot say no: as with MQTT 3.1.1, the subscription stays.
  const mayGo = name !== undefined && node.identity?.rights?.mayUnsubscribe(name) !== false;
  if (mayGo) node.client?.unsubscribe(name);
  whenStored(node, () => node.core.output.send(node, { kind: "unsuback", messageId }));
}
