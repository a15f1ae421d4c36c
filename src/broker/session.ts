/**
 * A session: what its client subscribes to, what goes to it, and the QoS 2 exchanges that it has begun.
 * It outlives its client's connection if persistent.
 */
import type { QoS } from "../mqtt/qos.ts";
import type { Rights } from "../seams/access.ts";
import type { Origin, Peer, SessionTerms, Will } from "../seams/door.ts";
import type { Message } from "../seams/message.ts";
import { FewMap } from "../topics/few-map.ts";
import type { Custody } from "./custody.ts";
import { IncomingQos2 } from "./incoming-qos2.ts";
import { Outgoing } from "./outgoing.ts";
import type { SessionContext } from "./session-context.ts";
import type { SharedGroup } from "./shared-group.ts";
import type { Subscriber } from "./subscriber.ts";
import type { Grant, Subscription } from "./subscription.ts";

const NO_SUBSCRIPTIONS = new FewMap<string, Subscription>();

export class Session implements Subscriber {
  readonly clientId: string;
  readonly context: SessionContext;
  // There may be a hundred thousand sessions, and most have little of what a session may have.
  #subscriptions: FewMap<string, Subscription> | undefined;
  #incoming: IncomingQos2 | undefined;
  /** The messages for its client. */
  readonly outgoing = new Outgoing(this);
  #peer: Peer | undefined;
  receiveMaximum = 1;
  /** Kept when the client leaves, and written to the store. */
  persistent = false;
  /** How long it is kept then, seconds; undefined is for good. */
  sessionExpiry: number | undefined;
  queueQos0 = false;
  /** Does not get back what it publishes, and sees RETAIN as published. */
  bridge = false;
  origin: Origin = "mqtt";
  username: string | undefined;
  rights: Rights | undefined;
  terms: SessionTerms | undefined;
  will: Will | undefined;
  /** How often its subscriptions were changed, and how many of those changes are on the disk. */
  subscriptionChanges = 0;
  storedSubscriptionChanges = 0;
  /** When the client left, wall clock ms; undefined while one is there. */
  leftAt: number | undefined;
  /** Deliveries of lower sequences are not this session's, but of one that had its name before. */
  since: number;
  /** How often a client has taken hold of the session. */
  holds = 0;

  constructor(clientId: string, context: SessionContext) {
    this.clientId = clientId;
    this.context = context;
    this.since = context.records.sequence;
  }

  get peer(): Peer | undefined {
    return this.#peer;
  }

  /** By filter as the client gave it, `$share/GROUP/` included. */
  get subscriptions(): Pick<
    FewMap<string, Subscription>,
    "get" | "has" | "keys" | "size" | typeof Symbol.iterator
  > {
    return this.#subscriptions ?? NO_SUBSCRIPTIONS;
  }

  /** The QoS 2 exchanges that its client has begun. */
  get incoming(): IncomingQos2 {
    this.#incoming ??= new IncomingQos2(this);
    return this.#incoming;
  }

  /** Its client has begun anew: its QoS 2 identifiers are free. */
  releaseIncoming(): void {
    this.#incoming?.releaseAll();
  }

  setSubscription(filter: string, subscription: Subscription): void {
    this.#subscriptions ??= new FewMap();
    this.#subscriptions.set(filter, subscription);
  }

  /** False if there was no such subscription. */
  deleteSubscription(filter: string): boolean {
    if (this.#subscriptions?.delete(filter) !== true) return false;
    if (this.#subscriptions.size === 0) this.#subscriptions = undefined;
    return true;
  }

  /** Gives the session a client, suspended. */
  attach(peer: Peer): void {
    this.#peer = peer;
    this.holds++;
    this.outgoing.suspend();
    this.leftAt = undefined;
  }

  detach(wallTime: number): void {
    this.#peer = undefined;
    this.leftAt = wallTime;
    this.will = undefined;
    this.outgoing.keep();
  }

  wouldStore(qos: QoS): boolean {
    return this.outgoing.wouldStore(qos);
  }

  refuser(message: Message, grant: Grant, publisher: Session): Session | undefined {
    const given = this.#given(message, grant, publisher);
    if (given === undefined || !this.outgoing.refuses(message, this.#qosOf(message, given))) {
      return undefined;
    }
    return this.terms?.wants?.(message) === false ? undefined : this;
  }

  receive(
    message: Message,
    grant: Grant,
    publisher: Session | undefined,
    custody: Custody | undefined,
    group?: SharedGroup,
  ): boolean {
    const given = this.#given(message, grant, publisher);
    if (given === undefined) return false;
    const { allowDuplicateMessages } = this.context.options;
    if (allowDuplicateMessages && given.parts !== undefined) {
      for (const part of given.parts) this.receive(message, part, publisher, custody, group);
      return true;
    }
    const { arriving } = this.terms ?? {};
    const kept = arriving === undefined ? message : arriving(message);
    if (kept === undefined) return false;
    const qos = this.#qosOf(message, given);
    const retain = message.retain && (given.retainAsPublished || this.bridge);
    this.outgoing.deliver(kept, qos, retain, custody, given.identifiers, 0, group);
    return true;
  }

  /** What the session is to get of a message; undefined for nothing. */
  #given({ topic }: Message, grant: Grant, publisher: Session | undefined): Grant | undefined {
    let given: Grant | undefined = grant;
    if (publisher === this) given = this.bridge ? undefined : grant.own;
    return this.rights?.mayReceive(topic) === false ? undefined : given;
  }

  #qosOf({ qos }: Message, given: Grant): QoS {
    return given.qos < qos || this.context.options.upgradeOutgoingQos ? given.qos : qos;
  }

  /** Ends the session with all it holds; publishers no longer wait for it. */
  end(): void {
    this.#peer = undefined;
    const { records } = this.context;
    if (this.persistent) {
      for (const [filter] of this.subscriptions) {
        records.deleteSubscription(this.clientId, filter);
      }
      this.releaseIncoming();
      records.deleteSession(this.clientId);
    }
    this.outgoing.end();
  }
}
