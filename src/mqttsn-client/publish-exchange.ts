/** Publishing: REGISTER where the name has no id yet, then PUBLISH at its QoS (MQTT-SN 1.2 §6.5, §6.6). */
import type { Publish, SnMessage, SnQoS, TopicReference } from "../mqttsn/packets.ts";
import { shortTopicId } from "../mqttsn/short-topic.ts";
import type { Exchange, Step } from "./exchange.ts";
import { type Done, type Outcome, outcomeOf } from "./outcome.ts";
import type { TopicIds } from "./topic-ids.ts";

export interface Publication {
  readonly topic: TopicReference;
  readonly payload: Uint8Array;
  readonly qos: SnQoS;
  readonly retain: boolean;
}

/** The PUBLISH of a publication, or undefined where its topic has no id. */
export function publishMessage(
  publication: Publication,
  topicIds: TopicIds,
  messageId: number,
  dup: boolean,
): Publish | undefined {
  const { topic, payload, qos, retain } = publication;
  const topicId =
    topic.type === "predefined"
      ? topic.topicId
      : topic.type === "short"
        ? shortTopicId(topic.name)
        : topicIds.idOf(topic.name);
  if (topicId === undefined) return undefined;
  const topicIdType = topic.type === "name" ? "normal" : topic.type;
  return { kind: "publish", dup, qos, retain, topicIdType, topicId, messageId, payload };
}

export class PublishExchange implements Exchange {
  readonly #publication: Publication;
  readonly #topicIds: TopicIds;
  readonly #takeMessageId: () => number;
  readonly #done: Done;
  #phase: "register" | "publish" | "release" = "publish";
  /** 0 until one is taken. */
  #messageId = 0;
  #registerId = 0;
  #sent = false;
  /** An id the gateway does not know is registered anew once, so that a confused gateway ends it. */
  #reregistered = false;

  constructor(
    publication: Publication,
    topicIds: TopicIds,
    takeMessageId: () => number,
    done: Done,
  ) {
    this.#publication = publication;
    this.#topicIds = topicIds;
    this.#takeMessageId = takeMessageId;
    this.#done = done;
  }

  get durable(): boolean {
    return this.#publication.qos > 0;
  }

  get confirmed(): boolean {
    return this.#phase === "register" || this.#publication.qos > 0;
  }

  outgoing(): SnMessage {
    if (this.#phase === "release") return { kind: "pubrel", messageId: this.#messageId };
    const { topic, qos } = this.#publication;
    if (qos > 0 && this.#messageId === 0) this.#messageId = this.#takeMessageId();
    const publish = publishMessage(
      this.#publication,
      this.#topicIds,
      this.#messageId,
      this.#sent && qos > 0,
    );
    if (publish !== undefined) {
      this.#phase = "publish";
      this.#sent = true;
      return publish;
    }
    this.#phase = "register";
    if (this.#registerId === 0) this.#registerId = this.#takeMessageId();
    const topicName = topic.type === "predefined" ? "" : topic.name;
    return { kind: "register", topicId: 0, messageId: this.#registerId, topicName };
  }

  incoming(message: SnMessage): Step {
    switch (this.#phase) {
      case "register":
        return this.#registering(message);
      case "publish":
        return this.#publishing(message);
      case "release":
        return this.#releasing(message);
    }
  }

  finish(outcome: Outcome): void {
    this.#done(outcome);
  }

  #registering(message: SnMessage): Step {
    if (message.kind !== "regack" || message.messageId !== this.#registerId) return "ignored";
    const outcome = outcomeOf(message.returnCode);
    if (outcome === "congestion") return "congested";
    const topic = this.#publication.topic;
    if (outcome !== "accepted" || topic.type !== "name") return { outcome };
    this.#registerId = 0;
    this.#topicIds.assign(topic.name, message.topicId);
    return "send";
  }

  #publishing(message: SnMessage): Step {
    const qos = this.#publication.qos;
    if (message.kind === "pubrec") {
      if (qos !== 2 || message.messageId !== this.#messageId) return "ignored";
      this.#phase = "release";
      return "send";
    }
    if (message.kind !== "puback" || message.messageId !== this.#messageId) return "ignored";
    const outcome = outcomeOf(message.returnCode);
    if (outcome === "accepted") return qos === 1 ? { outcome } : "ignored";
    // A rejected message was not taken, so that the next one is no duplicate.
    this.#sent = false;
    if (outcome === "congestion") return "congested";
    if (outcome !== "invalidTopicId" || this.#publication.topic.type !== "name") return { outcome };
    if (this.#reregistered) return { outcome };
    this.#reregistered = true;
    const topicId = this.#topicIds.idOf(this.#publication.topic.name);
    if (topicId !== undefined) this.#topicIds.forget(topicId);
    return "send";
  }

  #releasing(message: SnMessage): Step {
    if (message.kind === "pubrec" && message.messageId === this.#messageId) return "send";
    if (message.kind !== "pubcomp" || message.messageId !== this.#messageId) return "ignored";
    return { outcome: "accepted" };
  }
}
