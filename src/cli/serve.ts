/** The gateway as a process: starts it, and does what signals ask for until it is to stop. */
import { type ConfigChanges, changesBetween } from "../config/changes.ts";
import { ConfigError, formatProblem } from "../config/config-error.ts";
import type { Loaded } from "../config/load.ts";
import type { Config, GivenConfig } from "../config/schema.ts";
import type { Log } from "../seams/log.ts";
import { ProcessLog } from "../system/log.ts";
import { writePidFile } from "../system/pid-file.ts";
import { Privileges } from "../system/privileges.ts";
import { RealTime } from "../system/real-time.ts";
import { startDemo } from "./demo.ts";

/** What `midge run` drives; the composition root builds it. */
export interface RunningMidge {
  readonly endpoints: readonly { readonly what: string; readonly where: string }[];
  start(): Promise<void>;
  stop(): Promise<void>;
  /** Puts a new configuration into force as far as it can be without a restart, and logs the rest. */
  reconfigure(config: Config, changes: ConfigChanges): void;
  /** Has everything that is to survive a restart written now. */
  save(): Promise<void>;
  /** All subscriptions, as lines for the log. */
  describe(): Iterable<string>;
  /** Publishes in the broker's own name. */
  announce(topic: string, payload: Uint8Array): void;
}

export interface RunParts {
  readonly config: Config;
  readonly log: Log;
  readonly time: RealTime;
  /** Opens ports and keys with the rights that this needs. */
  readonly privileged: <T>(action: () => Promise<T>) => Promise<T>;
}

export type Build = (parts: RunParts) => RunningMidge;

export interface ServeOptions {
  readonly loaded: Loaded;
  /** Reads the configuration again; throws ConfigError. */
  readonly reload: () => Loaded;
  readonly demo: boolean;
  /** Called once everything runs. */
  readonly ready: () => void;
}

const EXIT_FAILURE = 1;
const EXIT_CONFIG = 3;
/** Errors by which the configuration is to blame, though it shows at the start only. */
const OF_CONFIGURATION: ReadonlySet<unknown> = new Set([
  "MIDGE_ACCESS_INVALID",
  "MIDGE_PLUGIN_FAILED",
  "MIDGE_USER_UNUSABLE",
]);
/** A part that does not stop must not keep the process; the supervisor's patience is longer. */
const STOP_TIMEOUT = 1500;

/**
 * Node starts its debugger on SIGUSR1 unless somebody listens, and signals that are to be obeyed
 * later must not end the process before; to be called as early as can be.
 */
export function takeOverSignals(): void {
  for (const signal of ["SIGHUP", "SIGUSR1", "SIGUSR2"] as const) process.on(signal, () => {});
}

export async function serve(build: Build, options: ServeOptions): Promise<void> {
  const { config, file } = options.loaded;
  // A log that is piped into something which ended is no reason to end as well.
  process.stdout.on("error", () => {});
  process.stderr.on("error", () => {});
  let log: ProcessLog;
  let privileges: Privileges;
  try {
    privileges = new Privileges(config.process.user);
    privileges.lower();
    log = await ProcessLog.open(config.log);
  } catch (error) {
    fail(error, (text) => process.stderr.write(`Error: ${text}\n`));
    return;
  }
  if (file !== undefined) log.info(`Config loaded from ${file}.`);
  const midge = build({
    config,
    log,
    time: new RealTime(),
    privileged: (action) => privileges.asRoot(action),
  });
  let removePidFile = () => {};
  try {
    await midge.start();
    removePidFile = await privileges.asRoot(async () => writePidFile(config.process.pid_file));
    privileges.drop();
  } catch (error) {
    fail(error, (text) => log.error(text));
    await midge.stop();
    log.close(() => {});
    return;
  }
  if (process.geteuid?.() === 0) log.warn("Midge should not be run as root.");
  log.publishBy((topic, line) => midge.announce(topic, line));
  let endDemo = () => {};
  obeySignals(midge, log, options, () => {
    endDemo();
    removePidFile();
  });
  log.info("Midge is ready.");
  for (const { what, where } of midge.endpoints) log.info(`  ${what.padEnd(20)} ${where}`);
  options.ready();
  if (options.demo) endDemo = startDemo(config, log);
}

/** Tells what has a stable code, which is an error of operation; the rest is a bug. */
function fail(error: unknown, tell: (text: string) => void): void {
  const { code } = error as { readonly code?: unknown };
  if (code === undefined) throw error;
  for (const line of (error as Error).message.split("\n")) tell(line);
  process.exitCode = OF_CONFIGURATION.has(code) ? EXIT_CONFIG : EXIT_FAILURE;
}

function obeySignals(
  midge: RunningMidge,
  log: ProcessLog,
  options: ServeOptions,
  beforeEnd: () => void,
): void {
  const stop = (): void => {
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.off(signal, stop);
    log.info("Midge is stopping.");
    beforeEnd();
    log.publishBy(undefined);
    setTimeout(() => process.exit(0), STOP_TIMEOUT).unref();
    void midge.stop().then(() => {
      log.info("Midge has stopped.");
      log.close(() => process.exit(0));
    });
  };
  process.on("SIGINT", stop);
  process.on("SIGTERM", stop);
  let { given } = options.loaded;
  process.on("SIGHUP", () => {
    given = reload(midge, options, given, log);
  });
  process.on("SIGUSR1", () => save(midge, log));
  process.on("SIGUSR2", () => describe(midge, log));
}

/** A configuration that has become wrong is told, and the one in force stays. Answers what is. */
function reload(
  midge: RunningMidge,
  options: ServeOptions,
  before: GivenConfig,
  log: ProcessLog,
): GivenConfig {
  log.info("Reloading the configuration.");
  try {
    const { config, given, warnings } = options.reload();
    log.reconfigure(config.log);
    for (const problem of warnings) log.warn(formatProblem(problem));
    midge.reconfigure(config, changesBetween(before, given));
    return given;
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    for (const problem of error.problems) log.error(formatProblem(problem));
    log.error("The configuration in force stays as it was.");
    log.reopen();
    return before;
  }
}

function save(midge: RunningMidge, log: Log): void {
  midge.save().then(
    () => log.info("Everything is saved."),
    (error: Error) => log.error(`cannot save: ${error.message}`),
  );
}

/** Lines for each turn of the event loop, so that others have theirs. */
const LINES_A_TURN = 500;

function describe(midge: RunningMidge, log: Log): void {
  const lines = midge.describe()[Symbol.iterator]();
  const some = (): void => {
    for (let count = 0; count < LINES_A_TURN; count++) {
      const next = lines.next();
      if (next.done === true) return;
      log.notice(next.value);
    }
    setImmediate(some);
  };
  some();
}
