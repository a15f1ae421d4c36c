/** `midge run`: the gateway as a process, with Mosquitto's words on the command line. */
import { Command, InvalidArgumentError } from "commander";
import { ConfigError, formatProblem, type Problem } from "../config/config-error.ts";
import { type Loaded, type LoadOptions, loadConfig } from "../config/load.ts";
import type { Config } from "../config/schema.ts";
import { checkAccessFiles } from "./check-access.ts";
import { goToBackground, isInBackground, leaveTerminal } from "./daemon.ts";
import { type Build, serve, takeOverSignals } from "./serve.ts";

interface RunOptions {
  readonly config?: string | undefined;
  readonly configFile?: string | undefined;
  readonly port: readonly number[];
  readonly quiet?: boolean | undefined;
  readonly verbose?: boolean | undefined;
  readonly testConfig?: boolean | undefined;
  readonly daemon?: boolean | undefined;
  readonly demo?: boolean | undefined;
}

const EXIT_CONFIG = 3;

/** `loadBuild` is called once the configuration is known to be right: mistakes are told sooner. */
export function command(loadBuild: () => Promise<Build>): Command {
  const run = new Command("run")
    .description("run the gateway until it is interrupted")
    .option(
      "-c, --config <file>",
      "configuration: TOML, or mosquitto.conf if its name ends in .conf",
    )
    .option(
      "-p, --port <port>",
      "serve MQTT on this port, if the file has no listeners; may be given several times",
      addPort,
      [],
    )
    .option("-q, --quiet", "log nothing")
    .option("-v, --verbose", "log everything")
    .option("-d, --daemon", "go on in the background once it runs; systemd needs no such thing")
    .option("--test-config", "check the configuration and exit")
    .option("--demo", "run simulated MQTT-SN nodes as well, to have something to see")
    .addHelpText(
      "after",
      `
Without a file everything has its default: MQTT on 1883, MQTT-SN on UDP 1884, the dashboard on
http://127.0.0.1:8080/, for this machine only. config/midge.toml documents all options.
SIGINT and SIGTERM stop Midge. SIGHUP has it read its configuration, certificates and users again,
and open its log file anew; SIGUSR1 writes what is to survive a restart at once; SIGUSR2 logs all
subscriptions.`,
    )
    .action((options: RunOptions) => action(loadBuild, options));
  // Mosquitto's name of -c.
  return run.addOption(run.createOption("--config-file <file>").hideHelp());
}

function addPort(text: string, before: readonly number[]): readonly number[] {
  const port = Number(text);
  if (!Number.isInteger(port) || port < 1 || port > 65535) {
    throw new InvalidArgumentError("A port is a number from 1 to 65535.");
  }
  return [...before, port];
}

async function action(loadBuild: () => Promise<Build>, options: RunOptions): Promise<void> {
  if (options.testConfig === true && (options.config ?? options.configFile) === undefined) {
    process.stderr.write("midge: --test-config needs the file to test: -c FILE\n");
    process.exitCode = EXIT_CONFIG;
    return;
  }
  takeOverSignals();
  const loaded = load(options);
  if (loaded === undefined) {
    process.exitCode = EXIT_CONFIG;
    return;
  }
  if (options.testConfig === true) {
    test(loaded.config);
    return;
  }
  const background = options.daemon === true && isInBackground();
  if (options.daemon === true && !background) {
    process.exitCode = await goToBackground();
    return;
  }
  const reload = () => loadConfig({ ...loadOptions(options), files: "again" });
  const ready = background ? leaveTerminal : () => {};
  await serve(await loadBuild(), { loaded, reload, demo: options.demo === true, ready });
}

/** What `--test-config` says of a configuration that is right in itself. */
function test(config: Config): void {
  const { problems, warnings } = checkAccessFiles(config);
  for (const line of warnings) process.stderr.write(`Warning: ${line}\n`);
  for (const line of problems) process.stderr.write(`Error: ${line}\n`);
  if (problems.length > 0) process.exitCode = EXIT_CONFIG;
  else process.stdout.write("Configuration file is OK.\n");
}

function loadOptions({ config, configFile, port, verbose, quiet }: RunOptions): LoadOptions {
  return { file: config ?? configFile, overrides: { ports: port, verbose, quiet } };
}

function load(options: RunOptions): Loaded | undefined {
  try {
    const loaded = loadConfig({ ...loadOptions(options), files: "first" });
    // Whoever started this one in the background has told them.
    if (!isInBackground()) tell(loaded.warnings, "Warning: ");
    return loaded;
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    tell(error.problems, "Error: ");
    return undefined;
  }
}

function tell(problems: readonly Problem[], prefix: string): void {
  for (const problem of problems) process.stderr.write(`${prefix}${formatProblem(problem)}\n`);
}
