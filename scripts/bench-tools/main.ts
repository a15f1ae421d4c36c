/** scripts/bench: reads the options, runs the benchmark asked for, and tells the outcome. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { benchBrokers } from "./broker-bench.ts";
import { findBrokers, REFERENCE } from "./broker-under-test.ts";
import { CASES } from "./cases.ts";
import { disturbanceText } from "./comparison.ts";
import { benchGateway } from "./gateway-bench.ts";
import { GATEWAY_CASES } from "./gateway-cases.ts";
import type { Pace } from "./load-process.ts";
import { type BenchOptions, HELP, readOptions, UsageError } from "./options.ts";
import { killAll } from "./server-process.ts";

/** Octets of every payload: a small reading. */
const PAYLOAD = 64;
/** A broker in JavaScript needs a second of load until all of its hot code is compiled. */
const FULL = { rounds: 3, warmUp: 1200, duration: 1200 };
const QUICK = { rounds: 1, warmUp: 600, duration: 800 };

function tell(text: string): void {
  process.stdout.write(`${text}\n`);
}

function paceOf({ quick, rounds }: BenchOptions): Pace {
  const pace = quick ? QUICK : FULL;
  return { ...pace, rounds: rounds ?? pace.rounds, payload: PAYLOAD };
}

async function brokerBench(options: BenchOptions, scratch: string) {
  const { only, qos, strict } = options;
  const pace = paceOf(options);
  const brokers = findBrokers(scratch, strict);
  const versions = brokers.map(({ name, version }) => `${name} ${version}`);
  tell(`${versions.join(", ")}; ${PAYLOAD} octets; × is the ratio to ${REFERENCE}\n`);
  if (!brokers.some(({ name }) => name === REFERENCE)) {
    tell("Mosquitto is not installed, so there are no ratios: sudo apt-get install mosquitto\n");
  }
  const cases = CASES.filter(({ name }) => only.includes(name));
  const groups = await benchBrokers({ ...pace, brokers, cases, qos, persistent: strict }, tell);
  return { versions, ...pace, strict, groups };
}

async function gatewayBench(options: BenchOptions, scratch: string) {
  const { only, qos, strict } = options;
  const pace = paceOf(options);
  tell(`MQTT-SN over UDP; ${PAYLOAD} octets; × is the ratio to a bare echo\n`);
  const cases = GATEWAY_CASES.filter(({ name }) => only.includes(name));
  const groups = await benchGateway({ ...pace, scratch, cases, qos, strict }, tell);
  return { ...pace, strict, groups };
}

function machine() {
  const processors = cpus();
  const processor = processors[0]?.model ?? "unknown";
  return { processor, cores: processors.length, node: process.version };
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
  const bench = options.gateway ? gatewayBench : brokerBench;
  const outcome = await bench(options, scratch);
  const disturbance = disturbanceText(outcome.groups);
  if (disturbance !== "") tell(disturbance);
  if (options.json === undefined) return;
  writeFileSync(options.json, `${JSON.stringify({ machine: machine(), ...outcome }, null, 2)}\n`);
}

try {
  await main();
} catch (error) {
  if (!(error instanceof UsageError)) throw error;
  process.stderr.write(`scripts/bench: ${error.message}\n`);
  process.exitCode = 2;
}
