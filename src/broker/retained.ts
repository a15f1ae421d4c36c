/** Retained messages: the last one of each topic [MQTT-3.3.1-5]. */
import type { Message } from "../seams/message.ts";
import { TopicTree } from "../topics/topic-tree.ts";
import type { Records } from "./records.ts";

export class RetainedMessages {
  readonly #tree = new TopicTree<Message>();
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
   * [MQTT-3.3.1-10, MQTT-3.3.1-11]. `volatile` ones are not written to the store.
   */
  set(message: Message, volatile: boolean): void {
    const { topic } = message;
    if (message.payload.length === 0) {
      const before = this.#tree.delete(topic);
      if (before === undefined) return;
      this.#bytes -= before.payload.length;
      if (!volatile) this.#records.deleteRetained(topic);
      return;
    }
    this.restore(message.keep());
    if (!volatile) this.#records.putRetained(message);
  }

  /** Takes back a message from the store. */
  restore(message: Message): void {
    const before = this.#tree.set(message.topic, message);
    this.#bytes += message.payload.length - (before?.payload.length ?? 0);
  }

  find(filter: string): Message[] {
    return this.#tree.find(filter);
  }
}
