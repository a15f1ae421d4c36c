/** A client of a broker that keeps a list of all it received. */
import type { QoS } from "../../src/mqtt/qos.ts";
import type { Client, Door, Peer } from "../../src/seams/door.ts";
import { Message } from "../../src/seams/message.ts";

export interface LedgerEntry {
  readonly topic: string;
  readonly payload: string;
  readonly qos: QoS;
}

const decoder = new TextDecoder();
const encoder = new TextEncoder();

export class Ledger implements Peer {
  readonly entries: LedgerEntry[] = [];
  /** Payloads published by this client that the broker has accepted as safe. */
  readonly accepted: string[] = [];
  readonly #client: Client;
  readonly #pending = new Map<number, string>();
  #packetId = 0;

  constructor(door: Door, clientId: string, filters: readonly string[]) {
    const entry = door.enter(
      {
        clientId,
        cleanStart: false,
        persistent: true,
        origin: "mqtt",
        remote: "simulator",
        receiveMaximum: 100,
        queueQos0: false,
      },
      this,
    );
    if (!entry.ok) throw new Error(`the broker refused ${clientId}`);
    this.#client = entry.client;
    for (const filter of filters) this.#client.subscribe(filter, 2);
    this.#client.redeliver();
  }

  publish(topic: string, payload: string, qos: QoS): void {
    this.#packetId = (this.#packetId % 65535) + 1;
    const outcome = this.#client.publish(
      new Message(topic, encoder.encode(payload), qos, false),
      this.#packetId,
    );
    if (outcome >= 0x80) throw new Error(`publish refused with ${outcome}`);
    this.#pending.set(this.#packetId, payload);
    if (outcome >= 0) this.published(this.#packetId);
  }

  deliver(message: Message, qos: QoS, _retain: boolean, _dup: boolean, packetId: number): void {
    this.entries.push({ topic: message.topic, payload: decoder.decode(message.payload), qos });
    if (qos === 1) this.#client.acknowledge(packetId);
    else if (qos === 2) this.#client.received(packetId);
  }

  release(packetId: number): void {
    this.#client.acknowledge(packetId);
  }

  published(packetId: number): void {
    const payload = this.#pending.get(packetId);
    this.#pending.delete(packetId);
    if (payload !== undefined) this.accepted.push(payload);
    this.#client.release(packetId);
  }

  completed(): void {}

  evicted(): void {}
}
