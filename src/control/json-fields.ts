/**
 * Reads JSON as Mosquitto's plugin does: names of fields in any case, and fields of the wrong type as
 * missing unless somebody insists.
 */

export type JsonObject = Readonly<Record<string, unknown>>;

export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The first field of this name, in whatever case it is written. */
export function field(object: JsonObject, name: string): unknown {
  if (Object.hasOwn(object, name)) return object[name];
  const wanted = name.toLowerCase();
  for (const key of Object.keys(object)) {
    if (key.length === name.length && key.toLowerCase() === wanted) return object[key];
  }
  return undefined;
}

export function textField(object: JsonObject, name: string): string | undefined {
  const value = field(object, name);
  return typeof value === "string" ? value : undefined;
}

export function flagField(object: JsonObject, name: string): boolean | undefined {
  const value = field(object, name);
  return typeof value === "boolean" ? value : undefined;
}

export function listField(object: JsonObject, name: string): readonly unknown[] | undefined {
  const value = field(object, name);
  return Array.isArray(value) ? value : undefined;
}

/** A number without its fraction; NaN and what is beyond all measure do not occur in JSON. */
export function wholeField(object: JsonObject, name: string, otherwise: number): number {
  const value = field(object, name);
  if (typeof value !== "number") return otherwise;
  return Math.max(-2_147_483_648, Math.min(2_147_483_647, Math.trunc(value)));
}

const LARGEST_PRIORITY = 100_000;

/** The `priority` field, within the limits that Mosquitto sets. */
export function priorityField(object: JsonObject, otherwise: number): number {
  const priority = wholeField(object, "priority", otherwise);
  return Math.max(-LARGEST_PRIORITY, Math.min(LARGEST_PRIORITY, priority));
}
