/** What stands in a store's folder at one moment, file by file. */
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";

export type FolderImage = ReadonlyMap<string, Uint8Array>;

/** LevelDB's diary and its lock hold nothing that is read again. */
const IDLE = new Set(["LOG", "LOG.old", "LOCK"]);
const MOST_TRIES = 1000;

/** LevelDB makes tables in a thread of its own: taken is a moment in which it did nothing. */
export async function readImage(path: string): Promise<FolderImage> {
  for (let tries = 0; tries < MOST_TRIES; tries++) {
    const before = sizesIn(path);
    const image = tryToRead(path, before.keys());
    if (image !== undefined && isAlike(sizesIn(path), before, image)) return image;
    await setImmediate();
  }
  throw new Error(`${path} does not come to rest`);
}

export function writeImage(path: string, image: FolderImage): void {
  mkdirSync(path, { recursive: true });
  for (const [name, bytes] of image) writeFileSync(join(path, name), bytes);
}

function tryToRead(path: string, names: Iterable<string>): Map<string, Uint8Array> | undefined {
  try {
    return new Map(
      Array.from(names, (name) => [name, new Uint8Array(readFileSync(join(path, name)))]),
    );
  } catch {
    return undefined;
  }
}

function sizesIn(path: string): Map<string, number> {
  const names = readdirSync(path).filter((name) => !IDLE.has(name));
  return new Map(
    names.map((name) => [name, statSync(join(path, name), { throwIfNoEntry: false })?.size ?? -1]),
  );
}

function isAlike(
  now: ReadonlyMap<string, number>,
  before: ReadonlyMap<string, number>,
  image: FolderImage,
): boolean {
  if (now.size !== before.size) return false;
  for (const [name, size] of now) {
    if (before.get(name) !== size || image.get(name)?.length !== size) return false;
  }
  return true;
}

/** The number of a log, or of a table; undefined for other files. */
export function numberOf(name: string, ending: "log" | "ldb"): number | undefined {
  const [, number] = /^(\d+)\./.exec(name) ?? [];
  return number !== undefined && name.endsWith(`.${ending}`) ? Number(number) : undefined;
}

/** Name and content of the manifest in force; throws where there is none. */
export function manifestOf(image: FolderImage): { name: string; bytes: Uint8Array } {
  const name = new TextDecoder().decode(image.get("CURRENT")).trimEnd();
  const bytes = image.get(name);
  if (bytes === undefined) throw new Error(`CURRENT names "${name}", which is not there`);
  return { name, bytes };
}
