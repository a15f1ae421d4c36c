/**
 * A subscriber of a kept session that keeps a ledger of what came. It takes its time to answer, as
 * packets that are under way when a connection breaks are what this is about.
 */
import type { Packet, PublishPacket } from "../../../src/mqtt/packets.ts";
import type { QoS } from "../../../src/mqtt/qos.ts";
import type { Random } from "../../../src/time/clock.ts";
import type { PacketLog } from "./packet-log.ts";
import { Receipts } from "./receipts.ts";
import { Republished } from "./republished.ts";
import { ReturningClient } from "./returning-client.ts";
import { numberOf } from "./stream.ts";

export interface SubscriberParts {
  readonly clientId: string;
  readonly port: number;
  readonly level: 4 | 5;
  readonly log: PacketLog;
  readonly random: Random;
  readonly subscriptions: readonly { readonly filter: string; readonly qos: QoS }[];
  /** Whether a QoS 2 message counts when it comes, or when it is released (MQTT 3.1.1, figure 4.3). */
  readonly counts: "at once" | "released";
  /** How long its answers take, ms at most. */
  readonly slowness: number;
}

const SUBSCRIBE_ID = 1;

export class Subscriber {
  readonly receipts = new Receipts();
  /** What the broker should not have sent again. */
  readonly republished = new Republished();
  readonly faults: string[] = [];
  readonly #parts: SubscriberParts;
  readonly #client: ReturningClient;
  /** QoS 2 messages that are not released, by packet identifier. */
  readonly #unreleased = new Map<number, PublishPacket>();
  #answers: Packet[] = [];
  #answering: NodeJS.Timeout | undefined;
  #subscribed = false;
  #ready: () => void = () => {};

  constructor(parts: SubscriberParts) {
    this.#parts = parts;
    const { clientId, port, level, log } = parts;
    this.#client = new ReturningClient({
      clientId,
      port,
      level,
      log,
      connected: (sessionPresent) => this.#connected(sessionPresent),
      packet: (packet) => this.#take(packet),
    });
  }

  get clientId(): string {
    return this.#parts.clientId;
  }

  get subscriptions(): SubscriberParts["subscriptions"] {
    return this.#parts.subscriptions;
  }

  /** Connects for the first time; resolves when it has subscribed. */
  start(): Promise<void> {
    return new Promise((resolve) => {
      this.#ready = resolve;
      this.come();
    });
  }

  come(): void {
    this.#client.come();
  }

  /** Goes away for a while. */
  leave(how: "order" | "break"): void {
    this.#client.leave(how);
  }

  #connected(sessionPresent: boolean): void {
    clearTimeout(this.#answering);
    this.#answering = undefined;
    this.#answers = [];
    if (sessionPresent && this.#subscribed) return;
    if (this.#subscribed) this.faults.push(`${this.clientId}: its session is lost`);
    if (!sessionPresent) this.#unreleased.clear();
    const { subscriptions } = this.#parts;
    this.#client.send({ kind: "subscribe", packetId: SUBSCRIBE_ID, subscriptions });
  }

  #take(packet: Packet): void {
    switch (packet.kind) {
      case "suback":
        this.#subscribed = true;
        this.#ready();
        return;
      case "publish":
        this.#publish(packet);
        return;
      case "pubrel": {
        this.republished.released(packet.packetId);
        const message = this.#unreleased.get(packet.packetId);
        this.#unreleased.delete(packet.packetId);
        if (message !== undefined && this.#parts.counts === "released") this.#count(message);
        this.#answer({ kind: "pubcomp", packetId: packet.packetId });
        return;
      }
      default:
        return;
    }
  }

  #publish(packet: PublishPacket): void {
    const { qos, packetId } = packet;
    if (qos < 2) {
      this.#count(packet);
      if (qos === 1) this.#answer({ kind: "puback", packetId });
      return;
    }
    this.republished.published(packetId, nameOf(packet));
    const before = this.#unreleased.get(packetId);
    if (before === undefined) {
      this.#unreleased.set(packetId, { ...packet, payload: packet.payload.slice() });
      if (this.#parts.counts === "at once") this.#count(packet);
    } else if (!sameMessage(before, packet)) {
      // [MQTT-4.3.3-10] has the receiver take it for a repetition, so that it is lost.
      const names = [before, packet].map(nameOf).join(" by ");
      this.faults.push(`${this.clientId}: m${packetId} is used anew before its PUBREL: ${names}`);
    }
    this.#answer({ kind: "pubrec", packetId });
  }

  #count({ topic, payload }: PublishPacket): void {
    this.receipts.add(topic, payload);
  }

  /** Answers go in their order [MQTT-4.6.0-2]. */
  #answer(packet: Packet): void {
    this.#answers.push(packet);
    const { random, slowness } = this.#parts;
    this.#answering ??= setTimeout(() => {
      this.#answering = undefined;
      const answers = this.#answers;
      this.#answers = [];
      for (const answer of answers) this.#client.send(answer);
    }, random() * slowness);
  }
}

function sameMessage(one: PublishPacket, other: PublishPacket): boolean {
  return one.topic === other.topic && Buffer.compare(one.payload, other.payload) === 0;
}

function nameOf({ topic, payload }: PublishPacket): string {
  return `${topic} ${numberOf(payload)}`;
}
