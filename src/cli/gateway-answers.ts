/** What `midge ctrl gateway` prints of answers: a line for each node, tabs between its columns. */
import { field, isObject, type JsonObject, listField, textField } from "../control/json-fields.ts";

export const GATEWAY_ANSWERS: Readonly<Record<string, (data: JsonObject) => string[]>> = {
  listcandidates: (data) =>
    rows(data, "candidates", (it) => [
      textField(it, "clientid"),
      `${textField(it, "link")}/${textField(it, "address")}`,
      `seen ${textField(it, "lastSeen")}`,
      `attempts ${field(it, "attempts")}`,
    ]),
  listdecisions: (data) =>
    rows(data, "decisions", (it) => [
      textField(it, "clientid"),
      textField(it, "decision"),
      textField(it, "link"),
    ]),
  listnodes: (data) => (listField(data, "nodes") ?? []).map(String),
  getnode: (data) => described(field(data, "node")),
  getpairing: described,
  openpairing: described,
  listpredefinedtopics: (data) =>
    rows(data, "topics", (it) => [
      String(field(it, "id")),
      textField(it, "name"),
      textField(it, "node") === "" ? "*" : textField(it, "node"),
      textField(it, "source"),
    ]),
};

function rows(
  data: JsonObject,
  list: string,
  columns: (it: JsonObject) => readonly (string | undefined)[],
): string[] {
  const items = (listField(data, list) ?? []).filter(isObject);
  return items.map((it) =>
    columns(it)
      .filter((column) => column !== undefined)
      .join("\t"),
  );
}

function described(it: unknown): string[] {
  if (!isObject(it)) return [];
  return Object.entries(it).map(([name, value]) => {
    const text = typeof value === "object" ? JSON.stringify(value) : String(value);
    return `${name}: ${text}`;
  });
}
