/**
 * The client's half of a session, kept in memory only: publishes wait here for their turn and their
 * acknowledgement over reconnections, and QoS 2 messages come through once. For clients that act for
 * a person or a script; a bridge keeps its messages in the broker instead.
 */
import type { PublishPacket } from "../mqtt/packets.ts";
import type { QoS } from "../mqtt/qos.ts";
import type { Ending } from "./ending.ts";
import type { MqttClient, MqttClientOwner } from "./mqtt-client.ts";

export interface MemorySessionEvents {
  connected(sessionPresent: boolean): void;
  /**
   * A message, once only at QoS 2; its payload is to be copied if kept. Answers whether it is taken:
   * one that is not stays with the server, and comes again on the next connection.
   */
  message(packet: PublishPacket): boolean;
  /** The publish that `publish` gave this number to is with the server; at QoS 0, on its way there. */
  published(ticket: number): void;
  subscribed?(packetId: number, codes: readonly number[]): void;
  unsubscribed?(packetId: number): void;
  closed(ending: Ending): void;
}

interface Outgoing {
  readonly ticket: number;
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly qos: QoS;
  readonly retain: boolean;
  /** PUBREC has come; only PUBREL and PUBCOMP are left. */
  received: boolean;
}

/** Unsent bytes beyond which QoS 0 publishes wait here rather than in the wire. */
const BACKLOG_LIMIT = 1_048_576;

export class MemorySession implements MqttClientOwner {
  readonly #events: MemorySessionEvents;
  readonly #maximumInflight: number;
  readonly #inflight = new Map<number, Outgoing>();
  readonly #incoming = new Set<number>();
  readonly #queue: Outgoing[] = [];
  #client: MqttClient | undefined;
  #tickets = 0;

  constructor(events: MemorySessionEvents, maximumInflight = 20) {
    this.#events = events;
    this.#maximumInflight = maximumInflight;
  }

  /** Publishes that are not with the server yet. */
  get pending(): number {
    return this.#queue.length + this.#inflight.size;
  }

  /** Goes on over this connection; the client's owner is this session. */
  attach(client: MqttClient): void {
    this.#client = client;
  }

  /** Publishes as soon as connection and window allow. The payload is not to be changed before `published`. */
  publish(topic: string, payload: Uint8Array, qos: QoS, retain: boolean): number {
    const ticket = ++this.#tickets;
    this.#queue.push({ ticket, topic, payload, qos, retain, received: false });
    this.#pump();
    return ticket;
  }

  connected(sessionPresent: boolean): void {
    const client = this.#client as MqttClient;
    if (!sessionPresent) this.#incoming.clear();
    for (const [packetId, item] of [...this.#inflight]) {
      if (!item.received) {
        client.publish(item.topic, item.payload, item.qos, item.retain, true, packetId);
      } else if (sessionPresent) {
        client.release(packetId);
      } else {
        // The server had it, and has forgotten the exchange that was left.
        this.acknowledged(packetId);
      }
    }
    this.#events.connected(sessionPresent);
    this.#pump();
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
    this.#incoming.delete(packetId);
    this.#client?.complete(packetId);
  }

  received(packetId: number): void {
    const item = this.#inflight.get(packetId);
    if (item !== undefined) item.received = true;
    this.#client?.release(packetId);
  }

  acknowledged(packetId: number): void {
    const item = this.#inflight.get(packetId);
    if (item === undefined) return;
    this.#inflight.delete(packetId);
    this.#events.published(item.ticket);
    this.#pump();
  }

  subscribed(packetId: number, codes: readonly number[]): void {
    this.#events.subscribed?.(packetId, codes);
  }

  unsubscribed(packetId: number): void {
    this.#events.unsubscribed?.(packetId);
  }

  drained(): void {
    this.#pump();
  }

  closed(ending: Ending): void {
    this.#events.closed(ending);
  }

  #pump(): void {
    const client = this.#client;
    while (client?.connected === true) {
      const item = this.#queue[0];
      if (item === undefined) return;
      const { ticket, topic, payload, qos, retain } = item;
      let packetId = 0;
      if (qos === 0) {
        if (client.backlog > BACKLOG_LIMIT) return;
      } else {
        if (this.#inflight.size >= this.#maximumInflight) return;
        packetId = client.freePacketId();
        if (packetId === 0) return;
        this.#inflight.set(packetId, item);
      }
      this.#queue.shift();
      client.publish(topic, payload, qos, retain, false, packetId);
      if (qos === 0) this.#events.published(ticket);
    }
  }
}
