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

  get full(): boolean {
    return this.#taken >= this.capacity;
  }

  take(): void {
    this.#taken++;
  }

  give(): void {
    this.#taken--;
  }

  /** A connection had to be turned away, here or by the system; told at most once a minute. */
  turnedAway(cause = "they are all that this machine lets Midge have"): void {
    this.#refused++;
    const now = this.#parts.clock.now();
    if (now - this.#loggedAt < LOG_INTERVAL) return;
    this.#loggedAt = now;
    const { openFiles, log } = this.#parts;
    log.error(
      `New connections are refused (${this.#refused} so far): ${this.#taken} are open, and ${cause}. ` +
        `Raise the limit of open files${openFiles === undefined ? "" : ` (${openFiles})`}: LimitNOFILE= in the systemd unit, or ulimit -n.`,
    );
  }
}
