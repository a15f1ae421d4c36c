/** Closed loops: how many messages a broker carries, and at which cost, case by case. */
import { join } from "node:path";
import { type BenchContext, brokerSetUp } from "./bench-context.ts";
import { type BrokerUnderTest, findBrokers, OURS, REFERENCE } from "./broker-under-test.ts";
import { CASES, type LoadCase, PROTOCOL_NAMES } from "./cases.ts";
import { type Group, groupText, type Outcome, outcomeOf, type Table } from "./comparison.ts";
import { count, figure } from "./format.ts";
import type { LoadJob, LoadResult } from "./load.ts";
import { runLoad } from "./load-process.ts";
import type { MqttProtocol } from "./mqtt-packets.ts";
import { roundRobin } from "./round-robin.ts";
import type { Target } from "./targets.ts";
import { withServer } from "./with-server.ts";

const LOAD = join(import.meta.dirname, "load.ts");

type FigureName = "deliveredRate" | "cpuPerMessage" | "latencyMedian" | "latency99" | "memory";

const TABLE: Table<FigureName, LoadResult> = {
  columns: [
    { figure: "deliveredRate", title: "delivered/s", unit: 1 },
    { figure: "cpuPerMessage", title: "CPU µs/msg", unit: 1 },
    { figure: "latencyMedian", title: "p50 ms", unit: 1000 },
    { figure: "latency99", title: "p99 ms", unit: 1000 },
    { figure: "memory", title: "RSS MB", unit: 1e6 },
  ],
  reference: REFERENCE,
  notesOn,
};

/** By case: at least so many times the reference's rate, at no more than so much of its CPU. */
const TARGETS: Readonly<Record<string, readonly [rate: number, cpu: number]>> = {
  "fan-in": [3, 0.35],
  "fan-out": [3, 0.35],
  "pairs-100": [2, 0.6],
  "pairs-1000": [0.9, 1.2],
};

function targetsOf(name: string): readonly Target<FigureName>[] {
  const limits = TARGETS[name];
  if (limits === undefined) return [];
  const [least, most] = limits;
  return [
    { row: OURS, figure: "deliveredRate", of: "ratio", least },
    { row: OURS, figure: "cpuPerMessage", of: "ratio", most },
  ];
}

/** Tells the outcome of each case when it is done, and answers all of them. */
export async function benchThroughput(context: BenchContext): Promise<readonly Outcome[]> {
  const { only, qos, protocols } = context.options;
  const brokers = findBrokers(brokerSetUp(context));
  const outcomes: Outcome[] = [];
  for (const loadCase of CASES.filter(({ name }) => only.includes(name))) {
    for (const protocol of protocols) {
      for (const level of [0, 1] as const) {
        if (!qos.includes(level)) continue;
        const group = await benchCase(context, brokers, loadCase, protocol, level);
        context.tell(groupText(TABLE, group));
        outcomes.push(outcomeOf(TABLE, group));
      }
    }
  }
  return outcomes;
}

async function benchCase(
  context: BenchContext,
  brokers: readonly BrokerUnderTest[],
  { name, title }: LoadCase,
  protocol: MqttProtocol,
  qos: 0 | 1,
): Promise<Group<LoadResult, FigureName>> {
  const contestants = brokers
    .filter(({ protocols }) => protocols.includes(protocol))
    .map((broker) => ({
      name: broker.name,
      measure: () => measureLoad(context, broker, { case: name, protocol, qos }),
    }));
  const rows = await roundRobin(contestants, context.pace.rounds);
  return {
    case: name,
    title: `${title}, QoS ${qos}, ${PROTOCOL_NAMES[protocol]}`,
    rows,
    targets: targetsOf(name),
  };
}

/** One run of a closed loop. */
export function measureLoad(
  { options, pace }: BenchContext,
  broker: BrokerUnderTest,
  load: Pick<LoadJob, "case" | "protocol" | "qos">,
): Promise<LoadResult> {
  const { rules, strict, topicAlias } = options;
  const { payload, warmUp, duration } = pace;
  return withServer(broker.start, ({ port, pid }) =>
    runLoad<LoadJob, LoadResult>(LOAD, {
      ...load,
      port,
      pid,
      payload,
      warmUp,
      duration,
      persistent: strict,
      logins: rules,
      topicAlias,
    }),
  );
}

/** What must be known of a broker that did not deliver everything. */
export function notesOn(rounds: readonly LoadResult[]): readonly string[] {
  const notes: string[] = [];
  const sum = (name: "expected" | "lost" | "unacknowledged"): number =>
    rounds.reduce((total, round) => total + round[name], 0);
  if (sum("lost") > 0) {
    notes.push(`LOST ${count(sum("lost"))} of ${count(sum("expected"))} messages.`);
    const cut = rounds.filter(({ lossSeen }) => lossSeen).map(({ elapsed }) => elapsed);
    if (cut.length > 0) {
      notes.push(
        `Figures end with the first loss, after ${figure(Math.min(...cut) / 1e6)} s or later.`,
      );
    }
  }
  if (sum("unacknowledged") > 0) {
    notes.push(`NO PUBACK for ${count(sum("unacknowledged"))} messages.`);
  }
  if (rounds.some(({ deliveredRate }) => deliveredRate === 0)) notes.push("STALLED.");
  return notes;
}
