/**
 * LevelDB's tables: sorted records in blocks with a checksum each, an index of the blocks, and a
 * footer that says where the index is. Where index or footer are damaged, the blocks are looked for.
 */
import { crc32c } from "../../bytes/crc32c.ts";
import { LittleReader, maskedChecksum, u32At } from "./little-reader.ts";
import type { Visit } from "./log-file.ts";
import { unpackSnappy } from "./snappy.ts";

const FOOTER = 48;
const MAGIC_LOW = 0x8b80fb57;
const MAGIC_HIGH = 0xdb477524;
/** Behind every block: how it is packed, and its checksum. */
const TRAILER = 5;
const PLAIN = 0;
const PACKED = 1;
/** Behind every key: sequence and kind. */
const KEY_TRAILER = 8;

interface Handle {
  readonly offset: number;
  readonly size: number;
}

/** How a table stands: how many blocks are lost, -1 where that is not known for want of an index. */
export interface TableContent {
  readonly lostBlocks: number;
}

/** Compares every checksum, and tells `visit` of all records that are whole. */
export function readTable(bytes: Uint8Array, visit: Visit | undefined): TableContent {
  const index = indexOf(bytes);
  if (index === undefined) {
    if (visit !== undefined) searchBlocks(bytes, visit);
    return { lostBlocks: -1 };
  }
  // No record is in the index of filters, but LevelDB reads what it leads to.
  let lostBlocks = hasChecksum(bytes, filtersOf(bytes)) ? 0 : 1;
  for (const handle of index) {
    const isWhole = hasChecksum(bytes, handle);
    if (!isWhole || (visit !== undefined && !readBlock(bytes, handle, visit))) lostBlocks++;
  }
  return { lostBlocks };
}

/** The first of the footer's handles; the second is that of the index. */
function filtersOf(bytes: Uint8Array): Handle {
  const reader = new LittleReader(bytes, bytes.length - FOOTER);
  return { offset: reader.varint(), size: reader.varint() };
}

function indexOf(bytes: Uint8Array): readonly Handle[] | undefined {
  if (bytes.length < FOOTER) return undefined;
  const reader = new LittleReader(bytes, bytes.length - FOOTER);
  // Of the index of filters.
  reader.varint();
  reader.varint();
  const handle = { offset: reader.varint(), size: reader.varint() };
  const isTable =
    u32At(bytes, bytes.length - 8) === MAGIC_LOW && u32At(bytes, bytes.length - 4) === MAGIC_HIGH;
  if (reader.overrun || !isTable || !hasChecksum(bytes, handle)) return undefined;
  const handles: Handle[] = [];
  const isWhole = readEntries(contentOf(bytes, handle), (_key, value) => {
    const entry = new LittleReader(value);
    handles.push({ offset: entry.varint(), size: entry.varint() });
    return !entry.overrun;
  });
  return isWhole ? handles : undefined;
}

function hasChecksum(bytes: Uint8Array, { offset, size }: Handle): boolean {
  const end = offset + size + 1;
  if (end + 4 > bytes.length) return false;
  return maskedChecksum(crc32c(bytes, offset, end)) === u32At(bytes, end);
}

function contentOf(bytes: Uint8Array, { offset, size }: Handle): Uint8Array | undefined {
  const content = bytes.subarray(offset, offset + size);
  const packing = bytes[offset + size];
  if (packing === PLAIN) return content;
  return packing === PACKED ? unpackSnappy(content) : undefined;
}

/** False where the block cannot be read to its end, or `entry` says so. */
function readEntries(
  block: Uint8Array | undefined,
  entry: (key: Uint8Array, value: Uint8Array) => boolean,
): boolean {
  if (block === undefined || block.length < 4) return false;
  const restarts = u32At(block, block.length - 4);
  const end = block.length - 4 - restarts * 4;
  if (end < 0) return false;
  const reader = new LittleReader(block, 0, end);
  let key: Uint8Array = new Uint8Array(0);
  while (reader.remaining > 0) {
    const shared = reader.varint();
    const more = reader.varint();
    const length = reader.varint();
    if (reader.overrun || shared > key.length || more > reader.remaining) return false;
    const next = new Uint8Array(shared + more);
    next.set(key.subarray(0, shared));
    next.set(reader.raw(more), shared);
    key = next;
    const value = reader.raw(length);
    if (reader.overrun || !entry(key, value)) return false;
  }
  return true;
}

/** Tells of a block's records: all of them, or none and false. */
function readBlock(bytes: Uint8Array, handle: Handle, visit: Visit): boolean {
  const found: Parameters<Visit>[] = [];
  const isWhole = readEntries(contentOf(bytes, handle), (key, value) => {
    const length = key.length - KEY_TRAILER;
    if (length < 0) return false;
    const kind = key[length] as number;
    if (kind > 1) return false;
    const trailer = new LittleReader(key, length);
    const sequence = Math.floor(trailer.u64() / 256);
    found.push([key.subarray(0, length), sequence, kind === 1 ? value : undefined]);
    return true;
  });
  if (isWhole) for (const change of found) visit(...change);
  return isWhole;
}

/**
 * Blocks follow each other from the start of the file. Where one ends is seen by its checksum, which
 * is compared at every byte; behind one that is damaged none is found.
 */
function searchBlocks(bytes: Uint8Array, visit: Visit): void {
  let first: Handle | undefined;
  for (let offset = 0; offset < bytes.length; ) {
    const size = sizeOfBlock(bytes, offset);
    if (size === undefined) return;
    const handle = { offset, size };
    first ??= handle;
    if (!isIndex(bytes, handle, first)) readBlock(bytes, handle, visit);
    offset += size + TRAILER;
  }
}

/** Its entries look like records, but lead to blocks. */
function isIndex(bytes: Uint8Array, handle: Handle, first: Handle): boolean {
  if (handle === first) return false;
  let leadsToFirst = false;
  readEntries(contentOf(bytes, handle), (_key, value) => {
    const entry = new LittleReader(value);
    leadsToFirst = entry.varint() === first.offset && entry.varint() === first.size;
    return false;
  });
  return leadsToFirst;
}

/** No block that holds less than one record of the largest packet is longer. */
const LONGEST_SEARCH = 1024 * 1024;

function sizeOfBlock(bytes: Uint8Array, offset: number): number | undefined {
  const last = Math.min(bytes.length - TRAILER, offset + LONGEST_SEARCH);
  // The checksum of all up to a byte is made from that up to the byte before.
  let crc = 0;
  for (let at = offset; at <= last; at++) {
    crc = crc32cOn(crc, bytes[at] as number);
    const packing = bytes[at];
    if (packing !== PLAIN && packing !== PACKED) continue;
    if (maskedChecksum(crc) === u32At(bytes, at + 1)) return at - offset;
  }
  return undefined;
}

const ONE = new Uint8Array(1);

/** The checksum of some bytes and one more. */
function crc32cOn(before: number, byte: number): number {
  ONE[0] = byte;
  return crc32c(ONE, 0, 1, before);
}
