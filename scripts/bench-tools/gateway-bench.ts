/** The cases of Midge's MQTT-SN gateway: each QoS, beside a bare echo that is driven in the same way. */
import { join } from "node:path";
import { startMidge } from "./broker-under-test.ts";
import { type Group, groupText, summaryOf, type Table } from "./comparison.ts";
import { count } from "./format.ts";
import type { GatewayCase } from "./gateway-cases.ts";
import type { GatewayJob, GatewayResult } from "./gateway-load.ts";
import { type Pace, runLoad } from "./load-process.ts";
import { roundRobin } from "./round-robin.ts";
import { freePort, startServer } from "./server-process.ts";

const LOAD = join(import.meta.dirname, "gateway-load.ts");
const ECHO = join(import.meta.dirname, "echo-server.ts");

const TABLE: Table<
  "rate" | "cpuPerMessage" | "latencyMedian" | "latency99" | "memory" | "connecting",
  GatewayResult
> = {
  columns: [
    { figure: "rate", title: "messages/s", unit: 1 },
    { figure: "cpuPerMessage", title: "CPU µs/msg", unit: 1 },
    { figure: "latencyMedian", title: "p50 ms", unit: 1000 },
    { figure: "latency99", title: "p99 ms", unit: 1000 },
    { figure: "memory", title: "RSS MB", unit: 1e6 },
    { figure: "connecting", title: "connect ms", unit: 1 },
  ],
  reference: "echo",
  notesOn,
};

export interface GatewayBench extends Pace {
  /** A folder for what Midge writes. */
  readonly scratch: string;
  readonly cases: readonly GatewayCase[];
  readonly qos: readonly number[];
  /** Midge's store is on disk. */
  readonly strict: boolean;
}

/** Tells the outcome of each case when it is done, and answers all of them. */
export async function benchGateway(bench: GatewayBench, tell: (text: string) => void) {
  const groups: Group<GatewayResult>[] = [];
  for (const gatewayCase of bench.cases) {
    const group = await benchCase(bench, gatewayCase);
    tell(groupText(TABLE, group));
    groups.push(group);
  }
  return groups.map((group) => ({ ...group, summary: summaryOf(TABLE, group) }));
}

async function benchCase(
  { scratch, strict, qos, rounds, payload, warmUp, duration }: GatewayBench,
  { name, title, nodes }: GatewayCase,
): Promise<Group<GatewayResult>> {
  const job = { nodes, payload, warmUp, duration };
  const contestants = [
    { name: "echo", measure: () => measureEcho({ ...job, qos: 1 }) },
    ...qos.map((level) => ({
      name: `QoS ${level}`,
      measure: () => measureMidge(scratch, strict, { ...job, qos: level as -1 | 0 | 1 }),
    })),
  ];
  return { case: name, title, rows: await roundRobin(contestants, rounds) };
}

type Job = Omit<GatewayJob, "port" | "mqttPort" | "pid">;

async function measureEcho(job: Job): Promise<GatewayResult> {
  const port = await freePort();
  const words = [ECHO, String(port)];
  const { pid, stop } = await startServer({ name: "echo", command: process.execPath, words, port });
  try {
    return await runLoad<GatewayJob, GatewayResult>(LOAD, { ...job, port, pid });
  } finally {
    await stop();
  }
}

async function measureMidge(scratch: string, strict: boolean, job: Job): Promise<GatewayResult> {
  const gatewayPort = await freePort();
  const { port: mqttPort, pid, stop } = await startMidge(scratch, { gatewayPort, strict });
  try {
    return await runLoad<GatewayJob, GatewayResult>(LOAD, {
      ...job,
      port: gatewayPort,
      mqttPort,
      pid,
    });
  } finally {
    await stop();
  }
}

function notesOn(rounds: readonly GatewayResult[]): readonly string[] {
  const notes: string[] = [];
  const repeated = rounds.reduce((total, round) => total + round.repeated, 0);
  if (repeated > 0) notes.push(`${count(repeated)} datagrams were not answered in time.`);
  if (rounds.some(({ rate }) => rate === 0)) notes.push("STALLED.");
  return notes;
}
