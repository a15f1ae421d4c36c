/** A journal on a disk in memory: commits when told, and loses what was not committed when it crashes. */
import type { Journal, Settleable, StoredRecord } from "../../src/seams/journal.ts";

export class MemoryDisk {
  readonly #committed = new Map<string, Uint8Array>();
  #current: DiskJournal | undefined;

  /** A journal for the next life of a process. What an earlier one did not commit is lost. */
  open(): Journal {
    this.#current = new DiskJournal(this.#committed);
    return this.#current;
  }

  /** Makes everything put so far durable, and tells who waits. */
  commit(): void {
    this.#current?.commit();
  }

  /** Somebody waits for a commit. */
  get awaited(): boolean {
    return this.#current?.awaited ?? false;
  }

  /** The power goes: whoever wrote here is told nothing any more. */
  crash(): void {
    this.#current?.crash();
    this.#current = undefined;
  }

  /** What is on the disk, in order of keys. */
  records(): StoredRecord[] {
    return [...this.#committed]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, value]) => ({ key, value: value.slice() }));
  }
}

class DiskJournal implements Journal {
  readonly #committed: Map<string, Uint8Array>;
  readonly #pending = new Map<string, Uint8Array | undefined>();
  #waiting: Settleable[] = [];
  #crashed = false;

  constructor(committed: Map<string, Uint8Array>) {
    this.#committed = committed;
  }

  get awaited(): boolean {
    return this.#waiting.length > 0;
  }

  put(key: string, value: Uint8Array): void {
    this.#pending.set(key, value);
  }

  delete(key: string): void {
    this.#pending.set(key, undefined);
  }

  afterCommit(waiting: Settleable): void {
    this.#waiting.push(waiting);
  }

  commit(): void {
    if (this.#crashed) return;
    for (const [key, value] of this.#pending) {
      if (value === undefined) this.#committed.delete(key);
      else this.#committed.set(key, value);
    }
    this.#pending.clear();
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const settleable of waiting) settleable.settle();
  }

  crash(): void {
    this.#crashed = true;
    this.#pending.clear();
    this.#waiting = [];
  }
}
