/**
 * The load generator of "bridge": publishers on this side, and the broker that the bridge leads to.
 * Takes a job as JSON in its argument, and prints what it measured as JSON.
 */
import type { Cores } from "./comparison.ts";
import { answerJob, fail } from "./job.ts";
import { settle } from "./load-end.ts";
import { PublisherPool } from "./publisher-pool.ts";
import { serverWorked } from "./server-time.ts";
import { SinkBroker } from "./sink-broker.ts";
import { Traffic } from "./traffic.ts";
import { residentMemory, usageBetween, usageNow } from "./usage.ts";
import { pause } from "./waiting.ts";

export interface BridgeJob {
  readonly port: number;
  /** The broker's process. */
  readonly pid: number;
  /** Where the bridge expects its remote broker. */
  readonly remotePort: number;
  readonly payload: number;
  readonly logins: boolean;
  readonly warmUp: number;
  readonly duration: number;
  /** Messages that are queued before the remote broker is there; 0 is a bridge under way. */
  readonly backlog: number;
}

export interface BridgeResult extends Cores {
  /** Messages per second at the remote broker. */
  readonly bridgedRate: number;
  /** CPU time of the broker per message, µs. */
  readonly cpuPerMessage: number | undefined;
  /** From the turn in which a message was published to the read that brought it, µs. */
  readonly latencyMedian: number | undefined;
  readonly memory: number;
  readonly published: number;
  readonly lost: number;
}

const PUBLISHERS = 50;
/** Messages that may be on their way through the bridge. */
const WINDOW = 1000;
/** ms. */
const POLL_INTERVAL = 5;
const LONGEST_DRAIN = 120_000;

/** At the remote broker: of a first message, and of as many as the backlog holds. */
interface Arrival {
  readonly first: Promise<void>;
  readonly all: Promise<void>;
}

async function run(job: BridgeJob): Promise<BridgeResult> {
  const traffic = new Traffic();
  const queueing = (): number => job.backlog - traffic.published;
  const flowing = (): number => WINDOW - (traffic.published - traffic.delivered - traffic.lost);
  const pool = new PublisherPool({
    ...job,
    publishers: PUBLISHERS,
    protocol: 4,
    traffic,
    room: job.backlog > 0 ? queueing : flowing,
    fail,
  });
  const first = Promise.withResolvers<void>();
  const all = Promise.withResolvers<void>();
  const sink = new SinkBroker(traffic, PUBLISHERS, () => {
    pool.wake();
    if (traffic.delivered > 0) first.resolve();
    if (traffic.delivered >= job.backlog) all.resolve();
  });
  const arrival = { first: first.promise, all: all.promise };
  const result =
    job.backlog > 0
      ? await drain(job, traffic, pool, sink, arrival)
      : await flow(job, traffic, pool, sink, arrival);
  pool.stop();
  await settle({
    get outstanding() {
      return Math.max(0, traffic.published - traffic.delivered);
    },
    get unacknowledged() {
      return pool.unacknowledged;
    },
  });
  pool.close();
  sink.close();
  return {
    ...result,
    published: traffic.published,
    lost: Math.max(0, traffic.published - traffic.delivered),
  };
}

async function flow(
  job: BridgeJob,
  traffic: Traffic,
  pool: PublisherPool,
  sink: SinkBroker,
  arrival: Arrival,
) {
  await sink.listen(job.remotePort);
  await pool.connect();
  pool.start();
  // A bridge that finds nobody at first has its patience between attempts.
  await arrival.first;
  await serverWorked(job.pid, job.warmUp);
  traffic.latency.clear();
  const begin = usageNow(job.pid);
  const before = traffic.delivered;
  await serverWorked(job.pid, job.duration);
  return figures(job, traffic, begin, traffic.delivered - before);
}

async function drain(
  job: BridgeJob,
  traffic: Traffic,
  pool: PublisherPool,
  sink: SinkBroker,
  arrival: Arrival,
) {
  await pool.connect();
  pool.start();
  const late = setTimeout(() => fail("the backlog did not arrive in time"), LONGEST_DRAIN);
  while (traffic.acknowledged < job.backlog) await pause(POLL_INTERVAL);
  await sink.listen(job.remotePort);
  // From the first message on: what comes before is the bridge's patience between attempts.
  await arrival.first;
  const begin = usageNow(job.pid);
  const before = traffic.delivered;
  await arrival.all;
  clearTimeout(late);
  return figures(job, traffic, begin, traffic.delivered - before);
}

function figures(
  { pid }: BridgeJob,
  traffic: Traffic,
  begin: ReturnType<typeof usageNow>,
  bridged: number,
) {
  const { elapsed, serverTime, ...cores } = usageBetween(begin, usageNow(pid));
  return {
    bridgedRate: (bridged / elapsed) * 1e6,
    cpuPerMessage: bridged === 0 ? undefined : serverTime / bridged,
    latencyMedian: traffic.latency.quantile(0.5),
    memory: residentMemory(pid),
    ...cores,
  };
}

await answerJob(run);
