/** Rebuilds sessions and retained messages from the store. */
import type { Publisher } from "../seams/access.ts";
import type { StoredRecord } from "../seams/journal.ts";
import type { Broker } from "./broker.ts";
import type { Delivery } from "./delivery.ts";
import type { BrokerFact } from "./records.ts";
import { readRecord } from "./records.ts";
import type { Session } from "./session.ts";

/** Answers how many records were damaged, or belong to a session that is not there. */
export function restoreRecords(broker: Broker, records: readonly StoredRecord[]): number {
  const facts: BrokerFact[] = [];
  let damaged = 0;
  for (const record of records) {
    const fact = readRecord(record, broker.clock);
    if (fact === undefined) damaged++;
    else if (fact.kind === "session") restoreSession(broker, fact);
    else facts.push(fact);
  }
  const deliveries = new Map<Session, Delivery[]>();
  const publishers = new Map<string, Publisher>();
  for (const fact of facts) {
    if (fact.kind === "retained") broker.retained.restore(fact.message, shared(fact, publishers));
    else if (!restoreFact(broker, fact, deliveries)) damaged++;
  }
  // Groups are complete only when all subscriptions are there.
  for (const fact of facts) {
    if (fact.kind !== "delivery" || fact.group === undefined) continue;
    fact.delivery.group = broker.subscriptions.group(fact.group);
  }
  for (const [session, own] of deliveries) restoreDeliveries(session, own);
  return damaged;
}

function restoreSession(broker: Broker, fact: BrokerFact & { kind: "session" }): void {
  const session = broker.session(fact.clientId);
  session.origin = fact.origin;
  session.queueQos0 = fact.queueQos0;
  session.bridge = fact.bridge;
  session.persistent = true;
  session.sessionExpiry = fact.sessionExpiry;
  // A session held when the process ended has been without its client since no later than now.
  session.leftAt = fact.leftAt > 0 ? fact.leftAt : broker.clock.wall();
}

/** One object for all that the same publisher has left. */
function shared(
  { source }: BrokerFact & { kind: "retained" },
  publishers: Map<string, Publisher>,
): Publisher | undefined {
  if (source === undefined) return undefined;
  const { origin, listener, clientId, username } = source;
  const key = [origin, clientId, username === undefined ? "" : `u${username}`, listener].join("\0");
  const known = publishers.get(key);
  if (known === undefined) publishers.set(key, source);
  return known ?? source;
}

/** Deliveries are put together by session, in the order of their keys. */
function restoreFact(
  broker: Broker,
  fact: Exclude<BrokerFact, { kind: "retained" }>,
  deliveries: Map<Session, Delivery[]>,
): boolean {
  const session = broker.sessions.get(fact.clientId);
  switch (fact.kind) {
    case "subscription":
      if (session === undefined) return false;
      session.setSubscription(fact.filter, fact.subscription);
      broker.subscriptions.add(fact.filter, session, fact.subscription);
      return true;
    case "delivery": {
      if (session === undefined) return false;
      const own = deliveries.get(session);
      if (own === undefined) deliveries.set(session, [fact.delivery]);
      else own.push(fact.delivery);
      return true;
    }
    case "incoming":
      session?.incoming.restore(fact.packetId);
      return session !== undefined;
    case "session":
      return true;
  }
}

/** `deliveries` are in order of sequence. */
function restoreDeliveries(session: Session, deliveries: readonly Delivery[]): void {
  // What comes before a message that was sent was sent, too, since its record was written.
  const count = 1 + deliveries.findLastIndex(({ packetId }) => packetId > 0);
  const taken = new Set(deliveries.map(({ packetId }) => packetId));
  let free = 1;
  for (const delivery of deliveries.slice(0, count)) {
    delivery.storedId = delivery.packetId;
    if (delivery.packetId > 0) continue;
    while (taken.has(free)) free++;
    delivery.packetId = free++;
  }
  session.restore(deliveries.slice(0, count), deliveries.slice(count));
}
