/** Values by topic name, found by topic filter: what retained messages are kept in. */

interface Branch<V> {
  readonly children: Map<string, Branch<V>>;
  value: V | undefined;
}

function emptyBranch<V>(): Branch<V> {
  return { children: new Map(), value: undefined };
}

export class TopicTree<V> {
  readonly #root: Branch<V> = emptyBranch();
  #count = 0;

  get size(): number {
    return this.#count;
  }

  get(topic: string): V | undefined {
    let branch: Branch<V> | undefined = this.#root;
    for (const name of topic.split("/")) {
      branch = branch.children.get(name);
      if (branch === undefined) return undefined;
    }
    return branch.value;
  }

  /** Sets the value of a topic; answers the one before. */
  set(topic: string, value: V): V | undefined {
    let branch = this.#root;
    for (const name of topic.split("/")) {
      let child = branch.children.get(name);
      if (child === undefined) {
        child = emptyBranch();
        branch.children.set(name, child);
      }
      branch = child;
    }
    const before = branch.value;
    branch.value = value;
    if (before === undefined) this.#count++;
    return before;
  }

  /** Removes the value of a topic; answers it. */
  delete(topic: string): V | undefined {
    const names = topic.split("/");
    const path: Branch<V>[] = [this.#root];
    for (const name of names) {
      const child = (path[path.length - 1] as Branch<V>).children.get(name);
      if (child === undefined) return undefined;
      path.push(child);
    }
    const last = path[path.length - 1] as Branch<V>;
    const before = last.value;
    if (before === undefined) return undefined;
    last.value = undefined;
    this.#count--;
    for (let depth = names.length; depth > 0; depth--) {
      const branch = path[depth] as Branch<V>;
      if (branch.value !== undefined || branch.children.size > 0) break;
      (path[depth - 1] as Branch<V>).children.delete(names[depth - 1] as string);
    }
    return before;
  }

  /** The values whose topic a valid filter matches, each once [MQTT-4.7.1, MQTT-4.7.2-1]. */
  find(filter: string): V[] {
    const found: V[] = [];
    const names = filter.split("/");
    let open: Branch<V>[] = [this.#root];
    for (let depth = 0; depth < names.length; depth++) {
      const name = names[depth] as string;
      const next: Branch<V>[] = [];
      for (const branch of open) {
        if (name === "#") {
          // "a/#" also matches "a" itself [MQTT-4.7.1-2].
          if (depth > 0 && branch.value !== undefined) found.push(branch.value);
          collectBelow(branch, depth === 0, found);
        } else if (name === "+") {
          for (const [key, child] of branch.children) {
            if (depth > 0 || !key.startsWith("$")) next.push(child);
          }
        } else {
          const child = branch.children.get(name);
          if (child !== undefined) next.push(child);
        }
      }
      if (name === "#") return found;
      open = next;
    }
    for (const branch of open) if (branch.value !== undefined) found.push(branch.value);
    return found;
  }
}

function collectBelow<V>(top: Branch<V>, isRoot: boolean, found: V[]): void {
  // Iterative: a topic may have thousands of levels.
  const stack: Branch<V>[] = [];
  for (const [key, child] of top.children) {
    if (!isRoot || !key.startsWith("$")) stack.push(child);
  }
  for (let branch = stack.pop(); branch !== undefined; branch = stack.pop()) {
    if (branch.value !== undefined) found.push(branch.value);
    for (const child of branch.children.values()) stack.push(child);
  }
}
