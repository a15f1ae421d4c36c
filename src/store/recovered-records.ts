/** All records of a store's folder that are whole, as LevelDB would give them, without LevelDB. */
import type { StoredRecord } from "../seams/journal.ts";
import { compareKeys } from "./key-order.ts";
import { type FolderContent, readStoreFolder } from "./leveldb/store-folder.ts";

export interface RecoveredRecords extends FolderContent {
  /** In order of their keys. */
  readonly records: readonly StoredRecord[];
}

interface Latest {
  readonly sequence: number;
  readonly value: Uint8Array | undefined;
}

/** Throws where the folder cannot be listed. */
export function recoverRecords(path: string): RecoveredRecords {
  const latest = new Map<string, Latest>();
  const content = readStoreFolder(path, (bytes, sequence, value) => {
    const key = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("utf8");
    const known = latest.get(key);
    if (known !== undefined && known.sequence >= sequence) return;
    // A copy: a view would hold the whole file.
    latest.set(key, { sequence, value: value === undefined ? undefined : new Uint8Array(value) });
  });
  const records = [...latest].flatMap(([key, { value }]): StoredRecord[] =>
    value === undefined ? [] : [{ key, value }],
  );
  return { ...content, records: records.sort((a, b) => compareKeys(a.key, b.key)) };
}
