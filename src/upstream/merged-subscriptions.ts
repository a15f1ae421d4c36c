/**
 * What all nodes together subscribe to at the upstream broker over the connection that they share: each
 * filter once, and who of them gets what comes.
 */
import type { PublishPacket, SubscriptionRequest } from "../mqtt/packets.ts";
import type { QoS } from "../mqtt/qos.ts";
import { isFailure, Reason, type ReasonCode } from "../mqtt/reason-codes.ts";
import type { MqttClient } from "../mqtt-client/mqtt-client.ts";
import type { Recipient } from "../seams/directed-door.ts";
import type { Log } from "../seams/log.ts";
import type { Random } from "../time/clock.ts";
import type { Scheduler } from "../time/scheduler.ts";
import { SubscriptionTree } from "../topics/subscription-tree.ts";
import { RetainedWaiters } from "./retained-waiters.ts";

interface Merged {
  readonly filter: string;
  /** Subscription Identifier, by which a server of MQTT 5.0 says what brought a message. */
  readonly identifier: number;
  /** The highest that was asked for. */
  qos: QoS;
  readonly clients: Map<string, QoS>;
}

interface Ask {
  readonly merged: Merged;
  /** Undefined when it is for all who have it already. */
  readonly node:
    | {
        readonly clientId: string;
        readonly qos: QoS;
        readonly answer: (outcome: ReasonCode) => void;
      }
    | undefined;
}

/** SUBSCRIBEs under way at a time when all is asked for again. */
const AT_ONCE = 100;
/** The highest Subscription Identifier. */
const LAST_IDENTIFIER = 268_435_455;

export class MergedSubscriptions {
  readonly #log: Log;
  readonly #byFilter = new Map<string, Merged>();
  readonly #byIdentifier = new Map<number, Merged>();
  readonly #byClient = new Map<string, Set<string>>();
  readonly #tree = new SubscriptionTree<string, QoS, QoS>(highest);
  readonly #waiters: RetainedWaiters;
  /** What the upstream broker is to answer, by packet identifier; undefined is an UNSUBSCRIBE. */
  readonly #asked = new Map<number, Ask | undefined>();
  /** To be asked for again on this connection. */
  #again: Merged[] = [];
  /** Left by all while there was no connection. */
  readonly #left = new Set<string>();
  #client: MqttClient | undefined;
  #identifiers = false;
  #retainHandling: 0 | 1 = 0;
  #opened = false;
  #lastIdentifier: number;

  constructor(scheduler: Scheduler, random: Random, log: Log) {
    this.#log = log;
    // Messages of before a restart may come with identifiers of then, which are not to be mistaken.
    this.#lastIdentifier = Math.floor(random() * LAST_IDENTIFIER);
    this.#waiters = new RetainedWaiters(scheduler);
  }

  isTaken(packetId: number): boolean {
    return this.#asked.has(packetId);
  }

  /** A subscription of before a restart. */
  restore(clientId: string, filter: string, qos: QoS): void {
    this.#grant(this.#merged(filter), clientId, qos);
  }

  /**
   * Asks for a node's subscription, also where others have the same filter: it is to get the retained
   * messages.
   */
  ask(clientId: string, filter: string, qos: QoS, answer: (outcome: ReasonCode) => void): void {
    const client = this.#client;
    if (client === undefined) {
      answer(Reason.serverUnavailable);
    } else if (filter.startsWith("$share/")) {
      // It would have to be shared among the nodes here.
      answer(Reason.sharedSubscriptionsNotSupported);
    } else {
      const merged = this.#merged(filter);
      this.#waiters.add(filter, clientId, qos);
      this.#send(client, { merged, node: { clientId, qos, answer } }, 0);
    }
  }

  /** False if there was no such subscription. */
  remove(clientId: string, filter: string): boolean {
    this.#waiters.remove(filter, clientId);
    const merged = this.#byFilter.get(filter);
    if (merged === undefined || !merged.clients.delete(clientId)) return false;
    this.#tree.remove(filter, clientId);
    const filters = this.#byClient.get(clientId);
    filters?.delete(filter);
    if (filters?.size === 0) this.#byClient.delete(clientId);
    this.#dropUnused(merged);
    return true;
  }

  forget(clientId: string): void {
    for (const filter of [...(this.#byClient.get(clientId) ?? [])]) this.remove(clientId, filter);
  }

  open(client: MqttClient, sessionPresent: boolean, identifiers: boolean): void {
    this.#client = client;
    this.#identifiers = identifiers;
    // Identifiers are those of this process: a session of before it was started has others.
    const known = sessionPresent && (this.#opened || !identifiers);
    this.#opened = true;
    this.#retainHandling = sessionPresent ? 1 : 0;
    this.#again = known ? [] : [...this.#byFilter.values()];
    const left = [...this.#left];
    this.#left.clear();
    if (sessionPresent) for (const filter of left) this.#unsubscribe(filter);
    this.#askAgain();
  }

  close(): void {
    this.#client = undefined;
    this.#again = [];
    const asked = [...this.#asked.values()];
    this.#asked.clear();
    for (const ask of asked) {
      ask?.node?.answer(Reason.serverUnavailable);
      if (ask !== undefined) this.#dropUnused(ask.merged);
    }
  }

  subscribed(packetId: number, codes: readonly number[]): void {
    const ask = this.#asked.get(packetId);
    this.#asked.delete(packetId);
    if (ask !== undefined) this.#settle(ask, codes[0] as ReasonCode);
    this.#askAgain();
  }

  unsubscribed(packetId: number): void {
    this.#asked.delete(packetId);
    this.#askAgain();
  }

  /** Who gets a message that has come; empty if nobody wants it (any more). */
  recipients({ topic, retain, properties }: PublishPacket): readonly Recipient[] {
    const filters = this.#filtersOf(properties?.subscriptionIdentifiers);
    if (retain) {
      const waiting = this.#waiters.take(topic, filters);
      if (waiting !== undefined) return waiting;
    }
    if (filters === undefined) {
      return this.#tree
        .match(topic)
        .map(({ subscriber, grant }) => ({ clientId: subscriber, qos: grant, retain }));
    }
    const found = new Map<string, QoS>();
    for (const filter of filters) {
      for (const [clientId, qos] of this.#byFilter.get(filter)?.clients ?? []) {
        found.set(clientId, highest([qos, found.get(clientId) ?? 0]));
      }
    }
    return Array.from(found, ([clientId, qos]) => ({ clientId, qos, retain }));
  }

  /** Undefined where the upstream broker does not say it, or says what is not known here. */
  #filtersOf(identifiers: readonly number[] | undefined): ReadonlySet<string> | undefined {
    if (identifiers === undefined || !this.#identifiers) return undefined;
    const filters = new Set<string>();
    for (const identifier of identifiers) {
      const merged = this.#byIdentifier.get(identifier);
      if (merged === undefined) return undefined;
      filters.add(merged.filter);
    }
    return filters;
  }

  #merged(filter: string): Merged {
    let merged = this.#byFilter.get(filter);
    if (merged === undefined) {
      merged = { filter, identifier: this.#nextIdentifier(), qos: 0, clients: new Map() };
      this.#byFilter.set(filter, merged);
      this.#byIdentifier.set(merged.identifier, merged);
      this.#left.delete(filter);
    }
    return merged;
  }

  #nextIdentifier(): number {
    do {
      this.#lastIdentifier =
        this.#lastIdentifier === LAST_IDENTIFIER ? 1 : this.#lastIdentifier + 1;
    } while (this.#byIdentifier.has(this.#lastIdentifier));
    return this.#lastIdentifier;
  }

  #grant(merged: Merged, clientId: string, qos: QoS): void {
    merged.qos = highest([merged.qos, qos]);
    merged.clients.set(clientId, qos);
    this.#tree.add(merged.filter, clientId, qos);
    const filters = this.#byClient.get(clientId) ?? new Set();
    filters.add(merged.filter);
    this.#byClient.set(clientId, filters);
  }

  #askAgain(): void {
    const client = this.#client;
    while (client !== undefined && this.#asked.size < AT_ONCE) {
      const merged = this.#again.pop();
      if (merged === undefined) return;
      if (merged.clients.size === 0) continue;
      this.#send(client, { merged, node: undefined }, this.#retainHandling);
    }
  }

  #send(client: MqttClient, ask: Ask, retainHandling: 0 | 1): void {
    const { merged, node } = ask;
    const { filter, identifier } = merged;
    const qos = highest([merged.qos, node?.qos ?? 0]);
    const request: SubscriptionRequest = { filter, qos, retainHandling };
    const properties = this.#identifiers ? { subscriptionIdentifiers: [identifier] } : undefined;
    const problem = client.subscribeProblem([request], properties);
    const packetId = problem === undefined ? client.subscribe([request], properties) : 0;
    if (packetId > 0) this.#asked.set(packetId, ask);
    else this.#settle(ask, problem ?? Reason.quotaExceeded);
  }

  #settle({ merged, node }: Ask, outcome: ReasonCode): void {
    const { filter } = merged;
    const refused = isFailure(outcome);
    if (node === undefined) {
      if (refused) {
        const what = JSON.stringify(filter);
        this.#log.notice(`upstream refuses the subscription to ${what}, which nodes had before`);
      }
      return;
    }
    const { clientId, qos, answer } = node;
    if (refused) {
      this.#waiters.remove(filter, clientId);
      answer(outcome);
    } else {
      this.#grant(merged, clientId, qos);
      answer(Math.min(outcome, qos) as ReasonCode);
    }
    this.#dropUnused(merged);
  }

  /** Unsubscribes from what nobody wants or is about to get. */
  #dropUnused(merged: Merged): void {
    const { filter, identifier, clients } = merged;
    if (clients.size > 0 || this.#byFilter.get(filter) !== merged) return;
    for (const ask of this.#asked.values()) if (ask?.merged === merged) return;
    this.#byFilter.delete(filter);
    this.#byIdentifier.delete(identifier);
    this.#unsubscribe(filter);
  }

  #unsubscribe(filter: string): void {
    const packetId = this.#client?.unsubscribe([filter]) ?? 0;
    if (packetId > 0) this.#asked.set(packetId, undefined);
    else this.#left.add(filter);
  }
}

function highest(all: readonly QoS[]): QoS {
  return Math.max(...all) as QoS;
}
