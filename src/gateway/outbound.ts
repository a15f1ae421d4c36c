/**
 * What is under way from the gateway to one node: one REGISTER or one QoS 1 or 2 exchange at a
 * time.
 */
import type { QoS } from "../mqtt/qos.ts";
import type { TopicIdType } from "../mqttsn/packets.ts";
import type { Message } from "../seams/message.ts";
import type { TopicEntry } from "./topic-registry.ts";

/** A message that waits until its topic name is registered (MQTT-SN 1.2 §6.10). */
export interface HeldDelivery {
  readonly message: Message;
  readonly qos: QoS;
  readonly retain: boolean;
  readonly dup: boolean;
  readonly packetId: number;
  readonly entry: TopicEntry;
  /** It was sent before under an id that the node did not know. */
  readonly corrected: boolean;
}

/**
 * What the node has to answer next: REGISTER, PUBLISH or PUBREL. "received": PUBREC came, PUBREL is
 * to go.
 */
export type OutboundStep = "idle" | "register" | "publish" | "received" | "pubrel";

export class Outbound {
  step: OutboundStep = "idle";
  /** Repetitions of the present step. */
  retries = 0;
  /** When to repeat, monotonic ms. */
  retryAt = Number.POSITIVE_INFINITY;
  /** The node answered "congestion", and T_WAIT runs. */
  waiting = false;
  /** MsgId of the REGISTER last sent. */
  registerId = 0;

  // The PUBLISH of the steps after "register".
  message: Message | undefined;
  qos: QoS = 0;
  retain = false;
  packetId = 0;
  topicIdType: TopicIdType = "normal";
  topicId = 0;
  corrected = false;

  /** Mostly one; a second where an id had to be corrected while a QoS 0 message waited already. */
  held: HeldDelivery[] = [];

  finish(): void {
    this.step = "idle";
    this.message = undefined;
    this.waiting = false;
    this.retries = 0;
    this.retryAt = Number.POSITIVE_INFINITY;
  }
}
