/**
 * What a remote broker is told and asked before any message goes out: that the bridge is there, for
 * what comes in, and for what does not any more. Messages wait for the answers, since their packet
 * identifiers come from the session here and must not meet these.
 */
import { encodeUtf8 } from "../bytes/utf8.ts";
import type { SubscriptionRequest } from "../mqtt/packets.ts";
import type { QoS } from "../mqtt/qos.ts";
import { isFailure, Reason } from "../mqtt/reason-codes.ts";
import type { MqttClient } from "../mqtt-client/mqtt-client.ts";
import { reasonText } from "../mqtt-client/reason-text.ts";
import type { Log } from "../seams/log.ts";
import type { BridgeOptions } from "./options.ts";
import type { TopicMap } from "./topic-map.ts";

const UP = encodeUtf8("1");
const SHARED = "$share/";

export class OpeningQuestions {
  readonly #log: Log;
  readonly #options: BridgeOptions;
  readonly #topics: TopicMap;
  /** What is still to be answered: packetId, and what it is about. */
  readonly #open = new Map<number, string>();

  constructor(log: Log, options: BridgeOptions, topics: TopicMap) {
    this.#log = log;
    this.#options = options;
    this.#topics = topics;
  }

  get areAnswered(): boolean {
    return this.#open.size === 0;
  }

  ask(client: MqttClient): void {
    const { notifications, notificationsLocalOnly, attemptUnsubscribe } = this.#options;
    this.#open.clear();
    if (notifications && !notificationsLocalOnly) this.#tellState(client);
    for (const subscription of this.#topics.remoteSubscriptions) {
      this.#subscribe(client, subscription);
    }
    if (!attemptUnsubscribe) return;
    for (const filter of this.#topics.remoteOutOnly) {
      this.#expect(client.unsubscribe([filter]), filter);
    }
  }

  /** Whether this was an answer to one of the questions. `code`: the reason code that it came with. */
  answered(packetId: number, code: number | undefined): boolean {
    const about = this.#open.get(packetId);
    if (about === undefined) return false;
    this.#open.delete(packetId);
    if (code !== undefined && isFailure(code)) this.#refused(about, code);
    return true;
  }

  forget(): void {
    this.#open.clear();
  }

  #tellState(client: MqttClient): void {
    const { notificationTopic, maximumQos, outgoingRetain } = this.#options;
    const { limits } = client;
    const qos = Math.min(1, maximumQos, limits.maximumQos) as QoS;
    const retain = outgoingRetain && limits.retainAvailable;
    const packetId = qos === 0 ? 0 : client.freePacketId();
    const problem = client.publish(notificationTopic, UP, qos, retain, false, packetId);
    if (problem !== undefined) this.#refused(stateOn(notificationTopic), problem);
    else this.#expect(packetId, stateOn(notificationTopic));
  }

  #subscribe(client: MqttClient, { filter, qos }: SubscriptionRequest): void {
    const { protocol, cleanSession } = this.#options;
    const isShared = filter.startsWith(SHARED);
    const request: SubscriptionRequest =
      protocol === "mqttv50"
        ? {
            filter,
            qos,
            // What a bridge of an older version is marked for [MQTT-3.8.3-3, MQTT-3.8.3-4].
            noLocal: !isShared,
            retainAsPublished: true,
            retainHandling: cleanSession ? 0 : 1,
          }
        : { filter, qos };
    const problem = client.subscribeProblem([request]);
    if (problem !== undefined) this.#refused(subscriptionTo(filter), problem);
    else this.#expect(client.subscribe([request]), subscriptionTo(filter));
  }

  #expect(packetId: number, about: string): void {
    if (packetId > 0) this.#open.set(packetId, about);
  }

  #refused(about: string, code: number): void {
    // All that an older broker can say is no.
    const why = code === Reason.unspecifiedError ? "" : ` (${reasonText(code)})`;
    this.#log.warn(`${this.#options.name}: the remote broker refused ${about}${why}`);
  }
}

function subscriptionTo(filter: string): string {
  return `the subscription to ${filter}`;
}

function stateOn(topic: string): string {
  return `the state of the bridge on ${topic}`;
}
