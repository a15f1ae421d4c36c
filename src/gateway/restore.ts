/** Rebuilds the nodes from what was stored before a restart. */
import type { StoredRecord } from "../seams/journal.ts";
import { enter } from "./connection.ts";
import type { Core } from "./core.ts";
import type { LinkState } from "./link-state.ts";
import { type NodeFact, readRecord, type TopicFact } from "./node-records.ts";
import { named } from "./sn-node.ts";
import { TopicRegistry } from "./topic-registry.ts";

/** Takes the records in any order; answers how many were damaged or belong to no node. */
export function restoreNodes(
  core: Core,
  linkNamed: (name: string) => LinkState,
  records: Iterable<StoredRecord>,
): number {
  const topics: TopicFact[] = [];
  let damaged = 0;
  for (const { key, value } of records) {
    const fact = readRecord(key, value);
    if (fact === undefined) damaged++;
    else if (fact.kind === "topic") topics.push(fact);
    else if (!restoreNode(core, linkNamed, fact)) damaged++;
  }
  for (const fact of topics) if (!restoreTopic(core, fact)) damaged++;
  return damaged;
}

/** A node that was connected holds its session again, but gets nothing before it is heard. */
function restoreNode(core: Core, linkNamed: (name: string) => LinkState, fact: NodeFact): boolean {
  if (core.nodes.get(fact.clientId) !== undefined) return false;
  const { will } = fact;
  // What was admitted once stays, also where bounds were lowered since.
  core.memory.force(fact.clientId.length);
  if (will !== undefined) core.memory.force(will.topic.length + will.payload.length);
  const node = core.nodes.add(core, fact.clientId);
  node.established = true;
  node.clean = fact.clean;
  node.keepAlive = fact.keepAlive;
  node.sleepDuration = fact.sleepDuration;
  node.will = will;
  node.since = fact.since;
  node.storedLastSeen = fact.lastSeen;
  let { state } = fact;
  const link = linkNamed(fact.link);
  node.link = link;
  node.addressKey = fact.addressKey;
  if (state === "active" || state === "asleep") {
    const refusal = enter(node, false);
    if (refusal !== undefined) {
      core.log.warn(
        `${named(node)} not restored: the broker refuses it (0x${refusal.toString(16)})`,
      );
      state = "disconnected";
    }
  }
  core.nodes.setState(node, state);
  // It keeps its place until it is heard from there.
  if (node.client !== undefined) link.nodes.set(fact.addressKey, node);
  return true;
}

function restoreTopic(core: Core, { clientId, id, name }: TopicFact): boolean {
  const node = core.nodes.get(clientId);
  if (node === undefined) return false;
  node.topics ??= new TopicRegistry();
  if (!node.topics.restore(id, name)) return false;
  core.memory.force(name.length);
  return true;
}
