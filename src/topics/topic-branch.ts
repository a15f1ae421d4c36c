/** One level of a tree of topics, and how it finds those below it: small, since there are so many. */

/** As many children are looked through one after the other; more are found by a map. */
const MOST_CHAINED = 8;
/** What is cut out of a string of V8 keeps all of that in memory if it has so many characters. */
const SHORTEST_SLICE = 13;

export class TopicBranch<V> {
  readonly name: string;
  value: V | undefined;
  /** The first of a few that are chained by `next`, or a map of many. */
  #children: TopicBranch<V> | Map<string, TopicBranch<V>> | undefined;
  #next: TopicBranch<V> | undefined;

  constructor(name: string) {
    this.name = name;
    this.value = undefined;
    this.#children = undefined;
    this.#next = undefined;
  }

  /** Neither it nor anything below it has a value. */
  get empty(): boolean {
    return this.value === undefined && this.#children === undefined;
  }

  child(name: string): TopicBranch<V> | undefined {
    const children = this.#children;
    if (children instanceof Map) return children.get(name);
    let child = children;
    while (child !== undefined && child.name !== name) child = child.#next;
    return child;
  }

  /** Adds a child of a name that none has yet. */
  add(name: string): TopicBranch<V> {
    const added = new TopicBranch<V>(copied(name));
    const children = this.#children;
    if (children === undefined) {
      this.#children = added;
    } else if (children instanceof Map) {
      children.set(added.name, added);
    } else {
      let count = 1;
      let last = children;
      for (; last.#next !== undefined; last = last.#next) count++;
      last.#next = added;
      if (count === MOST_CHAINED) this.#toMap();
    }
    return added;
  }

  /** Removes a child that is there. */
  remove(gone: TopicBranch<V>): void {
    const children = this.#children;
    if (children instanceof Map) {
      children.delete(gone.name);
      if (children.size === 0) this.#children = undefined;
    } else if (children === gone) {
      this.#children = gone.#next;
    } else {
      let before = children;
      while (before !== undefined && before.#next !== gone) before = before.#next;
      if (before !== undefined) before.#next = gone.#next;
    }
  }

  /** Appends all children to a list. */
  listChildren(list: TopicBranch<V>[]): void {
    const children = this.#children;
    if (children instanceof Map) {
      for (const child of children.values()) list.push(child);
    } else {
      for (let child = children; child !== undefined; child = child.#next) list.push(child);
    }
  }

  #toMap(): void {
    const children: TopicBranch<V>[] = [];
    this.listChildren(children);
    for (const child of children) child.#next = undefined;
    this.#children = new Map(children.map((child) => [child.name, child]));
  }
}

/** The same text, which keeps nothing else in memory. */
function copied(name: string): string {
  if (name.length < SHORTEST_SLICE) return name;
  let copy = "";
  const step = 4096;
  for (let start = 0; start < name.length; start += step) {
    const units: number[] = [];
    const end = Math.min(start + step, name.length);
    for (let at = start; at < end; at++) units.push(name.charCodeAt(at));
    copy += String.fromCharCode(...units);
  }
  return copy;
}
