/**
 * A folder of LevelDB, read file by file without LevelDB and without changing anything: which checksums
 * fit, and which records can be had. LevelDB itself leaves out what is damaged in its logs without a
 * word, and does not compare the checksums of tables when it reads them.
 */
import { closeSync, fstatSync, openSync, readdirSync, readSync, statSync } from "node:fs";
import { join } from "node:path";
import { CommitOrder } from "./commit-order.ts";
import { readBatch, readLog, type Visit } from "./log-file.ts";
import { readTable } from "./table-file.ts";
import { readVersion, type Version } from "./version.ts";

export interface FolderContent {
  /** What is damaged, a line each; empty where all is whole. */
  readonly damage: readonly string[];
  /** Of the write that was cut off, as by a power cut; nobody was told that it was safe. */
  readonly torn: readonly string[];
  /** What a power cut left that LevelDB does not open: the file is to end there, and at 0 to go. */
  readonly unfinished: readonly UnfinishedFile[];
}

export interface UnfinishedFile {
  readonly name: string;
  readonly length: number;
}

/** The first of a new store. LevelDB does not sync it, as another replaces it at once. */
const FIRST_MANIFEST = "MANIFEST-000001";

/**
 * Compares every checksum in the folder. With `visit`, reads all records that are whole, in no order;
 * of each key the one of the highest sequence counts. What `visit` is given holds during the call only.
 * Throws where the folder cannot be listed.
 */
export function readStoreFolder(path: string, visit?: Visit): FolderContent {
  return new FolderWalk(path, visit).walk();
}

class FolderWalk {
  readonly #path: string;
  readonly #visit: Visit | undefined;
  readonly #damage: string[] = [];
  readonly #torn: string[] = [];
  readonly #unfinished: UnfinishedFile[] = [];
  #order = new CommitOrder(Infinity);
  /** One for all files: there may be hundreds of megabytes of them. */
  #buffer = new Uint8Array(0);

  constructor(path: string, visit: Visit | undefined) {
    this.#path = path;
    this.#visit = visit;
  }

  walk(): FolderContent {
    const names = readdirSync(this.#path);
    const content = { damage: this.#damage, torn: this.#torn, unfinished: this.#unfinished };
    const tables = numbered(names, "ldb|sst");
    const logs = numbered(names, "log");
    const manifest = this.#manifestName(names);
    if (tables.size === 0 && this.#areEmpty(logs) && isHardlyBegun(names, manifest)) {
      if (names.includes("CURRENT")) this.#unfinished.push({ name: "CURRENT", length: 0 });
      return content;
    }
    const version = this.#currentVersion(manifest, names);
    if (version !== undefined) this.#lookForFiles(version, tables, logs);
    // Where it is not known which files belong to the store, all do.
    const trusted = this.#damage.length === 0 ? version : undefined;
    if (trusted !== undefined) this.#order = new CommitOrder(trusted.lastSequence + 1);
    for (const [number, name] of tables) {
      if (trusted?.tables.has(number) !== false) this.#readTable(name);
    }
    for (const [number, name] of logs) {
      if (trusted === undefined || number >= trusted.logNumber) this.#readLog(name);
    }
    return content;
  }

  #areEmpty(files: ReadonlyMap<number, string>): boolean {
    const sizeOf = (name: string) =>
      statSync(join(this.#path, name), { throwIfNoEntry: false })?.size;
    return [...files.values()].every((name) => sizeOf(name) === 0);
  }

  /** As CURRENT says it; undefined where it says nothing of the kind, or is not there. */
  #manifestName(names: readonly string[]): string | undefined {
    const current = names.includes("CURRENT") ? this.#read("CURRENT") : undefined;
    return /^(MANIFEST-\d+)\n$/.exec(new TextDecoder().decode(current))?.[1];
  }

  #currentVersion(name: string | undefined, names: readonly string[]): Version | undefined {
    if (name === undefined || !names.includes(name)) {
      const missing =
        name === undefined ? "CURRENT does not name a manifest" : `${name} is missing`;
      this.#damage.push(missing);
      return undefined;
    }
    const manifest = this.#read(name);
    const version = manifest === undefined ? undefined : readVersion(manifest);
    if (version === undefined) this.#damage.push(`${name} is damaged`);
    if (version?.tornAt !== undefined) this.#unfinished.push({ name, length: version.tornAt });
    return version;
  }

  /** A file goes only when a later version is in force, of which a cut-off manifest may say nothing. */
  #lookForFiles(
    { tables, logNumber }: Version,
    hasTables: ReadonlyMap<number, string>,
    hasLogs: ReadonlyMap<number, string>,
  ): void {
    for (const number of tables) {
      if (!hasTables.has(number)) this.#damage.push(`table ${number} is missing`);
    }
    if (logNumber > 0 && !hasLogs.has(logNumber)) this.#damage.push(`log ${logNumber} is missing`);
  }

  #readTable(name: string): void {
    const bytes = this.#read(name);
    if (bytes === undefined) return;
    const { lostBlocks } = readTable(bytes, this.#visit);
    if (lostBlocks < 0) this.#damage.push(`${name}: its index is damaged`);
    else if (lostBlocks > 0) this.#damage.push(`${name}: damaged in ${lostBlocks} blocks`);
  }

  #readLog(name: string): void {
    const bytes = this.#read(name);
    if (bytes === undefined) return;
    const { records, damaged, tornAt } = readLog(bytes, this.#order);
    // A log is begun when all that the one before it holds is safe.
    if (records.length > 0) this.#damage.push(...this.#torn.splice(0));
    for (const at of damaged) this.#damage.push(`${name}: damaged at byte ${at}`);
    if (tornAt !== undefined) {
      this.#torn.push(`${name}: cut off at byte ${tornAt} of ${bytes.length}`);
    }
    for (const record of records) {
      const isWhole = readBatch(record, this.#visit ?? (() => {}));
      if (!isWhole) this.#damage.push(`${name}: a commit in it is damaged`);
    }
  }

  /** A view that holds until the next file is read. */
  #read(name: string): Uint8Array | undefined {
    try {
      const file = openSync(join(this.#path, name), "r");
      try {
        return this.#readAll(file);
      } finally {
        closeSync(file);
      }
    } catch (error) {
      this.#damage.push(`${name} cannot be read: ${(error as Error).message}`);
      return undefined;
    }
  }

  #readAll(file: number): Uint8Array {
    const { size } = fstatSync(file);
    if (this.#buffer.length < size) this.#buffer = new Uint8Array(size);
    let length = 0;
    while (length < size) {
      const count = readSync(file, this.#buffer, length, size - length, length);
      if (count === 0) break;
      length += count;
    }
    return this.#buffer.subarray(0, length);
  }
}

/** Whether a store that nothing was written to yet may have come no further than this. */
function isHardlyBegun(names: readonly string[], manifest: string | undefined): boolean {
  if (names.includes("CURRENT")) return manifest === FIRST_MANIFEST;
  return !names.some((name) => name.startsWith("MANIFEST-") && name !== FIRST_MANIFEST);
}

function numbered(names: readonly string[], endings: string): Map<number, string> {
  const form = new RegExp(`^(\\d+)\\.(?:${endings})$`);
  const found = names.flatMap((name): [number, string][] => {
    const number = form.exec(name)?.[1];
    return number === undefined ? [] : [[Number(number), name]];
  });
  return new Map(found.sort(([a], [b]) => a - b));
}
