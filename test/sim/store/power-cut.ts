/**
 * What a power cut may leave of a store's folder. What was synced stays as it was; of what was written
 * since, any bytes may be missing, zeros or garbage. The folder itself is as on a file system with a
 * journal: files come and go in the order in which they did, and what a sync of the folder followed is
 * there; that of a file alone does not have its name kept.
 */

import { crc32c } from "../../../src/bytes/crc32c.ts";
import { maskedChecksum } from "../../../src/store/leveldb/little-reader.ts";
import { readVersion, type Version } from "../../../src/store/leveldb/version.ts";
import type { Random } from "../../../src/time/clock.ts";
import { between, chance, garbage, pick } from "./choice.ts";
import { type FolderImage, manifestOf, numberOf } from "./folder-image.ts";
import { isEqual } from "./written-history.ts";

const SECTORS = [512, 4096] as const;

/** A file of which the end was not synced. */
export interface Torn {
  readonly bytes: Uint8Array;
  /** So many bytes are as they were written. */
  readonly kept: number;
}

/** Of what was written from `synced` on, anything may have reached the disk. */
export function tear(bytes: Uint8Array, synced: number, random: Random): Torn {
  const place = between(random, synced, bytes.length);
  switch (between(random, 0, 6)) {
    case 0:
      return { bytes, kept: bytes.length };
    case 1:
      return { bytes: bytes.slice(0, place), kept: place };
    case 2:
      return overwritten(bytes, place, new Uint8Array(bytes.length - place));
    case 3:
      return overwritten(bytes, place, garbage(random, bytes.length - place));
    case 4: {
      // The file has grown by whole sectors, of which the last was not written.
      const end = Math.ceil((place + 1) / 4096) * 4096;
      const longer = new Uint8Array(end);
      longer.set(bytes.subarray(0, place));
      return { bytes: longer, kept: place };
    }
    default:
      return withoutSectors(bytes, synced, random);
  }
}

function overwritten(bytes: Uint8Array, at: number, by: Uint8Array): Torn {
  const copy = bytes.slice();
  copy.set(by, at);
  return { bytes: copy, kept: at };
}

function withoutSectors(bytes: Uint8Array, synced: number, random: Random): Torn {
  const size = pick(random, SECTORS);
  const share = pick(random, [0.1, 0.5, 0.9]);
  const copy = bytes.slice();
  let kept = bytes.length;
  for (let start = synced - (synced % size); start < bytes.length; start += size) {
    if (!chance(random, share)) continue;
    const from = Math.max(start, synced);
    const length = Math.min(start + size, bytes.length) - from;
    copy.set(chance(random, 0.5) ? new Uint8Array(length) : garbage(random, length), from);
    kept = Math.min(kept, from);
  }
  return { bytes: copy, kept };
}

export interface Cut {
  /** All that had been written is synced. */
  readonly before: FolderImage;
  /** One commit later. */
  readonly after: FolderImage;
  /** That commit is synced, too. */
  readonly isSynced: boolean;
  /** Names in the folder that no power cut takes away. */
  readonly names: ReadonlySet<string>;
}

/** The power goes while a store commits, and maybe makes tables besides. */
export function cutWhileWriting(cut: Cut, random: Random): FolderImage {
  const { before, after } = cut;
  const manifest = cutManifest(before, after, random);
  const { version } = manifest;
  const left = new Map<string, Uint8Array>([
    ["CURRENT", after.get("CURRENT") as Uint8Array],
    [manifest.name, manifest.bytes],
  ]);
  const put = (name: string, bytes: Uint8Array | undefined): void => {
    if (bytes !== undefined) left.set(name, bytes);
  };
  for (const name of new Set([...before.keys(), ...after.keys()])) {
    const log = numberOf(name, "log");
    const table = numberOf(name, "ldb");
    if (log !== undefined) put(name, cutLog(name, log, cut, version, random));
    if (table !== undefined) put(name, cutTable(name, table, cut, manifest, random));
  }
  return left;
}

interface CutManifest {
  readonly name: string;
  readonly bytes: Uint8Array;
  /** What it says as far as it is whole. */
  readonly version: Version;
  /** Tables that were safe before the record that names them was begun. */
  readonly safe: ReadonlySet<number>;
}

/** LevelDB adds a record to its manifest when it has made tables, and syncs it. */
function cutManifest(before: FolderImage, after: FolderImage, random: Random): CutManifest {
  const [old, { name, bytes }] = [manifestOf(before), manifestOf(after)];
  const whole = { name, bytes, version: versionOf(bytes), safe: versionOf(bytes).tables };
  const synced = old.bytes.length;
  if (old.name !== name || synced === bytes.length || chance(random, 0.3)) return whole;
  const isBegun = chance(random, 0.6);
  const torn = isBegun
    ? tear(bytes, synced, random)
    : { bytes: bytes.subarray(0, synced), kept: synced };
  const version = versionOf(bytes.subarray(0, torn.kept));
  const has = (number: number, ending: "log" | "ldb"): boolean =>
    [...before.keys(), ...after.keys()].some((file) => numberOf(file, ending) === number);
  // What came and went between the two moments is not known.
  const isKnown = [...version.tables].every((table) => has(table, "ldb"));
  if (!isKnown || !has(version.logNumber, "log")) return whole;
  const safe = isBegun ? new Set([...version.tables, ...whole.safe]) : version.tables;
  return { name, bytes: torn.bytes, version, safe };
}

function versionOf(manifest: Uint8Array): Version {
  const version = readVersion(manifest);
  if (version === undefined) throw new Error("the manifest is not whole");
  return version;
}

function cutLog(
  name: string,
  number: number,
  { before, after, isSynced, names }: Cut,
  version: Version,
  random: Random,
): Uint8Array | undefined {
  const [old, now] = [before.get(name), after.get(name)];
  if (now === undefined) {
    // Deleted, which may not have reached the disk; what is needed still was not deleted yet.
    return number >= version.logNumber || chance(random, 0.5) ? old : undefined;
  }
  // LevelDB syncs the folder before a record that names the log is safe.
  const hasName = names.has(name) || number <= version.logNumber;
  if (!hasName && chance(random, 0.5)) return undefined;
  return isSynced ? now : tear(now, old?.length ?? 0, random).bytes;
}

function cutTable(
  name: string,
  number: number,
  { before, after }: Cut,
  { version, safe }: CutManifest,
  random: Random,
): Uint8Array | undefined {
  const now = after.get(name);
  const whole = now ?? before.get(name);
  if (version.tables.has(number) || (now !== undefined && safe.has(number))) return whole;
  // Not synced, or deleted: nobody needs it.
  if (whole === undefined || chance(random, 0.4)) return undefined;
  return now === undefined ? whole : tear(whole, 0, random).bytes;
}

/** The power goes while a store is opened, which makes tables of its logs, and a new manifest. */
export function cutWhileOpening(
  before: FolderImage,
  after: FolderImage,
  random: Random,
): FolderImage {
  // A file that an earlier cut left is written anew, under the same name.
  const added = [...after].filter(([name, bytes]) => !isEqual(before.get(name), bytes));
  const { name, bytes } = manifestOf(after);
  const left = new Map(before);
  const stage = between(random, 0, 3);
  if (!before.has("CURRENT") && stage < 3) return cutWhileBeginning(stage, random);
  for (const [file, content] of added) {
    if (numberOf(file, "ldb") !== undefined) {
      if (stage > 0) left.set(file, content);
      else if (chance(random, 0.5)) left.set(file, tear(content, 0, random).bytes);
    }
    if (numberOf(file, "log") !== undefined && stage > 0) left.set(file, content);
  }
  if (stage === 0) return left;
  if (stage === 1) return left.set(name, tear(bytes, 0, random).bytes);
  left.set(name, bytes);
  const current = after.get("CURRENT") as Uint8Array;
  const temporary = `${name.replace("MANIFEST-", "")}.dbtmp`;
  if (stage === 2) return left.set(temporary, tear(current, 0, random).bytes);
  left.set("CURRENT", current);
  // What is not needed any more is deleted then.
  for (const file of before.keys()) if (!after.has(file) && chance(random, 0.5)) left.delete(file);
  return left;
}

const encoder = new TextEncoder();

/** A new store has a first manifest that is never synced, in force until the second is. */
function cutWhileBeginning(stage: number, random: Random): FolderImage {
  const left = new Map<string, Uint8Array>();
  const first = "MANIFEST-000001";
  left.set(first, tear(firstManifest(), 0, random).bytes);
  const current = encoder.encode(`${first}\n`);
  if (stage === 0) {
    if (chance(random, 0.5)) left.set("000001.dbtmp", tear(current, 0, random).bytes);
    return left;
  }
  left.set("CURRENT", current);
  if (stage === 2) left.set("000003.log", new Uint8Array(0));
  return left;
}

function firstManifest(): Uint8Array {
  const comparator = encoder.encode("leveldb.BytewiseComparator");
  const record = [1, comparator.length, ...comparator, 2, 0, 3, 2, 4, 0];
  const fragment = Uint8Array.from([0, 0, 0, 0, record.length, 0, 1, ...record]);
  new DataView(fragment.buffer).setUint32(0, maskedChecksum(crc32c(fragment, 6)), true);
  return fragment;
}
