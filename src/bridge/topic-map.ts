/**
 * Which topics a bridge carries, and what they are called on the other side, as Mosquitto's `topic`
 * lines have it: among the rules that match, the first with a prefix counts.
 */
import { utf8Length } from "../bytes/utf8.ts";
import type { SubscriptionRequest } from "../mqtt/packets.ts";
import { filterMatches, LONGEST_TOPIC } from "../topics/names.ts";
import type { TopicRule } from "./options.ts";

/** A topic on its way out. */
export interface OutTopic {
  readonly topic: string;
  /** The bridge subscribes to it at the remote broker, which may thus send it back. */
  readonly returns: boolean;
}

interface Side {
  readonly filter: string;
  readonly prefix: string;
}

interface Way {
  readonly from: Side;
  readonly to: Side;
}

/** Topics remembered, for each direction; longer ones are not, for they might be made to fill memory. */
const CACHE_SIZE = 4096;
const LONGEST_CACHED = 256;

export class TopicMap {
  /** What to subscribe to at this broker. */
  readonly localSubscriptions: readonly SubscriptionRequest[];
  /** What to subscribe to at the remote broker. */
  readonly remoteSubscriptions: readonly SubscriptionRequest[];
  /** Remote filters of the rules that lead out only, as far as none leads in. */
  readonly remoteOutOnly: readonly string[];
  readonly #out: readonly Way[];
  readonly #in: readonly Way[];
  readonly #exclude: readonly string[];
  readonly #outCache = new Map<string, OutTopic | undefined>();
  readonly #inCache = new Map<string, string | undefined>();

  /** `exclude`: topic filters, by their names here, of what goes neither way. */
  constructor(rules: readonly TopicRule[], exclude: readonly string[] = []) {
    this.#exclude = exclude;
    const ways = rules.map((rule) => ({
      rule,
      local: { filter: rule.localPrefix + rule.pattern, prefix: rule.localPrefix },
      remote: { filter: rule.remotePrefix + rule.pattern, prefix: rule.remotePrefix },
    }));
    const out = ways.filter(({ rule }) => rule.direction !== "in");
    const into = ways.filter(({ rule }) => rule.direction !== "out");
    this.#out = prefixedFirst(out.map(({ local, remote }) => ({ from: local, to: remote })));
    this.#in = prefixedFirst(into.map(({ local, remote }) => ({ from: remote, to: local })));
    this.localSubscriptions = subscriptions(out.map(({ rule, local }) => ({ rule, side: local })));
    this.remoteSubscriptions = subscriptions(
      into.map(({ rule, remote }) => ({ rule, side: remote })),
    );
    const wanted = new Set(this.remoteSubscriptions.map(({ filter }) => filter));
    this.remoteOutOnly = [...new Set(out.map(({ remote }) => remote.filter))].filter(
      (filter) => !wanted.has(filter),
    );
  }

  /** A local topic's name at the remote broker; undefined if it is not shared that way. */
  toRemote(topic: string): OutTopic | undefined {
    return remembered(this.#outCache, topic, () => {
      const mapped = map(this.#out, topic);
      if (mapped === undefined || this.isExcluded(topic)) return undefined;
      return { topic: mapped, returns: map(this.#in, mapped) !== undefined };
    });
  }

  /** A remote topic's name here; undefined if it is not shared that way. */
  toLocal(topic: string): string | undefined {
    return remembered(this.#inCache, topic, () => {
      const mapped = map(this.#in, topic);
      return mapped === undefined || this.isExcluded(mapped) ? undefined : mapped;
    });
  }

  /** A topic here is kept from going either way. */
  isExcluded(topic: string): boolean {
    return this.#exclude.some((filter) => filterMatches(filter, topic));
  }

  /**
   * What a topic that answers are to come back on is called at the remote broker; the same if no
   * answers come in there.
   */
  responseToRemote(topic: string): string {
    return map(this.#in.map(backwards), topic) ?? topic;
  }

  /** What a topic that answers are to go out on is called here; the same if none go out there. */
  responseToLocal(topic: string): string {
    return map(this.#out.map(backwards), topic) ?? topic;
  }
}

function backwards({ from, to }: Way): Way {
  return { from: to, to: from };
}

function prefixedFirst(ways: readonly Way[]): readonly Way[] {
  const prefixed = (way: Way): boolean => way.from.prefix !== "" || way.to.prefix !== "";
  return [...ways.filter(prefixed), ...ways.filter((way) => !prefixed(way))];
}

/** One subscription for each filter, at the highest QoS asked for. */
function subscriptions(
  asked: readonly { readonly rule: TopicRule; readonly side: Side }[],
): SubscriptionRequest[] {
  const requests = new Map<string, SubscriptionRequest>();
  for (const { rule, side } of asked) {
    const { filter } = side;
    const before = requests.get(filter);
    if (before === undefined || before.qos < rule.qos)
      requests.set(filter, { filter, qos: rule.qos });
  }
  return [...requests.values()];
}

function map(ways: readonly Way[], topic: string): string | undefined {
  const way = ways.find(({ from }) => filterMatches(from.filter, topic));
  if (way === undefined) return undefined;
  const mapped = exchangePrefix(topic, way.from.prefix, way.to.prefix);
  return mapped === "" || utf8Length(mapped) > LONGEST_TOPIC ? undefined : mapped;
}

function exchangePrefix(topic: string, from: string, to: string): string {
  if (topic.startsWith(from)) return to + topic.slice(from.length);
  // `a/#` matches `a` as well, which is the prefix `a/` short of its slash.
  return to.endsWith("/") ? to.slice(0, -1) : to;
}

function remembered<T>(cache: Map<string, T>, topic: string, find: () => T): T {
  const known = cache.get(topic);
  if (known !== undefined || cache.has(topic)) return known as T;
  const found = find();
  if (topic.length > LONGEST_CACHED) return found;
  if (cache.size >= CACHE_SIZE) cache.clear();
  cache.set(topic, found);
  return found;
}

/** A topic for the log, cut where it is long. */
export function shownTopic(topic: string): string {
  return topic.length > LONGEST_CACHED ? `${topic.slice(0, LONGEST_CACHED)}...` : topic;
}
