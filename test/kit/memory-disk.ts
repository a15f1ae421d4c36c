/** A journal on a disk in memory: commits when told, and loses what was not committed when it crashes. */
import type { Journal, Settleable, StoredRecord } from "../../src/seams/journal.ts";
import { compareKeys } from "../../src/store/key-order.ts";

export class MemoryDisk {
  readonly #committed = new Map<string, Uint8Array>();
  #current: DiskJournal | undefined;
  /** Whether reading takes until `serve` is called. */
  slow = false;
  /** Nothing is to be put that can be refused. */
  full = false;
  #reads: (() => void)[] = [];

  /** A journal for the next life of a process. What an earlier one did not commit is lost. */
  open(): Journal {
    this.#current = new DiskJournal(this.#committed, this);
    return this.#current;
  }

  /** Something has written over a record. */
  damage(key: string, value: Uint8Array): void {
    this.#committed.set(key, value);
  }

  /** Has a read done now, or when it is served. */
  read(action: () => void): void {
    if (this.slow) this.#reads.push(action);
    else action();
  }

  /** Answers what was read from a slow disk; false if there was nothing. */
  serve(): boolean {
    const reads = this.#reads;
    this.#reads = [];
    for (const action of reads) action();
    return reads.length > 0;
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
    this.#reads = [];
    this.#current?.crash();
    this.#current = undefined;
  }

  /** What is on the disk, in order of keys. */
  records(): StoredRecord[] {
    return [...this.#committed]
      .sort(([a], [b]) => compareKeys(a, b))
      .map(([key, value]) => ({ key, value: value.slice() }));
  }
}

class DiskJournal implements Journal {
  readonly #committed: Map<string, Uint8Array>;
  readonly #disk: MemoryDisk;
  readonly #pending = new Map<string, Uint8Array | undefined>();
  #waiting: Settleable[] = [];
  #crashed = false;

  constructor(committed: Map<string, Uint8Array>, disk: MemoryDisk) {
    this.#committed = committed;
    this.#disk = disk;
  }

  get awaited(): boolean {
    return this.#waiting.length > 0;
  }

  get full(): boolean {
    return this.#disk.full;
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

  read(
    from: string,
    to: string,
    limit: number,
    take: (records: readonly StoredRecord[]) => void,
  ): void {
    this.#disk.read(() => {
      if (this.#crashed) return;
      const keys = [...this.#committed.keys()]
        .filter((key) => compareKeys(key, from) >= 0 && compareKeys(key, to) < 0)
        .sort(compareKeys);
      take(
        keys
          .slice(0, limit)
          .map((key) => ({ key, value: (this.#committed.get(key) as Uint8Array).slice() })),
      );
    });
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
