/**
 * Opens the store, whatever state it is in: a damaged one is repaired, one beyond repair is set
 * aside, and Midge starts all the same.
 */
import { mkdirSync, renameSync } from "node:fs";
import { ClassicLevel } from "classic-level";
import type { StoredRecord } from "../seams/journal.ts";
import type { LevelJournalOptions } from "./level-journal.ts";
import { LevelJournal } from "./level-journal.ts";
import { StoreError } from "./store-error.ts";

export interface OpenedStore {
  readonly journal: LevelJournal;
  readonly records: readonly StoredRecord[];
}

/** Rejects with StoreError where the folder cannot be used at all. */
export async function openStore(options: LevelJournalOptions): Promise<OpenedStore> {
  const { path, log } = options;
  try {
    mkdirSync(path, { recursive: true });
  } catch (error) {
    throw new StoreError(`cannot make the folder ${path}: ${(error as Error).message}`, error);
  }
  try {
    return await openAndLoad(options);
  } catch (error) {
    failIfUnusable(path, error);
    log.warn(`store: ${path} is damaged (${rootMessage(error)}); repairing it`);
  }
  try {
    await ClassicLevel.repair(path);
    return await openAndLoad(options);
  } catch (error) {
    failIfUnusable(path, error);
    const aside = `${path}.damaged-${new Date().toISOString().replaceAll(":", "-")}`;
    renameSync(path, aside);
    log.error(`store: ${path} is beyond repair (${rootMessage(error)}); set aside as ${aside}`);
    return openAndLoad(options);
  }
}

async function openAndLoad(options: LevelJournalOptions): Promise<OpenedStore> {
  const db = new ClassicLevel<string, Uint8Array>(options.path, {
    keyEncoding: "utf8",
    valueEncoding: "view",
  });
  await db.open();
  const journal = new LevelJournal(db, options);
  try {
    return { journal, records: await journal.load() };
  } catch (error) {
    await db.close();
    throw error;
  }
}

interface CodedError {
  readonly code?: string;
  readonly message?: string;
  readonly cause?: CodedError;
}

function rootMessage(error: unknown): string {
  const { cause, message } = error as CodedError;
  return cause?.message ?? message ?? String(error);
}

/** Repair helps against damage, not against a lock or missing rights. */
function failIfUnusable(path: string, error: unknown): void {
  const { code, cause } = error as CodedError;
  if (code === "LEVEL_LOCKED" || cause?.code === "LEVEL_LOCKED") {
    throw new StoreError(`${path} is in use by another Midge`, error);
  }
  const message = rootMessage(error);
  if (/permission denied|read-only file system|no space left/i.test(message)) {
    throw new StoreError(`cannot use the folder ${path}: ${message}`, error);
  }
}
