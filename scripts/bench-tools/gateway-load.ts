/**
 * The MQTT-SN load generator's process: takes a job as JSON in its argument, has nodes publish to a
 * gateway or an echo, and prints what it measured as JSON.
 */
import type { Cores } from "./comparison.ts";
import { answerJob, fail } from "./job.ts";
import { LoadNode, NODE_TOPICS, SHORT_TOPIC } from "./load-node.ts";
import { LoadSubscriber } from "./load-subscriber.ts";
import { serverWorked } from "./server-time.ts";
import { Traffic } from "./traffic.ts";
import { residentMemory, usageBetween, usageNow } from "./usage.ts";
import { inTurns, pause } from "./waiting.ts";

export interface GatewayJob {
  /** The UDP port. */
  readonly port: number;
  /** Where the subscriber connects by MQTT; undefined for an echo. */
  readonly mqttPort?: number | undefined;
  /** The server's process. */
  readonly pid: number;
  readonly nodes: number;
  readonly qos: -1 | 0 | 1;
  /** Octets. */
  readonly payload: number;
  /** ms. */
  readonly warmUp: number;
  /** ms. */
  readonly duration: number;
}

export interface GatewayResult extends Cores {
  /** From the first CONNECT to the last CONNACK, ms; undefined where nothing connects. */
  readonly connecting: number | undefined;
  /** Messages per second that were acknowledged (QoS 1), delivered (QoS 0 and -1) or echoed. */
  readonly rate: number;
  /** Of the server, per such message, µs; undefined if there was none. */
  readonly cpuPerMessage: number | undefined;
  /** Until then, µs; undefined if there was none. */
  readonly latencyMedian: number | undefined;
  readonly latency99: number | undefined;
  /** Of the server, bytes. */
  readonly memory: number;
  /** Datagrams that were sent again, or given up, for want of an answer, set-up included. */
  readonly repeated: number;
}

/** Nodes that connect at a time. */
const CONNECTING = 50;
/** What is not answered in so long is repeated: far longer than a turn with all nodes takes; µs. */
const REPEAT_AFTER = 1_000_000;
const REPEAT_CHECK = 100;
const LONGEST_SET_UP = 30_000;

function subscribe(
  job: GatewayJob,
  traffic: Traffic,
  nodes: readonly LoadNode[],
): Promise<LoadSubscriber> {
  return new Promise((resolve) => {
    const subscriber = new LoadSubscriber({
      port: job.mqttPort as number,
      // At QoS 1 the subscriber's own acknowledgements would be what is measured.
      qos: 0,
      protocol: 4,
      clientId: "bench-subscriber",
      login: undefined,
      topicAlias: false,
      persistent: false,
      filters: [job.qos === -1 ? SHORT_TOPIC : `${NODE_TOPICS}#`],
      heard: nodes.length,
      traffic,
      wake: () => {},
      fail,
      ready: () => resolve(subscriber),
      delivered: (number) => nodes[number]?.delivered(),
    });
  });
}

/** Connects and registers all nodes, as far as their QoS needs it; answers how long connecting took, ms. */
async function setUp(job: GatewayJob, nodes: readonly LoadNode[]): Promise<number | undefined> {
  const each = (step: (node: LoadNode) => Promise<void>): Promise<void> =>
    inTurns(nodes.length, CONNECTING, (index) => step(nodes[index] as LoadNode));
  await each((node) => node.open());
  if (job.mqttPort === undefined || job.qos === -1) return undefined;
  const begin = performance.now();
  await each((node) => node.connect());
  const connecting = performance.now() - begin;
  await each((node) => node.register());
  return connecting;
}

async function run(job: GatewayJob): Promise<GatewayResult> {
  const { port, qos, payload } = job;
  const echo = job.mqttPort === undefined;
  // The subscriber times what it is delivered, which for QoS 1 comes besides the acknowledgements.
  const traffic = new Traffic();
  const deliveries = qos === 1 ? new Traffic() : traffic;
  const options = { port, qos, echo, payload, traffic, fail };
  const nodes = Array.from(
    { length: job.nodes },
    (_, number) => new LoadNode({ ...options, number }),
  );

  const late = setTimeout(() => fail("the nodes were not all ready in time"), LONGEST_SET_UP);
  let repeated = 0;
  setInterval(() => {
    for (const node of nodes) {
      if (!node.overdue(REPEAT_AFTER)) continue;
      repeated++;
      node.repeat();
    }
  }, REPEAT_CHECK);
  if (!echo) await subscribe(job, deliveries, nodes);
  const connecting = await setUp(job, nodes);
  clearTimeout(late);

  await inTurns(nodes.length, CONNECTING, async (index) => {
    nodes[index]?.start();
    // Lets the server take these in before the next.
    await pause(0);
  });
  await serverWorked(job.pid, job.warmUp);
  traffic.latency.clear();
  const completed = (): number => (qos === 1 ? traffic.acknowledged : traffic.delivered);
  const before = completed();
  const begin = usageNow(job.pid);
  await serverWorked(job.pid, job.duration);
  const { elapsed, serverTime, ...cores } = usageBetween(begin, usageNow(job.pid));
  const messages = completed() - before;
  return {
    connecting,
    rate: (messages / elapsed) * 1e6,
    cpuPerMessage: messages === 0 ? undefined : serverTime / messages,
    latencyMedian: traffic.latency.quantile(0.5),
    latency99: traffic.latency.quantile(0.99),
    memory: residentMemory(job.pid),
    ...cores,
    repeated,
  };
}

await answerJob(run);
