/** Which normative statements the titles of a folder's tests name. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

const TITLE = /\btest\(\s*(["'`])((?:\\.|(?!\1)[^\\])*)\1/gs;
const STATEMENT = /\[(MQTT-[\d.]+-\d+)\]/g;

/** The titles of all tests in a folder's files. */
export function titlesIn(folder: string): readonly string[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith(".test.ts"))
    .map((name) => readFileSync(join(folder, name), "utf8"))
    .flatMap((source) => [...source.matchAll(TITLE)].map(([, , title = ""]) => title));
}

/** Ids such as `MQTT-3.1.2-1`, each as it stands in brackets in a title. */
export function statementsNamedIn(folder: string): ReadonlySet<string> {
  return new Set(
    titlesIn(folder).flatMap((title) =>
      [...title.matchAll(STATEMENT)].map(([, id]) => id as string),
    ),
  );
}
