/**
 * The deadline heap: every timer of every core, earliest first, behind one real timer in the shell
 * (or a virtual clock in tests).
 */
import type { Clock } from "./clock.ts";

export interface Timer {
  /** Takes the timer out of the heap; does nothing once it has run or was cancelled. */
  cancel(): void;
}

class Entry implements Timer {
  readonly deadline: number;
  readonly order: number;
  readonly action: () => void;
  /** Position in the heap, -1 when not in it. */
  index = -1;
  readonly #scheduler: Scheduler;

  constructor(scheduler: Scheduler, deadline: number, order: number, action: () => void) {
    this.#scheduler = scheduler;
    this.deadline = deadline;
    this.order = order;
    this.action = action;
  }

  cancel(): void {
    this.#scheduler.remove(this);
  }
}

function before(a: Entry, b: Entry): boolean {
  return a.deadline < b.deadline || (a.deadline === b.deadline && a.order < b.order);
}

export class Scheduler {
  readonly #clock: Clock;
  readonly #heap: Entry[] = [];
  #order = 0;
  /** Called when the earliest deadline moves forward, so that the shell can set its timer anew. */
  onEarlier: ((deadline: number) => void) | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Runs `action` once the monotonic clock reaches `deadline` (ms). Equal deadlines run in order of setting. */
  at(deadline: number, action: () => void): Timer {
    const entry = new Entry(this, deadline, this.#order++, action);
    const heap = this.#heap;
    entry.index = heap.length;
    heap.push(entry);
    this.#up(entry);
    if (entry.index === 0) this.onEarlier?.(deadline);
    return entry;
  }

  /** Runs `action` after `delay` milliseconds. */
  after(delay: number, action: () => void): Timer {
    return this.at(this.#clock.now() + delay, action);
  }

  /** How many timers wait. */
  get size(): number {
    return this.#heap.length;
  }

  /** The earliest deadline in monotonic ms, or undefined when nothing waits. */
  nextDeadline(): number | undefined {
    return this.#heap[0]?.deadline;
  }

  /** Runs everything whose deadline has come, including what those actions set for now or before. */
  runDue(): void {
    const now = this.#clock.now();
    for (;;) {
      const first = this.#heap[0];
      if (first === undefined || first.deadline > now) return;
      this.remove(first);
      first.action();
    }
  }

  /** Used by timers to cancel themselves. */
  remove(entry: Entry): void {
    const index = entry.index;
    if (index < 0) return;
    entry.index = -1;
    const last = this.#heap.pop() as Entry;
    if (last === entry) return;
    last.index = index;
    this.#heap[index] = last;
    this.#up(last);
    this.#down(last);
  }

  #up(entry: Entry): void {
    const heap = this.#heap;
    let index = entry.index;
    while (index > 0) {
      const parentIndex = (index - 1) >> 1;
      const parent = heap[parentIndex] as Entry;
      if (!before(entry, parent)) break;
      heap[index] = parent;
      parent.index = index;
      index = parentIndex;
    }
    heap[index] = entry;
    entry.index = index;
  }

  #down(entry: Entry): void {
    const heap = this.#heap;
    let index = entry.index;
    for (;;) {
      let childIndex = index * 2 + 1;
      let child = heap[childIndex];
      if (child === undefined) break;
      const right = heap[childIndex + 1];
      if (right !== undefined && before(right, child)) {
        child = right;
        childIndex++;
      }
      if (!before(child, entry)) break;
      heap[index] = child;
      child.index = index;
      index = childIndex;
    }
    heap[index] = entry;
    entry.index = index;
  }
}
