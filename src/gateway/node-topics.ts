/** Gives a node topic ids and takes them back, within its quota and kept over restarts. */
import { isTopicName } from "../topics/names.ts";
import { proceed } from "./delivery.ts";
import type { SnNode } from "./sn-node.ts";
import { type TopicEntry, TopicRegistry } from "./topic-registry.ts";

/** Whether messages can be published on a topic of this name. */
export function isPublishable(node: SnNode, name: string): boolean {
  return isTopicName(name, node.core.options.maxTopicLevels);
}

/** The node's entry for a name, made where there is none; undefined where a quota is used up. */
export function entryFor(node: SnNode, name: string): TopicEntry | undefined {
  const { core, clientId } = node;
  const existing = node.topics?.find(name);
  if (existing !== undefined) return existing;
  if ((node.topics?.size ?? 0) >= core.options.maxTopicIds) return undefined;
  if (!core.memory.take(name.length)) return undefined;
  node.topics ??= new TopicRegistry();
  const entry = node.topics.assign(name, (id) => core.predefined.has(clientId, id));
  if (entry === undefined) {
    core.memory.give(name.length);
    return undefined;
  }
  core.records.putTopic(clientId, entry);
  if (core.records.full) {
    entry.stored = true;
    return entry;
  }
  core.records.afterCommit({
    settle: () => {
      entry.stored = true;
      if (node.outbound !== undefined) proceed(node);
    },
  });
  return entry;
}

/** Forgets all ids, as a clean session begins or the node is gone (§6.3). */
export function clearTopics(node: SnNode): void {
  const { core, clientId, topics } = node;
  if (topics === undefined) return;
  for (const entry of topics) {
    core.memory.give(entry.name.length);
    core.records.deleteTopic(clientId, entry.id);
  }
  node.topics = undefined;
}
