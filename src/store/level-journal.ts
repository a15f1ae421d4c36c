/**
 * The durable journal on LevelDB (classic-level). Facts gather in a batch; one synced write commits
 * everything that waited since the last. What nobody waits for is written after a pause, so that
 * retained readings that change every second do not cost the card a sync each.
 */
import type { ClassicLevel } from "classic-level";
import type { Journal, Settleable, StoredRecord } from "../seams/journal.ts";
import type { Log } from "../seams/log.ts";

type Database = ClassicLevel<string, Uint8Array>;

export interface LevelJournalOptions {
  /** Folder of the database; made if missing. */
  readonly path: string;
  /** How long a change that nobody waits for may stay unwritten, ms. */
  readonly lazyInterval: number;
  /** Whether who waits waits for the commit. If not, a crash loses up to `lazyInterval` of what was acknowledged. */
  readonly strict: boolean;
  readonly log: Log;
}

/** Between attempts to write to a disk that refused, ms. */
const RETRY_INTERVAL = 1000;

export class LevelJournal implements Journal {
  readonly #options: LevelJournalOptions;
  readonly #db: Database;
  #batch = new Map<string, Uint8Array | undefined>();
  #waiting: Settleable[] = [];
  #committing: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #soon: NodeJS.Immediate | undefined;
  /** Commits made, for `$SYS` and tests. */
  commits = 0;

  constructor(db: Database, options: LevelJournalOptions) {
    this.#db = db;
    this.#options = options;
  }

  put(key: string, value: Uint8Array): void {
    this.#batch.set(key, value);
    this.#later();
  }

  delete(key: string): void {
    this.#batch.set(key, undefined);
    this.#later();
  }

  afterCommit(waiting: Settleable): void {
    if (!this.#options.strict || (this.#batch.size === 0 && this.#committing === undefined)) {
      waiting.settle();
      return;
    }
    this.#waiting.push(waiting);
    this.#now();
  }

  /** Commits everything now; resolves when that was done, or tried. */
  async commit(): Promise<void> {
    await this.#committing;
    await this.#commit();
  }

  /** All records, in order of their keys. */
  async load(): Promise<StoredRecord[]> {
    const records: StoredRecord[] = [];
    for await (const [key, value] of this.#db.iterator()) records.push({ key, value });
    return records;
  }

  /** Commits what is left and closes the database. */
  async close(): Promise<void> {
    await this.#committing;
    // A disk that refuses to the last must not keep the process from ending.
    if (this.#batch.size > 0) await this.#commit();
    this.#cancelTimers();
    await this.#db.close();
  }

  #later(): void {
    if (this.#timer !== undefined || this.#soon !== undefined) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      void this.#commit();
    }, this.#options.lazyInterval);
  }

  #now(): void {
    if (this.#committing !== undefined || this.#soon !== undefined) return;
    this.#soon = setImmediate(() => {
      this.#soon = undefined;
      void this.#commit();
    });
  }

  #commit(): Promise<void> {
    this.#committing ??= this.#write().finally(() => {
      this.#committing = undefined;
      if (this.#waiting.length > 0) this.#now();
      else if (this.#batch.size > 0) this.#later();
    });
    return this.#committing;
  }

  async #write(): Promise<void> {
    this.#cancelTimers();
    const batch = this.#batch;
    const waiting = this.#waiting;
    if (batch.size === 0 && waiting.length === 0) return;
    this.#batch = new Map();
    this.#waiting = [];
    try {
      await this.#db.batch(
        Array.from(batch, ([key, value]) =>
          value === undefined
            ? { type: "del" as const, key }
            : { type: "put" as const, key, value },
        ),
        { sync: true },
      );
    } catch (error) {
      this.#options.log.error(
        `store: cannot write to ${this.#options.path}: ${(error as Error).message}; ` +
          "nothing more is acknowledged until it can",
      );
      // What came meanwhile is newer than what failed.
      this.#batch = new Map([...batch, ...this.#batch]);
      this.#waiting = [...waiting, ...this.#waiting];
      await new Promise((resolve) => setTimeout(resolve, RETRY_INTERVAL));
      return;
    }
    this.commits++;
    for (const settleable of waiting) settleable.settle();
  }

  #cancelTimers(): void {
    clearTimeout(this.#timer);
    if (this.#soon !== undefined) clearImmediate(this.#soon);
    this.#timer = undefined;
    this.#soon = undefined;
  }
}
