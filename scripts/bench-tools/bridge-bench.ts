/** How many messages of QoS 1 a bridge carries to a remote broker: as they come, and from its queue. */
import { join } from "node:path";
import { freePort } from "../../test/kit/ports.ts";
import { type BenchContext, brokerSetUp } from "./bench-context.ts";
import type { BridgeJob, BridgeResult } from "./bridge-load.ts";
import { findBrokers, OURS, REFERENCE } from "./broker-under-test.ts";
import { type Group, groupText, type Outcome, outcomeOf, type Table } from "./comparison.ts";
import { count } from "./format.ts";
import { runLoad } from "./load-process.ts";
import { roundRobin } from "./round-robin.ts";
import { withServer } from "./with-server.ts";

const LOAD = join(import.meta.dirname, "bridge-load.ts");

const BACKLOG = 50_000;
const QUICK_BACKLOG = 20_000;

type FigureName = "bridgedRate" | "cpuPerMessage" | "latencyMedian" | "memory";

const TABLE: Table<FigureName, BridgeResult> = {
  columns: [
    { figure: "bridgedRate", title: "bridged/s", unit: 1 },
    { figure: "cpuPerMessage", title: "CPU µs/msg", unit: 1 },
    { figure: "latencyMedian", title: "p50 ms", unit: 1000 },
    { figure: "memory", title: "RSS MB", unit: 1e6 },
  ],
  reference: REFERENCE,
  notesOn: (rounds) => {
    const lost = rounds.reduce((total, round) => total + round.lost, 0);
    const published = rounds.reduce((total, round) => total + round.published, 0);
    return lost === 0 ? [] : [`LOST ${count(lost)} of ${count(published)} messages.`];
  },
};

/** Tells each outcome when it is there, and answers all of them. */
export async function benchBridge(context: BenchContext): Promise<readonly Outcome[]> {
  const { qos, quick } = context.options;
  if (!qos.includes(1)) return [];
  const outcomes: Outcome[] = [];
  for (const backlog of [0, quick ? QUICK_BACKLOG : BACKLOG]) {
    const group = await benchGroup(context, backlog);
    context.tell(groupText(TABLE, group));
    outcomes.push(outcomeOf(TABLE, group));
  }
  return outcomes;
}

async function benchGroup(
  context: BenchContext,
  backlog: number,
): Promise<Group<BridgeResult, FigureName>> {
  const { options, pace } = context;
  const { payload, warmUp, duration, rounds } = pace;
  const remotePort = await freePort();
  // A bridge that is to survive days without its remote broker has its queue on disk.
  const setUp = { ...brokerSetUp(context), strict: true, more: bridgeConf(remotePort) };
  const job = { payload, warmUp, duration, remotePort, backlog, logins: options.rules };
  const contestants = findBrokers(setUp)
    .filter(({ name }) => name !== "aedes")
    .map(({ name, start }) => ({
      name,
      measure: () =>
        withServer(start, ({ port, pid }) =>
          runLoad<BridgeJob, BridgeResult>(LOAD, { ...job, port, pid }),
        ),
    }));
  return {
    case: backlog === 0 ? "bridge" : "bridge-backlog",
    title: backlog === 0 ? "bridge, QoS 1" : `bridge, ${count(backlog)} waiting`,
    rows: await roundRobin(contestants, rounds),
    targets: backlog > 0 ? [] : [{ row: OURS, figure: "bridgedRate", of: "ratio", least: 2 }],
  };
}

function bridgeConf(port: number): string {
  return `connection bench
address 127.0.0.1:${port}
topic bench/# out 1
cleansession false
notifications false
try_private false
restart_timeout 1
bridge_protocol_version mqttv311
`;
}
