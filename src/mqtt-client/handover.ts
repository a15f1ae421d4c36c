/**
 * Takes over messages that a server sends: each is published where it belongs, and acknowledged to the
 * server only when it is safe there. QoS 2 messages come through once, over reconnections too.
 */
import type { PublishPacket } from "../mqtt/packets.ts";
import type { ReasonCode } from "../mqtt/reason-codes.ts";
import { type Client, PENDING, type PublishOutcome } from "../seams/door.ts";
import type { MqttClient } from "./mqtt-client.ts";

/** Publishes the message that is being taken over under this identifier, 0 at QoS 0. */
export type PublishHere = (packetId: number) => PublishOutcome;

/** QoS 1 publishes are known here by numbers of our own, beyond what a packet identifier can be. */
const FIRST_NUMBER = 65536;

export class Handover {
  /** Judges a refusal: whether the server is to be told that it need not keep the message. */
  readonly #refused: (outcome: ReasonCode, topic: string) => boolean;
  #remote: MqttClient | undefined;
  #local: Client | undefined;
  #nextNumber = FIRST_NUMBER;
  /** QoS 1 publishes of this connection that are not safe yet: our number, the server's packetId. */
  readonly #unsafe1 = new Map<number, number>();
  /** QoS 2 publishes that are not safe yet, and whether they came (again) on this connection. */
  readonly #unsafe2 = new Map<number, boolean>();
  /** Answers to QoS 2 publishes of lost sessions that are still to come, to be passed over. */
  readonly #stale2 = new Map<number, number>();
  /** PUBRELs of this connection that wait for PUBCOMP. */
  readonly #completing = new Set<number>();

  constructor(refused: (outcome: ReasonCode, topic: string) => boolean) {
    this.#refused = refused;
  }

  /** Takes messages from this connection; `local` is the hold on the session that they are published from. */
  open(remote: MqttClient, local: Client, sessionPresent: boolean): void {
    this.#remote = remote;
    this.#local = local;
    if (sessionPresent) return;
    // Without its session the server uses packet identifiers anew, those left open included.
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

  /** The same QoS 2 message once more, while it is on its way to safety: one answer will do. */
  isRepeated({ qos, packetId }: PublishPacket): boolean {
    if (qos !== 2 || !this.#unsafe2.has(packetId)) return false;
    this.#unsafe2.set(packetId, true);
    return true;
  }

  /** A message that is not wanted here: the server may forget it. */
  pass({ packetId, qos }: PublishPacket): void {
    this.#remote?.acknowledge(packetId, qos);
  }

  take({ qos, packetId }: PublishPacket, topic: string, publish: PublishHere): void {
    if (qos === 0) {
      this.#judge(publish(0), topic);
      return;
    }
    // Entered before the call, since the answer may come from within it.
    const number = qos === 1 ? this.#nextNumber++ : packetId;
    if (qos === 1) this.#unsafe1.set(number, packetId);
    else this.#unsafe2.set(number, true);
    const outcome = publish(number);
    if (outcome === PENDING) return;
    this.#unsafe1.delete(number);
    this.#unsafe2.delete(number);
    if (this.#judge(outcome, topic)) this.#remote?.acknowledge(packetId, qos);
  }

  /** PUBREL: the server does not send this QoS 2 message again. */
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

  #judge(outcome: PublishOutcome, topic: string): boolean {
    return outcome === PENDING || outcome < 0x80 || this.#refused(outcome, topic);
  }
}
