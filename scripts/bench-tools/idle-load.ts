/**
 * The process that holds many idle MQTT clients: takes a job as JSON in its argument, and prints what
 * each of them costs the broker as JSON.
 */
import { PacketType } from "../../src/mqtt/packets.ts";
import { Channel, type ChannelEvents } from "./channel.ts";
import type { Cores } from "./comparison.ts";
import { answerJob, fail } from "./job.ts";
import { SUBSCRIBER } from "./logins.ts";
import {
  connectPacket,
  DISCONNECT_PACKET,
  type MqttProtocol,
  subscribePacket,
} from "./mqtt-packets.ts";
import { residentMemory, usageBetween, usageNow } from "./usage.ts";
import { inTurns, pause } from "./waiting.ts";

export interface IdleJob {
  readonly port: number;
  /** The broker's process. */
  readonly pid: number;
  readonly clients: number;
  readonly protocol: MqttProtocol;
  readonly logins: boolean;
  /** How long to wait for the broker to come to rest; ms. */
  readonly warmUp: number;
  /** How long to watch it being idle; ms. */
  readonly duration: number;
}

export interface IdleResult extends Cores {
  /** Resident memory of the broker for each client, bytes. */
  readonly connected: number;
  /** The same with a subscription each. */
  readonly subscribed: number;
  /** Resident memory with all clients, bytes. */
  readonly memory: number;
  /** Logins per second. */
  readonly connectRate: number;
  /** CPU time of the broker per second while nothing comes, ms. */
  readonly idleCpu: number;
}

/** Clients that come and go first, so that what every broker needs once is not counted. */
const FORERUNNERS = 100;
const CONNECTING = 100;
/** Longer than the run, s. */
const KEEP_ALIVE = 3600;

class IdleClient implements ChannelEvents {
  readonly #job: IdleJob;
  readonly #number: number;
  readonly #channel: Channel;
  #answered: () => void;

  /** `connected` is called once. */
  constructor(job: IdleJob, number: number, connected: () => void) {
    this.#job = job;
    this.#number = number;
    this.#answered = connected;
    this.#channel = new Channel(job.port, this);
  }

  subscribe(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#answered = resolve;
    const filters = [`bench/idle/${this.#number}/command`];
    this.#channel.append(subscribePacket(filters, 1, this.#job.protocol));
    this.#channel.flush();
    return promise;
  }

  leave(): void {
    this.#channel.append(DISCONNECT_PACKET);
    this.#channel.flush();
    this.#channel.close();
  }

  opened(): void {
    const { protocol, logins } = this.#job;
    this.#channel.append(
      connectPacket({
        protocol,
        clientId: `bench-idle-${this.#number}`,
        cleanStart: true,
        keepAlive: KEEP_ALIVE,
        login: logins ? SUBSCRIBER : undefined,
        topicAliases: 0,
      }),
    );
    this.#channel.flush();
  }

  reading(): void {}

  failed(cause: string): void {
    fail(cause);
  }

  packet(header: number, bytes: Uint8Array, start: number, end: number): void {
    const type = header >> 4;
    const code = bytes[type === PacketType.connack ? start + 1 : end - 1] as number;
    if (type === PacketType.connack && code !== 0) fail(`the broker refused a client: ${code}`);
    if (type === PacketType.suback && code !== 1) fail(`the broker refused a filter: ${code}`);
    this.#answered();
  }
}

async function connectAll(job: IdleJob, count: number): Promise<IdleClient[]> {
  const clients: IdleClient[] = [];
  await inTurns(count, CONNECTING, (number) => {
    const { promise, resolve } = Promise.withResolvers<void>();
    clients[number] = new IdleClient(job, number, resolve);
    return promise;
  });
  return clients;
}

async function run(job: IdleJob): Promise<IdleResult> {
  const { pid, clients: count, warmUp, duration } = job;
  for (const client of await connectAll(job, FORERUNNERS)) client.leave();
  await pause(warmUp);
  const before = residentMemory(pid);
  const begin = performance.now();
  const clients = await connectAll(job, count);
  const connecting = performance.now() - begin;
  await pause(warmUp);
  const connected = residentMemory(pid) - before;
  await inTurns(count, CONNECTING, (number) => (clients[number] as IdleClient).subscribe());
  await pause(warmUp);
  const memory = residentMemory(pid);
  const calm = usageNow(pid);
  await pause(duration);
  const usage = usageBetween(calm, usageNow(pid));
  const { serverCores, generatorCores, otherCores } = usage;
  for (const client of clients) client.leave();
  return {
    connected: connected / count,
    subscribed: (memory - before) / count,
    memory,
    connectRate: (count / connecting) * 1000,
    idleCpu: serverCores * 1000,
    serverCores,
    generatorCores,
    otherCores,
  };
}

await answerJob(run);
