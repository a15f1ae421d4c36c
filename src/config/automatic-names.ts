/** Keeps apart the listeners and links that were given no name and share a port. */
import type { Config } from "./schema.ts";
import type { RawTable } from "./validate.ts";

interface Named {
  readonly name: string;
  readonly address: string;
}

/** With the address in those automatic names that would be the same otherwise, or else a number. */
export function withNamesApart(config: Config, raw: RawTable): Config {
  return {
    ...config,
    listener: apart(config.listener, raw.listener),
    link: apart(config.link, raw.link),
  };
}

function apart<Item extends Named>(items: readonly Item[], raw: unknown): Item[] {
  const groups = Map.groupBy(items, (item) => item.name);
  const taken = new Set<string>();
  return items.map((item, index) => {
    const alone = groups.get(item.name)?.length === 1;
    if (alone || isNamed(Array.isArray(raw) ? raw[index] : undefined)) return item;
    const base = `${item.name}-${item.address === "" ? "all" : item.address}`;
    let name = base;
    for (let count = 2; taken.has(name); count++) name = `${base}-${count}`;
    taken.add(name);
    return { ...item, name };
  });
}

function isNamed(raw: unknown): boolean {
  return typeof raw === "object" && raw !== null && "name" in raw && raw.name !== "";
}
