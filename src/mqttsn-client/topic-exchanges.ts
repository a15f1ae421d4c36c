/** REGISTER, SUBSCRIBE and UNSUBSCRIBE as a node asks for them (MQTT-SN 1.2 §6.5, §6.9). */
import type { SnMessage, SnQoS, TopicReference } from "../mqttsn/packets.ts";
import type { Exchange, Step } from "./exchange.ts";
import { type Done, type Outcome, outcomeOf } from "./outcome.ts";
import type { TopicIds } from "./topic-ids.ts";

/** Told the topic id where the outcome is "accepted". */
export type Registered = (outcome: Outcome, topicId: number | undefined) => void;

export class RegisterExchange implements Exchange {
  readonly durable = false;
  readonly confirmed = true;
  readonly #name: string;
  readonly #messageId: number;
  readonly #topicIds: TopicIds;
  readonly #done: Registered;

  constructor(name: string, messageId: number, topicIds: TopicIds, done: Registered) {
    this.#name = name;
    this.#messageId = messageId;
    this.#topicIds = topicIds;
    this.#done = done;
  }

  outgoing(): SnMessage {
    return { kind: "register", topicId: 0, messageId: this.#messageId, topicName: this.#name };
  }

  incoming(message: SnMessage): Step {
    if (message.kind !== "regack" || message.messageId !== this.#messageId) return "ignored";
    const outcome = outcomeOf(message.returnCode);
    if (outcome === "congestion") return "congested";
    if (outcome === "accepted") this.#topicIds.assign(this.#name, message.topicId);
    return { outcome };
  }

  finish(outcome: Outcome): void {
    this.#done(outcome, outcome === "accepted" ? this.#topicIds.idOf(this.#name) : undefined);
  }
}

/** Told the QoS granted where the outcome is "accepted". */
export type Subscribed = (outcome: Outcome, granted: SnQoS | undefined) => void;

export class SubscribeExchange implements Exchange {
  readonly durable = false;
  readonly confirmed = true;
  readonly #topic: TopicReference;
  readonly #qos: SnQoS;
  readonly #messageId: number;
  readonly #topicIds: TopicIds;
  readonly #done: Subscribed;
  #granted: SnQoS | undefined;
  #sent = false;

  constructor(
    topic: TopicReference,
    qos: SnQoS,
    messageId: number,
    topicIds: TopicIds,
    done: Subscribed,
  ) {
    this.#topic = topic;
    this.#qos = qos;
    this.#messageId = messageId;
    this.#topicIds = topicIds;
    this.#done = done;
  }

  outgoing(): SnMessage {
    const dup = this.#sent;
    this.#sent = true;
    return {
      kind: "subscribe",
      dup,
      qos: this.#qos,
      messageId: this.#messageId,
      topic: this.#topic,
    };
  }

  incoming(message: SnMessage): Step {
    if (message.kind !== "suback" || message.messageId !== this.#messageId) return "ignored";
    const outcome = outcomeOf(message.returnCode);
    if (outcome === "congestion") return "congested";
    if (outcome === "accepted") {
      this.#granted = message.qos;
      // A filter with wildcards has no id of its own and is answered with 0x0000 (§6.9).
      if (this.#topic.type === "name" && message.topicId !== 0) {
        this.#topicIds.assign(this.#topic.name, message.topicId);
      }
    }
    return { outcome };
  }

  finish(outcome: Outcome): void {
    this.#done(outcome, this.#granted);
  }
}

export class UnsubscribeExchange implements Exchange {
  readonly durable = false;
  readonly confirmed = true;
  readonly #topic: TopicReference;
  readonly #messageId: number;
  readonly #done: Done;

  constructor(topic: TopicReference, messageId: number, done: Done) {
    this.#topic = topic;
    this.#messageId = messageId;
    this.#done = done;
  }

  outgoing(): SnMessage {
    return { kind: "unsubscribe", messageId: this.#messageId, topic: this.#topic };
  }

  incoming(message: SnMessage): Step {
    if (message.kind !== "unsuback" || message.messageId !== this.#messageId) return "ignored";
    return { outcome: "accepted" };
  }

  finish(outcome: Outcome): void {
    this.#done(outcome);
  }
}
