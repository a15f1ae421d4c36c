/** What a message costs that is to be kept for somebody who is away, and how it is fetched afterwards. */
import { join } from "node:path";
import type { AwayJob, AwayResult } from "./away-load.ts";
import { type BenchContext, brokerSetUp } from "./bench-context.ts";
import { type BrokerUnderTest, findBrokers, OURS, REFERENCE } from "./broker-under-test.ts";
import { PROTOCOL_NAMES } from "./cases.ts";
import { type Group, groupText, type Outcome, outcomeOf, type Table } from "./comparison.ts";
import { count } from "./format.ts";
import { runLoad } from "./load-process.ts";
import type { MqttProtocol } from "./mqtt-packets.ts";
import { roundRobin } from "./round-robin.ts";
import { withServer } from "./with-server.ts";

const LOAD = join(import.meta.dirname, "away-load.ts");

const PUBLISHERS: readonly number[] = [1, 50];

type FigureName = "acknowledgedRate" | "cpuPerMessage" | "fetchedRate" | "memory";

const TABLE: Table<FigureName, AwayResult> = {
  columns: [
    { figure: "acknowledgedRate", title: "PUBACK/s", unit: 1 },
    { figure: "cpuPerMessage", title: "CPU µs/msg", unit: 1 },
    { figure: "fetchedRate", title: "fetched/s", unit: 1 },
    { figure: "memory", title: "RSS MB", unit: 1e6 },
  ],
  reference: REFERENCE,
  notesOn: (rounds) => {
    const lost = rounds.reduce((total, round) => total + round.lost, 0);
    const queued = rounds.reduce((total, round) => total + round.queued, 0);
    return lost === 0 ? [] : [`LOST ${count(lost)} of ${count(queued)} messages.`];
  },
};

/** Tells each outcome when it is there, and answers all of them. */
export async function benchAway(context: BenchContext): Promise<readonly Outcome[]> {
  const { protocols, qos } = context.options;
  if (!qos.includes(1)) return [];
  // The store is on disk: this is what is measured.
  const brokers = findBrokers({ ...brokerSetUp(context), strict: true });
  const outcomes: Outcome[] = [];
  for (const publishers of PUBLISHERS) {
    for (const protocol of protocols) {
      const group = await benchGroup(context, brokers, publishers, protocol);
      context.tell(groupText(TABLE, group));
      outcomes.push(outcomeOf(TABLE, group));
    }
  }
  return outcomes;
}

async function benchGroup(
  { options, pace }: BenchContext,
  brokers: readonly BrokerUnderTest[],
  publishers: number,
  protocol: MqttProtocol,
): Promise<Group<AwayResult, FigureName>> {
  const { payload, warmUp, duration, rounds } = pace;
  const job = { publishers, protocol, payload, warmUp, duration, logins: options.rules };
  const contestants = brokers
    .filter(({ name }) => name !== "aedes")
    .map(({ name, start }) => ({
      name,
      measure: () =>
        withServer(start, ({ port, pid }) =>
          runLoad<AwayJob, AwayResult>(LOAD, { ...job, port, pid }),
        ),
    }));
  return {
    case: `away-${publishers}`,
    title: `${publishers}→away, QoS 1, ${PROTOCOL_NAMES[protocol]}`,
    rows: await roundRobin(contestants, rounds),
    targets:
      publishers === 1 ? [] : [{ row: OURS, figure: "acknowledgedRate", of: "ratio", least: 1 }],
  };
}
