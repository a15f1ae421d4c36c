/** The configuration schema as plain data: what the example, the table of options and pages show. */
import type * as v from "valibot";
import { getDefault, getMetadata } from "valibot";
import { type FieldInfo, fieldInfo } from "./fields.ts";
import { ConfigSchema } from "./schema.ts";

export interface OptionInfo extends FieldInfo {
  readonly key: string;
  /** With its sections: `bridge.topic.pattern`. */
  readonly path: string;
  /** Undefined if there is none, or none that is fixed: see `defaultText`. */
  readonly default: unknown;
  readonly required: boolean;
}

export interface SectionInfo {
  /** `broker`, `bridge.topic`. */
  readonly path: string;
  /** Given any number of times, as `[[...]]`. */
  readonly repeated: boolean;
  readonly description: string;
  readonly options: readonly OptionInfo[];
  readonly sections: readonly SectionInfo[];
}

/** The schemas of a table's keys; undefined if the schema is none of a table. */
export function tableEntries(schema: v.GenericSchema): v.ObjectEntries | undefined {
  return schema.type === "object" && "entries" in schema
    ? (schema.entries as v.ObjectEntries)
    : undefined;
}

/** The schema of one `[[...]]` section; undefined if the schema is none of such a list. */
export function sectionItem(schema: v.GenericSchema): v.GenericSchema | undefined {
  if (schema.type !== "array" || !("item" in schema)) return undefined;
  const item = schema.item as v.GenericSchema;
  return tableEntries(item) === undefined ? undefined : item;
}

/** Without the wrapper that says that a key may be left out. */
export function unwrap(schema: v.GenericSchema): v.GenericSchema {
  return schema.type === "optional" && "wrapped" in schema
    ? (schema.wrapped as v.GenericSchema)
    : schema;
}

/** All sections that users may write, in the order of the schema. */
export function describeConfig(): readonly SectionInfo[] {
  return sectionsOf(ConfigSchema.entries as v.ObjectEntries, "");
}

/** All options of all sections, nested ones included. */
export function allOptions(sections = describeConfig()): readonly OptionInfo[] {
  return sections.flatMap((section) => [...section.options, ...allOptions(section.sections)]);
}

function sectionsOf(entries: v.ObjectEntries, prefix: string): SectionInfo[] {
  return Object.entries(entries).flatMap(([key, wrapped]) => {
    const schema = unwrap(wrapped as v.GenericSchema);
    const item = sectionItem(schema);
    const table = item ?? schema;
    const own = tableEntries(table);
    if (own === undefined) return [];
    const path = prefix + key;
    const about = getMetadata(table as never) as { readonly description?: string };
    const section: SectionInfo = {
      path,
      repeated: item !== undefined,
      description: about.description ?? "",
      options: optionsOf(own, `${path}.`),
      sections: sectionsOf(own, `${path}.`),
    };
    return [section];
  });
}

function optionsOf(entries: v.ObjectEntries, prefix: string): OptionInfo[] {
  return Object.entries(entries).flatMap(([key, entry]) => {
    const schema = entry as v.GenericSchema;
    const info = fieldInfo(unwrap(schema));
    if (info === undefined || info.hidden === true) return [];
    const fixed = info.defaultText === undefined ? getDefault(schema) : undefined;
    const required = schema.type !== "optional";
    return [{ ...info, key, path: prefix + key, default: fixed, required }];
  });
}
