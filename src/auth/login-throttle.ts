/**
 * Slows down whoever guesses passwords: by address, by user name, and by both together. Where a user
 * came in before from the same address, only what this user got wrong from there counts, so that
 * neither a guesser nor a misconfigured neighbour behind the same address keeps him out.
 */
import type { Clock } from "../time/clock.ts";

export interface LoginThrottleOptions {
  /** Wrong passwords that cost nothing, for one address and for one user from one address; 0 never slows down. */
  readonly freeFailures: number;
  /** The longest delay, ms. */
  readonly longestDelay: number;
}

/** A user that many addresses guess at is slowed down only after so many times more failures. */
const USER_FACTOR = 10;
const FIRST_DELAY = 1000;
/** Failures are forgotten after this long without another, ms. */
const FORGET_AFTER = 900_000;
/** Checks under way for one address at a time, whose failures are not known yet. */
const MOST_PENDING = 256;
/** Whoever waits for longer than this many delays is sent away. */
const PATIENCE = 2;
const MOST_ENTRIES = 20_000;
const LONGEST_NAME = 64;

/** Something that failures are counted for. */
interface Concern {
  readonly key: string;
  /** Failures that cost nothing. */
  readonly free: number;
}

/** One of the three functions is to be called, once. */
export interface LoginAttempt {
  /** How long to wait before the password is checked, ms. */
  readonly wait: number;
  /** The password was wrong. */
  failed(): void;
  /** The password was right. */
  succeeded(): void;
  /** Nothing was checked after all. */
  abandoned(): void;
}

interface Entry {
  failures: number;
  lastFailure: number;
  /** The next attempt is checked at this time at the earliest. */
  nextAt: number;
  pending: number;
}

export class LoginThrottle {
  readonly #clock: Clock;
  options: LoginThrottleOptions;
  readonly #entries = new Map<string, Entry>();
  /** Users that have come in, with the address; the oldest first. */
  readonly #welcome = new Set<string>();

  constructor(clock: Clock, options: LoginThrottleOptions) {
    this.#clock = clock;
    this.options = options;
  }

  /** How many addresses and users are remembered. */
  get size(): number {
    return this.#entries.size;
  }

  /** An attempt at logging in; undefined: the password is not to be checked at all. */
  begin(address: string, username: string): LoginAttempt | undefined {
    const now = this.#clock.now();
    const concerns = this.#concerned(address, username);
    let at = now;
    for (const { key, free } of concerns) {
      const entry = this.#entries.get(key);
      if (entry === undefined) continue;
      this.#forget(entry, now);
      if (entry.pending >= MOST_PENDING) return undefined;
      if (entry.failures >= free) at = Math.max(at, entry.nextAt);
    }
    if (at - now > PATIENCE * this.options.longestDelay) return undefined;
    for (const { key, free } of concerns) {
      const entry = this.#entry(key);
      entry.pending++;
      // One guess per delay, however many come at once.
      if (entry.failures >= free) entry.nextAt = at + this.#delay(entry.failures - free);
    }
    return {
      wait: at - now,
      failed: () => this.#failed(concerns),
      succeeded: () => this.#succeeded(concerns),
      abandoned: () => this.#abandoned(concerns),
    };
  }

  #failed(concerns: readonly Concern[]): void {
    const now = this.#clock.now();
    for (const { key, free } of concerns) {
      const entry = this.#entry(key);
      entry.pending = Math.max(0, entry.pending - 1);
      entry.failures++;
      entry.lastFailure = now;
      if (entry.failures >= free) {
        entry.nextAt = Math.max(entry.nextAt, now + this.#delay(entry.failures - free));
      }
    }
  }

  #succeeded(concerns: readonly Concern[]): void {
    const [pair] = concerns;
    if (pair === undefined) return;
    const entry = this.#entries.get(pair.key);
    if (entry !== undefined) entry.failures = 0;
    this.#abandoned(concerns);
    this.#welcome.delete(pair.key);
    this.#welcome.add(pair.key);
    dropOldest(this.#welcome);
  }

  #abandoned(concerns: readonly Concern[]): void {
    for (const { key } of concerns) {
      const entry = this.#entries.get(key);
      if (entry === undefined) continue;
      entry.pending = Math.max(0, entry.pending - 1);
      if (entry.pending === 0 && entry.failures === 0) this.#entries.delete(key);
    }
  }

  /** What an attempt counts for, each with the failures that are free; user and address together first. */
  #concerned(address: string, username: string): readonly Concern[] {
    const free = this.options.freeFailures;
    if (free === 0) return [];
    const place = addressKey(address);
    const user = shortened(username);
    const pair = { key: `p${place} ${user}`, free };
    if (this.#welcome.has(pair.key)) return [pair];
    return [pair, { key: `a${place}`, free }, { key: `u${user}`, free: free * USER_FACTOR }];
  }

  #entry(key: string): Entry {
    let entry = this.#entries.get(key);
    if (entry === undefined) entry = { failures: 0, lastFailure: 0, nextAt: 0, pending: 0 };
    else this.#entries.delete(key);
    // At the end again: those that nobody asks for are the first to go.
    this.#entries.set(key, entry);
    dropOldest(this.#entries);
    return entry;
  }

  #forget(entry: Entry, now: number): void {
    if (entry.failures > 0 && now - entry.lastFailure > FORGET_AFTER) {
      entry.failures = 0;
      entry.nextAt = 0;
    }
  }

  #delay(excess: number): number {
    return Math.min(FIRST_DELAY * 2 ** Math.min(excess, 30), this.options.longestDelay);
  }
}

/** A name as a key of bounded length. */
function shortened(name: string): string {
  return name.length <= LONGEST_NAME ? name : `${name.slice(0, LONGEST_NAME)}#${name.length}`;
}

function dropOldest(kept: Map<string, unknown> | Set<string>): void {
  if (kept.size <= MOST_ENTRIES) return;
  const oldest = kept.keys().next();
  if (!oldest.done) kept.delete(oldest.value);
}

/** What counts as one address: an IPv4 address, or the /64 of an IPv6 address, which is one site's. */
export function addressKey(address: string): string {
  if (!address.includes(":")) return address;
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address);
  if (mapped !== null) return mapped[1] as string;
  const [head = "", tail] = (address.split("%")[0] as string).split("::");
  const groups = head === "" ? [] : head.split(":");
  if (tail !== undefined) {
    const last = tail === "" ? [] : tail.split(":");
    while (groups.length + last.length < 8) groups.push("0");
    groups.push(...last);
  }
  return groups
    .slice(0, 4)
    .map((group) => group.toLowerCase().replace(/^0+(?=.)/, ""))
    .join(":");
}
