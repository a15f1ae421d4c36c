/** `midge run`: the gateway as a process, with Mosquitto's words on the command line and its signals. */
import { spawn } from "node:child_process";
import { Command, InvalidArgumentError } from "commander";
import { ConfigError, formatProblem, type Problem } from "../config/config-error.ts";
import { loadConfig } from "../config/load.ts";
import type { Config } from "../config/schema.ts";
import type { Log } from "../seams/log.ts";
import { type LogOptions, ProcessLog } from "../system/log.ts";
import { RealTime } from "../system/real-time.ts";

/** What `midge run` drives; the composition root builds it. */
export interface RunningMidge {
  readonly endpoints: readonly { readonly what: string; readonly where: string }[];
  start(): Promise<void>;
  stop(): Promise<void>;
  reconfigure(config: Config): void;
}

export interface RunParts {
  readonly config: Config;
  readonly log: Log;
  readonly time: RealTime;
}

export type Build = (parts: RunParts) => RunningMidge;

interface RunOptions {
  readonly config?: string | undefined;
  readonly port?: number | undefined;
  readonly verbose?: boolean | undefined;
  readonly testConfig?: boolean | undefined;
  readonly daemon?: boolean | undefined;
  readonly demo?: boolean | undefined;
}

const EXIT_FAILURE = 1;
const EXIT_CONFIG = 3;
/** A part that does not stop must not keep the process; the supervisor's patience is longer. */
const STOP_TIMEOUT = 1500;

export function command(build: Build): Command {
  return new Command("run")
    .description("run the gateway until it is interrupted")
    .option(
      "-c, --config <file>",
      "configuration: TOML, or mosquitto.conf if its name ends in .conf",
    )
    .option("-p, --port <port>", "serve MQTT on this port, if the file has no listeners", parsePort)
    .option("-v, --verbose", "log everything")
    .option("-d, --daemon", "not supported: let systemd or a container run Midge")
    .option("--test-config", "check the configuration and exit")
    .option("--demo", "run simulated MQTT-SN nodes as well, to have something to see")
    .addHelpText(
      "after",
      `
Without a file everything has its default: MQTT on 1883, MQTT-SN on UDP 1884, the dashboard on
http://127.0.0.1:8080/, for this machine only. config/midge.toml documents all options.
SIGINT and SIGTERM stop Midge, SIGHUP has it read its configuration again.`,
    )
    .action((options: RunOptions) => run(build, options));
}

function parsePort(text: string): number {
  const port = Number(text);
  if (!Number.isInteger(port) || port < 1 || port > 65535) {
    throw new InvalidArgumentError("A port is a number from 1 to 65535.");
  }
  return port;
}

async function run(build: Build, options: RunOptions): Promise<void> {
  if (options.daemon === true) {
    process.stderr.write("midge: -d is not supported; let systemd run `midge run` (Type=exec).\n");
    process.exitCode = EXIT_FAILURE;
    return;
  }
  const loaded = load(options);
  if (loaded === undefined) {
    process.exitCode = EXIT_CONFIG;
    return;
  }
  if (options.testConfig === true) {
    process.stdout.write("Configuration file is OK.\n");
    return;
  }
  await serve(build, options, loaded);
}

function load({ config, port, verbose }: RunOptions): Config | undefined {
  try {
    const loaded = loadConfig({ file: config, overrides: { ports: port === undefined ? [] : [port], verbose } });
    tell(loaded.warnings, "Warning: ");
    return loaded.config;
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    tell(error.problems, "Error: ");
    return undefined;
  }
}

function tell(problems: readonly Problem[], prefix: string): void {
  for (const problem of problems) process.stderr.write(`${prefix}${formatProblem(problem)}\n`);
}

async function serve(build: Build, options: RunOptions, config: Config): Promise<void> {
  // A log that is piped into something which ended is no reason to end as well.
  process.stdout.on("error", () => {});
  process.stderr.on("error", () => {});
  const log = new ProcessLog(logOptions(config));
  const midge = build({ config, log, time: new RealTime() });
  let demo: (() => void) | undefined;
  const stop = (): void => {
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.off(signal, stop);
    log.info("Midge is stopping.");
    demo?.();
    setTimeout(() => process.exit(0), STOP_TIMEOUT).unref();
    void midge.stop().then(() => {
      log.info("Midge has stopped.");
      log.flush(() => process.exit(0));
    });
  };
  try {
    await midge.start();
  } catch (error) {
    if ((error as { code?: unknown }).code === undefined) throw error;
    log.error((error as Error).message);
    process.exitCode = EXIT_FAILURE;
    return;
  }
  process.on("SIGINT", stop);
  process.on("SIGTERM", stop);
  process.on("SIGHUP", () => reload(midge, options, log));
  log.info("Midge is ready.");
  for (const { what, where } of midge.endpoints) log.info(`  ${what.padEnd(20)} ${where}`);
  if (options.demo === true) demo = startDemo(config, log);
}

/** A configuration that has become wrong is told, and the one in force stays. */
function reload(midge: RunningMidge, options: RunOptions, log: ProcessLog): void {
  log.info("Reloading the configuration.");
  try {
    const { config, port, verbose } = options;
    const loaded = loadConfig({ file: config, overrides: { ports: port === undefined ? [] : [port], verbose } });
    for (const problem of loaded.warnings) log.warn(formatProblem(problem));
    log.setLevel(logOptions(loaded.config).level);
    midge.reconfigure(loaded.config);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    for (const problem of error.problems) log.error(formatProblem(problem));
    log.error("The configuration in force stays as it was.");
  }
}

function logOptions({ log }: Config): LogOptions {
  const types: readonly string[] = log.log_type;
  const [first = "stdout"] = log.log_dest;
  return {
    level: types.includes("all") || types.includes("debug") ? "debug" : "info",
    destination: first.replace(/^file /, ""),
    format: log.format,
  };
}

/** Simulated nodes in a process of their own, speaking to the first UDP link; answers how to end them. */
function startDemo(config: Config, log: Log): () => void {
  const [link] = config.link;
  if (link === undefined || !config.gateway.enabled) {
    log.warn("--demo needs the gateway and a UDP link, and there is none.");
    return () => {};
  }
  const host = link.address === "" || link.address === "0.0.0.0" ? "127.0.0.1" : link.address;
  const program = process.argv[1] as string;
  const words = ["simulate", "--demo", "--host", host, "--port", String(link.port)];
  const child = spawn(process.execPath, [program, ...words], {
    stdio: ["ignore", "ignore", "inherit"],
  });
  child.on("error", (error) => log.warn(`--demo: ${error.message}`));
  log.info(
    "  Demo                 a weather station, a door sensor and a tank level are on their way",
  );
  return () => child.kill("SIGINT");
}
