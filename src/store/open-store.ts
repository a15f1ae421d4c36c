/**
 * Opens the store, whatever state it is in, and reads it. Where its disk is full or cannot be written,
 * Midge starts with what can be read, keeps nothing new, and tries again.
 */
import type { RestOfKeys, StoredRecord, TakesRecord } from "../seams/journal.ts";
import type { Database } from "./database.ts";
import { isDenial, isRefusal, rootMessage } from "./disk-trouble.ts";
import { LevelJournal, type LevelJournalOptions } from "./level-journal.ts";
import { openDatabase, recordsOf } from "./open-database.ts";
import { recoverRecords } from "./recovered-records.ts";
import { StoreError } from "./store-error.ts";

const KEYS_AT_ONCE = 4000;

export interface OpenStoreOptions extends Omit<LevelJournalOptions, "open"> {
  /** Picks the records to answer, asked in the order of keys; all if not given. */
  readonly takes?: TakesRecord | undefined;
}

export interface OpenedStore {
  readonly journal: LevelJournal;
  readonly records: readonly StoredRecord[];
}

/** Rejects with StoreError where the folder cannot be used at all. */
export async function openStore(options: OpenStoreOptions): Promise<OpenedStore> {
  const { path, log, takes } = options;
  const open = () => openDatabase(path, log);
  let trouble: unknown;
  try {
    const database = await open();
    try {
      const journal = new LevelJournal(database, { ...options, open });
      return { journal, records: await load(database, takes) };
    } catch (error) {
      await database.close();
      throw error;
    }
  } catch (error) {
    if (error instanceof StoreError) throw error;
    trouble = error;
  }
  const message = rootMessage(trouble);
  const records = readable(path);
  // Where there is nothing to go on with, missing rights are a mistake to be told.
  const goesOn = isRefusal(trouble) || (isDenial(trouble) && records !== undefined);
  if (!goesOn) throw new StoreError(`cannot use the folder ${path}: ${message}`, trouble);
  const journal = new LevelJournal(undefined, { ...options, open });
  journal.failed(trouble);
  return { journal, records: records ?? [] };
}

/** What can be read without writing; undefined where there is no store. */
function readable(path: string): readonly StoredRecord[] | undefined {
  try {
    return recoverRecords(path).records;
  } catch {
    return undefined;
  }
}

/** The records that `takes` picks, in order of their keys. */
async function load(database: Database, takes: TakesRecord = () => true): Promise<StoredRecord[]> {
  const records: StoredRecord[] = [];
  for (let from: string | undefined = ""; from !== undefined; ) {
    from = await loadSome(database, from, takes, records);
  }
  return records;
}

/** Reads until keys are to be passed by; answers where to go on, undefined at the end. */
async function loadSome(
  database: Database,
  from: string,
  takes: TakesRecord,
  records: StoredRecord[],
): Promise<string | undefined> {
  for await (const some of recordsOf(database, from)) {
    for (const record of some) {
      const verdict = takes(record.key, record.value);
      if (verdict === true) records.push(record);
      if (typeof verdict === "boolean") continue;
      await passKeys(database, record.key, verdict);
      return verdict.to;
    }
  }
  return undefined;
}

async function passKeys(database: Database, after: string, { to, pass }: RestOfKeys) {
  const iterator = database.keys({ gt: after, lt: to });
  try {
    for (;;) {
      const keys = await iterator.nextv(KEYS_AT_ONCE);
      if (keys.length === 0) return;
      for (const key of keys) pass(key);
    }
  } finally {
    await iterator.close();
  }
}
