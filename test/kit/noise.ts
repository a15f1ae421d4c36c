/** Noise on a line: bytes become others, alone or in bursts as interference makes them. */

export interface NoiseParts {
  /** Which part of all bytes is changed, 0 to 1. */
  readonly share: number;
  /** How many bytes a burst has on average; 1 is every byte for itself. */
  readonly burst: number;
  readonly random: () => number;
}

export class Noise {
  readonly #parts: NoiseParts;
  #left = 0;
  changed = 0;
  seen = 0;

  constructor(parts: NoiseParts) {
    this.#parts = parts;
  }

  /** A copy with some bytes changed. */
  apply(bytes: Uint8Array): Uint8Array {
    const { share, burst, random } = this.#parts;
    const noisy = bytes.slice();
    this.seen += bytes.length;
    for (let at = 0; at < noisy.length; at++) {
      // Between two bursts are so many bytes that the share is right.
      if (this.#left === 0 && random() * burst * (1 - share) < share) {
        this.#left = burst === 1 ? 1 : Math.max(1, Math.round(-Math.log(1 - random()) * burst));
      }
      if (this.#left === 0) continue;
      this.#left--;
      this.changed++;
      noisy[at] = (noisy[at] as number) ^ (1 + Math.floor(random() * 255));
    }
    return noisy;
  }
}
