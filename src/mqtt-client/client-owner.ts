/** Who uses a client, and what it is told. */
import type { PublishPacket } from "../mqtt/packets.ts";
import type { Properties } from "../mqtt/properties.ts";
import type { Ending } from "./ending.ts";

/** What the server answered: before 5.0 nothing but success. */
export interface Answer {
  readonly reasonCode: number;
  readonly properties?: Properties | undefined;
}

/** Who uses a client. All calls come from within calls of the wire or the scheduler. */
export interface MqttClientOwner {
  /**
   * The server accepted; `properties` are those of CONNACK. 3.1 servers cannot tell of the session: it
   * then counts as present unless clean.
   */
  connected(sessionPresent: boolean, properties: Properties | undefined): void;
  /**
   * A message came; its payload lies in a buffer that is reused after the call. Its topic is never
   * empty: what a topic alias stands for is filled in. With a QoS above 0 the owner answers with `acknowledge` when the message is safe; a QoS 2 message may come again
   * under its packetId until `released`.
   */
  message(packet: PublishPacket): void;
  /**
   * The server will not send the QoS 2 message `packetId` again. The owner answers with `complete`,
   * even if it does not know the message: the server repeats PUBREL until it is [MQTT-4.3.3-2].
   */
  released(packetId: number): void;
  /** PUBREC came for a QoS 2 publish; the owner answers with `release`. */
  received(packetId: number): void;
  /**
   * PUBACK or PUBCOMP came: the server has the message for good. In 5.0 also a PUBREC that refuses the
   * message; `answer` tells which, see `isFailure`.
   */
  acknowledged(packetId: number, answer: Answer): void;
  /** SUBACK: a granted QoS, or 0x80 and above, for each filter asked for. */
  subscribed(packetId: number, codes: readonly number[], properties: Properties | undefined): void;
  /** UNSUBACK; `codes` are of 5.0, one for each filter. */
  unsubscribed(
    packetId: number,
    codes: readonly number[] | undefined,
    properties: Properties | undefined,
  ): void;
  /** The wire has taken its backlog. */
  drained(): void;
  /** The connection is over; nothing more comes. */
  closed(ending: Ending): void;
}
