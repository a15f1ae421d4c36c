/** Checks what a file says against the schema, key by key, so that all mistakes are told at once. */
import * as v from "valibot";
import { describeConfig, type SectionInfo, sectionItem, tableEntries, unwrap } from "./describe.ts";
import { fieldInfo } from "./fields.ts";
import { formatPath, type KeyPath } from "./key-path.ts";
import { ConfigSchema, type GivenConfig } from "./schema.ts";
import { showValue } from "./show-value.ts";
import { suggest } from "./suggest.ts";

export type RawTable = Readonly<Record<string, unknown>>;

/** What is to be told about a key; `at` is where a reader looks for it. */
export interface Finding {
  readonly at: KeyPath;
  readonly message: string;
}

/** A `[[...]]` section that is right in itself, with its index in the file. */
export interface Placed<T> {
  readonly index: number;
  readonly value: T;
}

/** What is right in itself, though other parts may not be. */
export type ValidParts = {
  readonly [Section in keyof GivenConfig]: GivenConfig[Section] extends readonly (infer Item)[]
    ? readonly Placed<Item>[]
    : GivenConfig[Section] | undefined;
};

export interface Validation {
  readonly findings: readonly Finding[];
  readonly parts: ValidParts;
}

const SECTIONS = describeConfig();
const MOST_EXPLAINED = 100;
/** No line of a message is to be longer than anyone reads. */
const MOST_LISTED = 15;

export function validate(raw: RawTable): Validation {
  const findings: Finding[] = [];
  const entries = ConfigSchema.entries as v.ObjectEntries;
  checkUnknown(entries, raw, [], findings);
  const parts: Record<string, unknown> = {};
  for (const [name, entry] of Object.entries(entries)) {
    const given = Object.hasOwn(raw, name) ? raw[name] : v.getDefault(entry as v.GenericSchema);
    const schema = unwrap(entry as v.GenericSchema);
    const item = sectionItem(schema);
    parts[name] =
      item === undefined
        ? checkTable(schema, given, [name], findings)
        : checkList(item, given, [name], findings);
  }
  return { findings, parts: parts as unknown as ValidParts };
}

/** The whole configuration of a file in which nothing is wrong. */
export function assemble(raw: RawTable): GivenConfig {
  return v.parse(ConfigSchema, raw);
}

/** The value of the table if all is right with it. */
function checkTable(schema: v.GenericSchema, raw: unknown, at: KeyPath, findings: Finding[]) {
  if (!isTable(raw)) {
    const name = formatPath(at.filter((step) => typeof step === "string"));
    const message = Array.isArray(raw)
      ? `expected one section: write [${name}] with single brackets, and only once`
      : `expected a section [${name}], got ${showValue(raw)}`;
    findings.push({ at, message });
    return undefined;
  }
  const before = findings.length;
  const entries = tableEntries(schema) ?? {};
  checkUnknown(entries, raw, at, findings);
  for (const [key, entry] of Object.entries(entries)) {
    const path = [...at, key];
    const field = entry as v.GenericSchema;
    const item = sectionItem(unwrap(field));
    if (!Object.hasOwn(raw, key)) {
      if (field.type !== "optional") findings.push({ at, message: missing(key, field) });
    } else if (item !== undefined) {
      checkList(item, raw[key], path, findings);
    } else {
      checkField(field, raw[key], path, findings);
    }
  }
  return findings.length === before ? v.parse(schema, raw) : undefined;
}

/** The values of those sections that are right. */
function checkList(item: v.GenericSchema, raw: unknown, at: KeyPath, findings: Finding[]) {
  if (!Array.isArray(raw)) {
    const name = formatPath(at.filter((step) => typeof step === "string"));
    const message = isTable(raw)
      ? `expected a list of sections: write [[${name}]] with double brackets`
      : `expected sections [[${name}]], got ${showValue(raw)}`;
    findings.push({ at, message });
    return [];
  }
  return raw.flatMap((one: unknown, index): Placed<unknown>[] => {
    const value = checkTable(item, one, [...at, index], findings);
    return value === undefined ? [] : [{ index, value }];
  });
}

function checkField(schema: v.GenericSchema, raw: unknown, at: KeyPath, findings: Finding[]): void {
  const result = v.safeParse(schema, raw, { abortPipeEarly: true });
  for (const issue of result.issues ?? []) {
    const inside = (issue.path ?? []).map((step) => step.key as string | number);
    findings.push({ at: [...at, ...inside], message: issue.message });
  }
}

function missing(key: string, schema: v.GenericSchema): string {
  return `${key} is missing; expected ${fieldInfo(schema)?.expected ?? "a value"}`;
}

function checkUnknown(
  entries: v.ObjectEntries,
  raw: RawTable,
  at: KeyPath,
  findings: Finding[],
): void {
  const known = Object.keys(entries).filter((key) => !isHidden(entries[key] as v.GenericSchema));
  for (const key of Object.keys(raw)) {
    if (known.includes(key)) continue;
    // A file of the wrong kind altogether has many of these, and looking for what was meant costs.
    const message = findings.length < MOST_EXPLAINED ? unknown(key, known) : "unknown key";
    findings.push({ at: [...at, key], message });
  }
}

function unknown(key: string, known: readonly string[]): string {
  const near = suggest(key, known);
  if (near !== undefined) return `unknown key; did you mean ${near}?`;
  const homes = sectionsWith(key, SECTIONS);
  if (homes.length > 0) return `unknown key here; it belongs to ${homes.join(" or ")}`;
  if (known.length > MOST_LISTED) return "unknown key; `midge check --example` shows all";
  return `unknown key; known here are ${known.join(", ")}`;
}

/** The sections that have this key, in brackets. */
function sectionsWith(key: string, sections: readonly SectionInfo[]): string[] {
  return sections.flatMap((section) => {
    const name = section.repeated ? `[[${section.path}]]` : `[${section.path}]`;
    const own = section.options.some((option) => option.key === key) ? [name] : [];
    return [...own, ...sectionsWith(key, section.sections)];
  });
}

function isHidden(schema: v.GenericSchema): boolean {
  return fieldInfo(unwrap(schema))?.hidden === true;
}

export function isTable(raw: unknown): raw is RawTable {
  return typeof raw === "object" && raw !== null && !Array.isArray(raw) && !(raw instanceof Date);
}
