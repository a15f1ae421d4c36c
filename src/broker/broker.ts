/**
 * The broker: sessions, the subscriptions that lead to them, and the way of a message from the
 * client that publishes it to the sessions that receive it. Everyone enters through the door.
 */

import type { QoS } from "../mqtt/qos.ts";
import { Reason, type ReasonCode } from "../mqtt/reason-codes.ts";
import type { Door, Entry, Leaving, Opening, Peer, PublishOutcome, Will } from "../seams/door.ts";
import { PENDING } from "../seams/door.ts";
import type { Journal, StoredRecord } from "../seams/journal.ts";
import type { Log } from "../seams/log.ts";
import { Message } from "../seams/message.ts";
import type { Clock } from "../time/clock.ts";
import type { Scheduler } from "../time/scheduler.ts";
import { isTopicFilter, isTopicName } from "../topics/names.ts";
import { SubscriptionTree } from "../topics/subscription-tree.ts";
import { ClientHold } from "./client-hold.ts";
import type { Counters } from "./counters.ts";
import { zeroCounters } from "./counters.ts";
import { Custody } from "./custody.ts";
import type { Delivery } from "./delivery.ts";
import { DropNotices } from "./drop-notices.ts";
import { GracePeriod } from "./grace-period.ts";
import type { BrokerOptions } from "./options.ts";
import { Records } from "./records.ts";
import { restoreRecords } from "./restore.ts";
import { RetainedMessages } from "./retained.ts";
import { Session } from "./session.ts";
import type { SessionContext } from "./session-context.ts";

export interface BrokerParts {
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  readonly journal: Journal;
  readonly log: Log;
  readonly options: BrokerOptions;
}

export class Broker implements Door, SessionContext {
  options: BrokerOptions;
  readonly records: Records;
  readonly retained: RetainedMessages;
  readonly counters: Counters = zeroCounters();
  readonly sessions = new Map<string, Session>();
  readonly subscriptions = new SubscriptionTree<Session, QoS>();
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  readonly log: Log;
  readonly #grace: GracePeriod;
  readonly #drops: DropNotices;
  #connected = 0;

  constructor({ clock, scheduler, journal, log, options }: BrokerParts) {
    this.clock = clock;
    this.scheduler = scheduler;
    this.log = log;
    this.options = options;
    this.records = new Records(journal);
    this.retained = new RetainedMessages(this.records);
    this.#grace = new GracePeriod(scheduler, clock, options.custodyGrace);
    this.#drops = new DropNotices(clock, log);
  }

  /** Sessions that a client holds now. */
  get connected(): number {
    return this.#connected;
  }

  /** Takes back what was stored; answers how many records were damaged and left out. */
  restore(records: readonly StoredRecord[]): number {
    return restoreRecords(this, records);
  }

  /** The session of a client identifier, made if there is none. */
  session(clientId: string): Session {
    let session = this.sessions.get(clientId);
    if (session === undefined) {
      session = new Session(clientId, this);
      this.sessions.set(clientId, session);
    }
    return session;
  }

  enter(opening: Opening, peer: Peer): Entry {
    const { clientId } = opening;
    let before = this.sessions.get(clientId);
    if (before?.peer !== undefined) {
      const former = before.peer;
      this.leave(before, "lost");
      former.evicted(Reason.sessionTakenOver);
      before = this.sessions.get(clientId);
    }
    if (before !== undefined && opening.cleanStart) {
      this.#end(before);
      before = undefined;
    }
    const session = this.session(clientId);
    session.origin = opening.origin;
    session.receiveMaximum = opening.receiveMaximum;
    session.queueQos0 = opening.queueQos0;
    session.bridge = opening.bridge === true;
    session.will = opening.will;
    const wasPersistent = session.persistent;
    session.persistent = opening.persistent;
    session.attach(peer);
    this.#connected++;
    this.counters.clientsMaximum = Math.max(this.counters.clientsMaximum, this.sessions.size);
    if (session.persistent) {
      this.records.putSession(session);
      if (!wasPersistent) {
        for (const [filter, qos] of session.subscriptions) {
          this.records.putSubscription(clientId, filter, qos);
        }
      }
    }
    const client = new ClientHold(this, session, peer);
    return { ok: true, client, sessionPresent: before !== undefined };
  }

  forget(clientId: string): void {
    const session = this.sessions.get(clientId);
    if (session !== undefined && session.peer === undefined) this.#end(session);
  }

  announce(topic: string, payload: Uint8Array, retain: boolean): void {
    const message = new Message(topic, payload, 0, retain);
    if (retain) this.retained.set(message, true);
    this.#route(message, undefined, undefined);
  }

  /** A message published by the client of `session`; see `Client.publish`. */
  publish(session: Session, peer: Peer, message: Message, packetId: number): PublishOutcome {
    const { qos } = message;
    this.counters.publishReceived++;
    this.counters.publishBytesReceived += message.payload.length;
    if (!isTopicName(message.topic, this.options.maxTopicLevels)) return Reason.topicNameInvalid;
    const { incoming } = session;
    if (qos === 2 && incoming.has(packetId)) return incoming.again(packetId, peer);
    if (!mayPublish(message.topic)) return Reason.notAuthorized;
    if (message.retain && !this.options.retainAvailable) return Reason.retainNotSupported;
    let custody: Custody | undefined;
    if (qos > 0) {
      custody = new Custody(peer, packetId);
      if (qos === 2) incoming.add(packetId, custody);
    }
    if (message.retain) {
      this.retained.set(message, false);
      if (custody !== undefined) {
        custody.expect();
        this.records.afterCommit(custody);
      }
    }
    const reached = this.#route(message, session, custody);
    if (custody !== undefined && !custody.seal()) return PENDING;
    return reached > 0 ? Reason.success : Reason.noMatchingSubscribers;
  }

  subscribe(session: Session, filter: string, qos: QoS): ReasonCode {
    if (!isTopicFilter(filter, this.options.maxTopicLevels)) return Reason.topicFilterInvalid;
    session.subscriptions.set(filter, qos);
    this.subscriptions.add(filter, session, qos);
    if (session.persistent) this.records.putSubscription(session.clientId, filter, qos);
    return qos as ReasonCode;
  }

  /** Delivers the retained messages that a new subscription matches [MQTT-3.3.1-6]. */
  deliverRetained(session: Session, filter: string, qos: QoS): void {
    const messages = this.retained.find(filter);
    for (const message of messages) {
      const lesser = Math.min(message.qos, qos) as QoS;
      session.deliver(message, lesser, true, undefined, messages.length);
    }
  }

  unsubscribe(session: Session, filter: string): boolean {
    if (!session.subscriptions.delete(filter)) return false;
    this.subscriptions.remove(filter, session);
    if (session.persistent) this.records.deleteSubscription(session.clientId, filter);
    return true;
  }

  leave(session: Session, how: Leaving): void {
    const { will } = session;
    this.#connected--;
    session.detach(this.clock.wall());
    if (!session.persistent) this.#end(session);
    else this.records.putSession(session);
    if (will !== undefined && how !== "normal") this.#publishWill(will);
  }

  /** Ends sessions whose client has been away for longer than allowed. */
  expireSessions(): void {
    const { sessionExpiry } = this.options;
    if (sessionExpiry === 0) return;
    const limit = this.clock.wall() - sessionExpiry;
    for (const session of [...this.sessions.values()]) {
      if (session.leftAt !== undefined && session.leftAt < limit) {
        this.log.info(`Expiring client ${session.clientId} due to timeout.`);
        this.counters.sessionsExpired++;
        this.#end(session);
      }
    }
  }

  afterGrace(session: Session, delivery: Delivery): void {
    this.#grace.add(session, delivery);
  }

  delivered(message: Message): void {
    this.counters.publishSent++;
    this.counters.publishBytesSent += message.payload.length;
  }

  dropped(session: Session, _message: Message): void {
    this.counters.publishDropped++;
    this.#drops.note(session.clientId);
  }

  #publishWill(will: Will): void {
    if (!isTopicName(will.topic, this.options.maxTopicLevels) || !mayPublish(will.topic)) return;
    const message = new Message(will.topic, will.payload, will.qos, will.retain);
    if (will.retain && this.options.retainAvailable) this.retained.set(message, false);
    this.#route(message, undefined, undefined);
  }

  /** Delivers to every session that subscribes, and answers how many there were. */
  #route(message: Message, publisher: Session | undefined, custody: Custody | undefined): number {
    const matches = this.subscriptions.match(message.topic);
    for (let index = 0; index < matches.length; index++) {
      const { subscriber, options } = matches[index] as (typeof matches)[number];
      if (subscriber === publisher && subscriber.bridge) continue;
      let granted: QoS = options[0] as QoS;
      for (let other = 1; other < options.length; other++) {
        if ((options[other] as QoS) > granted) granted = options[other] as QoS;
      }
      const qos = granted < message.qos ? granted : message.qos;
      subscriber.deliver(message, qos, subscriber.bridge && message.retain, custody);
    }
    message.encodedIn = undefined;
    return matches.length;
  }

  #end(session: Session): void {
    for (const filter of session.subscriptions.keys()) this.subscriptions.remove(filter, session);
    session.end();
    this.sessions.delete(session.clientId);
  }
}

const BRIDGE_STATE = /^\$SYS\/broker\/connection\/[^/]+\/state$/;

/** Clients do not publish what the broker says of itself, save a bridge whether it is connected. */
function mayPublish(topic: string): boolean {
  return !topic.startsWith("$SYS/") || BRIDGE_STATE.test(topic);
}
