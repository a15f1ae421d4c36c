/**
 * Counts latencies in buckets about 1.6 % wide, so that millions of them cost neither memory nor a
 * sort.
 */

/** Buckets per doubling of the value, as a power of two. */
const FINENESS = 6;
const PER_DOUBLING = 1 << FINENESS;

/** Values below PER_DOUBLING have a bucket each; above, each doubling has PER_DOUBLING buckets. */
function bucketOf(value: number): number {
  if (value < PER_DOUBLING) return value;
  const exponent = 31 - Math.clz32(value);
  return (
    ((exponent - FINENESS + 1) << FINENESS) |
    ((value >>> (exponent - FINENESS)) & (PER_DOUBLING - 1))
  );
}

/** The middle of a bucket. */
function middleOf(bucket: number): number {
  if (bucket < PER_DOUBLING) return bucket;
  const shift = (bucket >>> FINENESS) - 1;
  const lowest = (PER_DOUBLING | (bucket & (PER_DOUBLING - 1))) * 2 ** shift;
  return lowest + (2 ** shift - 1) / 2;
}

export class LatencyHistogram {
  readonly #counts = new Uint32Array((33 - FINENESS) << FINENESS);
  #total = 0;

  /** Counts a whole number from 0 to 2^32 - 1. */
  record(value: number): void {
    const bucket = bucketOf(value);
    this.#counts[bucket] = (this.#counts[bucket] as number) + 1;
    this.#total++;
  }

  clear(): void {
    this.#counts.fill(0);
    this.#total = 0;
  }

  /** The value that a `fraction` of those recorded do not exceed; undefined if none was recorded. */
  quantile(fraction: number): number | undefined {
    if (this.#total === 0) return undefined;
    let wanted = Math.max(1, Math.ceil(this.#total * fraction));
    for (let bucket = 0; bucket < this.#counts.length; bucket++) {
      wanted -= this.#counts[bucket] as number;
      if (wanted <= 0) return middleOf(bucket);
    }
    return undefined;
  }
}
