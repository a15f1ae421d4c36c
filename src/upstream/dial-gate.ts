/** Makes few connections at a time, so that a broker that comes back is not met by all nodes at once. */
import type { Dialler, Dialling, DialTarget } from "../seams/dialler.ts";
import type { Wire, WireEnd } from "../seams/wire.ts";

interface Attempt {
  readonly target: DialTarget;
  readonly accept: (wire: Wire) => WireEnd;
  readonly failed: (cause: string) => void;
  /** Undefined while it waits. */
  dialling: Dialling | undefined;
  over: boolean;
}

export class DialGate implements Dialler {
  readonly #dialler: Dialler;
  readonly #limit: number;
  readonly #waiting = new Set<Attempt>();
  #running = 0;

  constructor(dialler: Dialler, limit: number) {
    this.#dialler = dialler;
    this.#limit = limit;
  }

  dial(
    target: DialTarget,
    accept: (wire: Wire) => WireEnd,
    failed: (cause: string) => void,
  ): Dialling {
    const attempt: Attempt = { target, accept, failed, dialling: undefined, over: false };
    if (this.#running < this.#limit) this.#begin(attempt);
    else this.#waiting.add(attempt);
    return {
      cancel: () => {
        if (this.#waiting.delete(attempt) || attempt.over) return;
        attempt.dialling?.cancel();
        this.#finish(attempt);
      },
    };
  }

  #begin(attempt: Attempt): void {
    this.#running++;
    attempt.dialling = this.#dialler.dial(
      attempt.target,
      (wire) => {
        const end = attempt.accept(wire);
        this.#finish(attempt);
        return end;
      },
      (cause) => {
        attempt.failed(cause);
        this.#finish(attempt);
      },
    );
  }

  #finish(attempt: Attempt): void {
    if (attempt.over) return;
    attempt.over = true;
    this.#running--;
    for (const next of this.#waiting) {
      this.#waiting.delete(next);
      this.#begin(next);
      return;
    }
  }
}
