/** MQTT-SN nodes over UDP that keep ledgers: they come back by themselves, and repeat what was not answered. */
import { createSocket, type Socket } from "node:dgram";
import { decodeMessage } from "../../../src/mqttsn/decode.ts";
import { SnClient } from "../../../src/mqttsn-client/sn-client.ts";
import { RealTime } from "../../../src/system/real-time.ts";
import type { Random } from "../../../src/time/clock.ts";
import type { PacketLog } from "./packet-log.ts";
import { Receipts } from "./receipts.ts";
import { Stream, type StreamKind } from "./stream.ts";

export interface SnNodeParts {
  readonly clientId: string;
  /** Of a gateway on 127.0.0.1. */
  readonly port: number;
  readonly log: PacketLog;
  readonly random: Random;
  /** What it publishes. */
  readonly streams?: readonly StreamKind[];
  /** What it subscribes to. */
  readonly subscriptions?: readonly { readonly filter: string; readonly qos: 1 | 2 }[];
  /** Sleeps, and wakes up at this interval, ms. */
  readonly wakes?: number;
  /** Between the end of one message and the next, ms at most. */
  readonly pause: number;
}

const RETRY = 400;
const KEEP_ALIVE = 60;
/** Longer than any outage, seconds. */
const SLEEP = 120;
/** A node that is refused or not answered tries again after this, ms. */
const AGAIN = 200;

export class SnNode {
  readonly streams: readonly Stream[];
  readonly receipts = new Receipts();
  readonly faults: string[] = [];
  readonly #parts: SnNodeParts;
  readonly #time = new RealTime();
  readonly #socket: Socket;
  readonly #client: SnClient;
  readonly #timers = new Set<NodeJS.Timeout>();
  #open = 0;
  #over = false;
  #stopped = false;
  #subscribed = false;
  #ready: () => void = () => {};

  constructor(parts: SnNodeParts) {
    this.#parts = parts;
    this.streams = (parts.streams ?? []).map((kind) => new Stream(kind));
    const { clientId, port, random } = parts;
    this.#socket = createSocket("udp4");
    this.#socket.on("error", () => {});
    this.#client = new SnClient({
      clock: this.#time,
      scheduler: this.#time.scheduler,
      random,
      clientId,
      retryInterval: RETRY,
      retryLimit: 5,
      waitInterval: AGAIN,
      send: (frame) => {
        this.#note(">", frame);
        this.#socket.send(frame, port, "127.0.0.1");
      },
      listener: {
        message: ({ topic, payload }) => {
          const name = topic.type === "predefined" ? String(topic.topicId) : topic.name;
          this.receipts.add(name, payload);
        },
        disconnected: (cause) => {
          parts.log.note(clientId, `is disconnected by ${cause}`);
          this.#later(AGAIN, () => this.#connect());
        },
      },
    });
    this.#socket.on("message", (frame) => {
      this.#note("<", frame);
      if (!this.#stopped) this.#client.receive(frame);
    });
  }

  get clientId(): string {
    return this.#parts.clientId;
  }

  get subscriptions(): NonNullable<SnNodeParts["subscriptions"]> {
    return this.#parts.subscriptions ?? [];
  }

  /** Messages that are not acknowledged. */
  get open(): number {
    return this.#open;
  }

  /** Resolves when it has connected and subscribed. */
  start(): Promise<void> {
    this.#time.start();
    return new Promise((resolve) => {
      this.#ready = resolve;
      this.#connect();
    });
  }

  /** Begins no further messages. */
  finish(): void {
    this.#over = true;
  }

  stop(): void {
    if (this.#stopped) return;
    this.#stopped = true;
    this.#time.stop();
    for (const timer of this.#timers) clearTimeout(timer);
    this.#socket.close();
  }

  #note(way: "<" | ">", frame: Uint8Array): void {
    const message = decodeMessage(frame);
    const { log, clientId } = this.#parts;
    if (message.kind === "fault") log.note(clientId, `${way} ${message.detail}`);
    else log.message(clientId, way, message);
  }

  #later(wait: number, action: () => void): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      if (!this.#stopped) action();
    }, wait);
    this.#timers.add(timer);
  }

  #connect(): void {
    this.#client.connect({ cleanSession: false, duration: KEEP_ALIVE }, (outcome) => {
      if (outcome === "accepted") this.#subscribe(0);
      else this.#later(AGAIN, () => this.#connect());
    });
  }

  /** Subscribes once: later connections find the subscriptions in the session. */
  #subscribe(index: number): void {
    const wanted = this.#subscribed ? undefined : this.subscriptions[index];
    if (wanted === undefined) {
      this.#connected();
      return;
    }
    const { filter, qos } = wanted;
    this.#client.subscribe({ type: "name", name: filter }, qos, (outcome) => {
      if (outcome === "accepted") this.#subscribe(index + 1);
    });
  }

  #connected(): void {
    if (!this.#subscribed) {
      this.#subscribed = true;
      this.#ready();
      if (this.streams.length > 0) this.#publish();
    }
    if (this.#parts.wakes !== undefined) this.#sleep();
  }

  #publish(): void {
    const { random, pause, log } = this.#parts;
    if (this.#over) return;
    const stream = this.streams[Math.floor(random() * this.streams.length)] as Stream;
    const { topic, qos, retain } = stream;
    const number = stream.next();
    const payload = new TextEncoder().encode(`${number} `);
    this.#open++;
    this.#client.publish(
      { topic: { type: "name", name: topic }, payload, qos, retain },
      (outcome) => {
        this.#open--;
        if (outcome === "accepted") stream.acknowledged.set(number, log.time);
        else this.faults.push(`${this.clientId}: ${topic} ${number} ended with "${outcome}"`);
        this.#later(random() * pause, () => this.#publish());
      },
    );
  }

  #sleep(): void {
    this.#client.sleep(SLEEP, (outcome) => {
      if (outcome === "accepted") this.#wakeLater();
    });
  }

  #wakeLater(): void {
    this.#later(this.#parts.wakes ?? 0, () => {
      if (this.#client.state === "asleep") this.#client.wake(() => this.#wakeLater());
    });
  }
}
