/** What a publish costs among 100 000 subscriptions, a tenth of them with wildcards, beside one among 100. */
import { join } from "node:path";
import { type BenchContext, brokerSetUp } from "./bench-context.ts";
import { type BrokerUnderTest, findBrokers, OURS } from "./broker-under-test.ts";
import { matchingName } from "./cases.ts";
import { type Group, groupText, type Outcome, outcomeOf, type Table } from "./comparison.ts";
import { count } from "./format.ts";
import type { LoadResult } from "./load.ts";
import { runLoad } from "./load-process.ts";
import type { MatchingJob, MatchingResult } from "./matching-core.ts";
import { roundRobin } from "./round-robin.ts";
import { measureLoad, notesOn } from "./throughput-bench.ts";

const CORE = join(import.meta.dirname, "matching-core.ts");

const FEW = 100;
const MANY = 100_000;
/** Topics that are published to, however many subscriptions there are. */
const TOPICS = 100;
/** How many times the cost among few that among many may be. */
const MOST = 2;

function rowName(subscriptions: number): string {
  return `${count(subscriptions)} subscr.`;
}

const CORE_TABLE: Table<"newTopic" | "knownTopic", MatchingResult> = {
  columns: [
    { figure: "newTopic", title: "new topic ns", unit: 1 },
    { figure: "knownTopic", title: "known ns", unit: 1 },
  ],
  reference: rowName(FEW),
  // It is the server itself.
  spins: true,
  notesOn: () => [],
};

const BROKER_TABLE: Table<"cpuPerMessage" | "deliveredRate" | "memory", LoadResult> = {
  columns: [
    { figure: "cpuPerMessage", title: "CPU µs/msg", unit: 1 },
    { figure: "deliveredRate", title: "delivered/s", unit: 1 },
    { figure: "memory", title: "RSS MB", unit: 1e6 },
  ],
  reference: rowName(FEW),
  notesOn,
};

/** Tells each outcome when it is there, and answers all of them. */
export async function benchMatching(context: BenchContext): Promise<readonly Outcome[]> {
  const core = await benchCore(context);
  context.tell(groupText(CORE_TABLE, core));
  const outcomes = [outcomeOf(CORE_TABLE, core)];
  for (const broker of findBrokers(brokerSetUp(context))) {
    const group = await benchBroker(context, broker);
    context.tell(groupText(BROKER_TABLE, group));
    outcomes.push(outcomeOf(BROKER_TABLE, group));
  }
  return outcomes;
}

async function benchCore({
  pace,
}: BenchContext): Promise<Group<MatchingResult, "newTopic" | "knownTopic">> {
  const { warmUp, duration, rounds } = pace;
  const contestants = [FEW, MANY].map((subscriptions) => ({
    name: rowName(subscriptions),
    measure: () => runLoad<MatchingJob, MatchingResult>(CORE, { subscriptions, warmUp, duration }),
  }));
  return {
    case: "matching-core",
    title: "matching alone",
    rows: await roundRobin(contestants, rounds),
    targets: [{ row: rowName(MANY), figure: "newTopic", of: "ratio", most: MOST }],
  };
}

async function benchBroker(
  context: BenchContext,
  broker: BrokerUnderTest,
): Promise<Group<LoadResult, "cpuPerMessage" | "deliveredRate" | "memory">> {
  const protocol = context.options.protocols[0] ?? 4;
  const contestant = (name: string, subscriptions: number, topics: number) => ({
    name,
    measure: () =>
      measureLoad(context, broker, { case: matchingName(subscriptions, topics), protocol, qos: 0 }),
  });
  return {
    case: "matching-broker",
    title: `matching in ${broker.name}`,
    rows: await roundRobin(
      [
        contestant(rowName(FEW), FEW, TOPICS),
        contestant(rowName(MANY), MANY, TOPICS),
        // Here a broker that remembers answers needs to remember one for each of very many topics.
        contestant("  each its topic", MANY, MANY),
      ],
      context.pace.rounds,
    ),
    targets:
      broker.name === OURS
        ? [{ row: rowName(MANY), figure: "cpuPerMessage", of: "ratio", most: MOST }]
        : [],
  };
}
