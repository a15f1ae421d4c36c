/** Where in a store's whole files each change lies, and what it needs to be read. */
import { LittleReader, u32At } from "../../../src/store/leveldb/little-reader.ts";
import { readBatch } from "../../../src/store/leveldb/log-file.ts";
import { unpackSnappy } from "../../../src/store/leveldb/snappy.ts";
import { readVersion } from "../../../src/store/leveldb/version.ts";
import { type FolderImage, manifestOf, numberOf } from "./folder-image.ts";

/** Bytes of a file, up to and without `end`. */
export interface Stretch {
  readonly start: number;
  readonly end: number;
}

export interface WrittenChange {
  readonly key: string;
  readonly sequence: number;
  /** Undefined where the key was deleted. */
  readonly value: Uint8Array | undefined;
  readonly file: string;
  /** Where its commit, or its block, begins. */
  readonly at: number;
  /** It is there for certain if all stretches of one of these are undamaged. */
  readonly ways: readonly (readonly Stretch[])[];
}

const BLOCK = 32_768;
const HEADER = 7;
const FOOTER = 48;
const TRAILER = 5;
const decoder = new TextDecoder();

/** Of the files in force. */
export function placesIn(image: FolderImage): WrittenChange[] {
  const version = readVersion(manifestOf(image).bytes);
  if (version === undefined) throw new Error("the manifest is not whole");
  const changes: WrittenChange[] = [];
  for (const [file, bytes] of image) {
    const table = numberOf(file, "ldb");
    const log = numberOf(file, "log");
    if (table !== undefined && version.tables.has(table)) addTable(file, bytes, changes);
    if (log !== undefined && log >= version.logNumber) addLog(file, bytes, changes);
  }
  return changes;
}

/** A change in a log needs all that its blocks hold up to the end of its commit. */
function addLog(file: string, bytes: Uint8Array, changes: WrittenChange[]): void {
  let needs: Stretch[] = [];
  let parts: Uint8Array[] = [];
  let begin = 0;
  for (let at = 0; at + HEADER <= bytes.length; ) {
    const rest = BLOCK - (at % BLOCK);
    if (rest < HEADER) {
      at += rest;
      continue;
    }
    if (parts.length === 0) begin = at;
    const length = (bytes[at + 4] as number) | ((bytes[at + 5] as number) << 8);
    const end = at + HEADER + length;
    needs.push({ start: at - (at % BLOCK), end });
    parts.push(bytes.subarray(at + HEADER, end));
    const isLast = bytes[at + 6] === 1 || bytes[at + 6] === 4;
    at = end;
    if (!isLast) continue;
    const place = { file, at: begin, ways: [needs] };
    readBatch(Buffer.concat(parts), (key, sequence, value) => {
      changes.push({ key: decoder.decode(key), sequence, value, ...place });
    });
    [needs, parts] = [[], []];
  }
}

/** A change in a table needs its block, and either the index or all blocks before. */
function addTable(file: string, bytes: Uint8Array, changes: WrittenChange[]): void {
  const reader = new LittleReader(bytes, bytes.length - FOOTER);
  reader.varint();
  reader.varint();
  const footer = { start: bytes.length - FOOTER, end: bytes.length };
  const index = stretchOf(reader);
  for (const [, handle] of entriesOf(bytes, index)) {
    const block = stretchOf(new LittleReader(handle));
    for (const [key, value] of entriesOf(bytes, block)) {
      const length = key.length - 8;
      const trailer = new LittleReader(key, length);
      const isValue = key[length] === 1;
      changes.push({
        key: decoder.decode(key.subarray(0, length)),
        sequence: Math.floor(trailer.u64() / 256),
        value: isValue ? value.slice() : undefined,
        file,
        at: block.start,
        ways: [[block, index, footer], [{ start: 0, end: block.end }]],
      });
    }
  }
}

function stretchOf(reader: LittleReader): Stretch {
  const start = reader.varint();
  return { start, end: start + reader.varint() + TRAILER };
}

function entriesOf(bytes: Uint8Array, { start, end }: Stretch): [Uint8Array, Uint8Array][] {
  const packed = bytes.subarray(start, end - TRAILER);
  const block = bytes[end - TRAILER] === 1 ? unpackSnappy(packed) : packed;
  if (block === undefined) throw new Error("a whole block cannot be unpacked");
  const restarts = u32At(block, block.length - 4);
  const reader = new LittleReader(block, 0, block.length - 4 - 4 * restarts);
  const entries: [Uint8Array, Uint8Array][] = [];
  let key = new Uint8Array(0);
  while (reader.remaining > 0) {
    const shared = reader.varint();
    const more = reader.varint();
    const length = reader.varint();
    key = new Uint8Array([...key.subarray(0, shared), ...reader.raw(more)]);
    entries.push([key, reader.raw(length)]);
  }
  return entries;
}
