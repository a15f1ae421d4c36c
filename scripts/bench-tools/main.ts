/** scripts/bench: reads the options, runs the benchmark asked for, and tells the outcome. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { benchBrokers } from "./broker-bench.ts";
import { summaryOf } from "./broker-report.ts";
import { findBrokers, REFERENCE } from "./broker-under-test.ts";
import { CASES } from "./cases.ts";
import { type BenchOptions, HELP, readOptions, UsageError } from "./options.ts";
import { killAll } from "./server-process.ts";

/** Octets of every payload: a small reading. */
const PAYLOAD = 64;
const QUICK = { rounds: 1, warmUp: 400, duration: 1000 };
const FULL = { rounds: 3, warmUp: 500, duration: 1500 };

function tell(text: string): void {
  process.stdout.write(`${text}\n`);
}

function machine() {
  const processors = cpus();
  return {
    processor: processors[0]?.model ?? "unknown",
    cores: processors.length,
    node: process.version,
  };
}

async function brokerBench(options: BenchOptions, scratch: string) {
  const brokers = findBrokers(scratch, options.strict);
  const { rounds, warmUp, duration } = options.quick ? QUICK : FULL;
  const named = brokers.map(({ name, version }) => `${name} ${version}`).join(", ");
  tell(`${named}; payload ${PAYLOAD} bytes; × is the ratio to ${REFERENCE}\n`);
  if (!brokers.some(({ name }) => name === REFERENCE)) {
    tell("Mosquitto is not installed, so there are no ratios: sudo apt-get install mosquitto\n");
  }
  const bench = {
    brokers,
    cases: CASES.filter(({ name }) => options.only.includes(name)),
    qos: options.qos.map((qos) => (qos === 0 ? 0 : 1)),
    rounds: options.rounds ?? rounds,
    warmUp,
    duration,
    payload: PAYLOAD,
    persistent: options.strict,
  } as const;
  const groups = await benchBrokers(bench, tell);
  return {
    ...bench,
    brokers: brokers.map(({ name, version }) => ({ name, version })),
    cases: undefined,
    groups: groups.map((group) => ({ ...group, summary: summaryOf(group) })),
  };
}

async function main(): Promise<void> {
  const options = readOptions(process.argv.slice(2));
  if (options.help) {
    process.stdout.write(HELP);
    return;
  }
  const scratch = mkdtempSync(join(tmpdir(), "midge-bench-"));
  process.on("exit", () => {
    killAll();
    rmSync(scratch, { recursive: true, force: true });
  });
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => process.exit(130));
  const outcome = await brokerBench(options, scratch);
  if (options.json !== undefined) {
    writeFileSync(options.json, `${JSON.stringify({ machine: machine(), ...outcome }, null, 2)}\n`);
  }
}

try {
  await main();
} catch (error) {
  if (!(error instanceof UsageError)) throw error;
  process.stderr.write(`scripts/bench: ${error.message}\n`);
  process.exitCode = 2;
}
