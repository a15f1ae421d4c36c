/** Looks from time to time whether a bridge's main address answers again, while it uses another. */
import type { Dialler, Dialling, DialTarget } from "../seams/dialler.ts";
import type { WireEnd } from "../seams/wire.ts";
import type { Scheduler, Timer } from "../time/scheduler.ts";

const LONGEST_WAIT = 3_600_000;
const NOBODY: WireEnd = { receive() {}, drained() {}, closed() {} };

export class MainWatch {
  readonly #dialler: Dialler;
  readonly #scheduler: Scheduler;
  readonly #base: number;
  #wait: number;
  #timer: Timer | undefined;
  #dialling: Dialling | undefined;

  /** `base`: between two looks, ms. */
  constructor(dialler: Dialler, scheduler: Scheduler, base: number) {
    this.#dialler = dialler;
    this.#scheduler = scheduler;
    this.#base = base;
    this.#wait = base;
  }

  /** Looks again and again; calls `answers`, once, when a connection could be made. */
  start(target: DialTarget, answers: () => void): void {
    this.#timer = this.#scheduler.after(this.#wait, () => {
      this.#dialling = this.#dialler.dial(
        target,
        (wire) => {
          wire.close();
          // An address that accepts connections but no client must not be tried ever so often.
          this.#wait = Math.min(this.#wait * 2, LONGEST_WAIT);
          answers();
          return NOBODY;
        },
        () => this.start(target, answers),
      );
    });
  }

  stop(): void {
    this.#timer?.cancel();
    this.#dialling?.cancel();
  }

  /** The main address is in use. */
  reached(): void {
    this.#wait = this.#base;
  }
}
