/**
 * Tells the store's commits from what looks like one: part of a message that somebody made so. Changes
 * are numbered, and from outside it is not known how far that has gone.
 */
import { LittleReader } from "./little-reader.ts";

/** What a change takes in a commit at least, bytes. */
const SHORTEST_CHANGE = 2;
/** Number and count of changes. */
const COMMIT_HEAD = 12;

export class CommitOrder {
  /** The number of the next commit if none is missing. */
  #next: number | undefined;
  readonly #highestFirst: number;
  /** Lost at the ends of earlier logs, bytes. */
  #lost = 0;

  /** `highestFirst`: that of the first commit in the logs is not higher. */
  constructor(highestFirst: number) {
    this.#highestFirst = highestFirst;
  }

  take(commit: Uint8Array): void {
    const reader = new LittleReader(commit);
    this.#next = reader.u64() + reader.u32();
    this.#lost = 0;
  }

  /** A log has ended, with so many bytes behind its last commit. */
  lose(bytes: number): void {
    this.#lost += bytes;
  }

  /** Whether a commit that begins so may be the next behind so many bytes that are lost. */
  mayFollow(start: Uint8Array, lost: number): boolean {
    if (start.length < COMMIT_HEAD) return false;
    const number = new LittleReader(start).u64();
    const highest = (this.#next ?? this.#highestFirst) + (this.#lost + lost) / SHORTEST_CHANGE;
    return number >= (this.#next ?? 0) && number <= highest;
  }
}
