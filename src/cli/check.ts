/** `midge check`: says whether a configuration is valid, and writes the example file. */
import { Command } from "commander";
import { ConfigError, formatProblem, type Problem } from "../config/config-error.ts";
import { exampleFile } from "../config/example.ts";
import { loadConfig } from "../config/load.ts";
import { optionsTable } from "../config/options-table.ts";

/** What the program ends with where the configuration is at fault. */
const EXIT_CONFIG = 3;

interface CheckOptions {
  readonly config?: string | undefined;
  readonly example?: boolean | undefined;
  readonly optionsTable?: boolean | undefined;
}

export function command(): Command {
  const check = new Command("check")
    .description("check a configuration file, and tell all that is wrong with it")
    .option("-c, --config <file>", "the file: TOML, or mosquitto.conf if its name ends in .conf")
    .option("--example", "write an example file with every option and its default")
    .action((options: CheckOptions) => run(options));
  return check.addOption(check.createOption("--options-table").hideHelp());
}

function run(options: CheckOptions): void {
  if (options.example === true) process.stdout.write(exampleFile());
  else if (options.optionsTable === true) process.stdout.write(`${optionsTable()}\n`);
  else check(options.config);
}

function check(file: string | undefined): void {
  try {
    const { warnings, advice } = loadConfig({ file, files: "first" });
    tell(warnings, "warning: ");
    tell(advice, "advice: ");
    const verdict =
      file === undefined ? "No file given: the defaults are valid" : `${file} is valid`;
    process.stdout.write(`${verdict}\n`);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    tell(error.problems, "");
    process.exitCode = EXIT_CONFIG;
  }
}

function tell(problems: readonly Problem[], prefix: string): void {
  for (const problem of problems) process.stderr.write(`${prefix}${formatProblem(problem)}\n`);
}
