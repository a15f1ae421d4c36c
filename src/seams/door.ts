/**
 * The one door into the broker. Whoever publishes or subscribes (an MQTT connection, an MQTT-SN
 * node, a bridge) enters as a client of a session, and meets the same QoS, retained messages,
 * queues and custody. Everything here is synchronous; both sides may call each other from within a
 * call.
 */

import type { QoS } from "../mqtt/qos.ts";
import type { ReasonCode } from "../mqtt/reason-codes.ts";
import type { Rights } from "./access.ts";
import type { Message, MessageProperties } from "./message.ts";

export interface Will {
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly qos: QoS;
  readonly retain: boolean;
  readonly properties?: MessageProperties | undefined;
  /** Seconds after publication for which the message is worth anything. */
  readonly messageExpiry?: number | undefined;
  /** Seconds between the loss of the client and the publication (§3.1.3.2.2). */
  readonly delay?: number | undefined;
  /**
   * The keep alive of the client's connection, seconds; 0 is none. Whoever gives it has the broker keep
   * the will over a restart, and publish it if the client does not come back. Whoever keeps wills himself
   * and enters anew after a restart leaves it out.
   */
  readonly keepAlive?: number | undefined;
}

/** What a subscription of MQTT 5.0 asks for besides its QoS (§3.8.3.1). */
export interface SubscriptionOptions {
  /** Not to get back what the subscriber itself publishes. */
  readonly noLocal?: boolean | undefined;
  readonly retainAsPublished?: boolean | undefined;
  /** Send retained messages: 0 always, 1 if the subscription is new, 2 never. */
  readonly retainHandling?: 0 | 1 | 2 | undefined;
  /** Comes with every message that the subscription brings. */
  readonly identifier?: number | undefined;
}

/** How much may wait for a group of clients, besides what the broker allows for every single one. */
export interface WaitingRoom {
  /** Payload bytes for one of them; 0 is no limit. */
  readonly each: number;
  /** Payload bytes for all of them together; 0 is no limit. */
  readonly total: number;
  /** What waits for all of them now, payload bytes; counted by the broker. */
  used: number;
}

/**
 * What becomes of a QoS 1 or 2 message for a session in which no more may wait. `drop-newest`: it is
 * dropped. `drop-oldest`: what has waited longest is. `refuse`: its publisher is refused (quotaExceeded),
 * and nobody gets it, so that it comes to nobody twice when it is published again; where there is nobody
 * to refuse, as with wills and retained messages, or the session does not outlive its client, it is
 * dropped. Waiting messages of QoS 0 give way to it before all that.
 */
export type QueuePolicy = "drop-newest" | "drop-oldest" | "refuse";

/**
 * Why a session does not keep a message: no more may wait; it has waited for too long; or no more may
 * wait, and its publisher was told.
 */
export type QueueLoss = "full" | "age" | "refused";

/** What holds for one session instead of what the broker grants every client: for bridges. */
export interface SessionTerms {
  /** Messages that may wait; 0 is no limit. */
  readonly maxQueuedMessages: number;
  /** Payload bytes that may wait; 0 is no limit. */
  readonly maxQueuedBytes: number;
  /** How long a message may wait, seconds; 0 is no limit. */
  readonly maxQueuedAge: number;
  readonly queuePolicy: QueuePolicy;
  /** Messages of QoS 2 on their way to the client at a time, if fewer than of QoS 1 and 2 together. */
  readonly maxInflightQos2?: number | undefined;
  /** What came while the client was away takes turns with what comes now, once it is back. */
  readonly interleave: boolean;
  /**
   * Called for each message that a subscription brings, before it is kept: answers what to keep
   * instead, or undefined to pass it by. Must not call the broker.
   */
  readonly arriving?: ((message: Message) => Message | undefined) | undefined;
  /** Whether `arriving` would keep a message; asked beforehand, of some. */
  readonly wants?: ((message: Message) => boolean) | undefined;
  /** Called for each message that waits no more, or is not to wait. Must not call the broker. */
  readonly notKept?: ((why: QueueLoss) => void) | undefined;
}

/** By what way a client came in. */
export type Origin = "mqtt" | "websocket" | "mqtt-sn" | "bridge";

export interface Opening {
  readonly clientId: string;
  /** Discard an existing session first [MQTT-3.1.2-6]. */
  readonly cleanStart: boolean;
  /** Keep the session when the client leaves. Kept sessions are durable: they survive a restart. */
  readonly persistent: boolean;
  /**
   * The session is to end with the connection all the same, by `forget`, and is kept only to survive a
   * restart here.
   */
  readonly clean?: boolean | undefined;
  /** How long it is kept, seconds; undefined is for good. */
  readonly sessionExpiry?: number | undefined;
  readonly origin: Origin;
  /** Where from, for logs: an address, a link and node address, an upstream. */
  readonly remote: string;
  /** The name of the link that a node is on. */
  readonly link?: string | undefined;
  readonly username?: string | undefined;
  readonly will?: Will | undefined;
  /** How many QoS 1 and 2 messages may be on their way to the peer at a time, at least 1. */
  readonly receiveMaximum: number;
  /** Keep QoS 0 messages while suspended or away, within the queue's bound, the newest to stay. */
  readonly queueQos0: boolean;
  /** The group that it belongs to, where there is a limit on what waits for a group. */
  readonly room?: WaitingRoom | undefined;
  readonly terms?: SessionTerms | undefined;
  /** What the client may do; undefined is everything. */
  readonly rights?: Rights | undefined;
  /** Do not deliver what this client itself publishes, and show RETAIN as published: for bridges. */
  readonly bridge?: boolean | undefined;
}

export type Entry =
  | { readonly ok: true; readonly client: Client; readonly sessionPresent: boolean }
  | { readonly ok: false; readonly reason: ReasonCode };

export interface Door {
  /**
   * Opens or resumes the session of `opening.clientId`, taking it over from whoever holds it.
   * The client starts suspended: nothing is delivered to `peer` before `client.redeliver()` is called,
   * so that the caller can answer its own peer first.
   */
  enter(opening: Opening, peer: Peer): Entry;
  /** Ends a session that nobody holds, with all it kept. */
  forget(clientId: string): void;
  /** Publishes in the broker's own name, `$SYS` topics included. */
  announce(topic: string, payload: Uint8Array, retain: boolean): void;
}

/** Publishing went well so far, but is not yet safe: `Peer.published(packetId)` follows. */
export const PENDING = -1;
export type PublishOutcome = ReasonCode | typeof PENDING;

/** How a client leaves; `lost` and `withWill` publish its will. */
export type Leaving = "normal" | "withWill" | "lost";

/** A client's hold on its session. After `leave()`, or once evicted, calls do nothing. */
export interface Client {
  readonly clientId: string;
  /**
   * Where another broker has the last word on who comes in: calls `answer` once, within the call or
   * later, with the refusal if there is one; then the client is dead. Never after `leave`. Absent where
   * `enter` has said it all.
   */
  whenAdmitted?(answer: (refusal: ReasonCode | undefined) => void): void;
  /** Messages in the session that the peer has not got for good: queued and in flight. */
  readonly backlog: number;
  /** The packet identifiers of what is on its way, for whoever needs others beside them. */
  inflightIds?(): readonly number[];
  /**
   * How many QoS 1 and 2 messages may be on their way from now on, as `Opening.receiveMaximum`. For
   * whoever learns it only after entering; to be called while suspended.
   */
  setReceiveMaximum?(receiveMaximum: number): void;
  /** Sends what is in flight again (`dup` set), in order, then goes on as `resume`. For a peer that came back. */
  redeliver(): void;
  /** Goes on with delivery after `pause` or `suspend`, with what was queued meanwhile. */
  resume(): void;
  /** Holds all delivery back for a while; messages queue in the session within its bounds. */
  pause(): void;
  /**
   * Holds all delivery back, since who is behind this client is away: asleep, or not connected yet.
   * As `pause`, but QoS 0 messages are kept only if `queueQos0`. A client enters so.
   */
  suspend(): void;
  /**
   * Publishes a message. `packetId` names it in later answers when its QoS is 1 or 2. For QoS 2 a
   * packetId published before and not yet released is not published again [MQTT-4.3.3-2]; but one
   * from before the client came back, and without `dup`, is a new message [MQTT-3.3.1-1].
   * Answers success or noMatchingSubscribers when safe (acknowledge now), PENDING (acknowledge on
   * `Peer.published`), or a refusal of 0x80 and above.
   */
  publish(message: Message, packetId: number, dup?: boolean): PublishOutcome;
  /**
   * PUBREL for a QoS 2 message came, known or not. `Peer.completed` follows, perhaps from within the
   * call, when it is safe to say that the packetId may be used again.
   */
  release(packetId: number): void;
  /** The publisher has begun anew: every QoS 2 packetId of its own is free. */
  releaseAll(): void;
  /** Subscribes. Answers the QoS granted, or a refusal. */
  subscribe(filter: string, qos: QoS, options?: SubscriptionOptions): ReasonCode;
  /**
   * Takes the place of `subscribe` where another broker has the last word: calls `answer` once, within
   * the call or later, with what `subscribe` would answer. Never after `leave`.
   */
  askSubscription?(filter: string, qos: QoS, answer: (outcome: ReasonCode) => void): void;
  /**
   * Delivers the retained messages that a filter just subscribed to matches. Apart from `subscribe`,
   * so that the subscriber can be answered first.
   */
  deliverRetained(filter: string, qos: QoS, options?: SubscriptionOptions): void;
  /** False if there was no such subscription. */
  unsubscribe(filter: string): boolean;
  /** The peer has the QoS 1 message for good (PUBACK), or completed QoS 2 (PUBCOMP). */
  acknowledge(packetId: number): void;
  /** PUBREC for a QoS 2 delivery came: `Peer.release` follows, once that is safe. */
  received(packetId: number): void;
  /** The peer cannot take this delivery at all (too long for it, rejected): it leaves the session, counted. */
  discard(packetId: number): void;
  /** Replaces or removes (undefined) the will. */
  setWill(will: Will | undefined): void;
  /**
   * Leaves the session to itself: kept if persistent, else ended. `sessionExpiry` (seconds, Infinity
   * is for good) replaces what was said on opening (§3.14.2.2.2).
   */
  leave(how: Leaving, sessionExpiry?: number): void;
}

/** What the broker tells whoever holds a session. */
export interface Peer {
  /** The IP address that it is connected from, without a port, if that is how it is connected. */
  readonly ipAddress?: string | undefined;
  /**
   * A message to hand on. With `qos` above 0 it stays in flight under `packetId` until
   * acknowledged; `dup` when it was sent before. `retain` is the RETAIN flag to show. The message
   * may be kept only after `message.keep()`. `identifiers` are those of the subscriptions that
   * brought it.
   */
  deliver(
    message: Message,
    qos: QoS,
    retain: boolean,
    dup: boolean,
    packetId: number,
    identifiers?: readonly number[] | undefined,
  ): void;
  /** A QoS 2 delivery was received by the peer; PUBREL is to be sent (again). */
  release(packetId: number): void;
  /**
   * A publish that was PENDING is safe now: acknowledge it with success, or noMatchingSubscribers. A
   * reason of 0x80 and above: it was refused in the end, and is not kept.
   */
  published(packetId: number, reason?: ReasonCode | undefined): void;
  /** A QoS 2 message that was published is released for good: PUBCOMP is to be sent. */
  completed(packetId: number): void;
  /** The session was taken away; nothing more comes, and the client is dead. */
  evicted(reason: ReasonCode): void;
}
