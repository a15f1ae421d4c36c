/** Retained messages: the last one of each topic [MQTT-3.3.1-5]. */
import type { Message } from "../seams/message.ts";
import { TopicTree } from "../topics/topic-tree.ts";
import type { Records } from "./records.ts";

interface Retained {
  readonly message: Message;
  /** Monotonic ms when it was published, or read back from the store. */
  readonly since: number;
}

export class RetainedMessages {
  readonly #tree = new TopicTree<Retained>();
  readonly #records: Records;
  #bytes = 0;

  constructor(records: Records) {
    this.#records = records;
  }

  get count(): number {
    return this.#tree.size;
  }

  /** Payload bytes held. */
  get bytes(): number {
    return this.#bytes;
  }

  /**
   * Keeps a message published with RETAIN; an empty payload removes the one before
   * [MQTT-3.3.1-6, MQTT-3.3.1-7]. `volatile` ones are not written to the store.
   */
  set(message: Message, volatile: boolean, now: number): void {
    if (message.payload.length === 0) {
      this.#delete(message.topic, volatile);
      return;
    }
    this.restore(message.keep(), now);
    if (!volatile) this.#records.putRetained(message);
  }

  /** Takes back a message from the store. */
  restore(message: Message, now: number): void {
    const before = this.#tree.set(message.topic, { message, since: now });
    this.#bytes += message.payload.length - (before?.message.payload.length ?? 0);
  }

  /**
   * The messages that a filter matches. One whose expiry interval is over, or that is older than
   * `longest` ms (0 is no limit), is removed.
   */
  find(filter: string, now: number, longest: number): Message[] {
    const found: Message[] = [];
    for (const { message, since } of this.#tree.find(filter)) {
      const expired =
        (message.expiresAt !== undefined && message.expiresAt <= now) ||
        (longest > 0 && now - since >= longest);
      if (expired) this.#delete(message.topic, false);
      else found.push(message);
    }
    return found;
  }

  #delete(topic: string, volatile: boolean): void {
    const before = this.#tree.delete(topic);
    if (before === undefined) return;
    this.#bytes -= before.message.payload.length;
    if (!volatile) this.#records.deleteRetained(topic);
  }
}
