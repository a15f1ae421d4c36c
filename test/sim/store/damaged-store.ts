/**
 * A store of which a file was damaged or lost after it was safe, as a seed has it. Opening it must never
 * fail; what is found must have been written once under its key, and be no older than what stands in
 * undamaged places; who lost something must be told, and the damaged files be set aside.
 */
import { join } from "node:path";
import { LevelJournal } from "../../../src/store/level-journal.ts";
import { damagedFolders, openLevel } from "../../../src/store/open-database.ts";
import { openStore } from "../../../src/store/open-store.ts";
import type { Random } from "../../../src/time/clock.ts";
import { KeptLog } from "../../kit/kept-log.ts";
import { seededRandom } from "../../kit/random.ts";
import { between, chance } from "./choice.ts";
import { type Harm, harmed, harmFiles, overlaps } from "./damage.ts";
import { type FolderImage, readImage, writeImage } from "./folder-image.ts";
import { type Contents, isEqual, isSame, WrittenHistory } from "./written-history.ts";
import { placesIn, type Stretch, type WrittenChange } from "./written-places.ts";

const SMALL_BUFFER = 65_536;
const MOST_STEPS = 60;
const MOST_BYTES = 1_500_000;
const NEVER = 3_600_000;

/** Rejects with what was not as it must be. `folder` is empty, and holds what was left then. */
export async function liveThroughDamage(seed: number, folder: string): Promise<void> {
  await new DamagedStore(seededRandom(seed), folder).live();
}

class DamagedStore {
  readonly #random: Random;
  readonly #folder: string;
  readonly #history: WrittenHistory;

  constructor(random: Random, folder: string) {
    this.#random = random;
    this.#folder = folder;
    this.#history = new WrittenHistory(random);
  }

  async live(): Promise<void> {
    const whole = await this.#make();
    const harms = harmFiles(whole, this.#random);
    try {
      await this.#open(whole, harms);
    } catch (error) {
      const words = harms.map(({ file, what }) => `${file}: ${what}`).join(", ");
      throw new Error(`${words}: ${(error as Error).message}`, { cause: error });
    }
  }

  /** A store that lived once or twice, with a table for every few dozen kilobytes. */
  async #make(): Promise<FolderImage> {
    const path = join(this.#folder, "made");
    for (let lives = between(this.#random, 1, 2); ; lives--) {
      const open = () => openLevel(path, { writeBufferSize: SMALL_BUFFER });
      const log = new KeptLog();
      const options = { path, strict: true, lazyInterval: NEVER, log, open };
      const journal = new LevelJournal(await open(), options);
      for (let steps = between(this.#random, 1, MOST_STEPS); steps > 0; steps--) {
        if (journal.bytes > MOST_BYTES) break;
        this.#history.write(journal);
        await new Promise<void>((resolve) => journal.afterCommit({ settle: resolve }));
        this.#history.safe(this.#history.count);
      }
      const image = await readImage(path);
      await journal.close();
      if (lives === 1) return chance(this.#random, 0.5) ? image : await readImage(path);
    }
  }

  async #open(whole: FolderImage, harms: readonly Harm[]): Promise<void> {
    const data = join(this.#folder, "data");
    const path = join(data, "store");
    writeImage(path, harmed(whole, harms));
    const log = new KeptLog();
    const options = { path, strict: true, lazyInterval: NEVER, log };
    const { journal, records } = await openStore(options);
    const found = new Map(records.map(({ key, value }) => [key, value]));
    this.#check(found, whole, harms);
    const isTold = damagedFolders(data).length > 0 && log.lines.some((line) => /^error/.test(line));
    if (!isTold && !isSame(found, this.#history.latest) && !areEnds(harms, whole)) {
      throw new Error(`what was lost was not told of: ${log.lines.join("; ") || "no word"}`);
    }
    await this.#goOn(journal, found, options);
  }

  #check(found: Contents, whole: FolderImage, harms: readonly Harm[]): void {
    for (const [key, value] of found) {
      const values = this.#history.ever.get(key) ?? [];
      if (!values.some((one) => isEqual(value, one))) throw new Error(`${key} was never so`);
    }
    for (const [key, changes] of byKey(placesIn(whole))) {
      const safe = changes.filter((change) => !isHit(change, harms));
      const least = Math.max(...safe.map(({ sequence }) => sequence));
      const value = found.get(key);
      const mayBe = changes.filter(({ sequence }) => sequence >= least);
      const isRight = mayBe.some((one) =>
        one.value === undefined ? value === undefined : isEqual(value, one.value),
      );
      if (safe.length > 0 && !isRight) {
        const state = value === undefined ? "lost" : "older than it need be";
        throw new Error(`${key} is ${state}, though what stands in ${safe[0]?.file} is whole`);
      }
    }
  }

  /** What was made of it takes more, and keeps it. */
  async #goOn(
    journal: LevelJournal,
    found: Contents,
    options: Parameters<typeof openStore>[0],
  ): Promise<void> {
    const later = new Map(found);
    const value = Uint8Array.of(1, 2, 3);
    journal.put("later", value);
    await journal.close();
    const log = new KeptLog();
    const again = await openStore({ ...options, log });
    await again.journal.close();
    const kept = new Map(again.records.map((record) => [record.key, record.value]));
    if (log.lines.length > 0) throw new Error(`the second start says ${log.lines.join("; ")}`);
    if (!isSame(kept, later.set("later", value))) throw new Error("the second start finds else");
  }
}

function byKey(changes: readonly WrittenChange[]): Map<string, WrittenChange[]> {
  return Map.groupBy(changes, ({ key }) => key);
}

function isHit({ file, ways }: WrittenChange, harms: readonly Harm[]): boolean {
  const own = harms.filter((harm) => harm.file === file);
  const isLost = (stretch: Stretch): boolean => own.some(({ lost }) => overlaps(stretch, lost));
  return ways.every((way) => way.some(isLost));
}

/** It looks like the end of what was being written when the power went, or as if there had been less. */
function areEnds(harms: readonly Harm[], whole: FolderImage): boolean {
  const changes = placesIn(whole);
  const left = changes.filter((one) => one.file.endsWith(".log") && !isHit(one, harms));
  return harms.every((harm) => {
    const { file, lost } = harm;
    if (!changes.some((change) => isHit(change, [harm]))) return true;
    if (!file.endsWith(".log")) return false;
    return !left.some((one) => one.file > file || (one.file === file && one.at >= lost.end));
  });
}
