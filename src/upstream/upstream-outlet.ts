/**
 * The way from the session in which what nodes publish waits to the upstream broker, over the one
 * connection that they share.
 */
import type { QoS } from "../mqtt/qos.ts";
import { isFailure, type ReasonCode } from "../mqtt/reason-codes.ts";
import type { Answer } from "../mqtt-client/client-owner.ts";
import type { MqttClient } from "../mqtt-client/mqtt-client.ts";
import type { Client } from "../seams/door.ts";
import type { Message } from "../seams/message.ts";

export interface UpstreamOutletParts {
  /** Identifiers that SUBSCRIBE and UNSUBSCRIBE are under way with. */
  readonly isTaken: (packetId: number) => boolean;
  /** The upstream broker does not want this message. */
  readonly refused: (message: Message, reason: ReasonCode) => void;
}

interface Late {
  readonly packetId: number;
  /** Undefined for a PUBREL. */
  readonly message: Message | undefined;
  readonly qos: QoS;
  readonly retain: boolean;
  readonly dup: boolean;
}

/** Unsent bytes beyond which messages wait in the session instead. */
const BACKLOG_LIMIT = 262_144;

export class UpstreamOutlet {
  readonly #parts: UpstreamOutletParts;
  #remote: MqttClient | undefined;
  #session: Client | undefined;
  /** QoS 1 and 2 messages sent on this connection and not acknowledged. */
  readonly #sent = new Map<number, Message>();
  /** What has to wait for an identifier or for the upstream broker's Receive Maximum, in order. */
  #late: Late[] = [];
  #waitingForDrain = false;

  constructor(parts: UpstreamOutletParts) {
    this.#parts = parts;
  }

  /** Sends over this connection what the session holds, first what was on its way before. */
  open(remote: MqttClient, session: Client): void {
    this.#remote = remote;
    this.#session = session;
    this.#waitingForDrain = false;
    session.redeliver();
  }

  close(): void {
    this.#session?.suspend();
    this.#remote = undefined;
    this.#session = undefined;
    this.#sent.clear();
    this.#late = [];
  }

  deliver(message: Message, qos: QoS, retain: boolean, dup: boolean, packetId: number): void {
    const remote = this.#remote;
    if (remote === undefined) return;
    this.#pass(remote, { packetId, message, qos, retain, dup });
    if (remote.backlog <= BACKLOG_LIMIT) return;
    this.#waitingForDrain = true;
    this.#session?.pause();
  }

  /** PUBREC has been noted: PUBREL is to go. */
  release(packetId: number): void {
    const remote = this.#remote;
    if (remote === undefined) return;
    this.#pass(remote, { packetId, message: undefined, qos: 2, retain: false, dup: false });
  }

  received(packetId: number): void {
    this.#session?.received(packetId);
  }

  acknowledged(packetId: number, { reasonCode }: Answer): void {
    const message = this.#sent.get(packetId);
    this.#sent.delete(packetId);
    if (message !== undefined && isFailure(reasonCode)) {
      this.#parts.refused(message, reasonCode as ReasonCode);
    }
    this.#session?.acknowledge(packetId);
    this.retry();
  }

  drained(): void {
    if (!this.#waitingForDrain) return;
    this.#waitingForDrain = false;
    this.#session?.resume();
  }

  /** Something was answered: what waited for that may go. */
  retry(): void {
    const remote = this.#remote;
    while (remote !== undefined && this.#remote === remote) {
      const next = this.#late[0];
      if (next === undefined || this.#isHeldUp(remote, next)) return;
      this.#late.shift();
      this.#send(remote, next);
    }
  }

  #pass(remote: MqttClient, item: Late): void {
    if (this.#late.length === 0 && !this.#isHeldUp(remote, item)) {
      this.#send(remote, item);
      return;
    }
    item.message?.keep();
    this.#late.push(item);
  }

  #isHeldUp(remote: MqttClient, { packetId, message, qos }: Late): boolean {
    if (qos === 0) return false;
    if (this.#parts.isTaken(packetId)) return true;
    return message !== undefined && remote.quota <= 0;
  }

  #send(remote: MqttClient, { packetId, message, qos, retain, dup }: Late): void {
    if (message === undefined) {
      remote.release(packetId);
      return;
    }
    if (qos > 0) this.#sent.set(packetId, message.keep());
    const { topic, payload } = message;
    const problem = remote.publish(topic, payload, qos, retain, dup, packetId);
    if (problem === undefined) return;
    this.#sent.delete(packetId);
    this.#parts.refused(message, problem);
    if (qos > 0) this.#session?.discard(packetId);
  }
}
