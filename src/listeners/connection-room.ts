/**
 * How many connections all listeners may hold together, so that there are always file descriptors
 * left for the store, for files that are read again, and for those who are connected already.
 */
import type { Log } from "../seams/log.ts";
import type { Clock } from "../time/clock.ts";

export interface ConnectionRoomParts {
  /** Files that this process may have open; undefined where the system does not tell. */
  readonly openFiles: number | undefined;
  readonly clock: Clock;
  readonly log: Log;
}

const LOG_INTERVAL = 60_000;
/** Descriptors kept back for everything else: of few, a quarter; of many, this many. */
const RESERVE = 256;

export class ConnectionRoom {
  /** Connections at a time. */
  readonly capacity: number;
  readonly #parts: ConnectionRoomParts;
  #taken = 0;
  #refused = 0;
  #loggedAt = Number.NEGATIVE_INFINITY;

  constructor(parts: ConnectionRoomParts) {
    this.#parts = parts;
    const { openFiles } = parts;
    this.capacity =
      openFiles === undefined
        ? Number.POSITIVE_INFINITY
        : openFiles - Math.min(RESERVE, Math.ceil(openFiles / 4));
  }

  get taken(): number {
    return this.#taken;
  }

  /** No new connection is let in. */
  get isExhausted(): boolean {
    return this.#taken >= this.capacity;
  }

  /**
   * Whether a new connection is one too many. `descriptor`: its number, if known; as the system gives
   * the lowest that is free, it tells how many files of all kinds are open.
   */
  isFull(descriptor: number): boolean {
    return this.#taken >= this.capacity || descriptor >= this.capacity;
  }

  take(): void {
    this.#taken++;
  }

  give(): void {
    this.#taken--;
  }

  /** A connection had to be turned away; told at most once a minute. */
  turnedAway(): void {
    this.#refused++;
    const now = this.#parts.clock.now();
    if (now - this.#loggedAt < LOG_INTERVAL) return;
    this.#loggedAt = now;
    const { openFiles, log } = this.#parts;
    log.error(
      `New connections are refused (${this.#refused} so far): ${this.#taken} are open, and Midge may not have many more files open. ` +
        `Raise that limit${openFiles === undefined ? "" : `, which is ${openFiles}`}: LimitNOFILE= in the systemd unit, or ulimit -n.`,
    );
  }
}
