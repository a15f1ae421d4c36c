/** One client's hold on its session: it loses all effect once the client has left or was evicted. */
import type { QoS } from "../mqtt/qos.ts";
import { Reason, type ReasonCode } from "../mqtt/reason-codes.ts";
import type {
  Client,
  Leaving,
  Peer,
  PublishOutcome,
  SubscriptionOptions,
  Will,
} from "../seams/door.ts";
import type { Message } from "../seams/message.ts";
import type { Broker } from "./broker.ts";
import type { Session } from "./session.ts";

export class ClientHold implements Client {
  readonly #broker: Broker;
  readonly #session: Session;
  readonly #peer: Peer;

  constructor(broker: Broker, session: Session, peer: Peer) {
    this.#broker = broker;
    this.#session = session;
    this.#peer = peer;
  }

  get clientId(): string {
    return this.#session.clientId;
  }

  /** See `Outgoing.awaits`. */
  awaits(packetId: number): "puback" | "pubrec" | "pubcomp" | undefined {
    return this.#holds ? this.#session.outgoing.awaits(packetId) : undefined;
  }

  /** A QoS 2 exchange that the client has begun under this identifier is not complete. */
  isUnreleased(packetId: number): boolean {
    return this.#holds && this.#session.incoming.knows(packetId);
  }

  get backlog(): number {
    return this.#session.outgoing.backlog;
  }

  get #holds(): boolean {
    return this.#session.peer === this.#peer;
  }

  inflightIds(): readonly number[] {
    return this.#holds ? this.#session.outgoing.inflightIds() : [];
  }

  setReceiveMaximum(receiveMaximum: number): void {
    if (this.#holds) this.#session.receiveMaximum = receiveMaximum;
  }

  redeliver(): void {
    if (this.#holds) this.#session.outgoing.redeliver();
  }

  resume(): void {
    if (this.#holds) this.#session.outgoing.resume();
  }

  pause(): void {
    if (this.#holds) this.#session.outgoing.pause();
  }

  suspend(): void {
    if (this.#holds) this.#session.outgoing.suspend();
  }

  publish(message: Message, packetId: number, dup = false): PublishOutcome {
    if (!this.#holds) return Reason.notAuthorized;
    return this.#broker.publish(this.#session, this.#peer, message, packetId, dup);
  }

  release(packetId: number): void {
    if (this.#holds) this.#session.incoming.release(packetId);
  }

  releaseAll(): void {
    if (this.#holds) this.#session.releaseIncoming();
  }

  subscribe(filter: string, qos: QoS, options?: SubscriptionOptions): ReasonCode {
    if (!this.#holds) return Reason.notAuthorized;
    return this.#broker.subscribe(this.#session, filter, qos, options);
  }

  deliverRetained(filter: string, qos: QoS, options?: SubscriptionOptions): void {
    if (this.#holds) this.#broker.deliverRetained(this.#session, filter, qos, options);
  }

  unsubscribe(filter: string): boolean {
    return this.#holds && this.#broker.unsubscribe(this.#session, filter);
  }

  acknowledge(packetId: number): void {
    if (this.#holds) this.#session.outgoing.acknowledge(packetId);
  }

  received(packetId: number): void {
    if (this.#holds) this.#session.outgoing.received(packetId);
  }

  discard(packetId: number): void {
    if (this.#holds) this.#session.outgoing.discard(packetId);
  }

  setWill(will: Will | undefined): void {
    if (this.#holds) this.#broker.wills.replace(this.#session, will);
  }

  leave(how: Leaving, sessionExpiry?: number): void {
    if (this.#holds) this.#broker.leave(this.#session, how, sessionExpiry);
  }
}
