/** `midge check`: says whether a configuration is valid, and writes the example file. */
import { Command } from "commander";
import { ConfigError, formatProblem } from "../config/config-error.ts";
import { exampleFile } from "../config/example.ts";
import { loadConfig } from "../config/load.ts";
import { optionsTable } from "../config/options-table.ts";
import { checkAccessFiles } from "./check-access.ts";

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
    const { config, warnings, advice } = loadConfig({ file, files: "first" });
    const access = checkAccessFiles(config);
    tell(warnings.map(formatProblem), "warning: ");
    tell(access.warnings, "warning: ");
    tell(advice.map(formatProblem), "advice: ");
    if (access.problems.length > 0) {
      tell(access.problems, "");
      process.exitCode = EXIT_CONFIG;
      return;
    }
    const verdict =
      file === undefined ? "No file given: the defaults are valid" : `${file} is valid`;
    process.stdout.write(`${verdict}\n`);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    tell(error.problems.map(formatProblem), "");
    process.exitCode = EXIT_CONFIG;
  }
}

function tell(lines: readonly string[], prefix: string): void {
  for (const line of lines) process.stderr.write(`${prefix}${line}\n`);
}
