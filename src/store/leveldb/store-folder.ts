/**
 * A folder of LevelDB, read file by file without LevelDB and without changing anything: which checksums
 * fit, and which records can be had. LevelDB itself leaves out what is damaged in its logs without a
 * word, and does not compare the checksums of tables when it reads them.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { readBatch, readLog, type Visit } from "./log-file.ts";
import { readTable } from "./table-file.ts";
import { readVersion, type Version } from "./version.ts";

export interface FolderContent {
  /** What is damaged, a line each; empty where all is whole. */
  readonly damage: readonly string[];
  /** Of the write that was cut off, as by a power cut; nobody was told that it was safe. */
  readonly torn: readonly string[];
}

interface Files {
  readonly tables: ReadonlyMap<number, string>;
  readonly logs: ReadonlyMap<number, string>;
}

/**
 * Compares every checksum in the folder. With `visit`, reads all records that are whole, in no order;
 * of each key the one of the highest sequence counts. Throws where the folder cannot be listed.
 */
export function readStoreFolder(path: string, visit?: Visit): FolderContent {
  const names = readdirSync(path);
  const files: Files = { tables: numbered(names, "ldb|sst"), logs: numbered(names, "log") };
  const damage: string[] = [];
  const torn: string[] = [];
  const isEmpty = files.tables.size === 0 && files.logs.size === 0;
  if (isEmpty && !names.includes("CURRENT")) return { damage, torn };
  const version = currentVersion(path, names, damage);
  for (const number of version?.tables ?? []) {
    if (!files.tables.has(number)) damage.push(`table ${number} is missing`);
  }
  // Where it is not known which files belong to the store, all do.
  const trusted = damage.length === 0 ? version : undefined;
  for (const [number, name] of files.tables) {
    if (trusted?.tables.has(number) !== false) checkTable(join(path, name), name, visit, damage);
  }
  for (const [number, name] of files.logs) {
    const isOld = trusted !== undefined && number < trusted.logNumber;
    if (!isOld) checkLog(join(path, name), name, visit, damage, torn);
  }
  return { damage, torn };
}

function numbered(names: readonly string[], endings: string): Map<number, string> {
  const form = new RegExp(`^(\\d+)\\.(?:${endings})$`);
  const found = names.flatMap((name): [number, string][] => {
    const number = form.exec(name)?.[1];
    return number === undefined ? [] : [[Number(number), name]];
  });
  return new Map(found.sort(([a], [b]) => a - b));
}

function currentVersion(
  path: string,
  names: readonly string[],
  damage: string[],
): Version | undefined {
  const current = names.includes("CURRENT") ? read(join(path, "CURRENT"), damage) : undefined;
  const text = current === undefined ? "" : new TextDecoder().decode(current);
  const [, name] = /^(MANIFEST-\d+)\n$/.exec(text) ?? [];
  if (name === undefined || !names.includes(name)) {
    damage.push(name === undefined ? "CURRENT does not name a manifest" : `${name} is missing`);
    return undefined;
  }
  const manifest = read(join(path, name), damage);
  const version = manifest === undefined ? undefined : readVersion(manifest);
  if (version === undefined) damage.push(`${name} is damaged`);
  return version;
}

function checkTable(path: string, name: string, visit: Visit | undefined, damage: string[]): void {
  const bytes = read(path, damage);
  if (bytes === undefined) return;
  const { lostBlocks } = readTable(bytes, visit);
  if (lostBlocks < 0) damage.push(`${name}: its index is damaged`);
  else if (lostBlocks > 0) damage.push(`${name}: ${lostBlocks} of its blocks are damaged`);
}

function checkLog(
  path: string,
  name: string,
  visit: Visit | undefined,
  damage: string[],
  torn: string[],
): void {
  const bytes = read(path, damage);
  if (bytes === undefined) return;
  const { records, damaged, tornAt } = readLog(bytes);
  for (const at of damaged) damage.push(`${name}: damaged at byte ${at}`);
  if (tornAt !== undefined) {
    torn.push(`${name}: cut off at byte ${tornAt} of ${bytes.length}`);
  }
  for (const record of records) {
    if (!readBatch(record, visit ?? (() => {}))) damage.push(`${name}: a commit in it is damaged`);
  }
}

function read(path: string, damage: string[]): Uint8Array | undefined {
  try {
    return readFileSync(path);
  } catch (error) {
    damage.push(`${path} cannot be read: ${(error as Error).message}`);
    return undefined;
  }
}
