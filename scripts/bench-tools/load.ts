/**
 * The load generator's process: takes a job as JSON in its argument, loads the broker, and prints
 * what it measured as JSON. A process of its own, so that its work is not counted as the broker's.
 */
import { CASES } from "./cases.ts";
import { MqttLoad } from "./mqtt-load.ts";
import { cpuTime, residentMemory } from "./process-usage.ts";

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
  /** Messages per second, in the measured time. */
  readonly publishedRate: number;
  readonly deliveredRate: number;
  /** Of the broker, per message in or out, µs. */
  readonly cpuPerMessage: number;
  /** Microseconds; undefined if nothing was delivered. */
  readonly latencyMedian: number | undefined;
  readonly latency99: number | undefined;
  /** Of the broker when the measured time ended, bytes. */
  readonly memory: number;
  /** The share of one core that the broker and this generator used; over 1 with several threads. */
  readonly brokerLoad: number;
  readonly generatorLoad: number;
  /** Over the whole run, warming up included. */
  readonly expected: number;
  readonly lost: number;
  /** Deliveries that were missing at the end, with nothing more coming. */
  readonly missing: number;
  /** PUBACKs that publishers never got. */
  readonly unacknowledged: number;
}

/** Without any delivery for so long, the rest is taken to be missing; ms. */
const PATIENCE = 1500;
const LONGEST_SET_UP = 30_000;

interface Snapshot {
  readonly time: number;
  readonly broker: number;
  readonly generator: number;
  readonly published: number;
  readonly delivered: number;
}

function snapshot(pid: number, load: MqttLoad): Snapshot {
  const own = process.cpuUsage();
  return {
    time: performance.now() * 1000,
    broker: cpuTime(pid),
    generator: own.user + own.system,
    published: load.traffic.published,
    delivered: load.traffic.delivered,
  };
}

function pause(duration: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, duration));
}

/** Waits until everything arrived, or nothing has for a while. */
async function settle(load: MqttLoad, qos: number): Promise<void> {
  const { traffic } = load;
  let seen = -1;
  let since = performance.now();
  for (;;) {
    const acknowledged = qos === 0 || traffic.acknowledged === traffic.published;
    if (load.outstanding === 0 && acknowledged) return;
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

  load.start();
  await pause(job.warmUp);
  load.traffic.latency.clear();
  const begin = snapshot(job.pid, load);
  await pause(job.duration);
  const end = snapshot(job.pid, load);
  const memory = residentMemory(job.pid);
  const { traffic } = load;
  const latencyMedian = traffic.latency.quantile(0.5);
  const latency99 = traffic.latency.quantile(0.99);
  load.stop();
  await settle(load, job.qos);
  load.close();

  const elapsed = end.time - begin.time;
  const published = end.published - begin.published;
  const delivered = end.delivered - begin.delivered;
  return {
    publishedRate: (published / elapsed) * 1e6,
    deliveredRate: (delivered / elapsed) * 1e6,
    cpuPerMessage: (end.broker - begin.broker) / (published + delivered),
    latencyMedian,
    latency99,
    memory,
    brokerLoad: (end.broker - begin.broker) / elapsed,
    generatorLoad: (end.generator - begin.generator) / elapsed,
    expected: traffic.published * loadCase.copies,
    lost: traffic.lost,
    missing: load.outstanding,
    unacknowledged: job.qos === 0 ? 0 : traffic.published - traffic.acknowledged,
  };
}

function fail(cause: string): never {
  process.stderr.write(`${cause}\n`);
  process.exit(1);
}

const result = await run(JSON.parse(process.argv[2] ?? "{}") as LoadJob);
process.stdout.write(`${JSON.stringify(result)}\n`);
process.exit(0);
