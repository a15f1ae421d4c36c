/**
 * A bridge's way out: it is a client of this broker whose peer is the remote broker. What the broker
 * delivers is renamed and published there, and acknowledged here only when the remote broker has it.
 */
import { publishSize } from "../mqtt/encode.ts";
import type { QoS } from "../mqtt/qos.ts";
import { isFailure, type ReasonCode } from "../mqtt/reason-codes.ts";
import type { MqttClient } from "../mqtt-client/mqtt-client.ts";
import type { Client, Door, Peer } from "../seams/door.ts";
import type { Log } from "../seams/log.ts";
import type { Message } from "../seams/message.ts";
import type { EchoGuard } from "./echo-guard.ts";
import type { BridgeOptions } from "./options.ts";
import { shownTopic, type TopicMap } from "./topic-map.ts";

export interface OutgoingParts {
  readonly door: Door;
  readonly log: Log;
  readonly options: BridgeOptions;
  readonly topics: TopicMap;
  readonly echoes: EchoGuard;
  /** A publish of the bridge that was pending here is safe. */
  readonly published: (packetId: number) => void;
  /** A QoS 2 publish of the bridge is released for good. */
  readonly completed: (packetId: number) => void;
  /** The session here was taken away. */
  readonly evicted: () => void;
}

/** Unsent bytes beyond which messages wait in the session here instead. */
const BACKLOG_LIMIT = 262_144;
/** The protocol's own limit to a packet, bytes. */
const LONGEST_PACKET = 268_435_460;

export class Outgoing implements Peer {
  readonly #parts: OutgoingParts;
  #client: Client | undefined;
  #remote: MqttClient | undefined;
  #guarded = false;
  #waitingForDrain = false;
  /** Retained messages are due with the next connection. */
  #retainedDue = false;
  #strayReported = false;

  constructor(parts: OutgoingParts) {
    this.#parts = parts;
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
    const { door, options, topics, log } = this.#parts;
    const entry = door.enter(
      {
        clientId: options.localClientId,
        cleanStart: options.localCleanSession,
        persistent: !options.localCleanSession,
        origin: "bridge",
        remote: options.name,
        username: options.localUsername,
        receiveMaximum: options.maxInflight,
        queueQos0: options.queueQos0,
        bridge: true,
      },
      this,
    );
    if (!entry.ok) return { refused: entry.reason };
    this.#client = entry.client;
    this.#retainedDue = true;
    for (const { filter, qos } of topics.localSubscriptions) {
      if (isFailure(entry.client.subscribe(filter, qos))) {
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
    this.#waitingForDrain = false;
    const retainedDue = this.#retainedDue || !sessionPresent;
    this.#retainedDue = false;
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
    if (this.#parts.options.localCleanSession) this.leave();
    else this.#client?.suspend();
  }

  leave(): void {
    const client = this.#client;
    this.#client = undefined;
    client?.leave("normal");
  }

  drained(): void {
    if (!this.#waitingForDrain) return;
    this.#waitingForDrain = false;
    this.#client?.resume();
  }

  /** PUBACK or PUBCOMP came from the remote broker. */
  acknowledged(packetId: number): void {
    this.#client?.acknowledge(packetId);
  }

  /** PUBREC came from the remote broker. */
  received(packetId: number): void {
    this.#client?.received(packetId);
  }

  deliver(message: Message, qos: QoS, retain: boolean, dup: boolean, packetId: number): void {
    const { topics, echoes } = this.#parts;
    const remote = this.#remote;
    if (remote === undefined) return;
    const { payload } = message;
    const out = topics.toRemote(message.topic);
    if (out === undefined || publishSize(out.topic, payload.length, qos) > LONGEST_PACKET) {
      this.#stray(message.topic);
      if (qos > 0) this.#client?.discard(packetId);
      return;
    }
    if (this.#guarded && out.returns) echoes.sent(out.topic, payload);
    remote.publish(out.topic, payload, qos, retain, dup, packetId);
    if (remote.backlog > BACKLOG_LIMIT) {
      this.#waitingForDrain = true;
      this.#client?.pause();
    }
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

  /** A kept session still holds the subscriptions of a configuration since changed. */
  #stray(topic: string): void {
    if (this.#strayReported) return;
    this.#strayReported = true;
    const { log, options } = this.#parts;
    const what = shownTopic(topic);
    log.warn(`${options.name}: ${what} is not shared with the remote broker (any more), dropped`);
  }
}
