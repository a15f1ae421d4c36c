/** How the gateway's store is, as it tells under `$SYS/broker/store/`. */

export const STORE_STATES = ["ok", "slow", "low", "failing", "memory"] as const;
export type StoreState = (typeof STORE_STATES)[number];

export interface StoreStatus {
  readonly state: StoreState;
  /** What is acknowledged is on the disk, or with all who get it. */
  readonly isStrict: boolean;
  /** Where things are kept; "" if that is not known. */
  readonly folder: string;
  /** What the disk says when it refuses, or "". */
  readonly problem: string;
  /** Names of folders with damaged files. */
  readonly damaged: readonly string[];
  /** Changes that are not on the disk, the age of the oldest, and how old it may well get, ms. */
  readonly unsafeCount: number;
  readonly unsafeAge: number;
  readonly unsafeLimit: number;
  /** Bytes; undefined where they are not known. */
  readonly writtenToday: number | undefined;
  readonly writtenYear: number | undefined;
  readonly free: number | undefined;
  readonly reserve: number | undefined;
}

const TOPICS: ReadonlySet<string> = new Set([
  "state",
  "mode",
  "folder",
  "problem",
  "damaged",
  "unsafe/count",
  "unsafe/age",
  "unsafe/limit",
  "bytes/today",
  "bytes/year",
  "disk/free",
  "disk/reserve",
]);
const MOST_FOLDERS = 20;

export class StoreTopics {
  readonly #texts = new Map<string, { readonly text: string; readonly round: number }>();
  #round = 0;

  /** Takes in what was published on `$SYS/broker/store/` plus `name`. Answers whether it is of any use. */
  receive(name: string, text: string): boolean {
    if (!TOPICS.has(name)) return false;
    if (text === "") this.#texts.delete(name);
    else this.#texts.set(name, { text, round: this.#round });
    return true;
  }

  /** A new connection begins: the gateway tells everything again. */
  beginRound(): void {
    this.#round++;
  }

  /** The gateway has told everything: what it did not mention is no more. */
  endRound(): void {
    for (const [name, { round }] of this.#texts)
      if (round !== this.#round) this.#texts.delete(name);
  }

  /** Undefined while nothing is known. */
  get status(): StoreStatus | undefined {
    const state = STORE_STATES.find((one) => one === this.#text("state"));
    if (state === undefined) return undefined;
    return {
      state,
      isStrict: this.#text("mode") === "strict",
      folder: this.#text("folder"),
      problem: this.#text("problem"),
      damaged: this.#text("damaged").split(" ").filter(Boolean).slice(0, MOST_FOLDERS),
      unsafeCount: this.#number("unsafe/count") ?? 0,
      unsafeAge: this.#number("unsafe/age") ?? 0,
      unsafeLimit: this.#number("unsafe/limit") ?? 0,
      writtenToday: this.#number("bytes/today"),
      writtenYear: this.#number("bytes/year"),
      free: this.#number("disk/free"),
      reserve: this.#number("disk/reserve"),
    };
  }

  #text(name: string): string {
    return this.#texts.get(name)?.text ?? "";
  }

  #number(name: string): number | undefined {
    const text = this.#text(name);
    return /^\d{1,15}$/.test(text) ? Number(text) : undefined;
  }
}
