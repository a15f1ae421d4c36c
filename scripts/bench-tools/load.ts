/**
 * The load generator's process: takes a job as JSON in its argument, loads the broker, and prints
 * what it measured as JSON. A process of its own, so that its work is not counted as the broker's.
 */
import { findCase } from "./cases.ts";
import type { Cores } from "./comparison.ts";
import { answerJob, fail } from "./job.ts";
import { settle } from "./load-end.ts";
import { MqttLoad, type MqttLoadOptions } from "./mqtt-load.ts";
import { serverWorked } from "./server-time.ts";
import { residentMemory, type Usage, usageBetween, usageNow } from "./usage.ts";

export interface LoadJob extends MqttLoadOptions {
  readonly case: string;
  /** The broker's process. */
  readonly pid: number;
  /** How long to load before measuring, so that what compiles while it runs is compiled; ms. */
  readonly warmUp: number;
  /** How long to measure, ms. */
  readonly duration: number;
}

export interface LoadResult extends Cores {
  /** How long was measured: `duration`, or until the first message was lost; µs. */
  readonly elapsed: number;
  /** The measured time ended early because messages were seen to be missing. */
  readonly lossSeen: boolean;
  /** Messages per second. */
  readonly publishedRate: number;
  readonly deliveredRate: number;
  /** Of the broker, per message in or out, µs; undefined if there was none. */
  readonly cpuPerMessage: number | undefined;
  /** µs; undefined if nothing was delivered. */
  readonly latencyMedian: number | undefined;
  readonly latency99: number | undefined;
  /** Of the broker when the measured time ended, bytes. */
  readonly memory: number;
  /** Deliveries due over the whole run, warming up included. */
  readonly expected: number;
  /** Those of them that never came. */
  readonly lost: number;
  /** PUBACKs that publishers never got. */
  readonly unacknowledged: number;
}

const LONGEST_SET_UP = 30_000;

async function run(job: LoadJob): Promise<LoadResult> {
  const load = new MqttLoad(findCase(job.case), job, fail);
  const late = setTimeout(() => fail("the connections were not all ready in time"), LONGEST_SET_UP);
  await load.connect();
  clearTimeout(late);

  let begin = begun(job, load);
  load.start();
  const { firstLoss } = load.traffic;
  // What a broker does once it has begun to lose messages is another task, and no figure of this one.
  await Promise.race([serverWorked(job.pid, job.warmUp), firstLoss]);
  if (load.traffic.lost === 0) begin = begun(job, load);
  await Promise.race([serverWorked(job.pid, job.duration), firstLoss]);
  const measured = measure(job, load, begin);
  load.stop();
  await settle(load);
  load.close();
  return { ...measured, ...lossOf(load) };
}

interface Begin extends Usage {
  readonly published: number;
  readonly delivered: number;
}

function begun({ pid }: LoadJob, { traffic }: MqttLoad): Begin {
  traffic.latency.clear();
  return { ...usageNow(pid), published: traffic.published, delivered: traffic.delivered };
}

function measure({ pid }: LoadJob, { traffic }: MqttLoad, begin: Begin) {
  const { elapsed, serverTime, ...cores } = usageBetween(begin, usageNow(pid));
  const published = traffic.published - begin.published;
  const delivered = traffic.delivered - begin.delivered;
  const messages = published + delivered;
  return {
    elapsed,
    lossSeen: traffic.lost > 0,
    publishedRate: (published / elapsed) * 1e6,
    deliveredRate: (delivered / elapsed) * 1e6,
    cpuPerMessage: messages === 0 ? undefined : serverTime / messages,
    latencyMedian: traffic.latency.quantile(0.5),
    latency99: traffic.latency.quantile(0.99),
    memory: residentMemory(pid),
    ...cores,
  };
}

function lossOf({ expected, traffic, unacknowledged }: MqttLoad) {
  return { expected, lost: Math.max(0, expected - traffic.delivered), unacknowledged };
}

await answerJob(run);
