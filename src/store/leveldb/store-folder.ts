/**
 * A folder of LevelDB, read file by file without LevelDB and without changing anything: which checksums
 * fit, and which records can be had. LevelDB itself leaves out what is damaged in its logs without a
 * word, and does not compare the checksums of tables when it reads them.
 */
import { closeSync, fstatSync, openSync, readdirSync, readSync } from "node:fs";
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
  /** One for all files: there may be hundreds of megabytes of them. */
  #buffer = new Uint8Array(0);

  constructor(path: string, visit: Visit | undefined) {
    this.#path = path;
    this.#visit = visit;
  }

  walk(): FolderContent {
    const names = readdirSync(this.#path);
    const content = { damage: this.#damage, torn: this.#torn };
    const tables = numbered(names, "ldb|sst");
    const logs = numbered(names, "log");
    const isEmpty = tables.size === 0 && logs.size === 0 && !names.includes("CURRENT");
    if (isEmpty) return content;
    const version = this.#currentVersion(names);
    for (const number of version?.tables ?? []) {
      if (!tables.has(number)) this.#damage.push(`table ${number} is missing`);
    }
    // Where it is not known which files belong to the store, all do.
    const trusted = this.#damage.length === 0 ? version : undefined;
    for (const [number, name] of tables) {
      if (trusted?.tables.has(number) !== false) this.#readTable(name);
    }
    for (const [number, name] of logs) {
      if (trusted === undefined || number >= trusted.logNumber) this.#readLog(name);
    }
    return content;
  }

  #currentVersion(names: readonly string[]): Version | undefined {
    const current = names.includes("CURRENT") ? this.#read("CURRENT") : undefined;
    const text = current === undefined ? "" : new TextDecoder().decode(current);
    const [, name] = /^(MANIFEST-\d+)\n$/.exec(text) ?? [];
    if (name === undefined || !names.includes(name)) {
      const missing =
        name === undefined ? "CURRENT does not name a manifest" : `${name} is missing`;
      this.#damage.push(missing);
      return undefined;
    }
    const manifest = this.#read(name);
    const version = manifest === undefined ? undefined : readVersion(manifest);
    if (version === undefined) this.#damage.push(`${name} is damaged`);
    return version;
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
    const { records, damaged, tornAt } = readLog(bytes);
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

function numbered(names: readonly string[], endings: string): Map<number, string> {
  const form = new RegExp(`^(\\d+)\\.(?:${endings})$`);
  const found = names.flatMap((name): [number, string][] => {
    const number = form.exec(name)?.[1];
    return number === undefined ? [] : [[Number(number), name]];
  });
  return new Map(found.sort(([a], [b]) => a - b));
}
