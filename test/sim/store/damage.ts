/** What a bad card does to a store's files: bits, sectors, ends and whole files go. */
import type { Random } from "../../../src/time/clock.ts";
import { between, chance, garbage, pick } from "./choice.ts";
import type { FolderImage } from "./folder-image.ts";
import type { Stretch } from "./written-places.ts";

export interface Harm {
  readonly file: string;
  readonly what: string;
  /** Undefined where the file is gone. */
  readonly bytes: Uint8Array | undefined;
  /** What is not as it was. */
  readonly lost: Stretch;
}

const SECTORS = [512, 4096] as const;
const LONGEST_EXTENT = 20;

/** Of one file, or of two. */
export function harmFiles(image: FolderImage, random: Random): Harm[] {
  const first = harmOne(image, random);
  const second = chance(random, 0.2) ? harmOne(image, random) : first;
  return second.file === first.file ? [first] : [first, second];
}

/** Of a file that has something in it. */
function harmOne(image: FolderImage, random: Random): Harm {
  const files = [...image].filter(([, bytes]) => bytes.length > 0);
  const [file, bytes] = pick(random, files);
  const size = pick(random, SECTORS);
  const place = between(random, 0, bytes.length - 1);
  const sector = place - (place % size);
  switch (between(random, 0, 7)) {
    case 0:
    case 1:
      return overwritten(file, bytes, "a bit flipped", place, flipped(bytes, place, 1, random));
    case 2: {
      const length = Math.min(between(random, 1, 30), bytes.length - place);
      const by = flipped(bytes, place, length, random);
      return overwritten(file, bytes, "bits flipped", place, by);
    }
    case 3:
      return overwritten(file, bytes, "a sector of zeros", sector, new Uint8Array(size));
    case 4:
      return overwritten(file, bytes, "a sector of garbage", sector, garbage(random, size));
    case 5: {
      const end = chance(random, 0.1) ? 0 : place;
      const lost = { start: end, end: Infinity };
      return { file, what: `cut off at byte ${end}`, bytes: bytes.slice(0, end), lost };
    }
    case 6: {
      const extent = new Uint8Array(4096 * between(random, 2, LONGEST_EXTENT));
      return overwritten(file, bytes, "an extent of zeros", place - (place % 4096), extent);
    }
    default:
      return { file, what: "lost", bytes: undefined, lost: { start: 0, end: Infinity } };
  }
}

function flipped(bytes: Uint8Array, at: number, length: number, random: Random): Uint8Array {
  return bytes.slice(at, at + length).map((byte) => byte ^ (1 << between(random, 0, 7)));
}

function overwritten(
  file: string,
  bytes: Uint8Array,
  what: string,
  start: number,
  by: Uint8Array,
): Harm {
  const copy = bytes.slice();
  const end = Math.min(start + by.length, bytes.length);
  copy.set(by.subarray(0, end - start), start);
  return { file, what: `${what} at byte ${start}`, bytes: copy, lost: { start, end } };
}

export function harmed(image: FolderImage, harms: readonly Harm[]): FolderImage {
  const copy = new Map(image);
  for (const { file, bytes } of harms) {
    if (bytes === undefined) copy.delete(file);
    else copy.set(file, bytes);
  }
  return copy;
}

export function overlaps(one: Stretch, other: Stretch): boolean {
  return one.start < other.end && other.start < one.end;
}
