/** An open loop: how late messages are that come at a rate far below what a broker can carry. */
import { join } from "node:path";
import { type BenchContext, brokerSetUp } from "./bench-context.ts";
import { type BrokerUnderTest, findBrokers, OURS, REFERENCE } from "./broker-under-test.ts";
import { PROTOCOL_NAMES } from "./cases.ts";
import { type Group, groupText, type Outcome, outcomeOf, type Table } from "./comparison.ts";
import { count } from "./format.ts";
import type { LatencyJob, LatencyResult } from "./latency-load.ts";
import { runLoad } from "./load-process.ts";
import type { MqttProtocol } from "./mqtt-packets.ts";
import { roundRobin } from "./round-robin.ts";
import { withServer } from "./with-server.ts";

const LOAD = join(import.meta.dirname, "latency-load.ts");

/** Enough messages for a 99.9th percentile at a thousand a second; ms. */
const DURATION = 4000;
const QUICK_DURATION = 2500;

type FigureName = "latencyMedian" | "latency99" | "latency999" | "cpuPerMessage";

const TABLE: Table<FigureName, LatencyResult> = {
  columns: [
    { figure: "latencyMedian", title: "p50 ms", unit: 1000 },
    { figure: "latency99", title: "p99 ms", unit: 1000 },
    { figure: "latency999", title: "p99.9 ms", unit: 1000 },
    { figure: "cpuPerMessage", title: "CPU µs/msg", unit: 1 },
  ],
  reference: REFERENCE,
  spins: true,
  notesOn: (rounds) => {
    const lost = rounds.reduce((total, round) => total + round.lost, 0);
    return lost === 0 ? [] : [`LOST ${count(lost)} messages.`];
  },
};

/** Tells each outcome when it is there, and answers all of them. */
export async function benchLatency(context: BenchContext): Promise<readonly Outcome[]> {
  const { qos, protocols } = context.options;
  const brokers = findBrokers(brokerSetUp(context));
  const outcomes: Outcome[] = [];
  for (const protocol of protocols) {
    for (const level of [0, 1] as const) {
      if (!qos.includes(level)) continue;
      const group = await benchRate(context, brokers, protocol, level);
      context.tell(groupText(TABLE, group));
      outcomes.push(outcomeOf(TABLE, group));
    }
  }
  return outcomes;
}

async function benchRate(
  context: BenchContext,
  brokers: readonly BrokerUnderTest[],
  protocol: MqttProtocol,
  qos: 0 | 1,
): Promise<Group<LatencyResult, FigureName>> {
  const { options, pace } = context;
  const { quick, rate, rules, strict, topicAlias } = options;
  const job = {
    protocol,
    qos,
    rate,
    payload: pace.payload,
    warmUp: pace.warmUp,
    duration: quick ? QUICK_DURATION : DURATION,
    persistent: strict,
    logins: rules,
    topicAlias,
  };
  const contestants = brokers
    .filter(({ protocols }) => protocols.includes(protocol))
    .map(({ name, start }) => ({
      name,
      measure: () =>
        withServer(start, ({ port, pid }) =>
          runLoad<LatencyJob, LatencyResult>(LOAD, { ...job, port, pid }),
        ),
    }));
  return {
    case: `latency-${rate}`,
    title: `${count(rate)}/s, QoS ${qos}, ${PROTOCOL_NAMES[protocol]}`,
    rows: await roundRobin(contestants, pace.rounds),
    targets: [{ row: OURS, figure: "latency99", of: "ratio", most: 1 }],
  };
}
