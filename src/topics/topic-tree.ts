/** Values by topic name, found by topic filter: what retained messages are kept in. */
import { TopicBranch } from "./topic-branch.ts";

export interface TopicValue<V> {
  readonly topic: string;
  readonly value: V;
}

/** A branch, and the topic name that leads to it; undefined for the root. */
interface Place<V> {
  readonly branch: TopicBranch<V>;
  readonly topic: string | undefined;
}

export class TopicTree<V> {
  readonly #root = new TopicBranch<V>("");
  #count = 0;

  get size(): number {
    return this.#count;
  }

  get(topic: string): V | undefined {
    let branch: TopicBranch<V> | undefined = this.#root;
    for (const name of topic.split("/")) {
      branch = branch.child(name);
      if (branch === undefined) return undefined;
    }
    return branch.value;
  }

  /** Sets the value of a topic; answers the one before. */
  set(topic: string, value: V): V | undefined {
    let branch = this.#root;
    for (const name of topic.split("/")) branch = branch.child(name) ?? branch.add(name);
    const before = branch.value;
    branch.value = value;
    if (before === undefined) this.#count++;
    return before;
  }

  /** Removes the value of a topic; answers it. */
  delete(topic: string): V | undefined {
    const path: TopicBranch<V>[] = [this.#root];
    let last = this.#root;
    for (const name of topic.split("/")) {
      const child = last.child(name);
      if (child === undefined) return undefined;
      path.push(child);
      last = child;
    }
    const before = last.value;
    if (before === undefined) return undefined;
    last.value = undefined;
    this.#count--;
    for (let depth = path.length - 1; depth > 0; depth--) {
      const branch = path[depth] as TopicBranch<V>;
      if (!branch.empty) break;
      (path[depth - 1] as TopicBranch<V>).remove(branch);
    }
    return before;
  }

  /** The values whose topic a valid filter matches, each once [MQTT-4.7.1, MQTT-4.7.2-1]. */
  find(filter: string): TopicValue<V>[] {
    const found: TopicValue<V>[] = [];
    let open: Place<V>[] = [{ branch: this.#root, topic: undefined }];
    for (const name of filter.split("/")) {
      const next: Place<V>[] = [];
      for (const place of open) {
        if (name === "#") {
          // "a/#" also matches "a" itself [MQTT-4.7.1-2].
          take(place, found);
          collectBelow(place, found);
        } else if (name === "+") {
          for (const branch of branchesBelow(place)) next.push(placeOf(branch, place.topic));
        } else {
          const branch = place.branch.child(name);
          if (branch !== undefined) next.push(placeOf(branch, place.topic));
        }
      }
      if (name === "#") return found;
      open = next;
    }
    for (const place of open) take(place, found);
    return found;
  }
}

function take<V>({ branch: { value }, topic }: Place<V>, found: TopicValue<V>[]): void {
  if (topic !== undefined && value !== undefined) found.push({ topic, value });
}

function placeOf<V>(branch: TopicBranch<V>, above: string | undefined): Place<V> {
  return { branch, topic: nameBelow(above, branch.name) };
}

function nameBelow(above: string | undefined, name: string): string {
  return above === undefined ? name : `${above}/${name}`;
}

/** What wildcards match of the next level: at the first one nothing that begins with `$`. */
function branchesBelow<V>({ branch, topic }: Place<V>): TopicBranch<V>[] {
  const branches: TopicBranch<V>[] = [];
  branch.listChildren(branches);
  return topic === undefined ? branches.filter(({ name }) => !name.startsWith("$")) : branches;
}

function collectBelow<V>(top: Place<V>, found: TopicValue<V>[]): void {
  // Iterative: a topic may have thousands of levels.
  const stack = branchesBelow(top);
  const above = stack.map(() => top.topic);
  for (let branch = stack.pop(); branch !== undefined; branch = stack.pop()) {
    const topic = nameBelow(above.pop(), branch.name);
    if (branch.value !== undefined) found.push({ topic, value: branch.value });
    branch.listChildren(stack);
    while (above.length < stack.length) above.push(topic);
  }
}
