/**
 * Retained messages: the last one of each topic [MQTT-3.3.1-5]. There may be hundreds of thousands,
 * so what is kept of one is small, and made a message again for whoever is to get it.
 */
import { ByteSlabs } from "../bytes/byte-slabs.ts";
import type { QoS } from "../mqtt/qos.ts";
import type { Access, Publisher, Rights } from "../seams/access.ts";
import { Message, type MessageProperties } from "../seams/message.ts";
import { TopicTree } from "../topics/topic-tree.ts";
import type { Records } from "./records.ts";

/** What only some messages have. */
interface Extras {
  readonly properties: MessageProperties | undefined;
  /** Monotonic ms; undefined is never. */
  readonly expiresAt: number | undefined;
}

/** A message as it is kept. Its topic is where it stands in the tree. */
interface Kept {
  qos: QoS;
  /** Bytes of the payload; 0 once it is removed. */
  length: number;
  /** The payload, or its place in the slabs. */
  payload: Uint8Array | number;
  extras: Extras | undefined;
  /** Who published it; undefined is the broker itself, or somebody that no rules hold for. */
  source: Publisher | undefined;
}

/** A retained message that a filter matches. */
export interface RetainedMatch {
  readonly topic: string;
  readonly value: Kept;
}

/** Of so many publishers it is remembered what they may do. */
const MOST_RIGHTS = 256;

export class RetainedMessages {
  readonly #tree = new TopicTree<Kept>();
  readonly #payloads = new ByteSlabs();
  readonly #records: Records;
  readonly #access: Access | undefined;
  readonly #rights = new Map<Publisher, Rights | undefined>();
  #bytes = 0;

  constructor(records: Records, access: Access | undefined) {
    this.#records = records;
    this.#access = access;
  }

  get count(): number {
    return this.#tree.size;
  }

  /** Payload bytes of all. */
  get bytes(): number {
    return this.#bytes;
  }

  /**
   * Keeps a message published with RETAIN; an empty payload removes the one before
   * [MQTT-3.3.1-6, MQTT-3.3.1-7]. `volatile` ones are not written to the store. `source` is who
   * published it.
   */
  set(message: Message, volatile: boolean, source?: Publisher | undefined): void {
    if (message.payload.length === 0) {
      this.#delete(message.topic, volatile);
      return;
    }
    this.restore(message, source);
    // What a bridge has said of its connection does not hold any more after a restart.
    const passing = volatile || message.topic.startsWith("$SYS/");
    if (!passing) this.#records.putRetained(message, source);
  }

  /** Takes back a message from the store. */
  restore(message: Message, source: Publisher | undefined): void {
    const { topic, qos, payload, properties, expiresAt } = message;
    const hasExtras = properties !== undefined || expiresAt !== undefined;
    const extras = hasExtras ? { properties, expiresAt } : undefined;
    const kept = this.#tree.get(topic);
    this.#bytes += payload.length - (kept?.length ?? 0);
    if (kept === undefined) {
      const { length } = payload;
      this.#tree.set(topic, { qos, length, payload: this.#store(message), extras, source });
      return;
    }
    kept.payload = this.#replace(kept, message);
    kept.length = payload.length;
    kept.qos = qos;
    kept.extras = extras;
    if (!isSame(kept.source, source)) kept.source = source;
  }

  /** The messages that a filter matches. One whose expiry interval is over is removed. */
  find(filter: string, now: number): readonly RetainedMatch[] {
    return this.#tree.find(filter).filter(({ topic, value }) => {
      const expiresAt = value.extras?.expiresAt;
      if (expiresAt === undefined || expiresAt > now) return true;
      this.#delete(topic, false);
      return false;
    });
  }

  /** The message of a match as it is now; undefined if it was removed meanwhile. */
  read({ topic, value }: RetainedMatch): Message | undefined {
    const { qos, length, payload, extras } = value;
    if (length === 0) return undefined;
    const bytes = typeof payload === "number" ? this.#payloads.read(payload, length) : payload;
    return new Message(topic, bytes, qos, true, false, extras?.properties, extras?.expiresAt);
  }

  /**
   * Whether the publisher of a retained message may publish it still, as the rules are now: connected
   * or not, before a restart or since. A message whose publisher is not known may stay, and so may
   * one of a publisher of whom access control knows nothing.
   */
  isAllowed({ value: { source } }: RetainedMatch, { topic, payload, qos }: Message): boolean {
    if (source === undefined) return true;
    return this.#rightsOf(source)?.mayPublish(topic, payload, qos, true) !== false;
  }

  /** Rules have changed: what is remembered of them goes. */
  forgetRights(): void {
    this.#rights.clear();
  }

  /** Removes all messages whose expiry interval is over. */
  sweep(now: number): void {
    this.find("#", now);
  }

  #rightsOf(source: Publisher): Rights | undefined {
    if (!this.#rights.has(source)) {
      if (this.#rights.size >= MOST_RIGHTS) this.#rights.clear();
      this.#rights.set(source, this.#access?.rightsOf?.(source));
    }
    return this.#rights.get(source);
  }

  #store(message: Message): Uint8Array | number {
    const { payload } = message;
    return payload.length <= ByteSlabs.LONGEST ? this.#payloads.put(payload) : owned(message);
  }

  #replace(kept: Kept, message: Message): Uint8Array | number {
    if (typeof kept.payload !== "number") return this.#store(message);
    const { payload } = message;
    if (payload.length <= ByteSlabs.LONGEST) {
      return this.#payloads.replace(kept.payload, kept.length, payload);
    }
    this.#payloads.free(kept.payload);
    return owned(message);
  }

  #delete(topic: string, volatile: boolean): void {
    const before = this.#tree.delete(topic);
    if (before === undefined) return;
    if (typeof before.payload === "number") this.#payloads.free(before.payload);
    this.#bytes -= before.length;
    before.length = 0;
    if (!volatile) this.#records.deleteRetained(topic);
  }
}

/** The payload, to be kept. */
function owned(message: Message): Uint8Array {
  return message.keep().payload;
}

function isSame(one: Publisher | undefined, other: Publisher | undefined): boolean {
  return (
    one === other ||
    (one !== undefined &&
      other !== undefined &&
      one.clientId === other.clientId &&
      one.username === other.username &&
      one.listener === other.listener &&
      one.origin === other.origin)
  );
}
