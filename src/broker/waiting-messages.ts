/** The messages that wait in a session for their turn, within the limits on how many and how large. */
import type { WaitingRoom } from "../seams/door.ts";
import type { Message } from "../seams/message.ts";
import type { Delivery } from "./delivery.ts";
import type { BrokerOptions } from "./options.ts";
import { Queue } from "./queue.ts";

export class WaitingMessages {
  readonly #queue = new Queue<Delivery>();
  readonly #room: WaitingRoom | undefined;
  #bytes = 0;

  /** `room` is what it shares with others, if anything. */
  constructor(room: WaitingRoom | undefined) {
    this.#room = room;
  }

  get length(): number {
    return this.#queue.length;
  }

  /** Payload bytes. */
  get bytes(): number {
    return this.#bytes;
  }

  /**
   * One more message is one too many. `allowance` widens the queue by so many messages, for those that
   * come together and are not to push each other out.
   */
  isFull(message: Message, allowance: number, options: BrokerOptions): boolean {
    const bytes = this.#bytes;
    return (
      exceeds(this.#queue.length, bytes, message, allowance, options) ||
      crowds(this.#room, bytes, message, allowance)
    );
  }

  push(delivery: Delivery): void {
    this.#queue.push(delivery);
    this.#count(delivery.size);
  }

  peek(): Delivery | undefined {
    return this.#queue.peek();
  }

  shift(): Delivery | undefined {
    return this.#taken(this.#queue.shift());
  }

  /** Takes out the oldest message of QoS 0. */
  takeQos0(): Delivery | undefined {
    return this.#taken(this.#queue.takeFirst(({ qos }) => qos === 0));
  }

  /** Takes out, and answers, what `test` does not accept. */
  takeUnless(test: (message: Message) => boolean): Delivery[] {
    const all = [...this.#queue];
    const taken: Delivery[] = [];
    this.#queue.clear();
    this.#count(-this.#bytes);
    for (const delivery of all) {
      const { message } = delivery;
      if (message === undefined || test(message)) this.push(delivery);
      else taken.push(delivery);
    }
    return taken;
  }

  /** The same messages, counted in another room from now on; these here are not used any more. */
  movedTo(room: WaitingRoom | undefined): WaitingMessages {
    const moved = new WaitingMessages(room);
    for (const delivery of this.takeUnless(() => false)) moved.push(delivery);
    return moved;
  }

  [Symbol.iterator](): Iterator<Delivery> {
    return this.#queue[Symbol.iterator]();
  }

  #taken(delivery: Delivery | undefined): Delivery | undefined {
    if (delivery !== undefined) this.#count(-delivery.size);
    return delivery;
  }

  #count(bytes: number): void {
    this.#bytes += bytes;
    if (this.#room !== undefined) this.#room.used += bytes;
  }
}

/** Whether a queue of that length, and of that many payload bytes, has no room for one more message. */
export function exceeds(
  length: number,
  bytes: number,
  message: Message,
  allowance: number,
  { maxQueuedMessages, maxQueuedBytes }: BrokerOptions,
): boolean {
  return (
    (maxQueuedMessages > 0 && length >= maxQueuedMessages + allowance) ||
    (maxQueuedBytes > 0 && allowance === 0 && bytes + message.payload.length > maxQueuedBytes)
  );
}

/** Whether a room has no place for one more message for a client that so many bytes wait for. */
export function crowds(
  room: WaitingRoom | undefined,
  bytes: number,
  message: Message,
  allowance: number,
): boolean {
  if (room === undefined) return false;
  const { each, total, used } = room;
  const { length } = message.payload;
  return (
    (each > 0 && allowance === 0 && bytes + length > each) || (total > 0 && used + length > total)
  );
}
