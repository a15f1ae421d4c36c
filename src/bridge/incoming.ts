/**
 * A bridge's way in: what the remote broker sends is renamed and published here, and acknowledged
 * there only when this broker has it safe.
 */
import type { PublishPacket } from "../mqtt/packets.ts";
import { Reason, type ReasonCode } from "../mqtt/reason-codes.ts";
import { Handover } from "../mqtt-client/handover.ts";
import type { MqttClient } from "../mqtt-client/mqtt-client.ts";
import type { Client } from "../seams/door.ts";
import type { Log } from "../seams/log.ts";
import { Message } from "../seams/message.ts";
import type { Clock } from "../time/clock.ts";
import type { BridgeCounters } from "./bridge-counters.ts";
import { incomingProperties } from "./carried-properties.ts";
import type { EchoGuard } from "./echo-guard.ts";
import type { Marks } from "./marks.ts";
import { shownTopic, type TopicMap } from "./topic-map.ts";

export interface IncomingParts {
  /** For logs. */
  readonly name: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly topics: TopicMap;
  readonly echoes: EchoGuard;
  readonly marks: Marks;
  /** Properties come with messages. */
  readonly isMqtt5: boolean;
  readonly counters: BridgeCounters;
}

/** Refusals that pass: the remote broker is to keep the message and send it again later. */
const PASSING: ReadonlySet<number> = new Set([Reason.quotaExceeded, Reason.serverBusy]);

export class Incoming {
  readonly #parts: IncomingParts;
  readonly #handover = new Handover((outcome, topic) => this.#refused(outcome, topic));
  #remote: MqttClient | undefined;
  #local: Client | undefined;
  #guarded = false;
  // Each reported once for a connection: what a remote broker repeats is not to fill the log.
  #strayReported = false;
  #refusalReported = false;
  #loopReported = false;
  /** When a message came last, monotonic ms. */
  lastReceived = 0;

  constructor(parts: IncomingParts) {
    this.#parts = parts;
  }

  /** Takes messages from this connection; `local` is the bridge's hold on this broker. */
  open(remote: MqttClient, local: Client, sessionPresent: boolean, guarded: boolean): void {
    this.#remote = remote;
    this.#local = local;
    this.#guarded = guarded;
    this.#strayReported = false;
    this.#refusalReported = false;
    this.#loopReported = false;
    this.#handover.open(remote, local, sessionPresent);
  }

  close(): void {
    this.#remote = undefined;
    this.#local = undefined;
    this.#handover.close();
  }

  message(packet: PublishPacket): void {
    const { topics, echoes, counters, marks, clock } = this.#parts;
    const { topic, payload, dup, properties } = packet;
    const handover = this.#handover;
    if (handover.isRepeated(packet)) return;
    counters.received++;
    this.lastReceived = clock.now();
    if (this.#guarded && echoes.isEcho(topic, payload)) {
      handover.pass(packet);
      return;
    }
    if (marks.hasComeBack(properties?.userProperties)) {
      this.#looped(topic);
      handover.pass(packet);
      return;
    }
    const localTopic = topics.toLocal(topic);
    if (localTopic === undefined) {
      this.#stray(topic);
      handover.pass(packet);
      return;
    }
    const local = this.#local as Client;
    const message = this.#messageOf(packet, localTopic);
    handover.take(packet, localTopic, (packetId) => local.publish(message, packetId, dup));
  }

  /** PUBREL: the remote broker does not send this QoS 2 message again. */
  released(packetId: number): void {
    this.#handover.released(packetId);
  }

  /** What was released there is released here for good. */
  completed(packetId: number): void {
    this.#handover.completed(packetId);
  }

  /** A publish that was pending is safe here now. */
  published(number: number): void {
    this.#handover.published(number);
  }

  #messageOf({ payload, qos, retain, properties }: PublishPacket, topic: string): Message {
    const { clock, topics, marks, isMqtt5 } = this.#parts;
    const carried = isMqtt5 ? incomingProperties(properties, topics, marks) : undefined;
    const expiry = properties?.messageExpiryInterval;
    const expiresAt = expiry === undefined ? undefined : clock.now() + expiry * 1000;
    return new Message(topic, payload, qos, retain, true, carried, expiresAt);
  }

  #refused(reason: ReasonCode, topic: string): boolean {
    if (PASSING.has(reason)) {
      this.#remote?.abort("this broker cannot take more messages now");
      return false;
    }
    this.#parts.counters.refused++;
    if (this.#refusalReported) return true;
    this.#refusalReported = true;
    const { log, name } = this.#parts;
    const where = shownTopic(topic);
    log.warn(`${name}: this broker refused a message on ${where} (reason ${reason}), dropped`);
    return true;
  }

  #looped(topic: string): void {
    const { counters, log, name } = this.#parts;
    counters.looped++;
    if (this.#loopReported) return;
    this.#loopReported = true;
    log.info(`${name}: a message on ${shownTopic(topic)} had been here before, stopped`);
  }

  /** A kept session at the remote broker still holds the subscriptions of an earlier configuration. */
  #stray(topic: string): void {
    this.#parts.counters.refused++;
    if (this.#strayReported) return;
    this.#strayReported = true;
    const { log, name } = this.#parts;
    log.warn(
      `${name}: the remote broker sent ${shownTopic(topic)}, which is not configured to come in, dropped`,
    );
  }
}
