/** Measures each case with each broker, round by round. */
import { join } from "node:path";
import { type BrokerGroup, disturbanceText, groupText } from "./broker-report.ts";
import type { BrokerUnderTest } from "./broker-under-test.ts";
import type { LoadCase } from "./cases.ts";
import type { LoadJob, LoadResult } from "./load.ts";
import { runLoad } from "./load-process.ts";

const LOAD = join(import.meta.dirname, "load.ts");
/** For what comes on top of warming up and measuring: connecting, waiting for what is late; ms. */
const MOST_EXTRA = 45_000;

export interface BrokerBench {
  readonly brokers: readonly BrokerUnderTest[];
  readonly cases: readonly LoadCase[];
  readonly qos: readonly (0 | 1)[];
  readonly rounds: number;
  /** ms. */
  readonly warmUp: number;
  /** ms. */
  readonly duration: number;
  /** Octets. */
  readonly payload: number;
  /** Subscribers have persistent sessions. */
  readonly persistent: boolean;
}

/** Tells each case's outcome when it is done, and answers all of them. */
export async function benchBrokers(
  bench: BrokerBench,
  tell: (text: string) => void,
): Promise<readonly BrokerGroup[]> {
  const groups: BrokerGroup[] = [];
  for (const loadCase of bench.cases) {
    for (const qos of bench.qos) {
      const group = await benchCase(bench, loadCase, qos);
      tell(groupText(group));
      groups.push(group);
    }
  }
  const disturbance = disturbanceText(groups);
  if (disturbance !== "") tell(disturbance);
  return groups;
}

async function benchCase(bench: BrokerBench, loadCase: LoadCase, qos: 0 | 1): Promise<BrokerGroup> {
  const { brokers, rounds, warmUp, duration, payload, persistent } = bench;
  const rows = brokers.map(({ name }) => ({
    broker: name,
    rounds: [] as LoadResult[],
    errors: [] as string[],
  }));
  for (let round = 0; round < rounds; round++) {
    // All in turn within a round, each time another first, so that a disturbance hits all alike.
    for (let turn = 0; turn < brokers.length; turn++) {
      const index = (round + turn) % brokers.length;
      const row = rows[index] as (typeof rows)[number];
      const job = { case: loadCase.name, qos, payload, persistent, warmUp, duration };
      try {
        row.rounds.push(await measure(brokers[index] as BrokerUnderTest, job));
      } catch (error) {
        row.errors.push((error as Error).message);
      }
    }
  }
  return { case: loadCase.name, title: loadCase.title, qos, rows };
}

/** A run with a broker of its own, so that none inherits memory or trouble from the run before. */
async function measure(
  broker: BrokerUnderTest,
  job: Omit<LoadJob, "port" | "pid">,
): Promise<LoadResult> {
  const running = await broker.start();
  try {
    const { port, pid } = running;
    const timeout = job.warmUp + job.duration + MOST_EXTRA;
    return await runLoad<LoadResult>(LOAD, { ...job, port, pid } satisfies LoadJob, timeout);
  } finally {
    await running.stop();
  }
}
