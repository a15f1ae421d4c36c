/**
 * Whether a subscription can ever bring a message: whether there is any topic name that the filter
 * matches and that the rules let through. Rules may hide each other, so that names are built level by
 * level, over the words that occur in the filters and one that does not.
 */
import {
  EVERY_TOPIC,
  EVERY_TOPIC_BUT_CONTROL,
  isControlTopic,
  type TopicRule,
} from "./topic-rules.ts";

/** Steps of the search after which the answer is yes: to accept too much does no harm. */
const PATIENCE = 5000;
/** A word that stands for all that occur nowhere: no MQTT string holds NUL. */
const OTHER = "\0";

/** A topic name under construction. */
interface State {
  readonly depth: number;
  /** Rules that still match, by their place. */
  readonly alive: readonly number[];
  /** The first rule that matches whatever follows. */
  readonly settled: number;
  /** Whether the filter matches whatever follows. */
  readonly free: boolean;
  readonly control: boolean;
  /** Nothing but an empty first level, which alone is no topic name [MQTT-4.7.3-1]. */
  readonly empty: boolean;
}

/** `rules` in their order; `fallback` holds where none matches. */
export class Reach {
  readonly rules: readonly TopicRule[];
  /** The levels of each rule's filter. */
  readonly patterns: readonly (readonly string[])[];
  /** The rules that are looked at level by level, by their place. */
  readonly levelled: readonly number[];
  /** The first rules over every topic. */
  readonly firstEvery: number;
  readonly firstButControl: number;
  readonly fallback: boolean;

  constructor(rules: readonly TopicRule[], fallback: boolean) {
    this.rules = rules;
    this.fallback = fallback;
    this.patterns = rules.map(({ filter }) => filter.split("/"));
    this.levelled = [...rules.keys()].filter((index) => !isEvery(rules[index]?.filter));
    this.firstEvery = placeOf(rules, EVERY_TOPIC);
    this.firstButControl = placeOf(rules, EVERY_TOPIC_BUT_CONTROL);
  }

  /** Whether some topic that `filter` matches gets through. */
  includes(filter: string): boolean {
    return new Search(this, filter.split("/")).run();
  }
}

class Search {
  readonly #reach: Reach;
  readonly #filter: readonly string[];
  readonly #seen = new Set<string>();
  #patience = PATIENCE;

  constructor(reach: Reach, filter: readonly string[]) {
    this.#reach = reach;
    this.#filter = filter;
  }

  run(): boolean {
    const states: State[] = [this.#start()];
    for (let state = states.pop(); state !== undefined; state = states.pop()) {
      for (const next of this.#successors(state)) {
        if (this.#patience <= 0 || this.#endsWell(next)) return true;
        if (this.#isNew(next)) states.push(next);
      }
    }
    return false;
  }

  #start(): State {
    const { levelled: alive, rules } = this.#reach;
    return { depth: 0, alive, settled: rules.length, free: false, control: false, empty: true };
  }

  /** One more level, with each word that the filter or some rule tells apart from others. */
  *#successors({ depth, alive, settled, free, control }: State): Iterable<State> {
    const asked = free ? "#" : this.#filter[depth];
    if (asked === undefined) return;
    this.#patience -= 1 + alive.length;
    const any: number[] = [];
    const named = new Map<string, number[]>();
    let first = settled;
    for (const index of alive) {
      const level = this.#reach.patterns[index]?.[depth];
      if (level === "#") first = Math.min(first, index);
      else if (level === "+") any.push(index);
      else if (level !== undefined) listIn(named, level).push(index);
    }
    const wild = asked === "+" || asked === "#";
    for (const word of wild ? [OTHER, ...named.keys()] : [asked]) {
      const exact = named.get(word) ?? [];
      // No wildcard stands for a first level that begins with $ [MQTT-4.7.2-1].
      const dollar = depth === 0 && word.startsWith("$");
      if (dollar && wild) continue;
      this.#patience -= 1 + exact.length;
      yield {
        depth: depth + 1,
        alive: dollar ? exact : [...any, ...exact],
        settled: dollar ? settled : first,
        free: free || asked === "#",
        control: control || (depth === 0 && isControlTopic(word)),
        empty: depth === 0 && word === "",
      };
    }
  }

  /** Whether the name may end here, and gets through. */
  #endsWell({ depth, alive, settled, free, control, empty }: State): boolean {
    if (empty) return false;
    const rest = this.#filter.length - depth;
    if (!free && rest !== 0 && !(rest === 1 && this.#filter[depth] === "#")) return false;
    let first = settled;
    for (const index of alive) {
      const levels = this.#reach.patterns[index] as readonly string[];
      const left = levels.length - depth;
      if (left === 0 || (left === 1 && levels[depth] === "#")) first = Math.min(first, index);
    }
    const { firstEvery, firstButControl, rules, fallback } = this.#reach;
    first = Math.min(first, control ? firstEvery : Math.min(firstEvery, firstButControl));
    return rules[first]?.allow ?? fallback;
  }

  /** Nothing that follows can change any more, or it was tried before: no use in going on. */
  #isNew({ depth, alive, settled, free, control }: State): boolean {
    if (free && alive.length === 0) {
      // One more level with a word of its own ends as this name does.
      return false;
    }
    const key = `${depth}|${settled}|${free}|${control}|${alive.join(",")}`;
    if (this.#seen.has(key)) return false;
    this.#seen.add(key);
    return true;
  }
}

function isEvery(filter: string | undefined): boolean {
  return filter === EVERY_TOPIC || filter === EVERY_TOPIC_BUT_CONTROL;
}

function placeOf(rules: readonly TopicRule[], filter: string): number {
  const place = rules.findIndex((rule) => rule.filter === filter);
  return place < 0 ? rules.length : place;
}

function listIn(lists: Map<string, number[]>, key: string): number[] {
  let list = lists.get(key);
  if (list === undefined) {
    list = [];
    lists.set(key, list);
  }
  return list;
}
