/** Retained messages: the last one of each topic [MQTT-3.3.1-5]. */
import type { Rights } from "../seams/access.ts";
import type { Message } from "../seams/message.ts";
import { TopicTree } from "../topics/topic-tree.ts";
import type { Records } from "./records.ts";

export class RetainedMessages {
  readonly #tree = new TopicTree<Message>();
  readonly #records: Records;
  /** What those who published them may do, as far as known since the start. */
  readonly #sources = new WeakMap<Message, Rights>();

  constructor(records: Records) {
    this.#records = records;
  }

  get count(): number {
    return this.#tree.size;
  }

  /**
   * Keeps a message published with RETAIN; an empty payload removes the one before
   * [MQTT-3.3.1-6, MQTT-3.3.1-7]. `volatile` ones are not written to the store. `source` is what its
   * publisher may do.
   */
  set(message: Message, volatile: boolean, source?: Rights | undefined): void {
    if (message.payload.length === 0) {
      this.#delete(message.topic, volatile);
      return;
    }
    this.restore(message.keep());
    if (source !== undefined) this.#sources.set(message, source);
    if (!volatile) this.#records.putRetained(message);
  }

  /** Takes back a message from the store. */
  restore(message: Message): void {
    this.#tree.set(message.topic, message);
  }

  /**
   * The messages that a filter matches. One whose expiry interval is over is removed.
   */
  find(filter: string, now: number): Message[] {
    const found: Message[] = [];
    for (const message of this.#tree.find(filter)) {
      const { expiresAt } = message;
      if (expiresAt !== undefined && expiresAt <= now) this.#delete(message.topic, false);
      else found.push(message);
    }
    return found;
  }

  /** Whether the publisher of a retained message may publish it still; one that is not known may. */
  isAllowed(message: Message): boolean {
    const { topic, payload, qos } = message;
    return this.#sources.get(message)?.mayPublish(topic, payload, qos, true) !== false;
  }

  /** Removes all messages whose expiry interval is over. */
  sweep(now: number): void {
    this.find("#", now);
  }

  #delete(topic: string, volatile: boolean): void {
    const before = this.#tree.delete(topic);
    if (before === undefined) return;
    if (!volatile) this.#records.deleteRetained(topic);
  }
}
