/** The messages that wait in a session for their turn, within the limits on how many and how large. */
import type { WaitingRoom } from "../seams/door.ts";
import type { Message } from "../seams/message.ts";
import type { Delivery } from "./delivery.ts";
import { PagedQueue, type Pages, type StoredSpan } from "./paged-queue.ts";

/** How much may wait in a session; 0 is no limit. */
export interface QueueLimits {
  readonly maxQueuedMessages: number;
  /** Payload bytes. */
  readonly maxQueuedBytes: number;
}

export class WaitingMessages {
  #queue: PagedQueue;
  /** What waited before, which takes turns with the rest. */
  #backlog: PagedQueue | undefined;
  #isBacklogNext = true;
  readonly #pages: Pages | undefined;
  #room: WaitingRoom | undefined;
  #bytes = 0;

  /**
   * `room` is what it shares with others, if anything. With `pages`, what does not fit into a little
   * memory is left to the store.
   */
  constructor(room: WaitingRoom | undefined, pages: Pages | undefined) {
    this.#room = room;
    this.#pages = pages;
    this.#queue = new PagedQueue(pages);
  }

  get length(): number {
    return this.#queue.length + (this.#backlog?.length ?? 0);
  }

  /** Messages that are not in the store alone. */
  get inMemory(): number {
    return this.#queue.inMemory + (this.#backlog?.inMemory ?? 0);
  }

  /** Payload bytes. */
  get bytes(): number {
    return this.#bytes;
  }

  /**
   * One more message is one too many. `allowance` widens the queue by so many messages, for those that
   * come together and are not to push each other out.
   */
  isFull(message: Message, allowance: number, limits: QueueLimits): boolean {
    const bytes = this.#bytes;
    return (
      exceeds(this.length, bytes, message, allowance, limits) ||
      crowds(this.#room, bytes, message, allowance)
    );
  }

  /** What is pushed now may be left to the store: it needs a sequence, and a record. */
  get isLong(): boolean {
    return this.#queue.isLong;
  }

  push(delivery: Delivery): void {
    this.#queue.push(delivery);
    this.count(delivery.size);
  }

  /** Undefined also where the next one has to be read first. */
  peek(): Delivery | undefined {
    return this.#next.peek();
  }

  /** Takes what `peek` showed. */
  shift(): Delivery | undefined {
    const next = this.#next;
    this.#isBacklogNext = next !== this.#backlog;
    return this.#taken(next.shift());
  }

  /** From now on what waits takes turns with what comes; what waits longer still goes on so. */
  setBacklogAside(): void {
    if (this.#queue.length === 0) return;
    if (this.#backlog !== undefined && this.#backlog.length > 0) return;
    this.#backlog = this.#queue;
    this.#queue = new PagedQueue(this.#pages);
  }

  /** Takes out the oldest message of QoS 0 that is in memory. */
  takeQos0(): Delivery | undefined {
    const ofQos0 = ({ qos }: Delivery): boolean => qos === 0;
    return this.#taken(this.#backlog?.takeFirst(ofQos0) ?? this.#queue.takeFirst(ofQos0));
  }

  /** Takes out, and answers, those in memory that `test` does not accept. */
  takeUnless(test: (message: Message) => boolean): Delivery[] {
    const accepts = ({ message }: Delivery): boolean => message === undefined || test(message);
    const taken = [
      ...(this.#backlog?.takeUnless(accepts) ?? []),
      ...this.#queue.takeUnless(accepts),
    ];
    for (const { size } of taken) this.count(-size);
    return taken;
  }

  /** Takes back what was left to the store before a restart. */
  restore(span: StoredSpan): void {
    this.count(span.bytes);
    this.#queue.restore(span);
  }

  /** Gives up what is in the store alone; the caller sees to the records. */
  dropSpans(): readonly StoredSpan[] {
    const spans = [this.#backlog?.dropSpan(), this.#queue.dropSpan()];
    const dropped = spans.filter((span) => span !== undefined);
    for (const { bytes } of dropped) this.count(-bytes);
    return dropped;
  }

  /** Is counted in another room from now on. */
  moveTo(room: WaitingRoom | undefined): void {
    if (this.#room !== undefined) this.#room.used -= this.#bytes;
    this.#room = room;
    if (room !== undefined) room.used += this.#bytes;
  }

  /** Counts so many payload bytes more, or less. */
  count(bytes: number): void {
    this.#bytes += bytes;
    if (this.#room !== undefined) this.#room.used += bytes;
  }

  /** The queue that the next message comes from. */
  get #next(): PagedQueue {
    const backlog = this.#backlog;
    if (backlog?.peek() === undefined) return this.#queue;
    return this.#isBacklogNext || this.#queue.peek() === undefined ? backlog : this.#queue;
  }

  #taken(delivery: Delivery | undefined): Delivery | undefined {
    if (delivery !== undefined) this.count(-delivery.size);
    return delivery;
  }
}

/** Whether a queue of that length, and of that many payload bytes, has no room for one more message. */
export function exceeds(
  length: number,
  bytes: number,
  message: Message,
  allowance: number,
  { maxQueuedMessages, maxQueuedBytes }: QueueLimits,
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
