/** Says that messages are not kept, once a minute and client, never silently. */
import type { Log } from "../seams/log.ts";
import type { Scheduler } from "../time/scheduler.ts";

/** ms. */
const INTERVAL = 60_000;
/** Clients with lines of their own in one interval; the rest have one together. */
const MOST_CLIENTS = 100;

/** Says of whom: "client c" or "other clients". */
type Sentence = (whom: string) => string;

/** In Mosquitto's words. */
export const DROPPED: Sentence = (whom) => `Outgoing messages are being dropped for ${whom}.`;
export const AGED: Sentence = (whom) =>
  `Outgoing messages are being dropped for ${whom}: they have waited longer than max_queued_age.`;
export const REFUSED: Sentence = (whom) =>
  `Publishers are being refused, as no more messages may wait for ${whom}.`;

export class DropNotices {
  readonly #scheduler: Scheduler;
  readonly #log: Log;
  readonly #sentence: Sentence;
  /** Messages dropped since the last line, by client identifier. */
  readonly #counts = new Map<string, number>();
  #others = 0;

  constructor(scheduler: Scheduler, log: Log, sentence: Sentence) {
    this.#scheduler = scheduler;
    this.#log = log;
    this.#sentence = sentence;
  }

  note(clientId: string): void {
    const count = this.#counts.get(clientId);
    if (count !== undefined) {
      this.#counts.set(clientId, count + 1);
    } else if (this.#counts.size < MOST_CLIENTS) {
      this.#tell(`client ${clientId}`, 1);
      this.#counts.set(clientId, 0);
      this.#scheduler.after(INTERVAL, () => this.#again(clientId));
    } else if (this.#others++ === 0) {
      this.#scheduler.after(INTERVAL, () => this.#tellOthers());
    }
  }

  /** An interval is over: tells what has come since, or forgets the client. */
  #again(clientId: string): void {
    const count = this.#counts.get(clientId) ?? 0;
    if (count === 0) {
      this.#counts.delete(clientId);
      return;
    }
    this.#tell(`client ${clientId}`, count);
    this.#counts.set(clientId, 0);
    this.#scheduler.after(INTERVAL, () => this.#again(clientId));
  }

  #tellOthers(): void {
    this.#tell("other clients", this.#others);
    this.#others = 0;
  }

  #tell(whom: string, count: number): void {
    const times = count === 1 ? "" : ` (${count} messages)`;
    this.#log.warn(`${this.#sentence(whom)}${times}`);
  }
}
