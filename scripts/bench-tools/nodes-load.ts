/**
 * The process that plays many MQTT-SN nodes which stay connected, or fall asleep: takes a job as JSON
 * in its argument, and prints what they cost the gateway as JSON.
 */
import type { Cores } from "./comparison.ts";
import { answerJob, fail } from "./job.ts";
import { LoadNode } from "./load-node.ts";
import { Traffic } from "./traffic.ts";
import { residentMemory, usageBetween, usageNow } from "./usage.ts";
import { inTurns, pause } from "./waiting.ts";

export interface NodesJob {
  /** The UDP port. */
  readonly port: number;
  /** The gateway's process. */
  readonly pid: number;
  readonly nodes: number;
  /** Every node subscribes, falls asleep and closes its socket, rather than to stay. */
  readonly sleeping: boolean;
  /** How long to wait for the gateway to come to rest; ms. */
  readonly warmUp: number;
  /** How long to watch it being idle; ms. */
  readonly duration: number;
}

export interface NodesResult extends Cores {
  /** Resident memory of the gateway for each node, bytes: connected only; undefined for sleepers. */
  readonly connected: number | undefined;
  /** The same with a registered topic and a subscription each, or with a subscription and asleep. */
  readonly complete: number;
  /** Resident memory with all nodes, bytes. */
  readonly memory: number;
  /** Nodes per second that came. */
  readonly connectRate: number;
  /** CPU time of the gateway per second while nothing comes, ms. */
  readonly idleCpu: number;
  /** Datagrams that were sent again for want of an answer. */
  readonly repeated: number;
}

/** Nodes that come and go first, so that what the gateway needs once is not counted. */
const FORERUNNERS = 100;
const CONNECTING = 50;
/** What is not answered in so long is repeated, µs. */
const REPEAT_AFTER = 1_000_000;
const REPEAT_CHECK = 200;

/** Loopback is a whole network: sleepers have an address and port each, as no other has in this run. */
const PORTS_PER_ADDRESS = 10_000;
const FIRST_PORT = 20_000;

function placeOf(number: number): { address: string; port: number } {
  const network = Math.floor(number / PORTS_PER_ADDRESS) + 1;
  return {
    address: `127.1.${Math.floor(network / 256)}.${network % 256}`,
    port: FIRST_PORT + (number % PORTS_PER_ADDRESS),
  };
}

const active = new Set<LoadNode>();
let repeated = 0;

function repeatOverdue(): void {
  for (const node of active) {
    if (!node.overdue(REPEAT_AFTER)) continue;
    repeated++;
    node.repeat();
  }
}

function newNode({ port }: NodesJob, number: number): LoadNode {
  const traffic = new Traffic();
  const node = new LoadNode({ port, number, qos: 1, echo: false, payload: 16, traffic, fail });
  active.add(node);
  return node;
}

function leave(node: LoadNode): void {
  active.delete(node);
  node.close();
}

async function connectAndStay(job: NodesJob, before: number): Promise<Measured> {
  const { nodes: count, pid, warmUp } = job;
  const nodes: LoadNode[] = [];
  await inTurns(count, CONNECTING, (number) => {
    const node = newNode(job, number);
    nodes[number] = node;
    return node.open();
  });
  const begin = performance.now();
  await inTurns(count, CONNECTING, (number) => (nodes[number] as LoadNode).connect());
  const connecting = performance.now() - begin;
  await pause(warmUp);
  const connected = (residentMemory(pid) - before) / count;
  await inTurns(count, CONNECTING, async (number) => {
    const node = nodes[number] as LoadNode;
    await node.register();
    await node.subscribe();
  });
  return { connected, connecting };
}

async function sleepAndClose(job: NodesJob): Promise<Measured> {
  const begin = performance.now();
  await inTurns(job.nodes, CONNECTING, async (number) => {
    const node = newNode(job, number);
    await node.open(placeOf(number));
    await node.connect(false);
    await node.subscribe();
    await node.sleep();
    leave(node);
  });
  return { connected: undefined, connecting: performance.now() - begin };
}

interface Measured {
  readonly connected: number | undefined;
  /** ms. */
  readonly connecting: number;
}

async function run(job: NodesJob): Promise<NodesResult> {
  const { pid, nodes: count, sleeping, warmUp, duration } = job;
  setInterval(repeatOverdue, REPEAT_CHECK);
  await inTurns(FORERUNNERS, CONNECTING, async (number) => {
    const node = newNode(job, count + number);
    await node.open();
    await node.connect();
    await node.register();
    await node.subscribe();
    await node.leave();
    leave(node);
  });
  await pause(warmUp);
  const before = residentMemory(pid);
  const measured = sleeping ? await sleepAndClose(job) : await connectAndStay(job, before);
  await pause(warmUp);
  const memory = residentMemory(pid);
  const calm = usageNow(pid);
  await pause(duration);
  const usage = usageBetween(calm, usageNow(pid));
  const { serverCores, generatorCores, otherCores } = usage;
  return {
    connected: measured.connected,
    complete: (memory - before) / count,
    memory,
    connectRate: (count / measured.connecting) * 1000,
    idleCpu: serverCores * 1000,
    repeated,
    serverCores,
    generatorCores,
    otherCores,
  };
}

await answerJob(run);
