/** A file of options, one on a line with its value, as Mosquitto's clients take it with -o. */
import { readFileSync } from "node:fs";
import { type Command, CommanderError } from "commander";
import { CommandFailure } from "./exit-codes.ts";

/**
 * Takes the options of `file` into `command`, where its command line does not say otherwise. `known`: a
 * command that has the options that may stand in a file. Throws CommandFailure with file and line.
 */
export function takeOptionsFile(command: Command, file: string, known: () => Command): void {
  for (const [index, line] of readLines(file).entries()) {
    const words = wordsOf(line);
    if (words === undefined) continue;
    const where = `${file}:${index + 1}`;
    const read = parse(known(), words, where);
    for (const option of read.options) {
      const name = option.attributeName();
      if (read.getOptionValueSource(name) !== "cli") continue;
      if (command.getOptionValueSource(name) === "cli") continue;
      command.setOptionValueWithSource(name, read.getOptionValue(name), "config");
    }
  }
}

function readLines(file: string): string[] {
  try {
    return readFileSync(file, "utf8").split(/\r?\n/);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const why = code === "ENOENT" ? "there is no such file" : message;
    throw new CommandFailure(`Cannot read the options in ${file}: ${why}.`);
  }
}

/** The option and its value, which may have blanks in it; undefined for comments and empty lines. */
function wordsOf(line: string): string[] | undefined {
  const text = line.trim();
  if (text === "" || text.startsWith("#")) return undefined;
  const blank = text.search(/\s/);
  if (blank < 0) return [text];
  const value = text.slice(blank).trimStart();
  // Attached to a long option, a value may begin with a dash.
  const option = text.slice(0, blank);
  return option.startsWith("--") ? [`${option}=${value}`] : [option, value];
}

function parse(command: Command, words: readonly string[], where: string): Command {
  const [first = ""] = words;
  if (!first.startsWith("-")) {
    throw new CommandFailure(`${where}: expected an option such as -h, got ${first}.`);
  }
  const silent = { writeErr: () => {}, writeOut: () => {} };
  try {
    return command
      .exitOverride()
      .configureOutput(silent)
      .parse([...words], { from: "user" });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    throw new CommandFailure(`${where}: ${error.message.replace(/^error: /, "")}`);
  }
}
