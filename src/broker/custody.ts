/**
 * Custody of one published message: its publisher is acknowledged once every durable recipient has
 * it, either committed to the store or acknowledged by the recipient itself.
 */
import { Reason, type ReasonCode } from "../mqtt/reason-codes.ts";
import type { Peer } from "../seams/door.ts";
import type { Settleable } from "../seams/journal.ts";

export class Custody implements Settleable {
  /** Who is told, under which packet identifier. Replaced when the publisher comes back meanwhile. */
  peer: Peer;
  readonly packetId: number;
  /** What the publisher is to be told. */
  reason: ReasonCode = Reason.success;
  #waiting = 0;
  #sealed = false;

  constructor(peer: Peer, packetId: number) {
    this.peer = peer;
    this.packetId = packetId;
  }

  /** Every recipient has the message, and all recipients are known. */
  get settled(): boolean {
    return this.#sealed && this.#waiting === 0;
  }

  /** One more recipient must have the message first; `settle` follows. */
  expect(): void {
    this.#waiting++;
  }

  /** One recipient has it. */
  settle(): void {
    if (--this.#waiting === 0 && this.#sealed) this.peer.published(this.packetId, this.reason);
  }

  /** All recipients are known now. True if all have the message already; the peer is then not told. */
  seal(reason: ReasonCode): boolean {
    this.#sealed = true;
    this.reason = reason;
    return this.#waiting === 0;
  }
}
