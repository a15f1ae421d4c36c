/** `midge simulate`: runs simulated MQTT-SN nodes against a gateway, to try it out or to load it. */
import { randomInt } from "node:crypto";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { Command, InvalidArgumentError, Option } from "commander";
import { ConfigError, formatProblem } from "../config/config-error.ts";
import type { QoS } from "../mqtt/qos.ts";
import { CommandFailure, Exit, runToExit } from "./exit-codes.ts";
import { parseQos, topicName, wholeNumber } from "./option-values.ts";
import { Fleet } from "./simulation/fleet.ts";
import { loadScenario, plainScenario, type Scenario } from "./simulation/scenario.ts";
import { seconds } from "./sn-option-values.ts";
import { resolveHost } from "./sn-transport.ts";

interface SimulateFlags {
  readonly host: string;
  readonly port: number;
  readonly scenario?: string | undefined;
  readonly demo?: boolean | undefined;
  readonly nodes?: number | undefined;
  /** Milliseconds. */
  readonly interval?: number | undefined;
  readonly qos?: QoS | undefined;
  readonly topic?: string | undefined;
  /** Seconds. */
  readonly sleep?: number | undefined;
  /** Milliseconds. */
  readonly rampUp?: number | undefined;
  /** Per cent. */
  readonly loss?: number | undefined;
  readonly duplicate?: number | undefined;
  readonly reorder?: number | undefined;
  /** Milliseconds. */
  readonly delay?: number | undefined;
  /** Milliseconds. */
  readonly duration?: number | undefined;
  readonly seed?: number | undefined;
}

const EXIT_CONFIG = 3;
const DEFAULTS = { nodes: 10, interval: 5000, qos: 0, topic: "simulated/%n", sleep: 0 } as const;

export function command(): Command {
  const simulate = new Command("simulate").description("run simulated MQTT-SN nodes, over UDP");
  const plain = ["nodes", "interval", "qos", "topic", "sleep"];
  const percentage = wholeNumber(0, 90);
  return simulate
    .helpOption("--help", "show this help")
    .option("-h, --host <host>", "host name or address of the gateway", "localhost")
    .option("-p, --port <port>", "UDP port of the gateway", wholeNumber(1, 65_535), 1884)
    .addOption(
      new Option("--scenario <file>", "which nodes to run, as a TOML file").conflicts(plain),
    )
    .addOption(
      new Option("--demo", "a weather station, a sleeping door sensor and a tank").conflicts([
        "scenario",
        ...plain,
      ]),
    )
    .option("--nodes <count>", "run so many nodes that count (default: 10)", wholeNumber(1, 10_000))
    .option("--interval <seconds>", "each publishes this often (default: 5)", interval)
    .option("-q, --qos <qos>", "with this quality of service (default: 0)", parseQos)
    .option("-t, --topic <topic>", "to this topic (default: simulated/%n)", topicName)
    .option(
      "--sleep <seconds>",
      "they sleep between, and wake this often to fetch messages",
      wholeNumber(1, 65_535),
    )
    .option("--ramp-up <seconds>", "start the nodes over so long a time", seconds)
    .option("--loss <percentage>", "lose so many of the frames, both ways", percentage)
    .option("--duplicate <percentage>", "have so many of them come twice", percentage)
    .option("--reorder <percentage>", "have so many of them be overtaken by others", percentage)
    .option("--delay <milliseconds>", "delay all frames", wholeNumber(0, 60_000))
    .option("--duration <seconds>", "end after so long (default: when interrupted)", seconds)
    .option("--seed <number>", "repeat an earlier run's values", wholeNumber(0, 0xffff_ffff))
    .addHelpText(
      "after",
      `
In a topic %n stands for the node's number. config/demo-scenario.toml explains scenario files;
config/greenhouse-scenario.toml is one for 2000 nodes, half of them asleep, on bad radio. What is
given for ramp-up and network goes before what the file says. The summary at the end tells what the
nodes gave to the gateway, and what became of it.

Examples:
  midge simulate --demo
  midge simulate --nodes 1000 --interval 1 --qos 1 --duration 60
  midge simulate --nodes 200 --sleep 30 --qos 2 --loss 10 --reorder 5
  midge simulate -h gateway.local --scenario greenhouse.toml`,
    )
    .action((_flags: unknown, self: Command) => run(self.opts<SimulateFlags>()));
}

function interval(value: string): number {
  const milliseconds = seconds(value);
  if (milliseconds < 10) throw new InvalidArgumentError("It must be at least 0.01 seconds.");
  return milliseconds;
}

async function run(flags: SimulateFlags): Promise<void> {
  let scenario: Scenario;
  try {
    scenario = changed(scenarioFrom(flags), flags);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    for (const problem of error.problems)
      process.stderr.write(`Error: ${formatProblem(problem)}\n`);
    process.exitCode = EXIT_CONFIG;
    return;
  }
  await runToExit(() => simulate(scenario, flags));
}

/** What the command line says goes before what the file does. */
function changed(scenario: Scenario, flags: SimulateFlags): Scenario {
  const { rampUp, loss, duplicate, reorder, delay } = flags;
  const { network } = scenario;
  const share = (percentage: number | undefined, given: number): number =>
    percentage === undefined ? given : percentage / 100;
  return {
    nodes: scenario.nodes,
    rampUp: rampUp === undefined ? scenario.rampUp : rampUp / 1000,
    network: {
      loss: share(loss, network.loss),
      duplicate: share(duplicate, network.duplicate),
      reorder: share(reorder, network.reorder),
      delay: delay ?? network.delay,
    },
  };
}

function scenarioFrom(flags: SimulateFlags): Scenario {
  if (flags.demo === true) return loadScenario(demoScenario());
  if (flags.scenario !== undefined) return loadScenario(flags.scenario);
  return plainScenario({
    nodes: flags.nodes ?? DEFAULTS.nodes,
    interval: (flags.interval ?? DEFAULTS.interval) / 1000,
    qos: flags.qos ?? DEFAULTS.qos,
    topic: flags.topic ?? DEFAULTS.topic,
    sleep: flags.sleep ?? DEFAULTS.sleep,
  });
}

/** The file lies beside the program, which is a bundle or this source. */
function demoScenario(): string {
  const places = ["../../config", "../config"].map((folder) =>
    join(import.meta.dirname, folder, "demo-scenario.toml"),
  );
  return places.find((place) => existsSync(place)) ?? "config/demo-scenario.toml";
}

async function simulate(scenario: Scenario, flags: SimulateFlags): Promise<Exit> {
  const { host, port, duration } = flags;
  const seed = flags.seed ?? randomInt(0x1_0000_0000);
  const address = await resolveHost(host);
  // Who reads our output may have enough of it before we are done.
  process.stdout.on("error", () => {});
  const fleet = new Fleet({
    scenario,
    address,
    port,
    seed,
    print: (line) => process.stdout.write(`${line}\n`),
    warn: (line) => process.stderr.write(`Warning: ${line}\n`),
  });
  const interrupted = new Promise<void>((resolve) => {
    process.once("SIGINT", resolve).once("SIGTERM", resolve);
  });
  const { length } = scenario.nodes;
  const count = length === 1 ? "1 node" : `${length} nodes`;
  process.stdout.write(`Simulating ${count} at ${host}, UDP port ${port}, with seed ${seed}.\n`);
  const started = fleet.start();
  // A start that fails ends the wait; one that succeeds does not.
  const failed = started.then(() => new Promise<never>(() => {}));
  const ends: Promise<void>[] = [interrupted, failed];
  if (duration !== undefined) ends.push(fleet.pause(duration));
  try {
    await Promise.race(ends);
  } finally {
    await fleet.stop();
  }
  const connects = scenario.nodes.some(({ qos }) => qos >= 0);
  if (duration !== undefined && connects && fleet.totals.connected === 0) {
    throw new CommandFailure(`no node could connect to ${host}, UDP port ${port}.`);
  }
  return Exit.success;
}
