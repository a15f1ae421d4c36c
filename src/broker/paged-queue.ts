/**
 * A queue of deliveries that keeps its two ends in memory and the middle in the store alone, so that a
 * million messages for somebody who is away cost a few hundred messages' room.
 */
import type { Delivery } from "./delivery.ts";
import { Queue } from "./queue.ts";

/** Deliveries in memory at the front before others are left to the store. */
const FRONT = 256;
/** How few of them have more read, and how many: a client that fetches fast is not to wait for the disk. */
const FEW = 256;
const PAGE = 512;
/** Deliveries in memory at the end, besides those that are not durable yet. */
const END = 32;

/** Deliveries that are in the store alone: those from the sequence `from` to `until`. */
export interface StoredSpan {
  count: number;
  /** Payload bytes, as far as they are known. */
  bytes: number;
  from: number;
  until: number;
  /** There may be fewer. */
  isEstimate?: boolean | undefined;
}

/** How a queue comes by what it has left to the store. */
export interface Pages {
  /** Answers, now or later, the first `limit` whole deliveries from one sequence to another. */
  read(
    from: number,
    until: number,
    limit: number,
    take: (deliveries: readonly Delivery[], isLast: boolean) => void,
  ): void;
  /** More can be taken from the queue; `lost` deliveries, of so many payload bytes, were not found. */
  arrived(lost: number, lostBytes: number): void;
}

export class PagedQueue {
  readonly #front = new Queue<Delivery>();
  readonly #pages: Pages | undefined;
  #span: StoredSpan | undefined;
  /** What came after the span, or after the front when that was long. */
  #end: Queue<Delivery> | undefined;
  #reading = false;
  #qos0 = 0;
  #qos0Bytes = 0;

  /** Without `pages` everything stays in memory. */
  constructor(pages: Pages | undefined) {
    this.#pages = pages;
  }

  get length(): number {
    return this.#front.length + (this.#span?.count ?? 0) + (this.#end?.length ?? 0);
  }

  get inMemory(): number {
    return this.#front.length + (this.#end?.length ?? 0);
  }

  /** Of those in memory, the ones of QoS 0. */
  get qos0(): number {
    return this.#qos0;
  }

  /** Payload bytes of those. */
  get qos0Bytes(): number {
    return this.#qos0Bytes;
  }

  /** What is pushed now may go to the store alone: it needs a sequence, and a record. */
  get isLong(): boolean {
    return this.#pages !== undefined && (this.#end !== undefined || this.#front.length >= FRONT);
  }

  push(delivery: Delivery): void {
    this.#came(delivery);
    this.#place(delivery);
  }

  /** The first one; undefined where there is none, or it has to be read first: `Pages.arrived` follows. */
  peek(): Delivery | undefined {
    return this.#front.peek();
  }

  /** Takes what `peek` showed. */
  shift(): Delivery | undefined {
    const delivery = this.#front.shift();
    if (delivery !== undefined) this.#left(delivery);
    if (this.#front.length < FEW) this.#refill();
    return delivery;
  }

  /** Takes out the first message of QoS 0 of those in memory. */
  takeQos0(): Delivery | undefined {
    if (this.#qos0 === 0) return undefined;
    const taken = this.#front.takeFirst(isQos0) ?? this.#end?.takeFirst(isQos0);
    if (taken !== undefined) this.#left(taken);
    if (this.#front.length < FEW) this.#refill();
    return taken;
  }

  /** Takes out, and answers, those in memory that `test` does not accept. */
  takeUnless(test: (delivery: Delivery) => boolean): Delivery[] {
    const taken: Delivery[] = [];
    for (const queue of [this.#front, this.#end ?? new Queue<Delivery>()]) {
      const all = [...queue];
      queue.clear();
      for (const delivery of all) (test(delivery) ? queue : taken).push(delivery);
    }
    for (const delivery of taken) this.#left(delivery);
    if (this.#front.length < FEW) this.#refill();
    return taken;
  }

  /** Takes back what was left to the store before a restart; nothing else is in the queue after it. */
  restore(span: StoredSpan): void {
    this.#span = span;
    this.#end = new Queue();
    if (this.#front.length < FEW) this.#refill();
  }

  /** Forgets what is in the store; the caller sees to the records. */
  dropSpan(): StoredSpan | undefined {
    const span = this.#span;
    this.#span = undefined;
    return span;
  }

  /** Those in memory. */
  *[Symbol.iterator](): Iterator<Delivery> {
    yield* this.#front;
    if (this.#end !== undefined) yield* this.#end;
  }

  #place(delivery: Delivery): void {
    if (!this.isLong) {
      this.#front.push(delivery);
      return;
    }
    this.#end ??= new Queue();
    this.#end.push(delivery);
    this.#leaveToStore(this.#end);
  }

  #came({ qos, size }: Delivery): void {
    if (qos > 0) return;
    this.#qos0++;
    this.#qos0Bytes += size;
  }

  #left({ qos, size }: Delivery): void {
    if (qos > 0) return;
    this.#qos0--;
    this.#qos0Bytes -= size;
  }

  /** What is durable need not stay in memory, in order. */
  #leaveToStore(end: Queue<Delivery>): void {
    while (end.length > END && end.peek()?.committed === true) {
      const delivery = end.shift() as Delivery;
      this.#left(delivery);
      const { sequence, size } = delivery;
      this.#span ??= { count: 0, bytes: 0, from: sequence, until: sequence };
      this.#span.count++;
      this.#span.bytes += size;
      this.#span.until = sequence;
    }
  }

  #refill(): void {
    if (this.#span !== undefined) {
      this.#read(this.#span);
      return;
    }
    const end = this.#end;
    if (end === undefined) return;
    while (this.#front.length < FRONT) {
      const next = end.shift();
      if (next === undefined) {
        this.#end = undefined;
        return;
      }
      this.#front.push(next);
    }
  }

  #read(span: StoredSpan): void {
    if (this.#reading) return;
    this.#reading = true;
    const { until } = span;
    (this.#pages as Pages).read(span.from, until, PAGE, (deliveries, isLast) => {
      this.#reading = false;
      if (this.#span !== span) return;
      for (const delivery of deliveries) {
        this.#came(delivery);
        this.#front.push(delivery);
        span.count--;
        span.bytes -= delivery.size;
        span.from = delivery.sequence + 1;
      }
      if (isLast) span.from = until + 1;
      // More may have been left to the store meanwhile.
      const isOver = span.from > span.until;
      if (isOver) {
        this.#span = undefined;
      }
      if (this.#front.length < FEW) this.#refill();
      const lost = isOver && span.isEstimate !== true ? span.count : 0;
      this.#pages?.arrived(lost, isOver ? span.bytes : 0);
    });
  }
}

function isQos0({ qos }: Delivery): boolean {
  return qos === 0;
}
