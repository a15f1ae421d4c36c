/**
 * A publisher that keeps a ledger: it sends again, marked and under the same identifier, what was not
 * acknowledged before its connection was lost, and notes what was.
 */

import type { AckPacket, Packet } from "../../../src/mqtt/packets.ts";
import { isFailure } from "../../../src/mqtt/reason-codes.ts";
import type { Random } from "../../../src/time/clock.ts";
import type { PacketLog } from "./packet-log.ts";
import { ReturningClient } from "./returning-client.ts";
import { Stream, type StreamKind } from "./stream.ts";

export interface PublisherParts {
  readonly clientId: string;
  readonly port: number;
  readonly level: 4 | 5;
  readonly log: PacketLog;
  readonly random: Random;
  readonly streams: readonly StreamKind[];
  /** Messages under way at a time. */
  readonly window: number;
  /** Between the end of one message and the next in its place, ms at most. */
  readonly pause: number;
}

interface UnderWay {
  readonly stream: Stream;
  readonly number: number;
  /** PUBREC has come: only PUBREL and PUBCOMP are left. */
  received: boolean;
}

const LARGEST_ID = 65535;

export class Publisher {
  readonly streams: readonly Stream[];
  readonly faults: string[] = [];
  readonly #parts: PublisherParts;
  readonly #client: ReturningClient;
  /** By packet identifier, in the order in which they were published. */
  readonly #underWay = new Map<number, UnderWay>();
  readonly #timers = new Set<NodeJS.Timeout>();
  #lastId = 0;
  #over = true;

  constructor(parts: PublisherParts) {
    this.#parts = parts;
    this.streams = parts.streams.map((kind) => new Stream(kind));
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

  /** Messages that are not acknowledged. */
  get open(): number {
    return this.#underWay.size;
  }

  start(): void {
    this.#over = false;
    this.#client.come();
    for (let place = 0; place < this.#parts.window; place++) this.#later();
  }

  /** Begins no further messages. */
  finish(): void {
    this.#over = true;
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
  }

  stop(): void {
    this.finish();
    this.#client.leave("order");
  }

  #later(): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      if (!this.#over) this.#publish();
    }, this.#parts.random() * this.#parts.pause);
    this.#timers.add(timer);
  }

  #publish(): void {
    const { random } = this.#parts;
    const stream = this.streams[Math.floor(random() * this.streams.length)] as Stream;
    const number = stream.next();
    const packetId = this.#freeId();
    const entry = { stream, number, received: false };
    this.#underWay.set(packetId, entry);
    if (this.#client.connected) this.#send(packetId, entry, false);
  }

  /** Identifiers are used again soon by some, and late by others. */
  #freeId(): number {
    let id = this.#parts.level === 5 ? 0 : this.#lastId;
    do id = (id % LARGEST_ID) + 1;
    while (this.#underWay.has(id));
    this.#lastId = id;
    return id;
  }

  #send(packetId: number, { stream, number }: UnderWay, dup: boolean): void {
    const { topic, qos, retain } = stream;
    const payload = stream.payloadOf(number);
    this.#client.send({ kind: "publish", topic, payload, qos, retain, dup, packetId });
  }

  /** [MQTT-4.4.0-1] */
  #connected(sessionPresent: boolean): void {
    for (const [packetId, entry] of this.#underWay) {
      if (!entry.received) {
        this.#send(packetId, entry, true);
        continue;
      }
      if (!sessionPresent) this.faults.push(`${this.clientId}: its session is lost`);
      this.#client.send({ kind: "pubrel", packetId });
    }
  }

  #take(packet: Packet): void {
    switch (packet.kind) {
      case "puback":
      case "pubcomp":
        this.#settled(packet);
        return;
      case "pubrec": {
        const entry = this.#underWay.get(packet.packetId);
        if (entry?.stream.qos !== 2) return;
        if (isFailure(packet.reasonCode ?? 0)) {
          this.#settled(packet);
          return;
        }
        entry.received = true;
        this.#client.send({ kind: "pubrel", packetId: packet.packetId });
        return;
      }
      default:
        return;
    }
  }

  #settled({ kind, packetId, reasonCode = 0 }: AckPacket): void {
    const entry = this.#underWay.get(packetId);
    if (entry === undefined) return;
    const { stream, number } = entry;
    // PUBCOMP of a message whose PUBREC is still under way would be the broker's mistake.
    const due = stream.qos === 1 ? "puback" : entry.received ? "pubcomp" : "pubrec";
    const what = `${stream.topic} ${number}`;
    if (kind !== due)
      this.faults.push(`${this.clientId}: ${kind} where ${due} was due for ${what}`);
    this.#underWay.delete(packetId);
    // A PUBREL that is repeated may meet a broker that is done with it.
    if (kind !== "pubcomp" && isFailure(reasonCode)) {
      this.faults.push(`${this.clientId}: ${what} was refused with reason ${reasonCode}`);
    } else {
      stream.acknowledged.set(number, this.#parts.log.time);
    }
    if (!this.#over) this.#later();
  }
}
