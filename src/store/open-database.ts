/**
 * Opens the database whatever state its files are in. They are compared with their checksums first;
 * where anything is damaged, the folder is set aside as a whole, and a new one is made of all records
 * that are whole. LevelDB's own repair is not used: it takes damaged commits for whole ones.
 */
import {
  existsSync,
  linkSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { ClassicLevel } from "classic-level";
import type { StoredRecord } from "../seams/journal.ts";
import type { Log } from "../seams/log.ts";
import { makeAsideFolder } from "./aside-folder.ts";
import { syncContents, syncFolder } from "./atomic-file.ts";
import { Database } from "./database.ts";
import { isDenial, isLocked, isRefusal, rootMessage } from "./disk-trouble.ts";
import { readStoreFolder, type UnfinishedFile } from "./leveldb/store-folder.ts";
import { makeFolder } from "./make-folder.ts";
import { recoverRecords } from "./recovered-records.ts";
import { StoreError } from "./store-error.ts";
import { writeRecords } from "./write-records.ts";

/** Begins the names of folders beside the store in which damaged files are set aside. */
const ASIDE = "damaged-";
/** Lines about damage that are logged; the report holds all. */
const MOST_LINES = 20;

/**
 * Rejects with StoreError where another process holds the store, and with what the disk says where
 * it refuses.
 */
export async function openDatabase(path: string, log: Log): Promise<Database> {
  finishRecovery(path);
  if (!(await begin(path))) return replace(path, ["it is no folder"], log);
  const { damage, torn, unfinished } = readStoreFolder(path);
  if (damage.length > 0) return replace(path, damage, log);
  try {
    const database = await openUnfinished(path, unfinished);
    for (const line of torn) {
      log.warn(
        `store: ${line}: what was being written last is left out, nobody was told it is safe`,
      );
    }
    return database;
  } catch (error) {
    if (isLocked(error)) throw inUse(path, error);
    if (isRefusal(error) || isDenial(error)) throw error;
    return replace(path, [rootMessage(error)], log);
  }
}

/** False where something else has the name. */
async function begin(path: string): Promise<boolean> {
  try {
    if (makeFolder(path)) await syncFolder(dirname(path));
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  }
}

/** LevelDB takes a manifest whose end is garbage, and a store that was never made wholly, for damaged. */
async function openUnfinished(
  path: string,
  unfinished: readonly UnfinishedFile[],
): Promise<Database> {
  try {
    return await openLevel(path);
  } catch (error) {
    // Nobody else has the store open, or that would have been said first.
    if (isLocked(error) || isRefusal(error) || isDenial(error)) throw error;
    if (unfinished.length === 0) throw error;
  }
  for (const { name, length } of unfinished) {
    if (length === 0) rmSync(join(path, name));
    else truncateSync(join(path, name), length);
  }
  return openLevel(path);
}

export interface LevelOptions {
  /** Changes that are held in memory before a table is made of them, bytes; 4 MB if not given. */
  readonly writeBufferSize?: number | undefined;
  /** Makes the names in a folder safe. */
  readonly syncNames?: ((folder: string) => Promise<void>) | undefined;
}

/** Opens a database that is whole, or makes one. */
export async function openLevel(
  path: string,
  { writeBufferSize, syncNames = syncFolder }: LevelOptions = {},
): Promise<Database> {
  const level = new ClassicLevel<string, Uint8Array>(path, {
    keyEncoding: "utf8",
    valueEncoding: "view",
    // Given as undefined it would be without a limit.
    ...(writeBufferSize === undefined ? {} : { writeBufferSize }),
  });
  try {
    await level.open();
    const database = new Database(level, path, syncNames);
    await database.nameFiles();
    return database;
  } catch (error) {
    await level.close();
    throw error;
  }
}

const RECORDS_AT_ONCE = 1000;

/** All records, in order of their keys, as they are when this is called; many at a time. */
export function recordsOf(database: Database, from = ""): AsyncGenerator<StoredRecord[]> {
  const iterator = database.iterator({ gte: from });
  return (async function* () {
    try {
      for (;;) {
        const entries = await iterator.nextv(RECORDS_AT_ONCE);
        if (entries.length === 0) return;
        yield entries.map(([key, value]) => ({ key, value }));
      }
    } finally {
      await iterator.close();
    }
  })();
}

/** Folders with damaged files in the data's folder, by name; gone once somebody has removed them. */
export function damagedFolders(data: string): string[] {
  try {
    return readdirSync(data).filter((name) => name.startsWith(ASIDE));
  } catch {
    return [];
  }
}

function inUse(path: string, cause: unknown): StoreError {
  return new StoreError(`${path} is in use by another Midge`, cause);
}

/**
 * Whether another process holds the store; its files stay as they are. Not to be asked by the process
 * that holds it.
 */
export async function isStoreInUse(path: string): Promise<boolean> {
  const lock = join(path, "LOCK");
  if (!existsSync(lock)) return false;
  let probe: string;
  try {
    probe = mkdtempSync(`${path}.probe-`);
  } catch {
    // Who cannot write here does no harm to somebody who can.
    return false;
  }
  try {
    // The lock is the file's, by whatever name; without a database beside it nothing else is touched.
    linkSync(lock, join(probe, "LOCK"));
    await new ClassicLevel(probe, { createIfMissing: false }).open();
    return false;
  } catch (error) {
    return isLocked(error);
  } finally {
    rmSync(probe, { recursive: true, force: true });
  }
}

/** Where a store is put together that is to take the place of another. */
export function recoveredPath(path: string): string {
  return `${path}.recovered`;
}

/** Takes up or takes away what a power cut left of a recovery. */
function finishRecovery(path: string): void {
  const recovered = recoveredPath(path);
  if (!existsSync(recovered)) return;
  if (existsSync(path)) rmSync(recovered, { recursive: true, force: true });
  else renameSync(recovered, path);
}

/** Puts a new database of what is whole in the place of a damaged one. */
async function replace(path: string, damage: readonly string[], log: Log): Promise<Database> {
  if (await isStoreInUse(path)) throw inUse(path, undefined);
  log.error(`store: ${path} is damaged:`);
  for (const line of damage.slice(0, MOST_LINES)) log.error(`store:   ${line}`);
  const records = statSync(path).isDirectory() ? recoverRecords(path).records : [];
  const recovered = recoveredPath(path);
  rmSync(recovered, { recursive: true, force: true });
  try {
    const database = await openLevel(recovered);
    await writeRecords(database, records);
    await database.close();
    await syncContents(recovered);
  } catch (error) {
    rmSync(recovered, { recursive: true, force: true });
    throw error;
  }
  const aside = await setAside(path, [
    `These files were damaged. ${records.length} records in them were whole; they are in the store now.`,
    ...damage,
  ]);
  renameSync(recovered, path);
  await syncFolder(dirname(path));
  log.error(`store: recovered ${records.length} records; the damaged files are in ${aside}`);
  return openLevel(path);
}

async function setAside(path: string, report: readonly string[]): Promise<string> {
  const data = dirname(path);
  const aside = makeAsideFolder(data, ASIDE);
  writeFileSync(join(aside, "REPORT.txt"), `${report.join("\n")}\n`);
  renameSync(path, join(aside, "store"));
  await syncFolder(data);
  return aside;
}
