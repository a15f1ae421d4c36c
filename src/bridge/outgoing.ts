/**
 * A bridge's way out: it is a client of this broker whose peer is the remote broker. What the broker
 * delivers is renamed and published there, and acknowledged here only when the remote broker has it.
 */
import { utf8Length } from "../bytes/utf8.ts";
import type { QoS } from "../mqtt/qos.ts";
import { isFailure, Reason, type ReasonCode } from "../mqtt/reason-codes.ts";
import type { Answer, MqttClient } from "../mqtt-client/mqtt-client.ts";
import { reasonText } from "../mqtt-client/reason-text.ts";
import type { Client, Door, Peer, QueueLoss, SessionTerms } from "../seams/door.ts";
import type { Log } from "../seams/log.ts";
import type { Message } from "../seams/message.ts";
import type { Clock } from "../time/clock.ts";
import type { Scheduler, Timer } from "../time/scheduler.ts";
import type { BridgeCounters } from "./bridge-counters.ts";
import { outgoingProperties } from "./carried-properties.ts";
import type { EchoGuard } from "./echo-guard.ts";
import type { Marks } from "./marks.ts";
import { type BridgeOptions, UNTOLD_WINDOW, UNTOLD_WINDOW_QOS2, WIDEST_WINDOW } from "./options.ts";
import { Rate } from "./rate.ts";
import { shownTopic, type TopicMap } from "./topic-map.ts";

export interface OutgoingParts {
  readonly door: Door;
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  readonly log: Log;
  readonly options: BridgeOptions;
  readonly topics: TopicMap;
  readonly echoes: EchoGuard;
  readonly marks: Marks;
  readonly counters: BridgeCounters;
  /** The topic filters that a kept session at this broker holds. */
  readonly heldFilters: (clientId: string) => Iterable<string>;
  /** A publish of the bridge that was pending here is safe. */
  readonly published: (packetId: number) => void;
  /** A QoS 2 publish of the bridge is released for good. */
  readonly completed: (packetId: number) => void;
  /** The session here was taken away. */
  readonly evicted: () => void;
}

/** Unsent bytes beyond which messages wait in the session here instead. */
const BACKLOG_LIMIT = 262_144;
/** How often in a row a remote broker without room may refuse before its word is final. */
const MOST_REFUSALS = 5;

/** Where it is counted that a message does not wait here. */
const NOT_KEPT = {
  full: "queueDroppedFull",
  age: "queueDroppedAge",
  refused: "queueRefused",
} as const satisfies Record<QueueLoss, keyof BridgeCounters>;

/** Why delivery is held back: the network has not taken what was sent, or the rate is reached. */
type Hold = "drain" | "rate";

export class Outgoing implements Peer {
  readonly #parts: OutgoingParts;
  readonly #rate: Rate;
  readonly #holds = new Set<Hold>();
  #client: Client | undefined;
  #remote: MqttClient | undefined;
  #guarded = false;
  #rateTimer: Timer | undefined;
  /** Retained messages are due with the next connection. */
  #retainedDue = false;
  /** What was complained of on this connection. */
  readonly #complaints = new Set<string>();
  /** Refusals for want of room since a message was taken. */
  #refusals = 0;
  /** When a message was handed to the remote broker last, monotonic ms. */
  lastSent = 0;

  constructor(parts: OutgoingParts) {
    this.#parts = parts;
    this.#rate = new Rate(parts.clock, parts.options.maximumRate);
  }

  /** The bridge's hold on its session here, while it has one. */
  get client(): Client | undefined {
    return this.#client;
  }

  /**
   * Enters this broker and subscribes to what leads out; from now on messages queue. Answers why
   * not, if the broker refuses, and else whether a session was there already.
   */
  enter(): { readonly sessionPresent: boolean } | { readonly refused: ReasonCode } {
    const { door, options, topics, log, heldFilters } = this.#parts;
    const { localClientId, localCleanSession } = options;
    const entry = door.enter(
      {
        clientId: localClientId,
        cleanStart: localCleanSession,
        persistent: !localCleanSession,
        origin: "bridge",
        remote: options.name,
        username: options.localUsername,
        receiveMaximum: options.maxInflight || UNTOLD_WINDOW,
        queueQos0: options.queueQos0,
        bridge: true,
        terms: this.#terms,
      },
      this,
    );
    if (!entry.ok) return { refused: entry.reason };
    this.#client = entry.client;
    this.#retainedDue = true;
    const wanted = new Set(topics.localSubscriptions.map(({ filter }) => filter));
    for (const filter of [...heldFilters(localClientId)]) {
      if (!wanted.has(filter)) entry.client.unsubscribe(filter);
    }
    for (const { filter, qos } of topics.localSubscriptions) {
      const lower = Math.min(qos, options.maximumQos) as QoS;
      if (isFailure(entry.client.subscribe(filter, lower))) {
        log.warn(`${options.name}: this broker refused the subscription to ${filter}`);
      }
    }
    return { sessionPresent: entry.sessionPresent };
  }

  /** Lets messages go over this connection, first those that were on their way before. */
  open(remote: MqttClient, sessionPresent: boolean, guarded: boolean): void {
    const client = this.#client;
    this.#remote = remote;
    this.#guarded = guarded;
    this.#holds.clear();
    this.#complaints.clear();
    const retainedDue = this.#retainedDue || !sessionPresent;
    this.#retainedDue = false;
    client?.setReceiveMaximum?.(this.#windowOf(remote));
    client?.redeliver();
    if (!retainedDue) return;
    // A remote broker that does not know the bridge (any longer) may lack the retained messages too.
    for (const { filter, qos } of this.#parts.topics.localSubscriptions) {
      client?.deliverRetained(filter, qos);
    }
  }

  /** The connection is gone: messages queue, or with a clean local session are not wanted. */
  close(): void {
    this.#remote = undefined;
    this.#rateTimer?.cancel();
    if (this.#parts.options.localCleanSession) this.leave();
    else this.#client?.suspend();
  }

  leave(): void {
    const client = this.#client;
    this.#client = undefined;
    this.#rateTimer?.cancel();
    client?.leave("normal");
  }

  /** Leaves for good: nothing more is to queue. Answers how many messages still wait, for which the session stays. */
  retire(): number {
    const { door, options, topics } = this.#parts;
    const client = this.#client;
    if (client === undefined) return 0;
    for (const { filter } of topics.localSubscriptions) client.unsubscribe(filter);
    const { backlog } = client;
    this.leave();
    if (backlog === 0) door.forget(options.localClientId);
    return backlog;
  }

  drained(): void {
    this.#release("drain");
  }

  /** PUBACK or PUBCOMP came from the remote broker, or its refusal. */
  acknowledged(packetId: number, { reasonCode, properties }: Answer): void {
    if (!isFailure(reasonCode)) {
      this.#refusals = 0;
      this.#client?.acknowledge(packetId);
      return;
    }
    const why = properties?.reasonString ?? reasonText(reasonCode);
    if (reasonCode === Reason.quotaExceeded && ++this.#refusals < MOST_REFUSALS) {
      this.#remote?.abort(`the remote broker cannot take more messages now (${why})`);
      return;
    }
    this.#refusals = 0;
    this.#drop(`refused by the remote broker (${why})`, undefined);
    this.#client?.discard(packetId);
  }

  /** PUBREC came from the remote broker. */
  received(packetId: number): void {
    this.#client?.received(packetId);
  }

  deliver(message: Message, qos: QoS, retain: boolean, dup: boolean, packetId: number): void {
    const remote = this.#remote;
    if (remote === undefined) return;
    const { counters, clock } = this.#parts;
    const lower = Math.min(qos, this.#parts.options.maximumQos, remote.limits.maximumQos) as QoS;
    const unfit = this.#send(remote, message, lower, retain, dup, packetId);
    if (unfit !== undefined) {
      this.#drop(unfit, message.topic);
      if (qos > 0) this.#client?.discard(packetId);
      return;
    }
    counters.sent++;
    this.lastSent = clock.now();
    // Nobody is going to acknowledge it.
    if (qos > 0 && lower === 0) this.#client?.acknowledge(packetId);
    if (remote.backlog > BACKLOG_LIMIT) this.#hold("drain");
    const wait = this.#rate.spend();
    if (wait === 0) return;
    this.#hold("rate");
    this.#rateTimer = this.#parts.scheduler.after(wait, () => this.#release("rate"));
  }

  release(packetId: number): void {
    this.#remote?.release(packetId);
  }

  published(packetId: number): void {
    this.#parts.published(packetId);
  }

  completed(packetId: number): void {
    this.#parts.completed(packetId);
  }

  evicted(_reason: ReasonCode): void {
    this.#client = undefined;
    this.#parts.evicted();
  }

  /** What is to be kept of a message that is shared. */
  #arriving(message: Message): Message | undefined {
    const { marks, counters, options } = this.#parts;
    if (this.#isExcluded(message)) return undefined;
    if (options.protocol !== "mqttv50") return message;
    if (!this.#hasComeRound(message)) return marks.arrived(message);
    counters.looped++;
    return undefined;
  }

  #isExcluded({ topic }: Message): boolean {
    const { topics, options } = this.#parts;
    return options.exclude.length > 0 && topics.isExcluded(topic);
  }

  #hasComeRound({ properties }: Message): boolean {
    const { marks, options } = this.#parts;
    return options.protocol === "mqttv50" && marks.hasComeRound(properties?.userProperties);
  }

  /** Sends the message, or answers in words why this remote broker cannot be sent it. */
  #send(
    remote: MqttClient,
    message: Message,
    qos: QoS,
    retain: boolean,
    dup: boolean,
    packetId: number,
  ): string | undefined {
    const { topics, echoes, marks, options, clock } = this.#parts;
    const { payload } = message;
    const out = topics.toRemote(message.topic);
    if (out === undefined) return "is not shared with the remote broker (any more)";
    const { topic } = out;
    const { maximumTopicLength, maximumTopicLevels } = options;
    if (maximumTopicLength > 0 && utf8Length(topic) > maximumTopicLength) {
      return `is a topic longer than the remote broker takes (${maximumTopicLength} bytes)`;
    }
    if (maximumTopicLevels > 0 && topic.split("/").length > maximumTopicLevels) {
      return `has more levels than the remote broker takes (${maximumTopicLevels})`;
    }
    const shown = retain && options.outgoingRetain && remote.limits.retainAvailable;
    const properties =
      options.protocol === "mqttv50"
        ? outgoingProperties(message, topics, marks, clock.now())
        : undefined;
    const id = qos === 0 ? 0 : packetId;
    const problem = remote.publish(topic, payload, qos, shown, qos > 0 && dup, id, properties);
    if (problem === Reason.packetTooLarge) return "has a message too large for the remote broker";
    if (problem !== undefined) return `cannot be sent: ${reasonText(problem)}`;
    if (this.#guarded && out.returns) echoes.sent(topic, payload);
    return undefined;
  }

  get #terms(): SessionTerms {
    const { options, counters } = this.#parts;
    return {
      maxQueuedMessages: options.maxQueuedMessages,
      maxQueuedBytes: options.maxQueuedBytes,
      maxQueuedAge: options.maxQueuedAge,
      queuePolicy: options.queuePolicy,
      ...(this.#isUntold ? { maxInflightQos2: UNTOLD_WINDOW_QOS2 } : {}),
      interleave: options.backlog === "interleave",
      arriving: (message) => this.#arriving(message),
      wants: (message) => !this.#isExcluded(message) && !this.#hasComeRound(message),
      notKept: (why) => {
        counters[NOT_KEPT[why]]++;
      },
    };
  }

  /** Nobody says how many messages the remote broker takes. */
  get #isUntold(): boolean {
    const { maxInflight, protocol } = this.#parts.options;
    return maxInflight === 0 && protocol !== "mqttv50";
  }

  /** How many messages may be on their way to this remote broker. */
  #windowOf(remote: MqttClient): number {
    const { maxInflight, protocol } = this.#parts.options;
    if (protocol !== "mqttv50") return maxInflight || UNTOLD_WINDOW;
    return Math.min(maxInflight || WIDEST_WINDOW, remote.limits.receiveMaximum);
  }

  #hold(reason: Hold): void {
    this.#holds.add(reason);
    this.#client?.pause();
  }

  #release(reason: Hold): void {
    if (this.#holds.delete(reason) && this.#holds.size === 0) this.#client?.resume();
  }

  /** Counts what cannot be sent; each kind is told of once for a connection. */
  #drop(why: string, topic: string | undefined): void {
    const { counters, log, options } = this.#parts;
    counters.dropped++;
    const what = topic === undefined ? "a message was" : shownTopic(topic);
    if (this.#complaints.has(why)) {
      log.debug(`${options.name}: ${what} ${why}, dropped`);
      return;
    }
    this.#complaints.add(why);
    log.warn(`${options.name}: ${what} ${why}, dropped`);
  }
}
