/**
 * A store that lives through several power cuts, each at a moment and with losses as a seed has them.
 * Opening it must never fail, every commit that was said to be safe must be there, a later one wholly
 * or not at all and none behind one that is missing, nothing else, and no damage must be told of.
 */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import { syncFolder } from "../../../src/store/atomic-file.ts";
import { LevelJournal } from "../../../src/store/level-journal.ts";
import { damagedFolders, openLevel } from "../../../src/store/open-database.ts";
import { openStore } from "../../../src/store/open-store.ts";
import type { Random } from "../../../src/time/clock.ts";
import { KeptLog } from "../../kit/kept-log.ts";
import { seededRandom } from "../../kit/random.ts";
import { between, chance } from "./choice.ts";
import { type FolderImage, readImage, writeImage } from "./folder-image.ts";
import { cutWhileOpening, cutWhileWriting } from "./power-cut.ts";
import { WrittenHistory } from "./written-history.ts";

const MOST_CUTS = 3;
const MOST_STEPS = 30;
/** Of one life; less than what LevelDB begins a new log for, if not told otherwise. */
const MOST_BYTES = 1_500_000;
/** The least that LevelDB takes. */
const SMALL_BUFFER = 65_536;
const NEVER = 3_600_000;

/** Rejects with what was not as it must be. `folder` is empty, and holds what was left then. */
export async function liveThroughCuts(seed: number, folder: string): Promise<void> {
  await new TornStore(seededRandom(seed), folder).live();
}

class TornStore {
  readonly #random: Random;
  readonly #folder: string;
  readonly #history: WrittenHistory;
  readonly #log = new KeptLog();
  /** What the disk holds. */
  #image: FolderImage = new Map();
  #lives = 0;
  #path = "";

  constructor(random: Random, folder: string) {
    this.#random = random;
    this.#folder = folder;
    this.#history = new WrittenHistory(random);
  }

  async live(): Promise<void> {
    for (let cuts = between(this.#random, 1, MOST_CUTS); cuts > 0; cuts--) {
      const journal = await this.#open();
      const isOpening = chance(this.#random, 0.2);
      this.#image = await (isOpening ? this.#cutOpening(journal) : this.#cutWriting(journal));
    }
    const journal = await this.#open();
    await this.#write(journal);
    await journal.close();
    this.#history.safe(this.#history.count);
    this.#image = await readImage(this.#path);
    await (await this.#open()).close();
  }

  /** On what the disk holds, in a folder of its own. */
  async #open(): Promise<LevelJournal> {
    const data = join(this.#folder, `${++this.#lives}`);
    this.#path = join(data, "store");
    if (this.#image.size > 0 || chance(this.#random, 0.5)) writeImage(this.#path, this.#image);
    const { journal, records } = await openStore(this.#options);
    const aside = damagedFolders(data);
    const complaints = this.#log.lines.filter((line) => line.startsWith("error"));
    if (aside.length > 0 || complaints.length > 0) {
      throw new Error(
        `life ${this.#lives}: a power cut passed for damage: ${complaints.join("; ")}`,
      );
    }
    const found = new Map(records.map(({ key, value }) => [key, value]));
    if (!this.#history.accept(found)) {
      throw new Error(`life ${this.#lives}: ${this.#history.differenceTo(found)}`);
    }
    return journal;
  }

  get #options() {
    return { path: this.#path, strict: true, lazyInterval: NEVER, log: this.#log };
  }

  async #cutOpening(journal: LevelJournal): Promise<FolderImage> {
    const after = await readImage(this.#path);
    await journal.close();
    return cutWhileOpening(this.#image, after, this.#random);
  }

  async #cutWriting(opened: LevelJournal): Promise<FolderImage> {
    const names = new Set(readdirSync(this.#path));
    const journal = chance(this.#random, 0.3) ? opened : await this.#withSmallBuffer(opened, names);
    await this.#write(journal);
    await committed(journal);
    this.#history.safe(this.#history.count);
    const before = await readImage(this.#path);
    const { commits } = journal;
    for (let batches = between(this.#random, 1, 3); batches > 0; batches--) {
      this.#history.write(journal);
    }
    await committed(journal);
    if (journal.commits !== commits + 1) throw new Error("one commit was more than one");
    const after = await readImage(this.#path);
    const isSynced = chance(this.#random, 0.25);
    if (isSynced) this.#history.safe(this.#history.count);
    // What belongs to the life before the cut is gone with it.
    const image = cutWhileWriting({ before, after, isSynced, names: new Set(names) }, this.#random);
    await journal.close();
    return image;
  }

  /** One that makes a table of every few dozen kilobytes. */
  async #withSmallBuffer(opened: LevelJournal, names: Set<string>): Promise<LevelJournal> {
    await opened.close();
    const syncNames = async (path: string): Promise<void> => {
      const present = readdirSync(path);
      await syncFolder(path);
      for (const name of present) names.add(name);
    };
    const open = () => openLevel(this.#path, { writeBufferSize: SMALL_BUFFER, syncNames });
    return new LevelJournal(await open(), { ...this.#options, open });
  }

  /** Writes for a while; of some commits it awaits the end, and others it gives more to meanwhile. */
  async #write(journal: LevelJournal): Promise<void> {
    const most = journal.bytes + MOST_BYTES;
    for (let steps = between(this.#random, 0, MOST_STEPS); steps > 0; steps--) {
      if (journal.bytes > most) return;
      this.#history.write(journal);
      const how = this.#random();
      if (how < 0.6) await committed(journal);
      else if (how < 0.85) {
        journal.afterCommit({ settle: () => {} });
        await setImmediate();
      }
    }
  }
}

function committed(journal: LevelJournal): Promise<void> {
  return new Promise((resolve) => journal.afterCommit({ settle: resolve }));
}
