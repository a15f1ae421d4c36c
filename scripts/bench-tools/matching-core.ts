/**
 * Times the subscription tree alone, in this process: takes a job as JSON in its argument, and prints
 * what it measured as JSON.
 */
import { SubscriptionTree } from "../../src/topics/subscription-tree.ts";
import type { Cores } from "./comparison.ts";
import { answerJob } from "./job.ts";
import { numbers, subscriptionFilter, subscriptionTopic } from "./subscription-set.ts";
import { type Usage, usageBetween, usageNow } from "./usage.ts";

export interface MatchingJob {
  readonly subscriptions: number;
  /** ms. */
  readonly warmUp: number;
  /** ms. */
  readonly duration: number;
}

export interface MatchingResult extends Cores {
  /** Of matching a topic that the tree has not been asked for since a subscription changed, ns. */
  readonly newTopic: number;
  /** Of matching it again, ns. */
  readonly knownTopic: number;
}

/** Topics that are matched in a row. */
const TOPICS = 100;

type Tree = SubscriptionTree<number, number, number>;

function treeOf(count: number): Tree {
  const tree: Tree = new SubscriptionTree((options) => options.length);
  for (const number of numbers(count)) tree.add(subscriptionFilter(number), number, 1);
  return tree;
}

/** The topics of all subscriptions in batches of TOPICS, each of them spread over all. */
function batchesOf(subscriptions: number): readonly (readonly string[])[] {
  const batches = subscriptions / TOPICS;
  return numbers(batches).map((first) =>
    numbers(TOPICS).map((index) => subscriptionTopic(first + index * batches)),
  );
}

function matchAll(tree: Tree, topics: readonly string[]): void {
  let found = 0;
  for (const topic of topics) found += tree.match(topic).length;
  if (found !== TOPICS) throw new Error(`${found} matches instead of ${TOPICS}`);
}

/** CPU time of this thread, µs: neither other programs nor the collector's threads count. */
function ownTime(): number {
  const { user, system } = process.threadCpuUsage();
  return user + system;
}

/** This process is the server, and there is no generator. */
function ownUsage(): Usage {
  return { ...usageNow(process.pid), generator: 0 };
}

/**
 * CPU time of one match, ns: batch after batch for `duration` ms. The system counts CPU time coarsely,
 * so that only a long row of matches can be timed.
 */
function timeMatches(
  tree: Tree,
  batches: readonly (readonly string[])[],
  duration: number,
  before: () => void,
): number {
  const end = performance.now() + duration;
  const begin = ownTime();
  let matches = 0;
  while (performance.now() < end) {
    for (const topics of batches) {
      before();
      matchAll(tree, topics);
      matches += topics.length;
    }
  }
  return ((ownTime() - begin) * 1000) / matches;
}

async function run(job: MatchingJob): Promise<MatchingResult> {
  const { subscriptions, warmUp, duration } = job;
  const tree = treeOf(subscriptions);
  const batches = batchesOf(subscriptions);
  // A change makes the tree forget what it found before.
  const forget = (): void => {
    tree.add("bench/other", -1, 1);
    tree.remove("bench/other", -1);
  };
  timeMatches(tree, batches, warmUp, forget);
  const calm = ownUsage();
  const newTopic = timeMatches(tree, batches, duration, forget);
  const knownTopic = timeMatches(tree, batches.slice(0, 1), duration, () => {});
  const { serverCores, otherCores } = usageBetween(calm, ownUsage());
  return { newTopic, knownTopic, serverCores, generatorCores: 0, otherCores };
}

await answerJob(run);
