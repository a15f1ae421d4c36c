/** The messages that wait in a session for their turn, within the limits on how many and how large. */
import type { QoS } from "../mqtt/qos.ts";
import type { WaitingRoom } from "../seams/door.ts";
import type { Message } from "../seams/message.ts";
import type { Delivery } from "./delivery.ts";
import { PagedQueue, type Pages, type StoredSpan } from "./paged-queue.ts";
import { isTooMuch, type QueueLimits } from "./queue-limits.ts";

/** Messages in memory with which a queue whose oldest have to be read takes no more. */
const MOST_OVERDRAWN = 65_536;

export class WaitingMessages {
  #queue: PagedQueue;
  /** What waited before, which takes turns with the rest. */
  #backlog: PagedQueue | undefined;
  #isBacklogNext = true;
  readonly #pages: Pages | undefined;
  #room: WaitingRoom | undefined;
  #bytes = 0;
  /** More waits than may; the oldest of it goes once it has been read. */
  #isOverdrawn = false;

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
   * come together and are not to push each other out. `without`: what waits that is to be left out.
   */
  isFull(
    message: Message,
    allowance: number,
    limits: QueueLimits,
    without?: "all" | "qos0",
  ): boolean {
    let count = 1;
    let bytes = message.payload.length;
    if (without !== "all") {
      count += this.length;
      bytes += this.#bytes;
    }
    if (without === "qos0") {
      count -= this.#queue.qos0 + (this.#backlog?.qos0 ?? 0);
      bytes -= this.#queue.qos0Bytes + (this.#backlog?.qos0Bytes ?? 0);
    }
    return isTooMuch(count, bytes, this.#othersBytes, allowance, limits, this.#room);
  }

  /**
   * Takes messages out, and has them dropped, to make room for another, oldest first: those of QoS 0,
   * then, for one of QoS 1 or 2 and if that is the policy, the others. False if that makes no room; then
   * all stays as it is.
   */
  makeRoom(
    message: Message,
    qos: QoS,
    allowance: number,
    limits: QueueLimits,
    drop: (delivery: Delivery) => void,
  ): boolean {
    const oldestGoes = qos > 0 && limits.queuePolicy === "drop-oldest";
    if (this.isFull(message, allowance, limits, oldestGoes ? "all" : "qos0")) return false;
    while (this.isFull(message, allowance, limits)) {
      const gone = this.takeQos0() ?? (oldestGoes ? this.takeOldest() : undefined);
      if (gone === undefined) return oldestGoes && this.#overdraw();
      drop(gone);
    }
    return true;
  }

  /** The oldest may have been read, of which more wait than may: has them dropped. */
  settleOverdraft(limits: QueueLimits, drop: (delivery: Delivery) => void): void {
    while (this.#isOverdrawn && limits.queuePolicy === "drop-oldest" && this.#isOver(limits)) {
      const oldest = this.takeOldest();
      if (oldest === undefined) return;
      drop(oldest);
    }
    this.#isOverdrawn = false;
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
    return this.#taken(this.#backlog?.takeQos0() ?? this.#queue.takeQos0());
  }

  /** Takes out the oldest message; undefined also where it has to be read first. */
  takeOldest(): Delivery | undefined {
    const backlog = this.#backlog;
    const isBacklogOver = backlog === undefined || backlog.length === 0;
    return this.#taken((isBacklogOver ? this.#queue : backlog).shift());
  }

  /** Takes out one that has waited since before a time of the queue clock, from where they are oldest. */
  takeOlder(time: number): Delivery | undefined {
    const backlog = this.#backlog;
    if (backlog !== undefined && isOlder(backlog.peek(), time)) return this.#taken(backlog.shift());
    return isOlder(this.#queue.peek(), time) ? this.#taken(this.#queue.shift()) : undefined;
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

  /** Those in memory, the oldest first. */
  *inOrder(): Generator<Delivery> {
    if (this.#backlog !== undefined) yield* this.#backlog;
    yield* this.#queue;
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

  /**
   * The oldest are to go, but have to be read first: lets more wait than may until then. False where
   * the store is too slow for what comes.
   */
  #overdraw(): boolean {
    if (this.inMemory >= MOST_OVERDRAWN) return false;
    this.#isOverdrawn = true;
    return true;
  }

  /** More waits than may, and it would help if some of it went. */
  #isOver(limits: QueueLimits): boolean {
    const others = this.#othersBytes;
    const isOver = isTooMuch(this.length, this.#bytes, others, 0, limits, this.#room);
    return isOver && !isTooMuch(0, 0, others, 0, limits, this.#room);
  }

  /** Payload bytes of those that it shares with. */
  get #othersBytes(): number {
    return this.#room === undefined ? 0 : this.#room.used - this.#bytes;
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

function isOlder(delivery: Delivery | undefined, time: number): boolean {
  return delivery !== undefined && delivery.queuedAt < time;
}
