/**
 * What waits to go over a line, handed to the system no faster than the line carries it: so that
 * little is in places where it cannot be taken back when it has become worthless, and a line that
 * does not move costs a bounded queue and nothing else.
 */
import type { Clock } from "../time/clock.ts";
import type { Scheduler, Timer } from "../time/scheduler.ts";

/** How much of the line's time the system is given in advance, ms. */
const LEAD = 20;

export interface PacedOutputParts {
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  readonly bytesPerSecond: number;
  /** Bytes that may wait, of urgent frames and of others. */
  readonly capacity: number;
  /** What has waited so long is not sent any more, ms: it was sent again since, or is outdated. */
  readonly patience: number;
}

/** See `Line.write`. */
export type WriteBytes = (bytes: Uint8Array, written: () => void) => void;

/** Whole frames in order. */
class Queue {
  frames: { readonly bytes: Uint8Array; readonly since: number }[] = [];
  size = 0;

  put(bytes: Uint8Array, since: number): void {
    this.frames.push({ bytes, since });
    this.size += bytes.length;
  }

  /** Takes away the first `count`. */
  shift(count: number): Uint8Array[] {
    const taken = this.frames.splice(0, count).map(({ bytes }) => bytes);
    for (const { length } of taken) this.size -= length;
    return taken;
  }

  clear(): void {
    this.frames = [];
    this.size = 0;
  }
}

export class PacedOutput {
  readonly #parts: PacedOutputParts;
  readonly #urgent = new Queue();
  readonly #others = new Queue();
  #write: WriteBytes | undefined;
  /** The system has not taken everything yet. */
  #busy = false;
  /** When the line will have carried all that the system was given, monotonic ms. */
  #freeAt = 0;
  #timer: Timer | undefined;
  #sent = 0;
  #dropped = 0;

  constructor(parts: PacedOutputParts) {
    this.#parts = parts;
  }

  /** Bytes that wait. */
  get queued(): number {
    return this.#urgent.size + this.#others.size;
  }

  /** Bytes that were given to the system. */
  get sent(): number {
    return this.#sent;
  }

  /** Frames that there was no room for, or that waited too long. */
  get dropped(): number {
    return this.#dropped;
  }

  /** The line is there. */
  open(write: WriteBytes): void {
    this.#write = write;
    this.#busy = false;
    this.#freeAt = 0;
  }

  /** The line is gone, and what waited for it is worth nothing. */
  close(): void {
    this.#write = undefined;
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#urgent.clear();
    this.#others.clear();
  }

  /** Takes a copy of one frame; an urgent one overtakes those that are not. */
  push(bytes: Uint8Array, urgent = false): void {
    if (this.#write === undefined) return;
    const queue = urgent ? this.#urgent : this.#others;
    if (queue.size + bytes.length > this.#parts.capacity) {
      this.#dropped++;
      return;
    }
    queue.put(bytes.slice(), this.#parts.clock.now());
    this.#pump();
  }

  #pump(): void {
    for (;;) {
      const write = this.#write;
      if (write === undefined || this.#busy || this.#timer !== undefined) return;
      const { clock, scheduler, bytesPerSecond } = this.#parts;
      const now = clock.now();
      this.#dropOutdated(this.#urgent, now);
      this.#dropOutdated(this.#others, now);
      if (this.queued === 0) return;
      const wait = this.#freeAt - LEAD - now;
      if (wait > 0) {
        this.#timer = scheduler.after(wait, () => {
          this.#timer = undefined;
          this.#pump();
        });
        return;
      }
      const bytes = this.#gather((LEAD * bytesPerSecond) / 1000);
      this.#freeAt = Math.max(this.#freeAt, now) + (bytes.length * 1000) / bytesPerSecond;
      this.#sent += bytes.length;
      this.#hand(bytes, write);
    }
  }

  #hand(bytes: Uint8Array, write: WriteBytes): void {
    this.#busy = true;
    let returned = false;
    write(bytes, () => {
      // Of a line that was closed since, or is another.
      if (this.#write !== write) return;
      this.#busy = false;
      if (returned) this.#pump();
    });
    returned = true;
  }

  #dropOutdated(queue: Queue, now: number): void {
    const oldest = now - this.#parts.patience;
    const kept = queue.frames.findIndex(({ since }) => since >= oldest);
    if (kept === 0) return;
    this.#dropped += queue.shift(kept < 0 ? queue.frames.length : kept).length;
  }

  /** Whole frames: the first, and others while all together are no more than `most` bytes. */
  #gather(most: number): Uint8Array {
    const frames: Uint8Array[] = [];
    let length = 0;
    for (const queue of [this.#urgent, this.#others]) {
      let count = 0;
      for (const { bytes } of queue.frames) {
        if (length > 0 && length + bytes.length > most) break;
        length += bytes.length;
        count++;
      }
      frames.push(...queue.shift(count));
    }
    const gathered = new Uint8Array(length);
    let at = 0;
    for (const bytes of frames) {
      gathered.set(bytes, at);
      at += bytes.length;
    }
    return gathered;
  }
}
