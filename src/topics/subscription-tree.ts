/**
 * Which subscribers a topic name reaches: a tree of filter levels, and a bounded memory of the
 * answers for names that come again and again, as sensor topics do.
 */

import { FewMap } from "./few-map.ts";

/** Most levels lead to one subscriber, or one further level, and there may be a hundred thousand. */
interface Level<S, O> {
  children: FewMap<string, Level<S, O>> | undefined;
  /** One of the subscriptions that end at this level. */
  first: Ending<S, O> | undefined;
  /** The others. */
  more: Map<S, O> | undefined;
}

interface Ending<S, O> {
  readonly subscriber: S;
  readonly options: O;
}

/** A subscriber, and what its filters that match come to. */
export interface Match<S, G> {
  readonly subscriber: S;
  readonly grant: G;
}

const MEMORY = 50_000;
const NOBODY: readonly never[] = [];

function emptyLevel<S, O>(): Level<S, O> {
  return { children: undefined, first: undefined, more: undefined };
}

/** True if the subscriber is new at this level. */
function put<S, O>(level: Level<S, O>, subscriber: S, options: O): boolean {
  const { first } = level;
  const isFirst = first?.subscriber === subscriber;
  if (isFirst || (first === undefined && level.more?.has(subscriber) !== true)) {
    level.first = { subscriber, options };
    return !isFirst;
  }
  level.more ??= new Map();
  const before = level.more.size;
  level.more.set(subscriber, options);
  return level.more.size > before;
}

/** False if the subscriber was not there. */
function take<S, O>(level: Level<S, O>, subscriber: S): boolean {
  if (level.first?.subscriber === subscriber) {
    level.first = undefined;
    return true;
  }
  if (level.more?.delete(subscriber) !== true) return false;
  if (level.more.size === 0) level.more = undefined;
  return true;
}

function isEmpty<S, O>({ first, more, children }: Level<S, O>): boolean {
  return first === undefined && more === undefined && children === undefined;
}

export class SubscriptionTree<S, O, G> {
  readonly #root: Level<S, O> = emptyLevel();
  readonly #combine: (options: readonly O[]) => G;
  #memory = new Map<string, readonly Match<S, G>[]>();
  /** Names that found no room in the memory. */
  #skipped = 0;
  #count = 0;

  /** `combine` makes one of the options of a subscriber's filters that match the same topic. */
  constructor(combine: (options: readonly O[]) => G) {
    this.#combine = combine;
  }

  /** Subscriptions in the tree. */
  get size(): number {
    return this.#count;
  }

  /** Adds or replaces the subscription of `subscriber` to a valid filter. True if it is new. */
  add(filter: string, subscriber: S, options: O): boolean {
    let level = this.#root;
    for (const name of filter.split("/")) {
      level.children ??= new FewMap();
      let child = level.children.get(name);
      if (child === undefined) {
        child = emptyLevel();
        level.children.set(name, child);
      }
      level = child;
    }
    const isNew = put(level, subscriber, options);
    if (isNew) this.#count++;
    this.#forget();
    return isNew;
  }

  /** False if there was no such subscription. */
  remove(filter: string, subscriber: S): boolean {
    const names = filter.split("/");
    const path: Level<S, O>[] = [this.#root];
    for (const name of names) {
      const child = (path[path.length - 1] as Level<S, O>).children?.get(name);
      if (child === undefined) return false;
      path.push(child);
    }
    if (!take(path[path.length - 1] as Level<S, O>, subscriber)) return false;
    for (let depth = names.length; depth > 0; depth--) {
      if (!isEmpty(path[depth] as Level<S, O>)) break;
      const parent = path[depth - 1] as Level<S, O>;
      parent.children?.delete(names[depth - 1] as string);
      if (parent.children?.size === 0) parent.children = undefined;
    }
    this.#count--;
    this.#forget();
    return true;
  }

  /** Each subscriber once, whichever of its filters match [MQTT-4.7.1]. */
  match(topic: string): readonly Match<S, G>[] {
    const known = this.#memory.get(topic);
    if (known !== undefined) return known;
    const found = this.#find(topic);
    if (this.#memory.size >= MEMORY) {
      // Of more topics than that, published to in turn, none would be found again once all were forgotten.
      if (this.#skipped++ < MEMORY) return found;
      this.#memory.clear();
      this.#skipped = 0;
    }
    this.#memory.set(topic, found);
    return found;
  }

  #forget(): void {
    if (this.#memory.size === 0) return;
    this.#memory = new Map();
    this.#skipped = 0;
  }

  #find(topic: string): readonly Match<S, G>[] {
    const subscribers: S[] = [];
    const options: O[] = [];
    const collect = (level: Level<S, O> | undefined): void => {
      if (level === undefined) return;
      const { first, more } = level;
      if (first !== undefined) {
        subscribers.push(first.subscriber);
        options.push(first.options);
      }
      if (more === undefined) return;
      for (const [subscriber, its] of more) {
        subscribers.push(subscriber);
        options.push(its);
      }
    };
    this.#walk(topic, collect);
    if (subscribers.length === 0) return NOBODY;
    if (subscribers.length > 1) return this.#combined(subscribers, options);
    return [{ subscriber: subscribers[0] as S, grant: this.#combine(options) }];
  }

  /** Shows all levels whose subscriptions match. */
  #walk(topic: string, collect: (level: Level<S, O> | undefined) => void): void {
    const names = topic.split("/");
    // Wildcards at the first level do not reach topics that begin with $ [MQTT-4.7.2-1].
    let open: Level<S, O>[] = [this.#root];
    for (let depth = 0; depth < names.length && open.length > 0; depth++) {
      const wild = depth > 0 || !topic.startsWith("$");
      const next: Level<S, O>[] = [];
      for (const level of open) {
        if (wild) collect(level.children?.get("#"));
        const same = level.children?.get(names[depth] as string);
        if (same !== undefined) next.push(same);
        const any = wild ? level.children?.get("+") : undefined;
        if (any !== undefined) next.push(any);
      }
      open = next;
    }
    for (const level of open) {
      collect(level);
      // "a/#" also matches "a" itself [MQTT-4.7.1-2].
      collect(level.children?.get("#"));
    }
  }

  /** Each subscriber once, with what all its options come to. */
  #combined(subscribers: readonly S[], options: readonly O[]): readonly Match<S, G>[] {
    const found = new Map<S, O[]>();
    subscribers.forEach((subscriber, index) => {
      const before = found.get(subscriber);
      if (before === undefined) found.set(subscriber, [options[index] as O]);
      else before.push(options[index] as O);
    });
    return Array.from(found, ([subscriber, its]) => ({ subscriber, grant: this.#combine(its) }));
  }
}
