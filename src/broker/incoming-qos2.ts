/**
 * The receiver's side of QoS 2 [MQTT-4.3.3-2]: which packet identifiers a client has published under
 * and not yet released. What it is told of them is durable first where its session is kept, so that
 * a power cut neither doubles a message nor swallows the next one of the same identifier.
 */

import { Reason } from "../mqtt/reason-codes.ts";
import { PENDING, type Peer, type PublishOutcome } from "../seams/door.ts";
import type { Custody } from "./custody.ts";
import type { Session } from "./session.ts";

interface Received {
  /** What PUBREC waits for; undefined when read back from the store. */
  readonly custody: Custody | undefined;
  /** The session's count of holds when it came. */
  hold: number;
}

export class IncomingQos2 {
  readonly #session: Session;
  readonly #unreleased = new Map<number, Received>();
  /** Released, which is not durable yet. */
  readonly #completing = new Set<number>();

  constructor(session: Session) {
    this.#session = session;
  }

  /** Exchanges that are not complete. */
  get size(): number {
    return this.#unreleased.size + this.#completing.size;
  }

  /** An exchange under this identifier is not complete. */
  knows(packetId: number): boolean {
    return this.#unreleased.has(packetId) || this.#completing.has(packetId);
  }

  /** Identifiers received and not released. */
  ids(): Iterable<number> {
    return this.#unreleased.keys();
  }

  /**
   * Whether a message under this identifier is one that came before. One without DUP that comes
   * after the client has come back is not: it would have been marked as sent again [MQTT-3.3.1-1].
   */
  isRepeated(packetId: number, dup: boolean): boolean {
    if (this.#completing.has(packetId)) return true;
    const received = this.#unreleased.get(packetId);
    return received !== undefined && (dup || received.hold === this.#session.holds);
  }

  /** A message came under this identifier for the first time. */
  add(packetId: number, custody: Custody): void {
    const { persistent, clientId, context, holds } = this.#session;
    this.#unreleased.set(packetId, { custody, hold: holds });
    if (!persistent) return;
    context.records.putIncoming(clientId, packetId);
    custody.expect();
    context.records.afterCommit(custody);
  }

  /** The same message came again; the answer goes to whoever sent it last. */
  again(packetId: number, peer: Peer): PublishOutcome {
    const received = this.#unreleased.get(packetId);
    if (received !== undefined) received.hold = this.#session.holds;
    const custody = received?.custody;
    if (custody === undefined) return Reason.success;
    if (custody.settled) return custody.reason;
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
    this.#unreleased.set(packetId, { custody: undefined, hold: 0 });
  }
}
