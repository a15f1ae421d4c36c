/** Keeps apart the listeners and links that were given no name and share a port. */
import type { Config } from "./schema.ts";
import type { RawTable } from "./validate.ts";

interface Named {
  readonly name: string;
  readonly address: string;
}

/** With the address in those automatic names that would be the same otherwise. */
export function withNamesApart(config: Config, raw: RawTable): Config {
  return {
    ...config,
    listener: apart(config.listener, raw.listener),
    link: apart(config.link, raw.link),
  };
}

function apart<Item extends Named>(items: readonly Item[], raw: unknown): Item[] {
  const groups = Map.groupBy(items, (item) => item.name);
  return items.map((item, index) => {
    const alone = groups.get(item.name)?.length === 1;
    if (alone || isNamed(Array.isArray(raw) ? raw[index] : undefined)) return item;
    return { ...item, name: `${item.name}-${item.address === "" ? "all" : item.address}` };
  });
}

function isNamed(raw: unknown): boolean {
  return typeof raw === "object" && raw !== null && "name" in raw && raw.name !== "";
}
