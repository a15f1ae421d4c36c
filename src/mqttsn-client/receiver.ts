/** What a gateway sends a node of its own accord: REGISTER and PUBLISH (MQTT-SN 1.2 §6.10). */
import {
  type MessageIdOnly,
  type Publish,
  type Register,
  ReturnCode,
  type SnMessage,
  type SnQoS,
  type TopicReference,
} from "../mqttsn/packets.ts";
import { shortTopicName } from "../mqttsn/short-topic.ts";
import type { TopicIds } from "./topic-ids.ts";

/** A message that came. The payload is a view on a buffer that is reused after the call. */
export interface Received {
  readonly topic: TopicReference;
  readonly payload: Uint8Array;
  readonly qos: SnQoS;
  readonly retain: boolean;
  readonly dup: boolean;
  /** 0 at QoS 0. */
  readonly messageId: number;
}

export class Receiver {
  readonly #topicIds: TopicIds;
  readonly #send: (message: SnMessage) => void;
  readonly #deliver: (received: Received) => void;
  /** QoS 2 messages delivered and not yet released, so that a repetition is not delivered again. */
  readonly #unreleased = new Map<number, Publish>();
  /** The QoS 2 message released last: a repetition that the network delayed may still come. */
  #released: Publish | undefined;

  constructor(
    topicIds: TopicIds,
    send: (message: SnMessage) => void,
    deliver: (received: Received) => void,
  ) {
    this.#topicIds = topicIds;
    this.#send = send;
    this.#deliver = deliver;
  }

  /** Forgets the handshakes under way, as a clean session does. */
  clear(): void {
    this.#unreleased.clear();
    this.#released = undefined;
  }

  register(message: Register): void {
    const { topicId, messageId, topicName } = message;
    // 0x0000 and 0xFFFF are reserved (§5.3.11).
    const valid = topicName !== "" && topicId !== 0 && topicId !== 0xffff;
    if (valid) this.#topicIds.assign(topicName, topicId);
    const returnCode = valid ? ReturnCode.accepted : ReturnCode.notSupported;
    this.#send({ kind: "regack", topicId, messageId, returnCode });
  }

  publish(message: Publish): void {
    const { qos, messageId } = message;
    if (qos === 2 && (this.#unreleased.has(messageId) || this.#isLate(message))) {
      this.#send({ kind: "pubrec", messageId });
      return;
    }
    const topic = this.#topicOf(message);
    if (topic === undefined) {
      this.#acknowledge(message, ReturnCode.invalidTopicId);
      return;
    }
    const { payload, retain, dup } = message;
    if (qos === 2) this.#unreleased.set(messageId, { ...message, payload: payload.slice() });
    this.#deliver({ topic, payload, qos, retain, dup, messageId });
    if (qos === 1) this.#acknowledge(message, ReturnCode.accepted);
    if (qos === 2) this.#send({ kind: "pubrec", messageId });
  }

  release(message: MessageIdOnly): void {
    const { messageId } = message;
    this.#released = this.#unreleased.get(messageId) ?? this.#released;
    this.#unreleased.delete(messageId);
    this.#send({ kind: "pubcomp", messageId });
  }

  /**
   * Whether a message is a repetition of the one released last. The identifier alone does not tell:
   * a gateway that restarted begins with the same ones.
   */
  #isLate({ dup, messageId, topicId, topicIdType, payload }: Publish): boolean {
    const last = this.#released;
    return (
      dup &&
      last?.messageId === messageId &&
      last.topicId === topicId &&
      last.topicIdType === topicIdType &&
      last.payload.length === payload.length &&
      last.payload.every((byte, index) => byte === payload[index])
    );
  }

  #acknowledge(message: Publish, returnCode: number): void {
    const { topicId, messageId } = message;
    this.#send({ kind: "puback", topicId, messageId, returnCode });
  }

  #topicOf(message: Publish): TopicReference | undefined {
    const topicId = message.topicId;
    if (message.topicIdType === "predefined") return { type: "predefined", topicId };
    if (message.topicIdType === "short") {
      const name = shortTopicName(topicId);
      return name === undefined ? undefined : { type: "short", name };
    }
    const name = this.#topicIds.nameOf(topicId);
    return name === undefined ? undefined : { type: "name", name };
  }
}
