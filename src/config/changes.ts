/** What a new configuration changes, and which of it has to wait for the next start. */
import { describeConfig, type SectionInfo } from "./describe.ts";
import type { GivenConfig } from "./schema.ts";

export interface ConfigChanges {
  /** Options in force at once: `broker.max_qos`, `listener[0].max_qos`. */
  readonly now: readonly string[];
  /** Options that take effect when Midge is started again. */
  readonly later: readonly string[];
}

/** Compares what files say, so that an option that others fall back on is told once. */
export function changesBetween(before: GivenConfig, after: GivenConfig): ConfigChanges {
  const changes = { now: [], later: [] };
  for (const section of describeConfig()) {
    compare(section, section.path, tableOf(before), tableOf(after), changes);
  }
  return changes;
}

interface Changes {
  readonly now: string[];
  readonly later: string[];
}

type Table = Readonly<Record<string, unknown>>;

/** `place` is how the section is called; `before` and `after` are the tables that it is in. */
function compare(
  section: SectionInfo,
  place: string,
  before: Table,
  after: Table,
  changes: Changes,
): void {
  const key = section.path.slice(section.path.lastIndexOf(".") + 1);
  if (!section.repeated) {
    compareTables(section, place, tableOf(before[key]), tableOf(after[key]), changes);
    return;
  }
  const [old, fresh] = [listOf(before[key]), listOf(after[key])];
  if (old.length !== fresh.length) {
    const later = section.options.some(({ restart }) => restart === true);
    (later ? changes.later : changes.now).push(`[[${section.path}]]`);
    return;
  }
  for (const [index, table] of fresh.entries()) {
    compareTables(section, `${place}[${index}]`, tableOf(old[index]), tableOf(table), changes);
  }
}

function compareTables(
  section: SectionInfo,
  place: string,
  before: Table,
  after: Table,
  changes: Changes,
): void {
  for (const { key, restart } of section.options) {
    if (JSON.stringify(before[key]) === JSON.stringify(after[key])) continue;
    (restart === true ? changes.later : changes.now).push(`${place}.${key}`);
  }
  for (const inner of section.sections) {
    const name = inner.path.slice(inner.path.lastIndexOf(".") + 1);
    compare(inner, `${place}.${name}`, before, after, changes);
  }
}

function tableOf(value: unknown): Table {
  return typeof value === "object" && value !== null ? (value as Table) : {};
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
