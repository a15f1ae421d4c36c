/**
 * Which subscribers a topic name reaches: a tree of filter levels, and a bounded memory of the
 * answers for names that come again and again, as sensor topics do.
 */

interface Level<S, O> {
  readonly children: Map<string, Level<S, O>>;
  /** Subscriptions that end at this level. */
  subscribers: Map<S, O> | undefined;
}

/** A subscriber, and what its filters that match come to. */
export interface Match<S, G> {
  readonly subscriber: S;
  readonly grant: G;
}

const MEMORY = 20_000;

function emptyLevel<S, O>(): Level<S, O> {
  return { children: new Map(), subscribers: undefined };
}

export class SubscriptionTree<S, O, G> {
  readonly #root: Level<S, O> = emptyLevel();
  readonly #combine: (options: readonly O[]) => G;
  #memory = new Map<string, readonly Match<S, G>[]>();
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
      let child = level.children.get(name);
      if (child === undefined) {
        child = emptyLevel();
        level.children.set(name, child);
      }
      level = child;
    }
    level.subscribers ??= new Map();
    const isNew = !level.subscribers.has(subscriber);
    level.subscribers.set(subscriber, options);
    if (isNew) this.#count++;
    this.#forget();
    return isNew;
  }

  /** False if there was no such subscription. */
  remove(filter: string, subscriber: S): boolean {
    const names = filter.split("/");
    const path: Level<S, O>[] = [this.#root];
    for (const name of names) {
      const child = (path[path.length - 1] as Level<S, O>).children.get(name);
      if (child === undefined) return false;
      path.push(child);
    }
    const last = path[path.length - 1] as Level<S, O>;
    if (last.subscribers === undefined || !last.subscribers.delete(subscriber)) return false;
    if (last.subscribers.size === 0) last.subscribers = undefined;
    for (let depth = names.length; depth > 0; depth--) {
      const level = path[depth] as Level<S, O>;
      if (level.subscribers !== undefined || level.children.size > 0) break;
      (path[depth - 1] as Level<S, O>).children.delete(names[depth - 1] as string);
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
    if (this.#memory.size >= MEMORY) this.#memory.clear();
    this.#memory.set(topic, found);
    return found;
  }

  #forget(): void {
    if (this.#memory.size > 0) this.#memory = new Map();
  }

  #find(topic: string): readonly Match<S, G>[] {
    const found = new Map<S, O[]>();
    const collect = (level: Level<S, O> | undefined): void => {
      if (level?.subscribers === undefined) return;
      for (const [subscriber, options] of level.subscribers) {
        const before = found.get(subscriber);
        if (before === undefined) found.set(subscriber, [options]);
        else before.push(options);
      }
    };
    const names = topic.split("/");
    // Wildcards at the first level do not reach topics that begin with $ [MQTT-4.7.2-1].
    let open: Level<S, O>[] = [this.#root];
    for (let depth = 0; depth < names.length && open.length > 0; depth++) {
      const wild = depth > 0 || !topic.startsWith("$");
      const next: Level<S, O>[] = [];
      for (const level of open) {
        if (wild) collect(level.children.get("#"));
        const same = level.children.get(names[depth] as string);
        if (same !== undefined) next.push(same);
        const any = wild ? level.children.get("+") : undefined;
        if (any !== undefined) next.push(any);
      }
      open = next;
    }
    for (const level of open) {
      collect(level);
      // "a/#" also matches "a" itself [MQTT-4.7.1-2].
      collect(level.children.get("#"));
    }
    return Array.from(found, ([subscriber, options]) => ({
      subscriber,
      grant: this.#combine(options),
    }));
  }
}
