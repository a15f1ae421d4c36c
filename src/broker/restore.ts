/** Rebuilds sessions, wills and retained messages from the store. */
import type { Publisher } from "../seams/access.ts";
import type { StoredRecord } from "../seams/journal.ts";
import type { Broker } from "./broker.ts";
import type { Delivery } from "./delivery.ts";
import { giveUpLeft, giveUpLeftInStore } from "./left-deliveries.ts";
import type { StoredSpan } from "./paged-queue.ts";
import type { BrokerFact } from "./records.ts";
import { readRecord } from "./records.ts";
import type { Session } from "./session.ts";

/** A session's deliveries, or those that one left which had ended when the process did. */
interface StoredDeliveries {
  readonly own: Map<Session, Delivery[]>;
  readonly left: (BrokerFact & { kind: "delivery" })[];
}

/** Answers how many records were damaged, or belong to a session that is not there. */
export function restoreRecords(
  broker: Broker,
  records: readonly StoredRecord[],
  backlogs: ReadonlyMap<string, StoredSpan>,
): number {
  const facts: BrokerFact[] = [];
  let damaged = 0;
  for (const record of records) {
    const fact = readRecord(record, broker.clock);
    if (fact === undefined) damaged++;
    else if (fact.kind === "session") restoreSession(broker, fact);
    else facts.push(fact);
  }
  const deliveries: StoredDeliveries = { own: new Map(), left: [] };
  const publishers = new Map<string, Publisher>();
  for (const fact of facts) {
    if (fact.kind === "queue time") broker.queueClock.restore(fact.time);
    else if (fact.kind === "will") broker.wills.restore(fact.clientId, fact.stored);
    else if (fact.kind === "retained")
      broker.retained.restore(fact.message, shared(fact, publishers));
    else if (!restoreFact(broker, fact, deliveries)) damaged++;
  }
  // Groups are complete only when all subscriptions are there.
  for (const fact of facts) {
    if (fact.kind !== "delivery" || fact.group === undefined) continue;
    fact.delivery.group = broker.subscriptions.group(fact.group);
  }
  const leftSpans = cutSpans(broker, backlogs, deliveries);
  for (const [session, own] of deliveries.own) {
    const span = backlogs.get(session.clientId);
    restoreDeliveries(session, own, span === undefined || span.count === 0 ? undefined : span);
  }
  for (const { until } of backlogs.values()) broker.records.pass(until);
  // Whoever gets these has all that came before in place.
  for (const { clientId, delivery } of deliveries.left.sort(bySequence)) {
    giveUpLeft(broker, clientId, delivery);
  }
  for (const [clientId, { from, until }] of leftSpans) {
    giveUpLeftInStore(broker, clientId, from, until);
  }
  return damaged;
}

function bySequence(
  { delivery: one }: BrokerFact & { kind: "delivery" },
  { delivery: other }: BrokerFact & { kind: "delivery" },
): number {
  return one.sequence - other.sequence;
}

/** Answers the parts of spans that are of sessions which had ended; what is left is of those there are. */
function cutSpans(
  broker: Broker,
  spans: ReadonlyMap<string, StoredSpan>,
  { own }: StoredDeliveries,
): Map<string, StoredSpan> {
  const left = new Map<string, StoredSpan>();
  for (const [clientId, span] of spans) {
    const session = broker.sessions.get(clientId);
    const since = Math.min(session?.since ?? Infinity, span.until + 1);
    if (span.from < since) {
      left.set(clientId, { ...span, until: since - 1 });
      span.from = since;
      span.count = Math.min(span.count, span.until - since + 1);
      span.isEstimate = true;
    }
    if (session !== undefined && span.count > 0 && !own.has(session)) own.set(session, []);
  }
  return left;
}

function restoreSession(broker: Broker, fact: BrokerFact & { kind: "session" }): void {
  const session = broker.session(fact.clientId);
  session.origin = fact.origin;
  session.queueQos0 = fact.queueQos0;
  session.bridge = fact.bridge;
  session.persistent = true;
  session.sessionExpiry = fact.sessionExpiry;
  session.since = fact.since;
  // The next delivery comes after whatever came before the session, though nothing of that is left.
  broker.records.pass(fact.since - 1);
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

/** Deliveries are put together by session, in the order of their keys. False: of a session not there. */
function restoreFact(
  broker: Broker,
  fact: Exclude<BrokerFact, { kind: "retained" | "will" | "queue time" }>,
  { own, left }: StoredDeliveries,
): boolean {
  const session = broker.sessions.get(fact.clientId);
  switch (fact.kind) {
    case "subscription":
      if (session === undefined) return false;
      session.setSubscription(fact.filter, fact.subscription);
      broker.subscriptions.add(fact.filter, session, fact.subscription);
      return true;
    case "delivery": {
      const { sequence } = fact.delivery;
      broker.records.pass(sequence);
      if (session === undefined || sequence < session.since) {
        left.push(fact);
        return true;
      }
      const some = own.get(session);
      if (some === undefined) own.set(session, [fact.delivery]);
      else some.push(fact.delivery);
      return true;
    }
    case "incoming":
      session?.incoming.restore(fact.packetId, fact.print);
      return session !== undefined;
    case "session":
      return true;
  }
}

function restoreDeliveries(
  session: Session,
  all: readonly Delivery[],
  span: StoredSpan | undefined,
): void {
  const deliveries = [...all].sort((one, other) => one.sequence - other.sequence);
  // What comes before a message that was sent was sent, too, since its record was written.
  const count = 1 + deliveries.findLastIndex(({ packetId }) => packetId > 0);
  const taken = new Set(deliveries.map(({ packetId }) => packetId));
  let free = 1;
  for (const delivery of deliveries.slice(0, count)) {
    if (delivery.packetId > 0) continue;
    while (taken.has(free)) free++;
    delivery.packetId = free++;
  }
  session.outgoing.restore(deliveries.slice(0, count), deliveries.slice(count), span);
}
