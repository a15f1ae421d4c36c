/** The cases of Midge's MQTT-SN gateway: each QoS, beside a bare echo that is driven in the same way. */
import { join } from "node:path";
import { freePort } from "../../test/kit/ports.ts";
import type { BenchContext } from "./bench-context.ts";
import { startGateway } from "./broker-under-test.ts";
import { type Group, groupText, type Outcome, outcomeOf, type Table } from "./comparison.ts";
import { count } from "./format.ts";
import { GATEWAY_CASES, type GatewayCase } from "./gateway-cases.ts";
import type { GatewayJob, GatewayResult } from "./gateway-load.ts";
import { runLoad } from "./load-process.ts";
import { roundRobin } from "./round-robin.ts";
import { startServer } from "./server-process.ts";
import type { Target } from "./targets.ts";
import { withServer } from "./with-server.ts";

const LOAD = join(import.meta.dirname, "gateway-load.ts");
const ECHO = join(import.meta.dirname, "echo-server.ts");

/** More than any case has. */
const ROOM = 10_000;

type FigureName =
  | "rate"
  | "cpuPerMessage"
  | "latencyMedian"
  | "latency99"
  | "memory"
  | "connecting";

const TABLE: Table<FigureName, GatewayResult> = {
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

/** The row that has acknowledgements. */
const ACKNOWLEDGED = "QoS 1";

/** By case: the share of the echo's rate, and how long connecting may take, ms. */
const TARGETS: Readonly<Record<string, readonly Target<FigureName>[]>> = {
  "nodes-50": [{ row: ACKNOWLEDGED, figure: "rate", of: "ratio", least: 0.7 }],
  "nodes-1000": [
    { row: ACKNOWLEDGED, figure: "rate", of: "ratio", least: 0.7 },
    { row: ACKNOWLEDGED, figure: "connecting", of: "value", most: 300 },
  ],
};

/** Tells the outcome of each case when it is done, and answers all of them. */
export async function benchGateway(context: BenchContext): Promise<readonly Outcome[]> {
  const outcomes: Outcome[] = [];
  for (const gatewayCase of GATEWAY_CASES) {
    if (!context.options.only.includes(gatewayCase.name)) continue;
    const group = await benchCase(context, gatewayCase);
    context.tell(groupText(TABLE, group));
    outcomes.push(outcomeOf(TABLE, group));
  }
  return outcomes;
}

async function benchCase(
  context: BenchContext,
  { name, title, nodes }: GatewayCase,
): Promise<Group<GatewayResult, FigureName>> {
  const { payload, warmUp, duration, rounds } = context.pace;
  const job = { nodes, payload, warmUp, duration };
  const levels = ([-1, 0, 1] as const).filter((level) => context.options.qos.includes(level));
  const contestants = [
    { name: "echo", measure: () => measureEcho({ ...job, qos: 1 }) },
    ...levels.map((qos) => ({
      name: `QoS ${qos}`,
      measure: () => measureMidge(context, { ...job, qos }),
    })),
  ];
  return {
    case: name,
    title: `${title}, MQTT-SN`,
    rows: await roundRobin(contestants, rounds),
    targets: TARGETS[name] ?? [],
  };
}

type Job = Omit<GatewayJob, "port" | "mqttPort" | "pid">;

async function measureEcho(job: Job): Promise<GatewayResult> {
  const port = await freePort();
  const words = [ECHO, String(port)];
  const start = () => startServer({ name: "echo", command: process.execPath, words, port });
  return withServer(start, ({ pid }) =>
    runLoad<GatewayJob, GatewayResult>(LOAD, { ...job, port, pid }),
  );
}

async function measureMidge({ scratch, options }: BenchContext, job: Job): Promise<GatewayResult> {
  const gatewayPort = await freePort();
  const { strict } = options;
  const start = () => startGateway({ scratch, gatewayPort, nodes: ROOM, strict });
  return withServer(start, ({ port: mqttPort, pid }) =>
    runLoad<GatewayJob, GatewayResult>(LOAD, { ...job, port: gatewayPort, mqttPort, pid }),
  );
}

function notesOn(rounds: readonly GatewayResult[]): readonly string[] {
  const notes: string[] = [];
  const repeated = rounds.reduce((total, round) => total + round.repeated, 0);
  if (repeated > 0) notes.push(`${count(repeated)} datagrams were not answered in time.`);
  if (rounds.some(({ rate }) => rate === 0)) notes.push("STALLED.");
  return notes;
}
