/** Log lines about connections that come to nothing: bounded, as anyone can make as many as they like. */
import type { Log } from "../seams/log.ts";
import type { Clock } from "../time/clock.ts";

const WINDOW = 10_000;
const LINES = 100;

export class RefusalLog {
  readonly #log: Log;
  readonly #clock: Clock;
  #windowEnd = Number.NEGATIVE_INFINITY;
  #lines = 0;

  constructor(log: Log, clock: Clock) {
    this.#log = log;
    this.#clock = clock;
  }

  /** A connection came to nothing. The words are Mosquitto's, for those who watch logs. */
  rejected(remote: string, why: string): void {
    this.#write(`Connection from ${remote} rejected, ${why}.`);
  }

  /** A connection was one more than the listener takes. */
  tooMany(address: string): void {
    this.#write(`Client connection from ${address} denied: max_connections exceeded.`);
  }

  #write(line: string): void {
    const now = this.#clock.now();
    if (now >= this.#windowEnd) {
      if (this.#lines > LINES) {
        this.#log.notice(`${this.#lines - LINES} more connections were rejected.`);
      }
      this.#windowEnd = now + WINDOW;
      this.#lines = 0;
    }
    this.#lines++;
    if (this.#lines <= LINES) this.#log.connection(line);
  }
}
