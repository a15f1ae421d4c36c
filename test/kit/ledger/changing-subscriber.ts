/**
 * A client of a kept session that subscribes and unsubscribes all the time. Whenever it comes back it
 * sends a message to each of its topics, and compares those that it gets with what was acknowledged.
 */
import type { Packet, PublishPacket } from "../../../src/mqtt/packets.ts";
import type { QoS } from "../../../src/mqtt/qos.ts";
import type { Random } from "../../../src/time/clock.ts";
import type { PacketLog } from "./packet-log.ts";
import { ReturningClient } from "./returning-client.ts";
import { numberOf } from "./stream.ts";

export interface ChangingSubscriberParts {
  readonly clientId: string;
  readonly port: number;
  readonly level: 4 | 5;
  readonly log: PacketLog;
  readonly random: Random;
}

/** Of a subscription; undefined is none. */
type Granted = QoS | undefined;

const TOPICS = 8;
/** Between an answer and the next request, ms at most. */
const PAUSE = 60;
const LARGEST_ID = 65535;

export class ChangingSubscriber {
  readonly faults: string[] = [];
  /** How often everything was compared. */
  comparisons = 0;
  readonly #parts: ChangingSubscriberParts;
  readonly #client: ReturningClient;
  readonly #topics: readonly string[];
  readonly #end: string;
  /** As acknowledged, by topic. */
  readonly #granted = new Map<string, Granted>();
  #asked: { readonly topic: string; readonly qos: Granted } | undefined;
  /** What came of the probes of this connection. */
  #came = new Map<string, QoS>();
  #connections = 0;
  /** Subscribed to its last topic, by which it knows that all probes have come. */
  #known = false;
  #packetId = 0;
  #timer: NodeJS.Timeout | undefined;
  #over = false;

  constructor(parts: ChangingSubscriberParts) {
    this.#parts = parts;
    const { clientId, port, level, log } = parts;
    this.#topics = Array.from({ length: TOPICS }, (_, index) => `${clientId}/${index}`);
    this.#end = `${clientId}/end`;
    this.#client = new ReturningClient({
      clientId,
      port,
      level,
      log,
      connected: (sessionPresent) => this.#connected(sessionPresent),
      packet: (packet) => this.#take(packet),
    });
  }

  start(): void {
    this.#client.come();
  }

  stop(): void {
    this.#over = true;
    clearTimeout(this.#timer);
    this.#client.leave("order");
  }

  #connected(sessionPresent: boolean): void {
    clearTimeout(this.#timer);
    this.#connections++;
    this.#came = new Map();
    if (sessionPresent && this.#known) {
      this.#probe();
      return;
    }
    if (this.#known) this.faults.push(`${this.#parts.clientId}: its session is lost`);
    this.#granted.clear();
    this.#request(this.#end, 2);
  }

  #probe(): void {
    const payload = new TextEncoder().encode(`${this.#connections} `);
    for (const topic of [...this.#topics, this.#end]) {
      const packetId = this.#nextId();
      this.#client.send({
        kind: "publish",
        topic,
        payload,
        qos: 2,
        retain: false,
        dup: false,
        packetId,
      });
    }
  }

  #take(packet: Packet): void {
    switch (packet.kind) {
      case "publish":
        this.#publish(packet);
        return;
      case "pubrec":
        this.#client.send({ kind: "pubrel", packetId: packet.packetId });
        return;
      case "pubrel":
        this.#client.send({ kind: "pubcomp", packetId: packet.packetId });
        return;
      case "suback":
      case "unsuback":
        this.#answered();
        return;
      default:
        return;
    }
  }

  #publish({ topic, qos, packetId, payload }: PublishPacket): void {
    if (qos === 1) this.#client.send({ kind: "puback", packetId });
    if (qos === 2) this.#client.send({ kind: "pubrec", packetId });
    if (numberOf(payload) !== this.#connections) return;
    if (topic !== this.#end) this.#came.set(topic, qos);
    else if (this.#asked === undefined || this.#asked.topic !== this.#end) this.#compare();
  }

  #compare(): void {
    const { clientId, log } = this.#parts;
    this.comparisons++;
    for (const topic of this.#topics) {
      const granted = this.#granted.get(topic);
      const came = this.#came.get(topic);
      const asked = this.#asked?.topic === topic ? [this.#asked.qos] : [];
      if (![granted, ...asked].includes(came)) {
        const because = `acknowledged was ${named(granted)}, found was ${named(came)}`;
        log.note(clientId, `FAULT ${topic}: ${because}`);
        this.faults.push(`${clientId}: subscription to ${topic}: ${because}`);
      }
      this.#granted.set(topic, came);
    }
    this.#asked = undefined;
    this.#later();
  }

  #answered(): void {
    const asked = this.#asked;
    if (asked === undefined) return;
    this.#asked = undefined;
    if (asked.topic === this.#end) this.#known = true;
    else this.#granted.set(asked.topic, asked.qos);
    this.#later();
  }

  #later(): void {
    if (this.#over) return;
    const { random } = this.#parts;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      const topic = this.#topics[Math.floor(random() * TOPICS)] as string;
      const has = this.#granted.get(topic) !== undefined;
      const qos = has && random() < 0.5 ? undefined : ((random() * 3) as QoS);
      this.#request(topic, qos === undefined ? undefined : (Math.floor(qos) as QoS));
    }, random() * PAUSE);
  }

  #request(topic: string, qos: Granted): void {
    this.#asked = { topic, qos };
    const packetId = this.#nextId();
    if (qos === undefined) this.#client.send({ kind: "unsubscribe", packetId, filters: [topic] });
    else
      this.#client.send({
        kind: "subscribe",
        packetId,
        subscriptions: [{ filter: topic, qos }],
      });
  }

  #nextId(): number {
    this.#packetId = (this.#packetId % LARGEST_ID) + 1;
    return this.#packetId;
  }
}

function named(granted: Granted): string {
  return granted === undefined ? "none" : `QoS ${granted}`;
}
