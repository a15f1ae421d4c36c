/** One message on its way to one session. */
import type { QoS } from "../mqtt/qos.ts";
import type { Settleable } from "../seams/journal.ts";
import type { Message } from "../seams/message.ts";
import type { Custody } from "./custody.ts";
import type { SharedGroup } from "./shared-group.ts";

/**
 * How far a delivery has come. `held`: it has an identifier that is not durable yet, and must not be
 * sent before. `due`: it may be sent now. `received`: PUBREC came, which is not durable yet.
 * `released`: PUBREL was sent. `done`: the recipient has it for good, or it left the session otherwise.
 */
export type DeliveryState = "queued" | "held" | "due" | "sent" | "received" | "released" | "done";

export class Delivery implements Settleable {
  state: DeliveryState = "queued";
  /** Undefined once the recipient has the message and only PUBREL/PUBCOMP is left. */
  message: Message | undefined;
  /** Payload bytes. */
  readonly size: number;
  readonly qos: QoS;
  readonly retain: boolean;
  /** Place in the session's order; names the record in the store. 0 is a QoS 0 message without one. */
  readonly sequence: number;
  /** 0 until sent. */
  packetId = 0;
  /** When it began to wait, by the queue clock; 0 where that was not noted. */
  queuedAt = 0;
  /** It was sent before, so that DUP is set [MQTT-3.3.1-1]. */
  again = false;
  /** The record stands in the store, committed or about to be. */
  stored = false;
  /** The record is on the disk. */
  committed = false;
  /** The packet identifier that the record holds, 0 for none; undefined without a record. */
  storedId: number | undefined;
  /** Of the subscriptions that brought it, to be told to the recipient. */
  identifiers: readonly number[] | undefined;
  /** The shared subscription that brought it. */
  group: SharedGroup | undefined;
  #custody: Custody | undefined;

  constructor(message: Message | undefined, qos: QoS, retain: boolean, sequence: number) {
    this.message = message;
    this.size = message?.payload.length ?? 0;
    this.qos = qos;
    this.retain = retain;
    this.sequence = sequence;
  }

  /** The custody that waits for this delivery. */
  get custody(): Custody | undefined {
    return this.#custody;
  }

  /** Counts this delivery among those that the publisher's acknowledgement waits for. */
  entrust(custody: Custody | undefined): void {
    if (custody === undefined) return;
    custody.expect();
    this.#custody = custody;
  }

  /** The message is safe here: committed, or acknowledged. */
  settle(): void {
    this.committed = this.stored;
    const custody = this.#custody;
    this.#custody = undefined;
    custody?.settle();
  }
}
