/**
 * The load generator of "away": publishes for a subscriber who has left, then has it fetch what waits.
 * Takes a job as JSON in its argument, and prints what it measured as JSON.
 */
import type { Cores } from "./comparison.ts";
import { answerJob, fail } from "./job.ts";
import { settle } from "./load-end.ts";
import { LoadSubscriber } from "./load-subscriber.ts";
import { SUBSCRIBER } from "./logins.ts";
import type { MqttProtocol } from "./mqtt-packets.ts";
import { POOL_FILTER, PublisherPool } from "./publisher-pool.ts";
import { serverWorked } from "./server-time.ts";
import { Traffic } from "./traffic.ts";
import { residentMemory, usageBetween, usageNow } from "./usage.ts";

export interface AwayJob {
  readonly port: number;
  /** The broker's process. */
  readonly pid: number;
  readonly publishers: number;
  readonly protocol: MqttProtocol;
  readonly payload: number;
  readonly logins: boolean;
  readonly warmUp: number;
  readonly duration: number;
}

export interface AwayResult extends Cores {
  /** PUBACKs per second while the subscriber is away. */
  readonly acknowledgedRate: number;
  /** CPU time of the broker per message then, µs. */
  readonly cpuPerMessage: number | undefined;
  /** Messages per second that the subscriber is given when it is back. */
  readonly fetchedRate: number;
  /** Of the broker when all messages wait, bytes. */
  readonly memory: number;
  readonly queued: number;
  /** Acknowledged, and never delivered. */
  readonly lost: number;
}

async function comeAndSubscribe(
  job: AwayJob,
  traffic: Traffic,
  reading: () => void = () => {},
): Promise<LoadSubscriber> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const subscriber: LoadSubscriber = new LoadSubscriber({
    port: job.port,
    protocol: job.protocol,
    qos: 1,
    clientId: "bench-away",
    login: job.logins ? SUBSCRIBER : undefined,
    topicAlias: false,
    traffic,
    wake: () => {
      reading();
      setImmediate(() => subscriber.channel.flush());
    },
    fail,
    ready: resolve,
    filters: [POOL_FILTER],
    persistent: true,
    heard: job.publishers,
  });
  await promise;
  return subscriber;
}

async function run(job: AwayJob): Promise<AwayResult> {
  const traffic = new Traffic();
  (await comeAndSubscribe(job, traffic)).leave();
  const pool = new PublisherPool({
    ...job,
    traffic,
    room: () => Number.POSITIVE_INFINITY,
    fail,
  });
  await pool.connect();
  pool.start();
  await serverWorked(job.pid, job.warmUp);
  const begin = usageNow(job.pid);
  const acknowledgedBefore = traffic.acknowledged;
  await serverWorked(job.pid, job.duration);
  const usage = usageBetween(begin, usageNow(job.pid));
  const acknowledged = traffic.acknowledged - acknowledgedBefore;
  pool.stop();
  await settle({
    outstanding: 0,
    get unacknowledged() {
      return pool.unacknowledged;
    },
  });
  const memory = residentMemory(job.pid);
  const queued = traffic.acknowledged;
  const back = performance.now();
  let last = back;
  const subscriber = await comeAndSubscribe(job, traffic, () => {
    last = performance.now();
  });
  await settle({
    get outstanding() {
      return Math.max(0, queued - traffic.delivered);
    },
    unacknowledged: 0,
  });
  subscriber.leave();
  pool.close();
  const { elapsed, serverTime, serverCores, generatorCores, otherCores } = usage;
  return {
    acknowledgedRate: (acknowledged / elapsed) * 1e6,
    cpuPerMessage: acknowledged === 0 ? undefined : serverTime / acknowledged,
    fetchedRate: (traffic.delivered / (last - back)) * 1000,
    memory,
    queued,
    lost: Math.max(0, queued - traffic.delivered),
    serverCores,
    generatorCores,
    otherCores,
  };
}

await answerJob(run);
