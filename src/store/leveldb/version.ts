/** LevelDB's manifest: which files of the folder belong to the store. */
import { LittleReader } from "./little-reader.ts";
import { readLog } from "./log-file.ts";

export interface Version {
  /** Numbers of the tables. */
  readonly tables: ReadonlySet<number>;
  /** Logs from this number on hold what is in no table yet. */
  readonly logNumber: number;
  /** Changes were numbered so far, at least. */
  readonly lastSequence: number;
  /** Where the manifest's end was cut off; undefined if it was not. */
  readonly tornAt: number | undefined;
}

const Tag = {
  comparator: 1,
  logNumber: 2,
  nextFile: 3,
  lastSequence: 4,
  compactPointer: 5,
  deletedFile: 6,
  newFile: 7,
  previousLog: 9,
} as const;

interface Draft {
  readonly tables: Set<number>;
  logNumber: number | undefined;
  lastSequence: number;
}

/** Undefined where the manifest is not whole. A cut-off end counts as whole: it had not come into force. */
export function readVersion(manifest: Uint8Array): Version | undefined {
  const { records, damaged, tornAt } = readLog(manifest);
  if (damaged.length > 0 || records.length === 0) return undefined;
  const draft: Draft = { tables: new Set(), logNumber: undefined, lastSequence: 0 };
  for (const record of records) if (!apply(record, draft)) return undefined;
  const { tables, logNumber, lastSequence } = draft;
  return logNumber === undefined ? undefined : { tables, logNumber, lastSequence, tornAt };
}

function apply(record: Uint8Array, draft: Draft): boolean {
  const reader = new LittleReader(record);
  while (reader.remaining > 0) {
    if (!applyTag(reader.varint(), reader, draft) || reader.overrun) return false;
  }
  return true;
}

function applyTag(tag: number, reader: LittleReader, draft: Draft): boolean {
  switch (tag) {
    case Tag.comparator:
      reader.prefixed();
      return true;
    case Tag.logNumber:
      draft.logNumber = reader.varint();
      return true;
    case Tag.lastSequence:
      draft.lastSequence = reader.varint();
      return true;
    case Tag.nextFile:
    case Tag.previousLog:
      reader.varint();
      return true;
    case Tag.compactPointer:
      reader.varint();
      reader.prefixed();
      return true;
    case Tag.deletedFile:
      reader.varint();
      draft.tables.delete(reader.varint());
      return true;
    case Tag.newFile:
      reader.varint();
      draft.tables.add(reader.varint());
      reader.varint();
      reader.prefixed();
      reader.prefixed();
      return true;
    default:
      return false;
  }
}
