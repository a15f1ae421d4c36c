/**
 * PUBLISHes of one node that the broker has not answered for yet, so that they can be acknowledged
 * later.
 */
import type { QoS } from "../mqtt/qos.ts";

export interface PendingPublish {
  readonly topicId: number;
  readonly qos: QoS;
}

export class PendingPublishes {
  // A node has one outstanding (§6.6), so that a map would be waste for all but the unruly.
  readonly #messageIds: number[] = [];
  readonly #publishes: PendingPublish[] = [];

  get size(): number {
    return this.#messageIds.length;
  }

  has(messageId: number): boolean {
    return this.#messageIds.includes(messageId);
  }

  add(messageId: number, topicId: number, qos: QoS): void {
    this.take(messageId);
    this.#messageIds.push(messageId);
    this.#publishes.push({ topicId, qos });
  }

  take(messageId: number): PendingPublish | undefined {
    const index = this.#messageIds.indexOf(messageId);
    if (index < 0) return undefined;
    const publish = this.#publishes[index];
    this.#messageIds.splice(index, 1);
    this.#publishes.splice(index, 1);
    return publish;
  }
}
