/**
 * The receiver's side of QoS 2 [MQTT-4.3.3-2]: which packet identifiers a client has published under
 * and not yet released. What it is told of them is durable first where its session is kept, so that
 * a power cut neither doubles a message nor swallows the next one of the same identifier.
 */

import { crc32c } from "../bytes/crc32c.ts";
import { encodeUtf8 } from "../bytes/utf8.ts";
import { Reason } from "../mqtt/reason-codes.ts";
import { PENDING, type Peer, type PublishOutcome } from "../seams/door.ts";
import type { Message } from "../seams/message.ts";
import type { Custody } from "./custody.ts";
import type { Session } from "./session.ts";

interface Received {
  /** What PUBREC waits for; undefined when read back from the store. */
  readonly custody: Custody | undefined;
  /** The session's count of holds when it came. */
  hold: number;
  /** What tells its topic and payload from others; 0 is not known. */
  readonly print: number;
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
   * after the client has come back is not: it would have been marked as sent again [MQTT-3.3.1-1]. Some
   * MQTT clients do not mark it, so that the same message is taken for a repetition; but an MQTT-SN node
   * that lost its memory says the same thing again under the same identifier.
   */
  isRepeated(packetId: number, dup: boolean, message: Message): boolean {
    if (this.#completing.has(packetId)) return true;
    const received = this.#unreleased.get(packetId);
    if (received === undefined) return false;
    if (dup || received.hold === this.#session.holds) return true;
    return this.#session.origin !== "mqtt-sn" && received.print === printOf(message);
  }

  /** A message came under this identifier for the first time. */
  add(packetId: number, custody: Custody, message: Message): void {
    const { persistent, clientId, context, holds } = this.#session;
    const print = printOf(message);
    this.#unreleased.set(packetId, { custody, hold: holds, print });
    if (!persistent) return;
    context.records.putIncoming(clientId, packetId, print);
    // After a power cut its repetition is told from it by this record, and goes to nobody any more.
    custody.stored = true;
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
  restore(packetId: number, print: number): void {
    this.#unreleased.set(packetId, { custody: undefined, hold: 0, print });
  }
}

/** 32 bits that differ for different topics or payloads, save once in four billion. */
function printOf({ topic, payload }: Message): number {
  return crc32c(payload, 0, payload.length, crc32c(encodeUtf8(topic))) || 1;
}
