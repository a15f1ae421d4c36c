/**
 * One node among those who share a connection to the upstream broker: its session is kept here, what it
 * publishes and subscribes to goes through the door.
 */
import type { QoS } from "../mqtt/qos.ts";
import { isFailure, Reason, type ReasonCode } from "../mqtt/reason-codes.ts";
import {
  type Client,
  type Entry,
  type Leaving,
  type Opening,
  PENDING,
  type Peer,
  type PublishOutcome,
  type SubscriptionOptions,
  type Will,
} from "../seams/door.ts";
import type { Message } from "../seams/message.ts";

/** What the door does for its nodes. */
export interface Aggregator {
  whenUp(answer: (refusal: ReasonCode | undefined) => void): void;
  publish(
    client: AggregatedClient,
    message: Message,
    packetId: number,
    dup: boolean,
  ): PublishOutcome;
  publishWill(will: Will): void;
  ask(clientId: string, filter: string, qos: QoS, answer: (outcome: ReasonCode) => void): void;
  unsubscribe(clientId: string, filter: string): void;
  gone(client: AggregatedClient): void;
}

export class AggregatedClient implements Client {
  readonly clientId: string;
  readonly #aggregator: Aggregator;
  readonly #opening: Opening;
  readonly #node: Peer;
  /** As which it holds its session. */
  readonly peer: Peer;
  #session: Client | undefined;
  #will: Will | undefined;
  /** Publishes that are not acknowledged to the node yet. */
  readonly #pending = new Set<number>();
  /** What the upstream broker said to some of those. */
  readonly #refusals = new Map<number, ReasonCode>();
  /** Answers to SUBSCRIBE that are to reach the node before any messages do. */
  #answering = 0;
  #deferred: "resume" | "redeliver" | undefined;
  #open = false;

  constructor(aggregator: Aggregator, opening: Opening, node: Peer) {
    this.clientId = opening.clientId;
    this.#aggregator = aggregator;
    this.#opening = opening;
    this.#node = node;
    this.#will = opening.will;
    this.peer = {
      deliver: (message, qos, retain, dup, packetId) =>
        node.deliver(message, qos, retain, dup, packetId),
      release: (packetId) => node.release(packetId),
      published: (packetId, reason) => this.#published(packetId, reason),
      completed: (packetId) => node.completed(packetId),
      evicted: (reason) => {
        this.#end();
        node.evicted(reason);
      },
    };
  }

  /** Takes hold of its session behind the inner door. */
  enter(enter: (opening: Opening, peer: Peer) => Entry): Entry {
    // Its will is for the upstream broker.
    const entry = enter({ ...this.#opening, will: undefined }, this.peer);
    if (!entry.ok) return entry;
    this.#session = entry.client;
    return { ok: true, client: this, sessionPresent: entry.sessionPresent };
  }

  /** The hold on the session; undefined once it is over. */
  get session(): Client | undefined {
    return this.#session;
  }

  get backlog(): number {
    return this.#session?.backlog ?? 0;
  }

  whenAdmitted(answer: (refusal: ReasonCode | undefined) => void): void {
    this.#aggregator.whenUp((refusal) => {
      if (this.#session === undefined) return;
      if (refusal !== undefined) this.leave("normal");
      answer(refusal);
    });
  }

  redeliver(): void {
    this.#open = true;
    if (this.#answering > 0) this.#deferred = "redeliver";
    else this.#session?.redeliver();
  }

  resume(): void {
    this.#open = true;
    if (this.#answering > 0) this.#deferred ??= "resume";
    else this.#session?.resume();
  }

  pause(): void {
    this.#close();
    this.#session?.pause();
  }

  suspend(): void {
    this.#close();
    this.#session?.suspend();
  }

  publish(message: Message, packetId: number, dup = false): PublishOutcome {
    const { topic, payload, qos, retain } = message;
    const { rights } = this.#opening;
    if (this.#session === undefined) return Reason.notAuthorized;
    if (rights?.mayPublish(topic, payload, qos, retain) === false) return Reason.notAuthorized;
    const outcome = this.#aggregator.publish(this, message, packetId, dup);
    if (outcome === PENDING) this.#pending.add(packetId);
    return outcome;
  }

  /** The upstream broker refuses a publish; false where the node was told already that it is safe. */
  refuse(packetId: number, reason: ReasonCode): boolean {
    if (!this.#pending.has(packetId)) return false;
    this.#refusals.set(packetId, reason);
    return true;
  }

  release(packetId: number): void {
    this.#session?.release(packetId);
  }

  releaseAll(): void {
    this.#session?.releaseAll();
  }

  /** Grants what is asked for at once; the upstream broker may think otherwise. */
  subscribe(filter: string, qos: QoS): ReasonCode {
    this.askSubscription(filter, qos, () => {});
    return qos as ReasonCode;
  }

  askSubscription(filter: string, qos: QoS, answer: (outcome: ReasonCode) => void): void {
    if (this.#opening.rights?.maySubscribe(filter, qos) === false) {
      answer(Reason.notAuthorized);
      return;
    }
    this.#aggregator.ask(this.clientId, filter, qos, (asked) => {
      const session = this.#session;
      if (session === undefined) {
        if (!isFailure(asked)) this.#aggregator.unsubscribe(this.clientId, filter);
        return;
      }
      const outcome = isFailure(asked) ? asked : session.subscribe(filter, asked as QoS);
      if (!isFailure(outcome)) this.#holdForAnswer(session);
      answer(outcome);
    });
  }

  /** Retained messages come by themselves; they may reach the node now. */
  deliverRetained(_filter: string, _qos: QoS, _options?: SubscriptionOptions): void {
    if (this.#answering > 0) this.#answering--;
    const deferred = this.#deferred;
    if (this.#answering > 0 || deferred === undefined) return;
    this.#deferred = undefined;
    if (deferred === "resume") this.#session?.resume();
    else this.#session?.redeliver();
  }

  unsubscribe(filter: string): boolean {
    const session = this.#session;
    if (session === undefined) return false;
    this.#aggregator.unsubscribe(this.clientId, filter);
    return session.unsubscribe(filter);
  }

  acknowledge(packetId: number): void {
    this.#session?.acknowledge(packetId);
  }

  received(packetId: number): void {
    this.#session?.received(packetId);
  }

  discard(packetId: number): void {
    this.#session?.discard(packetId);
  }

  setWill(will: Will | undefined): void {
    this.#will = will;
  }

  leave(how: Leaving, sessionExpiry?: number): void {
    const session = this.#session;
    if (session === undefined) return;
    const will = how === "normal" ? undefined : this.#will;
    this.#end();
    session.leave("normal", sessionExpiry);
    if (will === undefined) return;
    const { topic, payload, qos, retain } = will;
    if (this.#opening.rights?.mayPublish(topic, payload, qos, retain) === false) return;
    this.#aggregator.publishWill(will);
  }

  /** Its session goes with it. */
  get isTransient(): boolean {
    return !this.#opening.persistent;
  }

  #end(): void {
    this.#session = undefined;
    this.#pending.clear();
    this.#aggregator.gone(this);
  }

  #close(): void {
    this.#open = false;
    this.#deferred = undefined;
  }

  #holdForAnswer(session: Client): void {
    this.#answering++;
    if (!this.#open) return;
    this.#deferred ??= "resume";
    session.pause();
  }

  #published(packetId: number, reason: ReasonCode | undefined): void {
    const refusal = this.#refusals.get(packetId);
    this.#pending.delete(packetId);
    this.#refusals.delete(packetId);
    this.#node.published(packetId, refusal ?? reason);
  }
}
