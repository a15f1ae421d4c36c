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
import type { EchoGuard } from "./echo-guard.ts";
import { shownTopic, type TopicMap } from "./topic-map.ts";

export interface IncomingParts {
  /** For logs. */
  readonly name: string;
  readonly log: Log;
  readonly topics: TopicMap;
  readonly echoes: EchoGuard;
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
    this.#handover.open(remote, local, sessionPresent);
  }

  close(): void {
    this.#remote = undefined;
    this.#local = undefined;
    this.#handover.close();
  }

  message(packet: PublishPacket): void {
    const { topics, echoes } = this.#parts;
    const { topic, payload, qos, retain, dup } = packet;
    const handover = this.#handover;
    if (handover.isRepeated(packet)) return;
    if (this.#guarded && echoes.isEcho(topic, payload)) {
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
    const message = new Message(localTopic, payload, qos, retain, true);
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

  #refused(reason: ReasonCode, topic: string): boolean {
    if (PASSING.has(reason)) {
      this.#remote?.abort("this broker cannot take more messages now");
      return false;
    }
    if (this.#refusalReported) return true;
    this.#refusalReported = true;
    const { log, name } = this.#parts;
    const where = shownTopic(topic);
    log.warn(`${name}: this broker refused a message on ${where} (reason ${reason}), dropped`);
    return true;
  }

  /** A kept session at the remote broker still holds the subscriptions of an earlier configuration. */
  #stray(topic: string): void {
    if (this.#strayReported) return;
    this.#strayReported = true;
    const { log, name } = this.#parts;
    log.warn(
      `${name}: the remote broker sent ${shownTopic(topic)}, which is not configured to come in, dropped`,
    );
  }
}
