/**
 * The load generator's process: takes a job as JSON in its argument, loads the broker, and prints
 * what it measured as JSON. A process of its own, so that its work is not counted as the broker's.
 */
import { CASES } from "./cases.ts";
import { MqttLoad } from "./mqtt-load.ts";
import { residentMemory, type Usage, usageBetween, usageNow } from "./usage.ts";
import { pause } from "./waiting.ts";

export interface LoadJob {
  readonly case: string;
  readonly port: number;
  /** The broker's process. */
  readonly pid: number;
  readonly qos: 0 | 1;
  /** Octets. */
  readonly payload: number;
  readonly persistent: boolean;
  /** How long to load before measuring, so that what compiles while it runs is compiled; ms. */
  readonly warmUp: number;
  /** How long to measure, ms. */
  readonly duration: number;
}

export interface LoadResult {
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
  /** How many cores were in use: by the broker, by this generator, and by all other programs. */
  readonly serverCores: number;
  readonly generatorCores: number;
  readonly otherCores: number;
  /** Deliveries due over the whole run, warming up included. */
  readonly expected: number;
  /** Those of them that never came. */
  readonly lost: number;
  /** PUBACKs that publishers never got. */
  readonly unacknowledged: number;
}

/** Without any delivery for so long, the rest is taken to be lost; ms. */
const PATIENCE = 1500;
const LONGEST_SET_UP = 30_000;

/** Waits until everything arrived, or nothing has for a while. */
async function settle(load: MqttLoad): Promise<void> {
  const { traffic } = load;
  let seen = -1;
  let since = performance.now();
  for (;;) {
    if (load.outstanding === 0 && load.unacknowledged === 0) return;
    const sum = traffic.delivered + traffic.acknowledged;
    if (sum !== seen) {
      seen = sum;
      since = performance.now();
    } else if (performance.now() - since > PATIENCE) {
      return;
    }
    await pause(20);
  }
}

async function run(job: LoadJob): Promise<LoadResult> {
  const loadCase = CASES.find(({ name }) => name === job.case);
  if (loadCase === undefined) throw new Error(`there is no case "${job.case}"`);
  const load = new MqttLoad(loadCase, job, fail);
  const late = setTimeout(() => fail("the connections were not all ready in time"), LONGEST_SET_UP);
  await load.connect();
  clearTimeout(late);

  let begin = begun(job, load);
  load.start();
  const { firstLoss } = load.traffic;
  // What a broker does once it has begun to lose messages is another task, and no figure of this one.
  await Promise.race([pause(job.warmUp), firstLoss]);
  if (load.traffic.lost === 0) begin = begun(job, load);
  await Promise.race([pause(job.duration), firstLoss]);
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

function fail(cause: string): never {
  process.stderr.write(`${cause}\n`);
  process.exit(1);
}

try {
  const result = await run(JSON.parse(process.argv[2] ?? "{}") as LoadJob);
  process.stdout.write(`${JSON.stringify(result)}\n`);
} catch (error) {
  fail((error as Error).message);
}
process.exit(0);
