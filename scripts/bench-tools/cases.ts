/** The cases that are measured, and how many messages publishers may have on their way. */
import type { MqttProtocol } from "./mqtt-packets.ts";
import { numbers, subscriptionFilter, subscriptionTopic } from "./subscription-set.ts";

export interface LoadCase {
  readonly name: string;
  readonly title: string;
  readonly publishers: number;
  readonly subscribers: number;
  /** The topics that a publisher takes in turn, by its index. */
  readonly topics: (publisher: number) => readonly string[];
  /** The topic filters of a subscriber, by its index. */
  readonly filters: (subscriber: number) => readonly string[];
  /** How many publishers one subscriber hears: one, of the same index or the only one, or all. */
  readonly heard: number;
  /** How many subscribers get each message. */
  readonly copies: number;
  /** How many messages of each publisher may be without all of their deliveries, or their PUBACK. */
  readonly each: number;
}

function pairs(count: number, each: number): LoadCase {
  return {
    name: `pairs-${count}`,
    title: `${count} pairs`,
    publishers: count,
    subscribers: count,
    topics: (publisher) => [`bench/pair/${publisher}/value`],
    filters: (subscriber) => [`bench/pair/${subscriber}/value`],
    heard: 1,
    copies: 1,
    each,
  };
}

export const CASES: readonly LoadCase[] = [
  {
    name: "fan-in",
    title: "fan-in 50→1",
    publishers: 50,
    subscribers: 1,
    topics: (publisher) => [`bench/in/${publisher}/value`],
    filters: () => ["bench/in/#"],
    heard: 50,
    copies: 1,
    each: 10,
  },
  {
    name: "fan-out",
    title: "fan-out 1→50",
    publishers: 1,
    subscribers: 50,
    topics: () => ["bench/fan/out"],
    filters: () => ["bench/fan/out"],
    heard: 1,
    copies: 50,
    each: 200,
  },
  pairs(100, 10),
  pairs(1000, 1),
];

const MATCHING_PAIRS = 10;

/** Pairs that share so many subscriptions, and publish to `topics` of the topics that match one each. */
export function matchingCase(subscriptions: number, topics: number): LoadCase {
  // The topics are spread over the subscriptions: one of each so many, with or without wildcards.
  const every = Math.floor(subscriptions / topics);
  const pairOf = (number: number): number => Math.floor(number / every) % MATCHING_PAIRS;
  const published = numbers(topics).map((index) => index * every + ((index % 10) % every));
  return {
    name: matchingName(subscriptions, topics),
    title: `${subscriptions} subscriptions, ${topics} topics`,
    publishers: MATCHING_PAIRS,
    subscribers: MATCHING_PAIRS,
    topics: (publisher) =>
      published.filter((number) => pairOf(number) === publisher).map(subscriptionTopic),
    filters: (subscriber) =>
      numbers(subscriptions)
        .filter((number) => pairOf(number) === subscriber)
        .map(subscriptionFilter),
    heard: 1,
    copies: 1,
    each: 50,
  };
}

/** What `findCase` finds a matching case by. */
export function matchingName(subscriptions: number, topics: number): string {
  return `matching-${subscriptions}-${topics}`;
}

/** Throws where there is none. */
export function findCase(name: string): LoadCase {
  const [, subscriptions, topics] = /^matching-(\d+)-(\d+)$/.exec(name) ?? [];
  const found =
    subscriptions === undefined
      ? CASES.find((loadCase) => loadCase.name === name)
      : matchingCase(Number(subscriptions), Number(topics));
  if (found === undefined) throw new Error(`there is no case "${name}"`);
  return found;
}

/** The brokers' Receive Maximum: a publisher waits when so many of its messages have no PUBACK. */
export const UNACKNOWLEDGED = 20;

/** What versions of MQTT are called. */
export const PROTOCOL_NAMES: Readonly<Record<MqttProtocol, string>> = { 4: "3.1.1", 5: "5.0" };
