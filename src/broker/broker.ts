/**
 * The broker: sessions, the subscriptions that lead to them, and the way of a message from the
 * client that publishes it to the sessions that receive it. Everyone enters through the door.
 */
import type { QoS } from "../mqtt/qos.ts";
import { Reason, type ReasonCode } from "../mqtt/reason-codes.ts";
import type { Access, ConnectedClients, ControlEndpoint, Publisher } from "../seams/access.ts";
import type {
  Door,
  Entry,
  Leaving,
  Opening,
  Peer,
  PublishOutcome,
  SessionTerms,
  SubscriptionOptions,
} from "../seams/door.ts";
import { PENDING } from "../seams/door.ts";
import type { BrokerHooks } from "../seams/hooks.ts";
import type { Journal, StoredRecord } from "../seams/journal.ts";
import type { Log } from "../seams/log.ts";
import { Message } from "../seams/message.ts";
import type { Clock } from "../time/clock.ts";
import type { Scheduler } from "../time/scheduler.ts";
import { isTopicFilter, isTopicName } from "../topics/names.ts";
import { ClientHold } from "./client-hold.ts";
import type { Counters } from "./counters.ts";
import { zeroCounters } from "./counters.ts";
import { Custody } from "./custody.ts";
import type { Delivery } from "./delivery.ts";
import { AGED, DROPPED, DropNotices, REFUSED } from "./drop-notices.ts";
import { GracePeriod } from "./grace-period.ts";
import { ListenerCounts } from "./listener-counts.ts";
import type { BrokerOptions } from "./options.ts";
import type { StoredSpan } from "./paged-queue.ts";
import { publishWill } from "./publish-will.ts";
import { QueueClock } from "./queue-clock.ts";
import { QueueSweep } from "./queue-sweep.ts";
import { deliveryKeyParts, Records, readRecord } from "./records.ts";
import { mayAnyonePublish } from "./reserved-topics.ts";
import { restoreRecords } from "./restore.ts";
import { RetainedMessages } from "./retained.ts";
import { Session } from "./session.ts";
import type { SessionContext } from "./session-context.ts";
import { SessionExpiry } from "./session-expiry.ts";
import { sharedFilter } from "./shared-filter.ts";
import { needsStore } from "./store-need.ts";
import { isSameSubscription, type Subscription, subscriptionOf } from "./subscription.ts";
import { Subscriptions } from "./subscriptions.ts";
import { DelayedWills, type LeftWill, leftWill } from "./will-delay.ts";

export interface BrokerParts {
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  readonly journal: Journal;
  readonly log: Log;
  readonly options: BrokerOptions;
  /** Who may come in by a listener; where there is none, the listener alone decides. */
  readonly access?: Access | undefined;
  readonly hooks?: BrokerHooks | undefined;
}

/** What entering came to, with the hold that the broker's own connections know more of. */
type HeldEntry =
  | Exclude<Entry, { ok: true }>
  | (Extract<Entry, { ok: true }> & { client: ClientHold });

const NO_BACKLOGS: ReadonlyMap<string, StoredSpan> = new Map();

export class Broker implements Door, SessionContext, ConnectedClients {
  options: BrokerOptions;
  readonly records: Records;
  readonly retained: RetainedMessages;
  readonly counters: Counters = zeroCounters();
  readonly sessions = new Map<string, Session>();
  readonly subscriptions = new Subscriptions();
  /** Of those who came through listeners. */
  readonly listenerCounts = new ListenerCounts();
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  readonly log: Log;
  readonly access: Access | undefined;
  readonly #hooks: BrokerHooks;
  /** Set by the shell while the process takes more memory than it may. */
  memoryFull = false;
  readonly #grace: GracePeriod;
  /** By which queues tell how long messages have waited. */
  readonly queueClock: QueueClock;
  readonly queueSweep: QueueSweep;
  readonly #drops: DropNotices;
  readonly #agedDrops: DropNotices;
  readonly #refusals: DropNotices;
  /** Some session has terms by which publishers are refused. */
  #hasRefusers = false;
  readonly wills: DelayedWills;
  readonly #expiry: SessionExpiry;
  readonly #controls = new Map<string, ControlEndpoint>();
  #connected = 0;

  constructor({ clock, scheduler, journal, log, options, access, hooks = {} }: BrokerParts) {
    this.clock = clock;
    this.scheduler = scheduler;
    this.log = log;
    this.options = options;
    this.access = access;
    this.#hooks = hooks;
    this.records = new Records(journal, clock);
    this.retained = new RetainedMessages(this.records, access);
    this.#grace = new GracePeriod(scheduler, clock, () => this.options.custodyGrace);
    this.queueClock = new QueueClock(clock, this.records);
    this.queueSweep = new QueueSweep(this);
    this.#drops = new DropNotices(scheduler, log, DROPPED);
    this.#agedDrops = new DropNotices(scheduler, log, AGED);
    this.#refusals = new DropNotices(scheduler, log, REFUSED);
    const publish = (left: LeftWill) => publishWill(this, hooks.published, left);
    this.wills = new DelayedWills({ clock, scheduler, records: this.records, publish });
    this.#expiry = new SessionExpiry(clock, scheduler, (session) => {
      log.info(`Expiring client ${session.clientId} due to timeout.`);
      this.counters.sessionsExpired++;
      this.#end(session);
    });
    if (access !== undefined) access.onChange = () => this.#recheckRights();
  }

  /** Sessions that a client holds now. */
  get connected(): number {
    return this.#connected;
  }

  /**
   * Takes back what was stored; answers how many records were damaged and left out. `backlogs` says
   * which deliveries are not among `records` (see BacklogTally).
   */
  restore(records: readonly StoredRecord[], backlogs = NO_BACKLOGS): number {
    const damaged = restoreRecords(this, records, backlogs);
    // Other identifiers than lately, for nodes: their late answers to what an earlier life sent, of
    // which nothing is known any more, would pass for answers to what is sent now.
    const first = 1 + (Math.floor(this.clock.wall() / 10) % 0xffff);
    for (const session of this.sessions.values()) {
      if (session.origin === "mqtt-sn") session.outgoing.continueWith(first);
      if (session.peer === undefined) this.#expiry.begin(session, this.options.sessionExpiry);
    }
    this.queueSweep.start();
    return damaged;
  }

  /** Has requests to a topic under `$CONTROL/` carried out. */
  control(endpoint: ControlEndpoint): void {
    this.#controls.set(endpoint.topic, endpoint);
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

  enter(opening: Opening, peer: Peer): HeldEntry {
    const { clientId } = opening;
    let before = this.sessions.get(clientId);
    if (before?.peer !== undefined) {
      const former = before.peer;
      this.leave(before, "lost", undefined);
      former.evicted(Reason.sessionTakenOver);
      before = this.sessions.get(clientId);
    }
    if (before !== undefined && opening.cleanStart) {
      this.wills.cancelHeld(clientId);
      this.#end(before);
      before = undefined;
    }
    const { maxClients } = this.options;
    if (before === undefined && maxClients > 0 && this.sessions.size >= maxClients) {
      return { ok: false, reason: Reason.quotaExceeded };
    }
    this.wills.cancel(clientId);
    const session = this.session(clientId);
    this.#expiry.cancel(session);
    const wasPersistent = session.persistent;
    session.origin = opening.origin;
    session.username = opening.username;
    session.rights = opening.rights;
    session.receiveMaximum = opening.receiveMaximum;
    session.queueQos0 = opening.queueQos0;
    session.outgoing.share(opening.room);
    session.terms = opening.terms;
    if (opening.terms !== undefined) this.#heed(opening.terms);
    session.bridge = opening.bridge === true;
    session.will = opening.will;
    // What is in the store of a session that is not to be kept any more goes when the session ends.
    session.persistent = opening.persistent || wasPersistent;
    session.sessionExpiry = opening.persistent ? opening.sessionExpiry : 0;
    session.attach(peer);
    session.outgoing.dropForbidden(true);
    this.#connected++;
    this.counters.clientsMaximum = Math.max(this.counters.clientsMaximum, this.sessions.size);
    if (session.persistent) {
      this.records.putSession(session);
      if (!wasPersistent) {
        for (const [filter, subscription] of session.subscriptions) {
          this.records.putSubscription(clientId, filter, subscription);
        }
      }
    }
    this.wills.keep(session);
    const client = new ClientHold(this, session, peer);
    this.#hooks.connected?.(opening);
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

  disconnect(
    test: (client: { readonly clientId: string; readonly username: string | undefined }) => boolean,
    reason: ReasonCode,
  ): number {
    let count = 0;
    for (const session of [...this.sessions.values()]) {
      const { peer } = session;
      if (peer === undefined || !test(session)) continue;
      count++;
      this.leave(session, "lost", undefined);
      peer.evicted(reason);
    }
    return count;
  }

  addresses(
    test: (client: { readonly clientId: string; readonly username: string | undefined }) => boolean,
  ): readonly string[] {
    const found: string[] = [];
    for (const session of this.sessions.values()) {
      const address = session.peer?.ipAddress;
      if (address !== undefined && test(session)) found.push(address);
    }
    return found;
  }

  /** A message published by the client of `session`; see `Client.publish`. */
  publish(
    session: Session,
    peer: Peer,
    message: Message,
    packetId: number,
    dup: boolean,
  ): PublishOutcome {
    const { qos, topic } = message;
    this.counters.publishReceived++;
    this.counters.publishBytesReceived += message.payload.length;
    if (!isTopicName(topic, this.options.maxTopicLevels)) return Reason.topicNameInvalid;
    if (qos === 2 && session.incoming.isRepeated(packetId, dup, message)) {
      return session.incoming.again(packetId, peer);
    }
    const refusal = this.#refusal(session, message);
    if (refusal !== undefined) return refusal;
    const isRequest = topic.startsWith("$CONTROL/");
    const { published } = this.#hooks;
    const passed =
      published === undefined || isRequest ? message : published(message, session, false);
    const mayRefuse = qos > 0 && passed !== undefined && !isRequest && this.mayRefuse(session);
    if (mayRefuse && this.#isRefusedBy(passed, session)) return Reason.quotaExceeded;
    let custody: Custody | undefined;
    if (qos > 0) {
      custody = new Custody(peer, packetId);
      custody.hasRoom = mayRefuse;
      if (qos === 2) session.incoming.add(packetId, custody, message);
    }
    // A request may hold passwords: it is kept nowhere.
    if (passed?.retain === true && this.options.retainAvailable && !isRequest) {
      // Where a hook has put it elsewhere, it is not the publisher who has a right to be there.
      this.retained.set(
        passed,
        false,
        passed.topic === topic ? session.rights?.publisher : undefined,
      );
      if (custody !== undefined) {
        custody.expect();
        this.records.afterCommit(custody);
      }
    }
    let reached = 0;
    if (isRequest) reached = this.#carryOut(session, message);
    else if (passed !== undefined) reached = this.#route(passed, session, custody);
    const reason =
      reached > 0 || passed === undefined ? Reason.success : Reason.noMatchingSubscribers;
    return custody?.seal(reason) === false ? PENDING : reason;
  }

  #refusal(session: Session, message: Message): ReasonCode | undefined {
    const { rights } = session;
    const { topic, payload, qos, retain } = message;
    if (topic.charCodeAt(0) === 0x24 && !mayAnyonePublish(topic)) return Reason.notAuthorized;
    if (rights?.mayPublish(topic, payload, qos, retain) === false) return Reason.notAuthorized;
    if (topic.startsWith("$CONTROL/") && !mayManage(session)) return Reason.notAuthorized;
    if (retain && !this.options.retainAvailable) return Reason.retainNotSupported;
    // What is acknowledged must be kept, and there is no more room to keep it in.
    if (this.memoryFull) return Reason.quotaExceeded;
    const isLacking = this.records.full && !topic.startsWith("$CONTROL/");
    if (isLacking && needsStore(message, session, this.subscriptions.match(topic))) {
      return Reason.quotaExceeded;
    }
    return undefined;
  }

  /** A request to a `$CONTROL` topic; its response goes to the client that made it alone. */
  #carryOut(session: Session, message: Message): number {
    const endpoint = this.#controls.get(message.topic);
    if (endpoint === undefined) return 0;
    const respond = (response: Uint8Array): void => {
      const answer = new Message(`${endpoint.topic}/response`, response, 0, false);
      for (const { subscriber, grant } of this.subscriptions.match(answer.topic)) {
        if (subscriber === session) session.receive(answer, grant, undefined, undefined);
      }
    };
    endpoint.handle(message.payload.slice(), session, respond);
    return 1;
  }

  subscribe(
    session: Session,
    filter: string,
    qos: QoS,
    options: SubscriptionOptions | undefined,
  ): ReasonCode {
    const shared = sharedFilter(filter);
    const plain = shared === undefined ? filter : shared === "invalid" ? "" : shared.filter;
    if (!isTopicFilter(plain, this.options.maxTopicLevels)) return Reason.topicFilterInvalid;
    // [MQTT-3.8.3-4]: a shared subscription cannot leave out what its members publish.
    if (shared !== undefined && options?.noLocal === true) return Reason.protocolError;
    if (session.rights?.maySubscribe(plain, qos) === false) return Reason.notAuthorized;
    this.addSubscription(session, filter, subscriptionOf(qos, options));
    this.#hooks.subscribed?.(session, filter, qos);
    return qos as ReasonCode;
  }

  addSubscription(session: Session, filter: string, subscription: Subscription): void {
    // Who comes back and subscribes as before costs the disk nothing.
    if (isSameSubscription(session.subscriptions.get(filter), subscription)) return;
    session.setSubscription(filter, subscription);
    session.subscriptionChanges++;
    this.subscriptions.add(filter, session, subscription);
    if (session.persistent) this.records.putSubscription(session.clientId, filter, subscription);
  }

  /** Delivers the retained messages that a new subscription matches [MQTT-3.3.1-6]. */
  deliverRetained(
    session: Session,
    filter: string,
    qos: QoS,
    options: SubscriptionOptions | undefined,
  ): void {
    if (options?.retainHandling === 2 || sharedFilter(filter) !== undefined) return;
    const matches = this.retained.find(filter, this.clock.now());
    const identifiers = options?.identifier === undefined ? undefined : [options.identifier];
    for (const match of matches) {
      if (session.rights?.mayReceive(match.topic) === false) continue;
      const message = this.retained.read(match);
      if (message === undefined) continue;
      // CVE-2018-12546: what somebody left who may not publish there any more.
      if (this.options.checkRetainSource && !this.retained.isAllowed(match, message)) continue;
      const lesser = Math.min(message.qos, qos) as QoS;
      session.outgoing.deliver(message, lesser, true, undefined, identifiers, matches.length);
    }
  }

  unsubscribe(session: Session, filter: string): boolean {
    if (!session.deleteSubscription(filter)) return false;
    session.subscriptionChanges++;
    this.subscriptions.remove(filter, session);
    if (session.persistent) this.records.deleteSubscription(session.clientId, filter);
    this.#hooks.unsubscribed?.(session, filter);
    return true;
  }

  leave(session: Session, how: Leaving, sessionExpiry: number | undefined): void {
    const left = leftWill(session);
    this.#connected--;
    this.#hooks.disconnected?.(session, how);
    if (sessionExpiry !== undefined) {
      session.sessionExpiry = sessionExpiry === Infinity ? undefined : sessionExpiry;
    }
    session.detach(this.clock.wall());
    if (left !== undefined && how === "normal") this.wills.drop(left);
    else if (left !== undefined) this.wills.add(left);
    if (session.persistent && session.sessionExpiry !== 0) {
      this.records.putSession(session);
      this.#expiry.begin(session, this.options.sessionExpiry);
    } else {
      this.#end(session);
    }
  }

  afterGrace(session: Session, delivery: Delivery): void {
    if (delivery.custody?.stored === true) session.outgoing.graceOver(delivery);
    else this.#grace.add(session, delivery);
  }

  readDeliveries(
    { clientId }: Pick<Session, "clientId">,
    from: number,
    until: number,
    limit: number,
    take: (deliveries: readonly Delivery[], isLast: boolean) => void,
  ): void {
    this.records.readDeliveries(clientId, from, until, limit, (records) => {
      const deliveries: Delivery[] = [];
      for (const record of records) {
        const fact = readRecord(record, this.clock);
        if (fact?.kind !== "delivery") continue;
        const { delivery, group } = fact;
        delivery.group = group === undefined ? undefined : this.subscriptions.group(group);
        deliveries.push(delivery);
      }
      const last = deliveryKeyParts(records.at(-1)?.key ?? "");
      const isLast = records.length < limit || last === undefined || last.sequence >= until;
      // A page of damaged records alone does not end the queue.
      if (deliveries.length > 0 || isLast) take(deliveries, isLast);
      else this.readDeliveries({ clientId }, last.sequence + 1, until, limit, take);
    });
  }

  unreadable({ clientId }: Session, count: number): void {
    this.counters.publishDropped += count;
    this.log.error(`store: ${count} messages that waited for client ${clientId} cannot be read`);
  }

  delivered(message: Message): void {
    this.counters.publishSent++;
    this.counters.publishBytesSent += message.payload.length;
  }

  hasExpired({ expiresAt }: Message): boolean {
    return expiresAt !== undefined && expiresAt <= this.clock.now();
  }

  dropped(
    { clientId, terms }: Pick<Session, "clientId"> & Partial<Pick<Session, "terms">>,
    why: "full" | "age" | "unfit" = "unfit",
  ): void {
    this.counters.publishDropped++;
    if (why === "full") this.counters.queueDroppedFull++;
    if (why === "age") this.counters.queueDroppedAge++;
    (why === "age" ? this.#agedDrops : this.#drops).note(clientId);
    if (why !== "unfit") terms?.notKept?.(why);
  }

  /**
   * Whether publishers like this one may be refused since a recipient has no room. Not bridges: whoever is
   * behind one cannot be told of a single message, and would send nothing more for want of an answer, to
   * nobody here.
   */
  mayRefuse({ bridge }: Session): boolean {
    return (this.#hasRefusers || this.options.queuePolicy === "refuse") && !bridge;
  }

  /** A publisher is refused since this session has no room. */
  refused({ clientId, terms }: Session): void {
    this.counters.queueRefused++;
    this.#refusals.note(clientId);
    terms?.notKept?.("refused");
  }

  #isRefusedBy(message: Message, publisher: Session): boolean {
    for (const { subscriber, grant } of this.subscriptions.match(message.topic)) {
      const refuser = subscriber.refuser(message, grant, publisher);
      if (refuser === undefined) continue;
      this.refused(refuser);
      return true;
    }
    return false;
  }

  #heed({ maxQueuedAge, queuePolicy }: SessionTerms): void {
    this.queueSweep.watch(maxQueuedAge);
    if (queuePolicy === "refuse") this.#hasRefusers = true;
  }

  /**
   * Publishes in the broker's own name what others of this process have to say; no hook sees it.
   * `source` and `custody` are of whoever said it first.
   */
  insert(message: Message, source?: Publisher | undefined, custody?: Custody): void {
    if (message.retain && this.options.retainAvailable) this.retained.set(message, false, source);
    this.#route(message, undefined, custody);
  }

  /** Delivers to every session that subscribes; answers how many of them or groups of them do. */
  #route(message: Message, publisher: Session | undefined, custody: Custody | undefined): number {
    const matches = this.subscriptions.match(message.topic);
    const { length } = matches;
    if (length > 1) message.beginRouting();
    for (let index = 0; index < length; index++) {
      const { subscriber, grant } = matches[index] as (typeof matches)[number];
      subscriber.receive(message, grant, publisher, custody);
    }
    message.endRouting();
    return length;
  }

  #recheckRights(): void {
    this.retained.forgetRights();
    for (const session of [...this.sessions.values()]) {
      const { peer, rights } = session;
      if (peer !== undefined && rights?.admitted?.() === false) {
        this.leave(session, "lost", undefined);
        peer.evicted(Reason.notAuthorized);
      } else {
        session.outgoing.dropForbidden(false);
      }
    }
  }

  #end(session: Session): void {
    this.#expiry.cancel(session);
    for (const [filter] of session.subscriptions) this.subscriptions.remove(filter, session);
    session.end();
    this.sessions.delete(session.clientId);
    this.wills.publishNow(session.clientId);
  }
}

const LOCAL = /^(?:127\.|::1$|unix$)/;
/** Whoever manages the broker must have been given the right to, or be on this machine. */
function mayManage({ rights, peer }: Session): boolean {
  if (rights === undefined) return false;
  const { ipAddress = "" } = peer ?? {};
  return rights.unruled !== true || LOCAL.test(ipAddress);
}
