/** The cases of the broker: each with each of the brokers. */
import { join } from "node:path";
import { type BrokerUnderTest, REFERENCE } from "./broker-under-test.ts";
import type { LoadCase } from "./cases.ts";
import { type Group, groupText, summaryOf, type Table } from "./comparison.ts";
import { count, figure } from "./format.ts";
import type { LoadJob, LoadResult } from "./load.ts";
import { type Pace, runLoad } from "./load-process.ts";
import { roundRobin } from "./round-robin.ts";

const LOAD = join(import.meta.dirname, "load.ts");

const TABLE: Table<
  "deliveredRate" | "cpuPerMessage" | "latencyMedian" | "latency99" | "memory",
  LoadResult
> = {
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

export interface BrokerBench extends Pace {
  readonly brokers: readonly BrokerUnderTest[];
  readonly cases: readonly LoadCase[];
  readonly qos: readonly number[];
  /** Subscribers have persistent sessions. */
  readonly persistent: boolean;
}

/** Tells the outcome of each case when it is done, and answers all of them. */
export async function benchBrokers(bench: BrokerBench, tell: (text: string) => void) {
  const groups: (Group<LoadResult> & { qos: number })[] = [];
  for (const loadCase of bench.cases) {
    for (const qos of bench.qos) {
      const group = await benchCase(bench, loadCase, qos === 0 ? 0 : 1);
      tell(groupText(TABLE, group));
      groups.push({ ...group, qos });
    }
  }
  return groups.map((group) => ({ ...group, summary: summaryOf(TABLE, group) }));
}

async function benchCase(
  { brokers, persistent, rounds, payload, warmUp, duration }: BrokerBench,
  { name, title }: LoadCase,
  qos: 0 | 1,
): Promise<Group<LoadResult>> {
  const job = { case: name, qos, payload, persistent, warmUp, duration };
  const contestants = brokers.map((broker) => ({
    name: broker.name,
    measure: () => measure(broker, job),
  }));
  const rows = await roundRobin(contestants, rounds);
  return { case: name, title: `${title}, QoS ${qos}`, rows };
}

/** A run with a broker of its own, so that none inherits memory or trouble from the run before. */
async function measure(
  broker: BrokerUnderTest,
  job: Omit<LoadJob, "port" | "pid">,
): Promise<LoadResult> {
  const { port, pid, stop } = await broker.start();
  try {
    return await runLoad<LoadJob, LoadResult>(LOAD, { ...job, port, pid });
  } finally {
    await stop();
  }
}

function notesOn(rounds: readonly LoadResult[]): readonly string[] {
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
