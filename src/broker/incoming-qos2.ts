/**
 * The receiver's side of QoS 2 [MQTT-4.3.3-2]: which packet identifiers a client has published under
 * and not yet released. What it is told of them is durable first where its session is kept, so that
 * a power cut neither doubles a message nor swallows the next one of the same identifier.
 */

import { Reason } from "../mqtt/reason-codes.ts";
import { PENDING, type Peer, type PublishOutcome } from "../seams/door.ts";
import type { Custody } from "./custody.ts";
import type { Session } from "./session.ts";

export class IncomingQos2 {
  readonly #session: Session;
  /** With the custody that PUBREC waits for; undefined when read back from the store. */
  readonly #unreleased = new Map<number, Custody | undefined>();
  /** Released, which is not durable yet. */
  readonly #completing = new Set<number>();

  constructor(session: Session) {
    this.#session = session;
  }

  get size(): number {
    return this.#unreleased.size;
  }

  /** Identifiers received and not released. */
  ids(): Iterable<number> {
    return this.#unreleased.keys();
  }

  has(packetId: number): boolean {
    return this.#unreleased.has(packetId) || this.#completing.has(packetId);
  }

  /** A message came under this identifier for the first time. */
  add(packetId: number, custody: Custody): void {
    this.#unreleased.set(packetId, custody);
    const { persistent, clientId, context } = this.#session;
    if (!persistent) return;
    context.records.putIncoming(clientId, packetId);
    custody.expect();
    context.records.afterCommit(custody);
  }

  /** The same message came again; the answer goes to whoever sent it last. */
  again(packetId: number, peer: Peer): PublishOutcome {
    const custody = this.#unreleased.get(packetId);
    if (custody === undefined || custody.settled) return Reason.success;
    custody.peer = peer;
    return PENDING;
  }

  /** PUBREL; `Peer.completed` follows. */
  release(packetId: number): void {
    const session = this.#session;
    if (this.#completing.has(packetId)) return;
    const known = this.#unreleased.delete(packetId);
    if (!known || !session.persistent) {
      session.peer?.completed(packetId);
      return;
    }
    this.#completing.add(packetId);
    const { records } = session.context;
    records.deleteIncoming(session.clientId, packetId);
    records.afterCommit({
      settle: () => {
        if (this.#completing.delete(packetId)) session.peer?.completed(packetId);
      },
    });
  }

  releaseAll(): void {
    const { persistent, clientId, context } = this.#session;
    if (persistent) {
      for (const packetId of this.#unreleased.keys()) {
        context.records.deleteIncoming(clientId, packetId);
      }
    }
    this.#unreleased.clear();
    this.#completing.clear();
  }

  /** Takes back an identifier from the store. */
  restore(packetId: number): void {
    this.#unreleased.set(packetId, undefined);
  }
}
