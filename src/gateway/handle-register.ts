/** REGISTER from a node (MQTT-SN 1.2 §6.5). */
import { type Register, ReturnCode } from "../mqttsn/packets.ts";
import { entryFor, isPublishable } from "./node-topics.ts";
import { named, type SnNode } from "./sn-node.ts";
import type { TopicEntry } from "./topic-registry.ts";
import { whenStored } from "./when-stored.ts";

export function handleRegister(node: SnNode, message: Register): void {
  const { topicName, messageId } = message;
  if (!isPublishable(node, topicName)) {
    answer(node, 0, messageId, ReturnCode.notSupported);
    return;
  }
  const entry = entryFor(node, topicName);
  if (entry === undefined) {
    complainOfQuota(node, topicName);
    answer(node, 0, messageId, ReturnCode.congestion);
    return;
  }
  if (entry.stored) accept(node, entry, messageId);
  else whenStored(node, () => accept(node, entry, messageId));
}

function accept(node: SnNode, entry: TopicEntry, messageId: number): void {
  acceptEntry(entry);
  answer(node, entry.id, messageId, ReturnCode.accepted);
}

/** The node is being told the id, of its own wish. */
export function acceptEntry(entry: TopicEntry): void {
  entry.known = true;
  entry.rejected = false;
}

export function complainOfQuota(node: SnNode, name: string): void {
  if (node.link?.complaints.allow(`${node.addressKey} topic ids`) !== true) return;
  const count = node.topics?.size ?? 0;
  node.core.log.warn(
    `${named(node)} gets no topic id for ${JSON.stringify(name)}: it has ${count}, and no more are allowed`,
  );
}

function answer(node: SnNode, topicId: number, messageId: number, returnCode: ReturnCode): void {
  node.core.output.send(node, { kind: "regack", topicId, messageId, returnCode });
}
