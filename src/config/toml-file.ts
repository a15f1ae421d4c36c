/** Reads a TOML document and remembers on which line each of its keys stands. */
import { parse, TomlError } from "smol-toml";
import { ConfigError } from "./config-error.ts";
import { formatPath, type Locate } from "./key-path.ts";
import { showKey } from "./show-value.ts";
import { lineOf, locateKeys } from "./toml-locator.ts";
import type { RawTable } from "./validate.ts";

/** What a file says, not yet checked against the schema. */
export interface RawConfig {
  readonly raw: RawTable;
  readonly locate: Locate;
}

/** Throws ConfigError where the text is no TOML. */
export function readToml(text: string, file: string): RawConfig {
  const raw = parseToml(text, file);
  // Only errors need lines, and most files have none.
  let lines: ReadonlyMap<string, number> | undefined;
  const locate: Locate = (path) => {
    lines ??= locateKeys(text);
    return { file, line: lineOf(lines, path), key: showKey(formatPath(path)) };
  };
  return { raw, locate };
}

function parseToml(text: string, file: string): RawTable {
  try {
    return parse(text);
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    const [first = ""] = error.message.split("\n");
    const cause = first.replace(/^Invalid TOML document: /, "");
    const message = `${showKey(cause)} (column ${error.column})`;
    throw new ConfigError([{ file, line: error.line, key: "", message }]);
  }
}
