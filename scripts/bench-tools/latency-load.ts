/**
 * The open loop's process: publishes at a fixed rate, however slow the broker is, and times each
 * message from when it was to be sent, so that a broker that stands still is charged for every message
 * that had to wait meanwhile.
 */
import { UNACKNOWLEDGED } from "./cases.ts";
import type { Cores } from "./comparison.ts";
import { answerJob, fail } from "./job.ts";
import { settle } from "./load-end.ts";
import { LoadPublisher } from "./load-publisher.ts";
import { LoadSubscriber } from "./load-subscriber.ts";
import { PUBLISHER, SUBSCRIBER } from "./logins.ts";
import type { MqttLoadOptions } from "./mqtt-load.ts";
import { Schedule } from "./schedule.ts";
import { Traffic } from "./traffic.ts";
import { usageBetween, usageNow } from "./usage.ts";

export interface LatencyJob extends MqttLoadOptions {
  /** The broker's process. */
  readonly pid: number;
  /** Messages per second. */
  readonly rate: number;
  /** ms. */
  readonly warmUp: number;
  /** ms. */
  readonly duration: number;
}

export interface LatencyResult extends Cores {
  /** µs; undefined if nothing was delivered. */
  readonly latencyMedian: number | undefined;
  readonly latency99: number | undefined;
  readonly latency999: number | undefined;
  /** Of the broker, per message in or out, µs. */
  readonly cpuPerMessage: number;
  /** Deliveries due, and those of them that never came. */
  readonly expected: number;
  readonly lost: number;
}

const PUBLISHERS = 20;
const FILTER = "bench/open/#";
/** So many times the rate warms the broker up. */
const WARM_UP_FACTOR = 10;

function client(job: LatencyJob, traffic: Traffic, ready: () => void) {
  const { port, protocol, qos, topicAlias } = job;
  return { port, protocol, qos, topicAlias, traffic, fail, ready };
}

function subscribe(job: LatencyJob, traffic: Traffic): Promise<LoadSubscriber> {
  return new Promise((resolve) => {
    const subscriber: LoadSubscriber = new LoadSubscriber({
      ...client(job, traffic, () => resolve(subscriber)),
      clientId: "bench-subscriber",
      login: job.logins ? SUBSCRIBER : undefined,
      persistent: job.persistent,
      filters: [FILTER],
      heard: PUBLISHERS,
      wake: () => setImmediate(() => subscriber.channel.flush()),
    });
  });
}

function connect(job: LatencyJob, traffic: Traffic, number: number): Promise<LoadPublisher> {
  return new Promise((resolve) => {
    const publisher: LoadPublisher = new LoadPublisher({
      ...client(job, traffic, () => resolve(publisher)),
      clientId: `bench-publisher-${number}`,
      login: job.logins ? PUBLISHER : undefined,
      topics: [`bench/open/${number}/value`],
      payload: job.payload,
      number,
      wake: () => {},
    });
  });
}

/** Publishes whatever is due, again and again, for `duration` ms. */
function publishOnTime(
  publishers: readonly LoadPublisher[],
  rate: number,
  duration: number,
): Promise<void> {
  const schedule = new Schedule(rate, publishers.length);
  const before = publishers.map(({ published }) => published);
  const start = performance.now() * 1000;
  const end = start + duration * 1000;
  return new Promise((resolve) => {
    const turn = (): void => {
      const now = performance.now() * 1000;
      for (const [index, publisher] of publishers.entries()) {
        for (;;) {
          const number = publisher.published - (before[index] as number);
          const due = start + schedule.due(index, number);
          if (due > now || due > end || publisher.unacknowledged >= UNACKNOWLEDGED) break;
          publisher.publish(due >>> 0);
        }
        publisher.channel.flush();
      }
      // A timer would be late by up to a millisecond, which is more than what is measured.
      if (now < end) setImmediate(turn);
      else resolve();
    };
    turn();
  });
}

async function run(job: LatencyJob): Promise<LatencyResult> {
  const traffic = new Traffic();
  const subscriber = await subscribe(job, traffic);
  const publishers: LoadPublisher[] = [];
  for (let number = 0; number < PUBLISHERS; number++) {
    publishers.push(await connect(job, traffic, number));
  }
  const settling = {
    get outstanding() {
      return traffic.published - traffic.delivered - traffic.lost;
    },
    unacknowledged: 0,
  };
  // At the rate itself, what is compiled while it runs would not be compiled for minutes.
  await publishOnTime(publishers, job.rate * WARM_UP_FACTOR, job.warmUp);
  await settle(settling);
  traffic.latency.clear();
  const before = { ...usageNow(job.pid), messages: traffic.published + traffic.delivered };
  await publishOnTime(publishers, job.rate, job.duration);
  const { serverTime, serverCores, generatorCores, otherCores } = usageBetween(
    before,
    usageNow(job.pid),
  );
  const messages = traffic.published + traffic.delivered - before.messages;
  await settle(settling);
  for (const one of [subscriber, ...publishers]) one.leave();
  const { latency } = traffic;
  return {
    latencyMedian: latency.quantile(0.5),
    latency99: latency.quantile(0.99),
    latency999: latency.quantile(0.999),
    cpuPerMessage: serverTime / messages,
    expected: traffic.published,
    lost: Math.max(0, traffic.published - traffic.delivered),
    serverCores,
    generatorCores,
    otherCores,
  };
}

await answerJob(run);
