/**
 * The durable journal on LevelDB (classic-level). Facts gather in a batch; one synced write commits
 * everything that waited since the last. What nobody waits for is written after a pause, so that
 * retained readings that change every second do not cost the card a sync each.
 *
 * Why LevelDB: scripts/bench-tools/store-bench.ts compares it with SQLite (node:sqlite in a worker, WAL,
 * synchronous=FULL) on ext4, records of 150 bytes, x86:
 *
 *                                             LevelDB   SQLite
 *   one message a commit    commits/s         320-700  230-2600 (busy and idle machine)
 *                           bytes given to disk  4300    11300 a message
 *                           bytes at the device 17100    20000 (ext4's own records included)
 *   100 a commit            messages/s    37000-69000  13000-66000
 *                           bytes given to disk   250      750 a message
 *                           bytes at the device   500      800
 *   memory above bare Node  MB, little load         4       31
 *                           MB, full load          25       47
 *   a sector lost           read on average      99 %     91 %
 *                           read at worst        98 %      0 %
 *
 * A lone commit may be faster with SQLite, which writes over its log. What decides is what reaches the
 * card under load, memory, and that damage stays where it is.
 */
import type { Journal, Settleable, StoredRecord } from "../seams/journal.ts";
import type { Log } from "../seams/log.ts";
import type { Database } from "./database.ts";
import { rootMessage } from "./disk-trouble.ts";
import { recordsOf } from "./open-database.ts";
import { Overlay } from "./overlay.ts";

export interface LevelJournalOptions {
  /** Folder of the database; made if missing. */
  readonly path: string;
  /** How long a change that nobody waits for may stay unwritten, ms. */
  readonly lazyInterval: number;
  /** Whether who waits waits for the commit. If not, a crash loses up to `lazyInterval` of what was acknowledged. */
  readonly strict: boolean;
  readonly log: Log;
  /** Opens the database, anew after it has failed. */
  readonly open: () => Promise<Database>;
  /** Whether the disk has room again, so that opening it anew may help; true if not given. */
  readonly hasRoom?: (() => Promise<boolean>) | undefined;
  /** Asked before each commit for a record to go with it, if that is worth its bytes. */
  readonly rider?: (() => StoredRecord | undefined) | undefined;
}

/** Between attempts to open a database that failed, ms. */
const FIRST_PAUSE = 500;
const LONGEST_PAUSE = 10_000;
/**
 * Changes that are committed before their time: reads go through all that are not in the database yet,
 * and a commit of so many costs the card no more than two of half as many.
 */
const MANY_CHANGES = 4096;
/** What a change takes in LevelDB's log besides key and value, and a commit besides its changes, bytes. */
const CHANGE_OVERHEAD = 5;
const COMMIT_OVERHEAD = 19;

export class LevelJournal implements Journal {
  readonly #options: LevelJournalOptions;
  #db: Database | undefined;
  #batch = new Map<string, Uint8Array | undefined>();
  /** What is being written. */
  #written: ReadonlyMap<string, Uint8Array | undefined> = new Map();
  #waiting: Settleable[] = [];
  #committing: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #soon: NodeJS.Immediate | undefined;
  #closing = false;
  #recovering: Promise<void> | undefined;
  #wake: () => void = () => {};
  #problem: string | undefined;
  /** When the first change of the batch came, and of what is being written; ms. */
  #batchSince = 0;
  #writtenSince = 0;
  /** Who waits for a database to read from. */
  #readers: (() => void)[] = [];
  /** Commits made. */
  commits = 0;
  /** Handed to the database, bytes. */
  bytes = 0;
  /** Set while little room is left on the disk: what is there may be changed, and nothing added. */
  low = false;
  /** Called when the disk refuses, with why, and when it takes everything again. */
  onProblem: (problem: string | undefined) => void = () => {};

  /** Without a database one is opened when `failed` was called. */
  constructor(db: Database | undefined, options: LevelJournalOptions) {
    this.#db = db;
    this.#options = options;
  }

  /** Nothing new is to be kept. */
  get full(): boolean {
    return this.low || this.#problem !== undefined;
  }

  /** Why the disk takes nothing; undefined while it does. */
  get problem(): string | undefined {
    return this.#problem;
  }

  /** Changes that are not on the disk. */
  get unsafe(): number {
    return this.#batch.size + this.#written.size;
  }

  /** How long the oldest of those has been waiting, ms. */
  get unsafeAge(): number {
    if (this.#written.size > 0) return performance.now() - this.#writtenSince;
    return this.#batch.size > 0 ? performance.now() - this.#batchSince : 0;
  }

  put(key: string, value: Uint8Array): void {
    this.#change(key, value);
  }

  delete(key: string): void {
    this.#change(key, undefined);
  }

  afterCommit(waiting: Settleable): void {
    if (!this.#options.strict || (this.#batch.size === 0 && this.#committing === undefined)) {
      waiting.settle();
      return;
    }
    this.#waiting.push(waiting);
    this.#now();
  }

  read(
    from: string,
    to: string,
    limit: number,
    take: (records: readonly StoredRecord[]) => void,
  ): void {
    this.#read(from, to, limit).then(take, (error: unknown) => {
      if (this.#closing) return;
      // Opened anew, the database is without what cannot be read.
      this.failed(error);
      this.#readers.push(() => this.read(from, to, limit, take));
    });
  }

  /** Commits everything now; rejects where the disk refuses. */
  async commit(): Promise<void> {
    await this.#commitAll();
    if (this.#problem !== undefined) throw new Error(this.#problem);
  }

  /**
   * All records as they are once everything is committed, many at a time; what changes meanwhile does
   * not show. Rejects where the disk refuses.
   */
  async snapshot(): Promise<AsyncGenerator<StoredRecord[]>> {
    await this.commit();
    const db = this.#db;
    if (db === undefined) throw new Error("the database is closed");
    return recordsOf(db);
  }

  /** Commits what is left and closes the database. */
  async close(): Promise<void> {
    this.#closing = true;
    this.#wake();
    await this.#recovering;
    await this.#committing;
    // A disk that refuses to the last must not keep the process from ending.
    if (this.#batch.size > 0) await this.#commit();
    this.#cancelTimers();
    await this.#db?.close();
    if (this.#batch.size === 0) return;
    this.#options.log.error(`store: ${this.#batch.size} changes could not be written and are lost`);
  }

  /** The database cannot be used as it is: it is opened anew until that helps. */
  failed(error: unknown): void {
    if (this.#problem === undefined) {
      this.#problem = rootMessage(error);
      this.#options.log.error(
        `store: cannot use ${this.#options.path}: ${this.#problem}; ` +
          "until that is over nothing that would have to be kept is accepted",
      );
      this.onProblem(this.#problem);
    }
    if (!this.#closing) this.#recovering ??= this.#recover();
  }

  get #refuses(): boolean {
    return this.#problem !== undefined;
  }

  async #commitAll(): Promise<void> {
    await this.#committing;
    await this.#commit();
  }

  #change(key: string, value: Uint8Array | undefined): void {
    if (this.#batch.size === 0) this.#batchSince = performance.now();
    this.#batch.set(key, value);
    if (this.#batch.size < MANY_CHANGES) this.#later();
    else this.#now();
  }

  #later(): void {
    if (this.#timer !== undefined || this.#soon !== undefined || this.#refuses) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      void this.#commit();
    }, this.#options.lazyInterval);
  }

  #now(): void {
    if (this.#committing !== undefined || this.#soon !== undefined || this.#refuses) return;
    this.#soon = setImmediate(() => {
      this.#soon = undefined;
      void this.#commit();
    });
  }

  #commit(): Promise<void> {
    this.#committing ??= this.#tryWrite().finally(() => {
      this.#committing = undefined;
      this.#goOn();
    });
    return this.#committing;
  }

  async #tryWrite(): Promise<void> {
    if (this.#refuses && !this.#closing) return;
    try {
      await this.#write();
    } catch (error) {
      this.failed(error);
    }
  }

  /** Rejects where the disk refuses; everything waits on then. */
  async #write(): Promise<void> {
    this.#cancelTimers();
    const waiting = this.#waiting;
    if (this.#batch.size === 0 && waiting.length === 0) return;
    if (this.#batch.size > 0) this.#takeRider();
    const batch = this.#batch;
    this.#written = batch;
    this.#writtenSince = this.#batchSince;
    this.#batch = new Map();
    this.#waiting = [];
    try {
      await this.#put(batch);
    } catch (error) {
      // What came meanwhile is newer than what failed.
      this.#batch = new Map([...batch, ...this.#batch]);
      this.#batchSince = this.#writtenSince;
      this.#waiting = [...waiting, ...this.#waiting];
      throw error;
    } finally {
      this.#written = new Map();
    }
    for (const settleable of waiting) settleable.settle();
  }

  async #put(batch: ReadonlyMap<string, Uint8Array | undefined>): Promise<void> {
    if (batch.size === 0) return;
    if (this.#db === undefined) throw new Error(this.#problem ?? "the database is closed");
    let bytes = COMMIT_OVERHEAD;
    const changes = Array.from(batch, ([key, value]) => {
      bytes += key.length + (value?.length ?? 0) + CHANGE_OVERHEAD;
      return value === undefined
        ? { type: "del" as const, key }
        : { type: "put" as const, key, value };
    });
    await this.#db.batch(changes, { sync: true });
    this.commits++;
    this.bytes += bytes;
  }

  #takeRider(): void {
    const record = this.#options.rider?.();
    if (record !== undefined) this.#batch.set(record.key, record.value);
  }

  /**
   * After a write that failed, LevelDB either refuses all others, or writes them behind a gap where no
   * restart would find them: it is opened anew.
   */
  async #recover(): Promise<void> {
    const { log, open, hasRoom } = this.#options;
    await this.#committing;
    for (let pause = FIRST_PAUSE; !this.#closing; pause = Math.min(2 * pause, LONGEST_PAUSE)) {
      await this.#pause(pause);
      // What is there can be read until opening it anew has a chance.
      if (this.#closing || (await hasRoom?.()) === false) continue;
      try {
        await this.#db?.close();
        this.#db = undefined;
        this.#db = await open();
        await this.#write();
        break;
      } catch (error) {
        log.debug(`store: still cannot use ${this.#options.path}: ${rootMessage(error)}`);
      }
    }
    this.#recovering = undefined;
    if (this.#closing) return;
    this.#problem = undefined;
    log.notice(`store: ${this.#options.path} can be used again`);
    this.onProblem(undefined);
    for (const read of this.#readers.splice(0)) read();
    this.#goOn();
  }

  /** Has what came meanwhile committed: at once, or when it is due. */
  #goOn(): void {
    if (this.#waiting.length > 0 || this.#batch.size >= MANY_CHANGES) this.#now();
    else if (this.#batch.size > 0) this.#later();
  }

  #pause(duration: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, duration);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  async #read(from: string, to: string, limit: number): Promise<StoredRecord[]> {
    // Where nobody waits for commits, what was put may not be there yet.
    if (!this.#options.strict && !this.#refuses) await this.#commitAll();
    const db = this.#db;
    if (db === undefined) throw new Error(this.#problem ?? "the database is closed");
    const overlay = new Overlay([this.#written, this.#batch], from, to);
    const records: StoredRecord[] = [];
    const iterator = db.iterator({ gte: from, lt: to });
    try {
      while (records.length < limit) {
        const entries = await iterator.nextv(limit - records.length);
        if (entries.length === 0) break;
        for (const [key, value] of entries) {
          if (!overlay.has(key)) records.push({ key, value });
        }
      }
    } finally {
      await iterator.close();
    }
    return overlay.over(records, limit);
  }

  #cancelTimers(): void {
    clearTimeout(this.#timer);
    if (this.#soon !== undefined) clearImmediate(this.#soon);
    this.#timer = undefined;
    this.#soon = undefined;
  }
}
