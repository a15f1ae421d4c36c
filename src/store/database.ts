/**
 * LevelDB with one promise more: where it begins a new log, it syncs what it writes there, but not the
 * folder, so that a power cut might leave a file without a name. Here the folder is synced as well.
 */
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import type { ClassicLevel, Iterator, KeyIterator } from "classic-level";

export type Level = ClassicLevel<string, Uint8Array>;

export type Change =
  | { readonly type: "put"; readonly key: string; readonly value: Uint8Array }
  | { readonly type: "del"; readonly key: string };

/** Keys from `gte` on, up to, and without, `lt`. */
export interface KeyRange {
  readonly gt?: string;
  readonly gte?: string;
  readonly lt?: string;
}

export class Database {
  readonly #level: Level;
  readonly #path: string;
  readonly #syncFolder: (path: string) => Promise<void>;
  /** The log that was written to last. */
  #log = "";
  #logSize = 0;
  #isNamed = false;

  /** `level` is open. */
  constructor(level: Level, path: string, syncFolder: (path: string) => Promise<void>) {
    this.#level = level;
    this.#path = path;
    this.#syncFolder = syncFolder;
  }

  /** One at a time. With `sync`, all changes so far are durable once it resolves. */
  async batch(changes: readonly Change[], { sync = false } = {}): Promise<void> {
    await this.#level.batch(changes as Change[], { sync });
    // Every batch makes its log longer.
    if (!this.#hasGrown()) this.#isNamed = false;
    if (this.#isNamed || !sync) return;
    await this.nameFiles();
  }

  /** Makes the names of its files safe. */
  async nameFiles(): Promise<void> {
    this.#log = newestLog(this.#path);
    this.#hasGrown();
    await this.#syncFolder(this.#path);
    this.#isNamed = true;
  }

  iterator(range: KeyRange): Iterator<Level, string, Uint8Array> {
    return this.#level.iterator(range);
  }

  keys(range: KeyRange): KeyIterator<Level, string> {
    return this.#level.keys(range);
  }

  close(): Promise<void> {
    return this.#level.close();
  }

  #hasGrown(): boolean {
    const size = statSync(this.#log, { throwIfNoEntry: false })?.size ?? 0;
    const hasGrown = size > this.#logSize;
    this.#logSize = size;
    return hasGrown;
  }
}

function newestLog(path: string): string {
  let [newest, highest] = ["", -1];
  for (const name of readdirSync(path)) {
    const number = name.endsWith(".log") ? Number.parseInt(name, 10) : -1;
    if (number > highest) [newest, highest] = [name, number];
  }
  return join(path, newest);
}
