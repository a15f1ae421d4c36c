/** Rebuilds the nodes from what was stored before a restart. */
import type { StoredRecord } from "../seams/journal.ts";
import { enter } from "./connection.ts";
import type { Core } from "./core.ts";
import type { LinkState } from "./link-state.ts";
import { type NodeFact, readRecord, type TopicFact } from "./node-records.ts";
import { changeState } from "./node-state.ts";
import { hostOfKey } from "./sender-host.ts";
import { named, type SnNode } from "./sn-node.ts";
import { supervise } from "./supervision.ts";
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
  node.messagesIn = fact.messagesIn;
  node.messagesOut = fact.messagesOut;
  node.retries = fact.retries;
  node.dropped = fact.dropped;
  node.since = fact.since;
  node.storedLastSeen = fact.lastSeen;
  const link = linkNamed(fact.link);
  node.link = link;
  node.addressKey = fact.addressKey;
  core.nodes.setState(node, fact.state);
  if (fact.state === "active" || fact.state === "asleep") takeBack(node, link);
  return true;
}

/** Has the node hold its session as it did before the restart, if it would still be let in. */
function takeBack(node: SnNode, link: LinkState): void {
  const { core, clientId, addressKey } = node;
  if (!core.admission.admits(clientId, link.name)) {
    leaveOut(node, "it is not let in any more");
    return;
  }
  const from = { key: addressKey, host: hostOfKey(addressKey) };
  core.access.admit(clientId, link.name, from, (admission) => {
    // It may have connected, or have been forgotten, before the answer came.
    if (node.client !== undefined || core.nodes.get(clientId) !== node) return;
    if ("refused" in admission) {
      leaveOut(node, `access control refuses it (0x${admission.refused.toString(16)})`);
      return;
    }
    node.identity = admission;
    const refusal = enter(node, false);
    if (refusal !== undefined) {
      leaveOut(node, `the broker refuses it (0x${refusal.toString(16)})`);
      return;
    }
    // It keeps its place until it is heard from there.
    link.nodes.set(addressKey, node);
    supervise(node);
  });
}

function leaveOut(node: SnNode, why: string): void {
  node.core.log.warn(`${named(node)} not restored: ${why}`);
  changeState(node, "disconnected");
}

function restoreTopic(core: Core, { clientId, id, name }: TopicFact): boolean {
  const node = core.nodes.get(clientId);
  if (node === undefined) return false;
  node.topics ??= new TopicRegistry();
  if (!node.topics.restore(id, name)) return false;
  core.memory.force(name.length);
  return true;
}
