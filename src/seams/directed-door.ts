/** A door behind which messages go to those who are named, whatever they subscribe to. */
import type { QoS } from "../mqtt/qos.ts";
import type { Client, Door, Peer, PublishOutcome } from "./door.ts";
import type { Message } from "./message.ts";

export interface Recipient {
  readonly clientId: string;
  /** The message comes at this QoS at most. */
  readonly qos: QoS;
  /** The RETAIN flag to show. */
  readonly retain: boolean;
}

export interface HeldSubscription {
  readonly clientId: string;
  readonly filter: string;
  readonly qos: QoS;
}

export interface DirectedDoor extends Door {
  /**
   * As `Client.publish` of `from`, which `peer` holds, but to these recipients only, and whatever the
   * rights of `from`. Who has no session gets nothing.
   */
  publishTo(
    from: Client,
    peer: Peer,
    message: Message,
    packetId: number,
    dup: boolean,
    recipients: readonly Recipient[],
  ): PublishOutcome;
  /** A QoS 2 message that `clientId` published under this identifier is not released yet. */
  isUnreleased(clientId: string, packetId: number): boolean;
  /** Gives a message to these recipients, without anybody being told. */
  hand(message: Message, recipients: readonly Recipient[]): void;
  /** The subscriptions of all sessions, also of those that nobody holds. */
  subscriptions(): Iterable<HeldSubscription>;
}
