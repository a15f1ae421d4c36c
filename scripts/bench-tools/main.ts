/** scripts/bench: reads the options, runs the sections asked for, and tells the outcome. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { type BenchContext, brokerSetUp } from "./bench-context.ts";
import { findBrokers, REFERENCE } from "./broker-under-test.ts";
import { disturbanceText, type Outcome } from "./comparison.ts";
import type { Pace } from "./load-process.ts";
import {
  type BenchOptions,
  GATEWAY_SECTIONS,
  HELP,
  readOptions,
  type SectionName,
  UsageError,
} from "./options.ts";
import { SECTION_BENCHES } from "./sections.ts";
import { killAll } from "./server-process.ts";
import { verdictsText } from "./targets.ts";

/** Octets of every payload: a small reading. */
const PAYLOAD = 64;
/** A broker in JavaScript needs a second of load until all of its hot code is compiled. */
const FULL = { warmUp: 1200, duration: 1200 };
const QUICK = { warmUp: 600, duration: 800 };

/** Rounds of a run that is not quick: more of what varies more. */
const ROUNDS: Readonly<Record<SectionName, number>> = {
  throughput: 3,
  latency: 2,
  matching: 1,
  idle: 1,
  away: 2,
  bridge: 2,
  gateway: 2,
  nodes: 1,
};

function tell(text: string): void {
  process.stdout.write(`${text}\n`);
}

function paceOf({ quick, rounds }: BenchOptions, section: SectionName): Pace {
  const otherwise = quick ? 1 : ROUNDS[section];
  return { ...(quick ? QUICK : FULL), rounds: rounds ?? otherwise, payload: PAYLOAD };
}

/** Tells which brokers are compared; answers their versions. */
function introduce(context: Omit<BenchContext, "pace">): readonly string[] {
  const brokers = findBrokers(brokerSetUp(context));
  const versions = brokers.map(({ name, version }) => `${name} ${version}`);
  const rules = context.options.rules ? "with" : "without";
  tell(`${versions.join(", ")}, ${rules} access rules; ${PAYLOAD} octets`);
  tell(`× is the ratio to ${REFERENCE} where nothing else is said\n`);
  if (!brokers.some(({ name }) => name === REFERENCE)) {
    tell("Mosquitto is not installed, so there are no ratios: sudo apt-get install mosquitto\n");
  }
  return versions;
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
  const context = { options, scratch, tell };
  const compares = options.sections.some((name) => !GATEWAY_SECTIONS.includes(name));
  const versions = compares ? introduce(context) : [];
  const groups: (Outcome & { section: SectionName })[] = [];
  for (const section of options.sections) {
    const pace = paceOf(options, section);
    const outcomes = await SECTION_BENCHES[section]({ ...context, pace });
    groups.push(...outcomes.map((outcome) => ({ section, ...outcome })));
  }
  tell(verdictsText(groups.flatMap(({ verdicts }) => verdicts)));
  const disturbance = disturbanceText(groups);
  if (disturbance !== "") tell(disturbance);
  if (options.json === undefined) return;
  const all = { machine: machine(), versions, options, groups };
  writeFileSync(options.json, `${JSON.stringify(all, null, 2)}\n`);
}

try {
  await main();
} catch (error) {
  if (!(error instanceof UsageError)) throw error;
  process.stderr.write(`scripts/bench: ${error.message}\n`);
  process.exitCode = 2;
}
