/** Tells the log whether the upstream broker can be reached: once for all connections there. */
import type { Log } from "../seams/log.ts";
import type { Failure } from "./failure.ts";

export class Reachability {
  readonly #name: string;
  readonly #log: Log;
  #connections = 0;
  #state: "unknown" | "reached" | "missed" = "unknown";
  /** Those who wait to try again. */
  readonly #waiting = new Set<() => void>();

  /** `name`: what the log calls the upstream broker. */
  constructor(name: string, log: Log) {
    this.#name = name;
    this.#log = log;
  }

  /** Undefined until somebody has tried. */
  get isReachable(): boolean | undefined {
    return this.#state === "unknown" ? undefined : this.#state === "reached";
  }

  connected(): void {
    this.#connections++;
    if (this.#state === "reached") return;
    this.#log.info(`upstream ${this.#name}: connected`);
    this.#state = "reached";
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const tryAgain of waiting) tryAgain();
  }

  /** Has `tryAgain` called once when somebody has reached the upstream broker again. */
  wait(tryAgain: () => void): void {
    this.#waiting.add(tryAgain);
  }

  waitNoMore(tryAgain: () => void): void {
    this.#waiting.delete(tryAgain);
  }

  disconnected(): void {
    this.#connections--;
  }

  /**
   * A connection of `clientId` failed, after `disconnected` if it stood; the next attempt is in so many
   * ms, if there is one.
   */
  failed(clientId: string, { text, final }: Failure, nextTry: number | undefined): void {
    const then = nextTry === undefined ? "" : `, next try in ${Math.round(nextTry / 100) / 10} s`;
    const who = JSON.stringify(clientId);
    if (final) {
      this.#log.connection(`upstream ${this.#name}: ${who}: ${text}${then}`);
    } else if (this.#state === "missed" || this.#connections > 0) {
      this.#log.debug(`upstream ${this.#name}: ${who}: ${text}${then}`);
    } else {
      this.#log.warn(`upstream ${this.#name}: ${text}`);
      this.#state = "missed";
    }
  }
}
