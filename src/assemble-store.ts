/** Opens the store and what goes with it: the watch over its disk, its figures, the door for backups. */
import { join } from "node:path";
import { BacklogTally } from "./broker/backlog-tally.ts";
import type { StoredSpan } from "./broker/paged-queue.ts";
import type { Config } from "./config/schema.ts";
import type { Journal, StoredRecord } from "./seams/journal.ts";
import type { Log } from "./seams/log.ts";
import { BackupDoor } from "./store/backup-door.ts";
import { DiskWatch } from "./store/disk-watch.ts";
import { readDocuments } from "./store/document-contents.ts";
import type { LevelJournal } from "./store/level-journal.ts";
import { MemoryJournal } from "./store/memory-journal.ts";
import { damagedFolders } from "./store/open-database.ts";
import { openStore } from "./store/open-store.ts";
import { type StoreFigures, StoreReport, storeState } from "./store/store-report.ts";
import { WEAR_KEY, Wear } from "./store/wear.ts";
import { writtenBytes } from "./store/written-bytes.ts";
import { dataFolder } from "./system/data-folder.ts";
import type { RealTime } from "./system/real-time.ts";
import { VERSION } from "./version.ts";

export interface StoreParts {
  readonly config: () => Config;
  readonly time: RealTime;
  readonly log: Log;
}

/** How long a change that nobody waits for may stay off the disk in strict mode, ms. */
const LAZY_INTERVAL = 5000;
/** Beyond that a disk that takes so long, ms, is slower than any that is well. */
const SLOW = 10_000;

export const STORE_FOLDER = "store";
export const DOCUMENTS_FOLDER = "documents";

export class AssembledStore {
  readonly #parts: StoreParts;
  readonly #folder: string;
  readonly #tally = new BacklogTally();
  readonly #watch: DiskWatch;
  readonly #report: StoreReport;
  #level: LevelJournal | undefined;
  #records: readonly StoredRecord[] = [];
  #wear: Wear | undefined;
  /** In force since the start. */
  #mode: StoreFigures["mode"] = "memory";
  #unsafeLimit = 0;
  #door: BackupDoor | undefined;
  #announce: ((topic: string, payload: Uint8Array) => void) | undefined;
  readonly #memory = new MemoryJournal();

  constructor(parts: StoreParts) {
    const { config, time, log } = parts;
    const { scheduler } = time;
    this.#parts = parts;
    this.#folder = dataFolder(config().store.path);
    this.#watch = new DiskWatch({
      path: this.#folder,
      reserve: () => config().store.reserve,
      low: (isLow) => {
        if (this.#level !== undefined) this.#level.low = isLow;
        this.reload();
      },
      scheduler,
      log,
    });
    this.#report = new StoreReport({
      figures: () => this.figures,
      announce: (topic, payload) => this.#announce?.(topic, payload),
      interval: () => config().broker.sys_interval * 1000,
      scheduler,
      log,
    });
  }

  get journal(): Journal {
    return this.#level ?? this.#memory;
  }

  /** What was stored, but for the deliveries of which `backlogs` tells. */
  get records(): readonly StoredRecord[] {
    return this.#records;
  }

  get backlogs(): ReadonlyMap<string, StoredSpan> {
    return this.#tally.spans;
  }

  /** Where things are kept, in words. */
  get where(): string {
    return this.#level === undefined ? "kept in memory only" : this.#folder;
  }

  /** Rejects with StoreError where the folder cannot be used at all. */
  async open(): Promise<void> {
    const { config, log, time } = this.#parts;
    const { mode, interval } = config().store;
    if (mode === "memory") return;
    const strict = mode === "strict";
    const lazyInterval = strict ? LAZY_INTERVAL : interval;
    this.#mode = mode;
    this.#unsafeLimit = lazyInterval + SLOW;
    const { journal, records } = await openStore({
      path: join(this.#folder, STORE_FOLDER),
      strict,
      lazyInterval,
      log,
      takes: (key, value) => this.#tally.takes(key, value),
      hasRoom: () => this.#watch.hasRoom(),
      rider: () => this.#wear?.record(),
    });
    this.#level = journal;
    this.#records = records;
    const stored = records.find(({ key }) => key === WEAR_KEY)?.value;
    this.#wear = new Wear(time, () => writtenBytes() ?? journal.bytes, stored);
    journal.onProblem = () => this.reload();
    if (!strict)
      log.notice(`store: a power cut loses up to ${interval} ms of what was acknowledged`);
    for (const name of damagedFolders(this.#folder)) {
      log.warn(
        `store: damaged files were set aside in ${join(this.#folder, name)}; remove it once seen`,
      );
    }
    await this.#watch.start();
    await this.#openDoor(journal);
  }

  /** Begins to tell of the store under `$SYS`. */
  attach(broker: { announce(topic: string, payload: Uint8Array, retain: boolean): void }): void {
    this.#announce = (topic, payload) => broker.announce(topic, payload, true);
    this.#report.start();
  }

  /** How the store is now, and what it costs the disk. */
  get figures(): StoreFigures {
    const journal = this.#level;
    const { problem, unsafeAge } = journal ?? { problem: undefined, unsafeAge: 0 };
    const unsafeLimit = this.#unsafeLimit;
    return {
      state:
        journal === undefined
          ? "memory"
          : storeState({ problem, full: journal.full, unsafeAge, unsafeLimit }),
      mode: this.#mode,
      folder: this.#folder,
      problem,
      commits: journal?.commits ?? 0,
      bytes: journal?.bytes ?? 0,
      unsafe: journal?.unsafe ?? 0,
      unsafeAge,
      unsafeLimit,
      today: this.#wear?.today,
      perYear: this.#wear?.perYear,
      free: this.#watch.free,
      reserve: this.#parts.config().store.reserve,
      damaged: damagedFolders(this.#folder),
    };
  }

  /** Has everything written; rejects where the disk refuses. */
  async save(): Promise<void> {
    await this.#level?.commit();
  }

  /** Tells of the store as it is now. */
  reload(): undefined {
    if (this.#announce !== undefined) this.#report.reload();
  }

  async stop(): Promise<void> {
    if (this.#announce !== undefined) this.#report.stop();
    this.#announce = undefined;
    await this.#door?.stop();
    this.#watch.stop();
    await this.#level?.close();
  }

  async #openDoor(journal: LevelJournal): Promise<void> {
    const { log } = this.#parts;
    this.#door = new BackupDoor({
      folder: this.#folder,
      source: async () => ({
        version: VERSION,
        created: new Date().toISOString(),
        documents: await readDocuments(join(this.#folder, DOCUMENTS_FOLDER), log),
        records: await journal.snapshot(),
      }),
      log,
    });
    await this.#door.start();
  }
}
