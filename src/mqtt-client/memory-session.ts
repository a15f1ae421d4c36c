/**
 * The client's half of a session, kept in memory only: publishes wait here for their turn and their
 * acknowledgement over reconnections, and QoS 2 messages come through once. For clients that act for
 * a person or a script; a bridge keeps its messages in the broker instead.
 */
import type { PublishPacket } from "../mqtt/packets.ts";
import type { Properties } from "../mqtt/properties.ts";
import type { QoS } from "../mqtt/qos.ts";
import { Reason, type ReasonCode } from "../mqtt/reason-codes.ts";
import type { Answer, MqttClientOwner } from "./client-owner.ts";
import type { Ending } from "./ending.ts";
import type { MqttClient } from "./mqtt-client.ts";

export interface MemorySessionEvents {
  /** `properties` are those of CONNACK. */
  connected(sessionPresent: boolean, properties: Properties | undefined): void;
  /**
   * A message, once only at QoS 2; its payload is to be copied if kept. Answers whether it is taken:
   * one that is not stays with the server, and comes again on the next connection.
   */
  message(packet: PublishPacket): boolean;
  /**
   * The publish that `publish` gave this number to is with the server, or refused by it: `answer` tells,
   * see `isFailure`. At QoS 0, it is on its way there.
   */
  published(ticket: number, answer: Answer): void;
  /** This publish cannot be sent to this server, and is given up; `published` with the reason if not given. */
  unsendable?(ticket: number, reason: ReasonCode): void;
  subscribed?: MqttClientOwner["subscribed"];
  unsubscribed?: MqttClientOwner["unsubscribed"];
  closed(ending: Ending): void;
}

interface Outgoing {
  readonly ticket: number;
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly qos: QoS;
  readonly retain: boolean;
  readonly properties: Properties | undefined;
  /** PUBREC has come; only PUBREL and PUBCOMP are left. */
  received: boolean;
}

/** Unsent bytes beyond which QoS 0 publishes wait here rather than in the wire. */
const BACKLOG_LIMIT = 1_048_576;
const SUCCESS: Answer = { reasonCode: Reason.success };

export class MemorySession implements MqttClientOwner {
  readonly #events: MemorySessionEvents;
  readonly #maximumInflight: number;
  readonly #inflight = new Map<number, Outgoing>();
  readonly #incoming = new Set<number>();
  readonly #queue: Outgoing[] = [];
  /** What of `#queue` is gone already: taking the first of a long array off costs its whole length. */
  #queueStart = 0;
  /** Packet identifiers in flight since an earlier connection, which this one still has to repeat. */
  #repeats: number[] = [];
  #client: MqttClient | undefined;
  #tickets = 0;

  constructor(events: MemorySessionEvents, maximumInflight = 20) {
    this.#events = events;
    this.#maximumInflight = maximumInflight;
  }

  /** Publishes that are not with the server yet. */
  get pending(): number {
    return this.#queue.length - this.#queueStart + this.#inflight.size;
  }

  /** Goes on over this connection; the client's owner is this session. */
  attach(client: MqttClient): void {
    this.#client = client;
  }

  /** Publishes as soon as connection and window allow. The payload is not to be changed before `published`. */
  publish(
    topic: string,
    payload: Uint8Array,
    qos: QoS,
    retain: boolean,
    properties?: Properties | undefined,
  ): number {
    const ticket = ++this.#tickets;
    this.#queue.push({ ticket, topic, payload, qos, retain, properties, received: false });
    this.#pump();
    return ticket;
  }

  connected(sessionPresent: boolean, properties: Properties | undefined): void {
    const forgotten = sessionPresent ? [] : this.#forget();
    this.#repeats = [...this.#inflight.keys()];
    for (const packetId of this.#repeats) this.#client?.reserve(packetId);
    for (const { ticket } of forgotten) this.#events.published(ticket, SUCCESS);
    this.#repeat();
    this.#events.connected(sessionPresent, properties);
    this.#pump();
  }

  /** The server has no session: what it had received it has, and the rest of those exchanges is void. */
  #forget(): Outgoing[] {
    this.#incoming.clear();
    const forgotten = [...this.#inflight].filter(([, item]) => item.received);
    for (const [packetId] of forgotten) this.#inflight.delete(packetId);
    return forgotten.map(([, item]) => item);
  }

  message(packet: PublishPacket): void {
    const { qos, packetId } = packet;
    if (qos !== 2 || !this.#incoming.has(packetId)) {
      if (!this.#events.message(packet)) return;
      if (qos === 2) this.#incoming.add(packetId);
    }
    this.#client?.acknowledge(packetId, qos);
  }

  released(packetId: number): void {
    const known = this.#incoming.delete(packetId);
    this.#client?.complete(packetId, known ? Reason.success : Reason.packetIdentifierNotFound);
  }

  received(packetId: number): void {
    const item = this.#inflight.get(packetId);
    if (item !== undefined) item.received = true;
    this.#client?.release(packetId);
  }

  acknowledged(packetId: number, answer: Answer): void {
    const item = this.#inflight.get(packetId);
    if (item === undefined) return;
    this.#inflight.delete(packetId);
    this.#events.published(item.ticket, answer);
    this.#pump();
  }

  subscribed(packetId: number, codes: readonly number[], properties: Properties | undefined): void {
    this.#events.subscribed?.(packetId, codes, properties);
  }

  unsubscribed(
    packetId: number,
    codes: readonly number[] | undefined,
    properties: Properties | undefined,
  ): void {
    this.#events.unsubscribed?.(packetId, codes, properties);
  }

  drained(): void {
    this.#pump();
  }

  closed(ending: Ending): void {
    this.#events.closed(ending);
  }

  #pump(): void {
    const client = this.#client;
    while (client?.connected === true && this.#repeat()) {
      const item = this.#queue[this.#queueStart];
      if (item === undefined) return;
      if (item.qos === 0) {
        if (client.backlog > BACKLOG_LIMIT) return;
        this.#shift();
        this.#send(client, item, 0);
      } else {
        if (this.#inflight.size >= this.#maximumInflight || client.quota <= 0) return;
        const packetId = client.freePacketId();
        if (packetId === 0) return;
        this.#shift();
        this.#inflight.set(packetId, item);
        this.#send(client, item, packetId);
      }
    }
  }

  #shift(): void {
    this.#queueStart++;
    if (this.#queueStart < this.#queue.length) {
      if (this.#queueStart < 1024) return;
      this.#queue.splice(0, this.#queueStart);
    } else {
      this.#queue.length = 0;
    }
    this.#queueStart = 0;
  }

  #send(client: MqttClient, item: Outgoing, packetId: number): void {
    const { ticket, topic, payload, qos, retain, properties } = item;
    const problem = client.publish(topic, payload, qos, retain, false, packetId, properties);
    if (problem !== undefined) this.#giveUp(packetId, item, problem);
    else if (qos === 0) this.#events.published(ticket, SUCCESS);
  }

  /** Takes up again what an earlier connection left open, in its order [MQTT-4.6.0-1]. False while some of it waits. */
  #repeat(): boolean {
    const client = this.#client as MqttClient;
    while (this.#repeats.length > 0) {
      const packetId = this.#repeats[0] as number;
      const item = this.#inflight.get(packetId);
      if (item?.received === true) {
        client.release(packetId);
      } else if (item !== undefined) {
        if (client.quota <= 0) return false;
        const { topic, payload, qos, retain, properties } = item;
        const problem = client.publish(topic, payload, qos, retain, true, packetId, properties);
        if (problem !== undefined) this.#giveUp(packetId, item, problem);
      }
      this.#repeats.shift();
    }
    return true;
  }

  #giveUp(packetId: number, { ticket }: Outgoing, reason: ReasonCode): void {
    this.#inflight.delete(packetId);
    if (this.#events.unsendable === undefined) {
      this.#events.published(ticket, { reasonCode: reason });
    } else {
      this.#events.unsendable(ticket, reason);
    }
  }
}
