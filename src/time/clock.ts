/** The two clocks that cores are given. They never read one of their own. */
export interface Clock {
  /** Monotonic milliseconds from an arbitrary start; for durations and deadlines. */
  now(): number;
  /** Milliseconds since 1970-01-01 UTC; may jump, and is wrong after boot on a board without an RTC. */
  wall(): number;
}

/** A number in [0, 1). Cores take their randomness from one of these. */
export type Random = () => number;
