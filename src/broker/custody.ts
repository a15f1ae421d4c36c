/**
 * Custody of one published message: its publisher is acknowledged once every durable recipient has
 * it, either committed to the store or acknowledged by the recipient itself.
 */
import { Reason, type ReasonCode } from "../mqtt/reason-codes.ts";
import type { Peer } from "../seams/door.ts";
import type { Settleable } from "../seams/journal.ts";

export class Custody implements Settleable {
  /** Who is told, under which packet identifier. Replaced when the publisher comes back meanwhile. */
  peer: Pick<Peer, "published">;
  readonly packetId: number;
  /** What the publisher is to be told. */
  reason: ReasonCode = Reason.success;
  /** The message is in the store already: its next recipient's record is to be there without grace. */
  stored = false;
  /** Every session that refuses was found to have room: what it may overlook in counting is not dropped. */
  hasRoom = false;
  #waiting = 0;
  #sealed = false;

  constructor(peer: Pick<Peer, "published">, packetId: number) {
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

/**
 * For a message that is stored in the name of a recipient who gives it up for another: its record goes
 * in the commit that brings the other's, so that no power cut falls in between. `custody` is that of a
 * publisher who waits still.
 */
export function handedOn(custody: Custody | undefined): Custody {
  const next = custody ?? new Custody({ published: () => {} }, 0);
  next.stored = true;
  return next;
}
