/** The cases that are measured, and how many messages each may have on their way. */

export interface LoadCase {
  readonly name: string;
  readonly title: string;
  readonly publishers: number;
  readonly subscribers: number;
  /** The topic of a publisher, by its index. */
  readonly topic: (publisher: number) => string;
  /** The topic filter of a subscriber, by its index. */
  readonly filter: (subscriber: number) => string;
  /** How many publishers one subscriber hears. */
  readonly heard: number;
  /** How many subscribers get each message. */
  readonly copies: number;
  /**
   * How many published messages may be without all of their deliveries, at QoS 0 and at QoS 1. So few
   * that none of the brokers has to drop by its defaults, which for Mosquitto are 20 messages in
   * flight and 1000 queued.
   */
  readonly window: Readonly<Record<0 | 1, number>>;
}

function pairs(count: number): LoadCase {
  return {
    name: `pairs-${count}`,
    title: `${count} pairs`,
    publishers: count,
    subscribers: count,
    topic: (publisher) => `bench/pair/${publisher}/value`,
    filter: (subscriber) => `bench/pair/${subscriber}/value`,
    heard: 1,
    copies: 1,
    window: { 0: 1000, 1: 1000 },
  };
}

export const CASES: readonly LoadCase[] = [
  {
    name: "fan-in",
    title: "fan-in 50→1",
    publishers: 50,
    subscribers: 1,
    topic: (publisher) => `bench/in/${publisher}/value`,
    filter: () => "bench/in/#",
    heard: 50,
    copies: 1,
    // Mosquitto 2.0.11 now and then drops what it must queue although there is room, for good, so at
    // QoS 1 everything fits into what may be in flight.
    window: { 0: 500, 1: 16 },
  },
  {
    name: "fan-out",
    title: "fan-out 1→50",
    publishers: 1,
    subscribers: 50,
    topic: () => "bench/fan/out",
    filter: () => "bench/fan/out",
    heard: 1,
    copies: 50,
    window: { 0: 200, 1: 200 },
  },
  pairs(100),
  pairs(1000),
];

/** A publisher of QoS 1 waits for a PUBACK when so many of its messages have none. */
export const UNACKNOWLEDGED = 20;
