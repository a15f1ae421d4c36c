/** What the gateway's management commands are given, read from JSON. */
import { field, type JsonObject, textField } from "../control/json-fields.ts";

/** A part of a longer list. */
export interface Page {
  readonly offset: number;
  readonly count: number;
}

/** The longest list that one answer brings. */
const MOST_LISTED = 1000;

/** The ClientId that a command is about; undefined where it names none. */
export function clientIdIn(parameters: JsonObject): string | undefined {
  const clientId = textField(parameters, "clientid");
  return clientId === "" ? undefined : clientId;
}

/** A text that may be left out; undefined where there is something else in its place. */
export function optionalText(parameters: JsonObject, name: string): string | undefined {
  const value = field(parameters, name) ?? "";
  return typeof value === "string" ? value : undefined;
}

/** `count` and `offset`, of which either may be left out. */
export function pageIn(parameters: JsonObject): Page {
  const offset = wholeIn(parameters, "offset") ?? 0;
  const count = wholeIn(parameters, "count") ?? MOST_LISTED;
  return { offset: Math.max(0, offset), count: count < 0 ? MOST_LISTED : count };
}

/** A whole number; undefined where there is none. */
export function wholeIn(parameters: JsonObject, name: string): number | undefined {
  const value = field(parameters, name);
  return typeof value === "number" && Number.isSafeInteger(value) ? value : undefined;
}

/** The part of `items` that a page stands for. */
export function pageOf<Item>(items: Iterable<Item>, { offset, count }: Page): Item[] {
  const page: Item[] = [];
  let at = 0;
  for (const item of items) {
    if (page.length >= Math.min(count, MOST_LISTED)) break;
    if (at++ >= offset) page.push(item);
  }
  return page;
}
