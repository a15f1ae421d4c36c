/**
 * A node that keeps its line busy both ways: publishes as many QoS 1 messages as the line takes, sends
 * again what is not acknowledged, and counts what comes at QoS 0. It speaks short topics only.
 */
import { ByteWriter } from "../../src/bytes/byte-writer.ts";
import type { Framing } from "../../src/links/framing/framing.ts";
import { decodeMessage } from "../../src/mqttsn/decode.ts";
import { encodeMessage } from "../../src/mqttsn/encode.ts";
import type { SnMessage } from "../../src/mqttsn/packets.ts";
import { shortTopicId } from "../../src/mqttsn/short-topic.ts";
import { Noise, type NoiseParts } from "./noise.ts";

export interface SaturatingNodeParts {
  readonly framing: Framing;
  readonly send: (bytes: Uint8Array) => void;
  /** What the line and what is before it have not taken yet, bytes. */
  readonly backlog: () => number;
  readonly bytesPerSecond: number;
  readonly payloadSize: number;
  readonly noise: NoiseParts;
}

/** Messages under way at a time; the gateway takes 32. */
const WINDOW = 24;
const RETRY = 150;
const TICK = 5;

interface UnderWay {
  readonly number: number;
  sentAt: number;
}

export class SaturatingNode {
  readonly acknowledged = new Set<number>();
  /** Payloads of what came. */
  readonly received: string[] = [];
  publishing = false;
  bytesIn = 0;
  readonly up: Noise;
  readonly down: Noise;
  readonly #parts: SaturatingNodeParts;
  readonly #writer = new ByteWriter(512);
  /** By message id. */
  readonly #underWay = new Map<number, UnderWay>();
  #numbers = 0;
  #state: "new" | "connected" | "subscribed" = "new";
  #askedAt = Number.NEGATIVE_INFINITY;
  #budget = 0;
  #at = performance.now();
  readonly #timer: NodeJS.Timeout;

  constructor(parts: SaturatingNodeParts) {
    this.#parts = parts;
    this.up = new Noise(parts.noise);
    this.down = new Noise(parts.noise);
    this.#timer = setInterval(() => this.#tick(), TICK);
  }

  get ready(): boolean {
    return this.#state === "subscribed";
  }

  get waiting(): number {
    return this.#underWay.size;
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  feed(bytes: Uint8Array): void {
    this.bytesIn += bytes.length;
    this.#parts.framing.feed(this.down.apply(bytes), performance.now(), (frame) => {
      const message = decodeMessage(frame);
      if (message.kind !== "fault") this.#take(message);
    });
  }

  #take(message: SnMessage | { kind: "fault" }): void {
    switch (message.kind) {
      case "connack":
        if (this.#state === "new") this.#state = "connected";
        this.#askedAt = Number.NEGATIVE_INFINITY;
        return;
      case "suback":
        if (this.#state === "connected") this.#state = "subscribed";
        return;
      case "puback": {
        const { messageId, returnCode } = message as { messageId: number; returnCode: number };
        const entry = this.#underWay.get(messageId);
        if (entry === undefined || returnCode !== 0) return;
        this.#underWay.delete(messageId);
        this.acknowledged.add(entry.number);
        return;
      }
      case "publish":
        this.received.push(new TextDecoder().decode(message.payload));
        return;
      default:
        return;
    }
  }

  #tick(): void {
    const now = performance.now();
    const { bytesPerSecond, backlog } = this.#parts;
    this.#budget = Math.min(
      this.#budget + ((now - this.#at) * bytesPerSecond) / 1000,
      bytesPerSecond / 10,
    );
    this.#at = now;
    while (this.#budget > 0 && backlog() < 2048) {
      const message = this.#next(now);
      if (message === undefined) return;
      this.#send(message);
    }
  }

  #next(now: number): SnMessage | undefined {
    if (this.#state !== "subscribed") {
      if (now - this.#askedAt < RETRY) return undefined;
      this.#askedAt = now;
      return this.#state === "new" ? CONNECT : SUBSCRIBE;
    }
    for (const [messageId, entry] of this.#underWay) {
      if (now - entry.sentAt < RETRY) continue;
      entry.sentAt = now;
      return this.#publication(messageId, entry.number, true);
    }
    if (!this.publishing || this.#underWay.size >= WINDOW) return undefined;
    const number = this.#numbers++;
    const messageId = (number % 0xffff) + 1;
    this.#underWay.set(messageId, { number, sentAt: now });
    return this.#publication(messageId, number, false);
  }

  #publication(messageId: number, number: number, dup: boolean): SnMessage {
    const payload = new TextEncoder().encode(payloadOf(number, this.#parts.payloadSize));
    const topicId = shortTopicId("up") as number;
    return {
      kind: "publish",
      dup,
      qos: 1,
      retain: false,
      topicIdType: "short",
      topicId,
      messageId,
      payload,
    };
  }

  #send(message: SnMessage): void {
    const writer = this.#writer;
    writer.clear();
    encodeMessage(writer, message);
    const frame = writer.copy();
    writer.clear();
    this.#parts.framing.encode(frame, writer);
    this.#budget -= writer.length;
    this.#parts.send(this.up.apply(writer.view()));
  }
}

const CONNECT: SnMessage = {
  kind: "connect",
  clientId: "saturating",
  cleanSession: true,
  will: false,
  duration: 60,
  protocolId: 1,
};

const SUBSCRIBE: SnMessage = {
  kind: "subscribe",
  dup: false,
  qos: 0,
  messageId: 1,
  topic: { type: "short", name: "dn" },
};

/** The number, filled up with dots. */
export function payloadOf(number: number, size: number): string {
  return String(number)
    .padEnd(size, ".")
    .slice(0, Math.max(size, String(number).length));
}
