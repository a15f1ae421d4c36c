/**
 * A bridge's way in: what the remote broker sends is renamed and published here, and acknowledged
 * there only when this broker has it safe.
 */
import type { PublishPacket } from "../mqtt/packets.ts";
import { isFailure, Reason, type ReasonCode } from "../mqtt/reason-codes.ts";
import type { MqttClient } from "../mqtt-client/mqtt-client.ts";
import { type Client, PENDING } from "../seams/door.ts";
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
/** QoS 1 publishes are known here by numbers of our own, beyond what a packet identifier can be. */
const FIRST_NUMBER = 65536;

export class Incoming {
  readonly #parts: IncomingParts;
  #remote: MqttClient | undefined;
  #local: Client | undefined;
  #guarded = false;
  #nextNumber = FIRST_NUMBER;
  /** QoS 1 publishes of this connection that are not safe yet: our number, the remote's packetId. */
  readonly #unsafe1 = new Map<number, number>();
  /** QoS 2 publishes that are not safe yet, and whether they came (again) on this connection. */
  readonly #unsafe2 = new Map<number, boolean>();
  /** Answers to QoS 2 publishes of lost sessions that are still to come, to be passed over. */
  readonly #stale2 = new Map<number, number>();
  /** PUBRELs of this connection that wait for PUBCOMP. */
  readonly #completing = new Set<number>();
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
    if (sessionPresent) return;
    // Without its session the remote broker uses packet identifiers anew, those left open included.
    for (const packetId of this.#unsafe2.keys()) {
      this.#stale2.set(packetId, (this.#stale2.get(packetId) ?? 0) + 1);
    }
    this.#unsafe2.clear();
    local.releaseAll();
  }

  close(): void {
    this.#remote = undefined;
    this.#local = undefined;
    this.#unsafe1.clear();
    this.#completing.clear();
    for (const packetId of this.#unsafe2.keys()) this.#unsafe2.set(packetId, false);
  }

  message(packet: PublishPacket): void {
    const { topics, echoes } = this.#parts;
    const { topic, payload, qos, retain, packetId } = packet;
    const remote = this.#remote as MqttClient;
    if (qos === 2 && this.#unsafe2.has(packetId)) {
      // The same message once more, while it is on its way to safety; one answer will do.
      this.#unsafe2.set(packetId, true);
      return;
    }
    if (this.#guarded && echoes.isEcho(topic, payload)) {
      remote.acknowledge(packetId, qos);
      return;
    }
    const localTopic = topics.toLocal(topic);
    if (localTopic === undefined) {
      this.#stray(topic);
      remote.acknowledge(packetId, qos);
      return;
    }
    this.#publish(new Message(localTopic, payload, qos, retain, true), packetId, packet.dup);
  }

  /** PUBREL: the remote broker does not send this QoS 2 message again. */
  released(packetId: number): void {
    this.#completing.add(packetId);
    this.#local?.release(packetId);
  }

  /** What was released there is released here for good. */
  completed(packetId: number): void {
    if (this.#completing.delete(packetId)) this.#remote?.complete(packetId);
  }

  /** A publish that was pending is safe here now. */
  published(number: number): void {
    const remote = this.#remote;
    if (number >= FIRST_NUMBER) {
      const packetId = this.#unsafe1.get(number);
      this.#unsafe1.delete(number);
      if (packetId !== undefined) remote?.acknowledge(packetId, 1);
      return;
    }
    const stale = this.#stale2.get(number) ?? 0;
    if (stale > 0) {
      if (stale === 1) this.#stale2.delete(number);
      else this.#stale2.set(number, stale - 1);
      return;
    }
    const current = this.#unsafe2.get(number);
    this.#unsafe2.delete(number);
    if (current === true) remote?.acknowledge(number, 2);
  }

  #publish(message: Message, packetId: number, dup: boolean): void {
    const { qos } = message;
    const local = this.#local as Client;
    if (qos === 0) {
      this.#judge(local.publish(message, 0), message.topic);
      return;
    }
    // Entered before the call, since the answer may come from within it.
    const number = qos === 1 ? this.#nextNumber++ : packetId;
    if (qos === 1) this.#unsafe1.set(number, packetId);
    else this.#unsafe2.set(number, true);
    const outcome = local.publish(message, number, dup);
    if (outcome === PENDING) return;
    this.#unsafe1.delete(number);
    this.#unsafe2.delete(number);
    if (this.#judge(outcome, message.topic)) this.#remote?.acknowledge(packetId, qos);
  }

  /** Whether the remote broker is to be told that it need not keep the message. */
  #judge(outcome: ReasonCode | typeof PENDING, topic: string): boolean {
    if (outcome === PENDING || !isFailure(outcome)) return true;
    if (PASSING.has(outcome)) {
      this.#remote?.abort("this broker cannot take more messages now");
      return false;
    }
    this.#refused(topic, outcome);
    return true;
  }

  #refused(topic: string, reason: ReasonCode): void {
    if (this.#refusalReported) return;
    this.#refusalReported = true;
    const { log, name } = this.#parts;
    const where = shownTopic(topic);
    log.warn(`${name}: this broker refused a message on ${where} (reason ${reason}), dropped`);
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
