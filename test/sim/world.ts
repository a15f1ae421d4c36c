/**
 * The whole way of a message in one process and on one virtual clock: nodes, a lossy radio, a Midge
 * whose power may go, a bridge over an uplink that may break, and a broker in the cloud. All that
 * happens follows from a seed.
 */
import { Bridge } from "../../src/bridge/bridge.ts";
import { bridgeOptions } from "../../src/bridge/options.ts";
import { Broker } from "../../src/broker/broker.ts";
import { Connection } from "../../src/broker/connection.ts";
import { DEFAULT_BROKER_OPTIONS } from "../../src/broker/options.ts";
import { TextCache } from "../../src/bytes/text-cache.ts";
import { Gateway } from "../../src/gateway/gateway.ts";
import { DEFAULT_GATEWAY_OPTIONS } from "../../src/gateway/options.ts";
import type { Random } from "../../src/time/clock.ts";
import { KeptLog } from "../kit/kept-log.ts";
import { MemoryDisk } from "../kit/memory-disk.ts";
import { seededRandom } from "../kit/random.ts";
import { VirtualClock } from "../kit/virtual-clock.ts";
import { Ledger } from "./ledger.ts";
import { LossyRadio, Uplink, type Weather } from "./network.ts";
import { SimulatedNode } from "./simulated-node.ts";
import { WakeWatch } from "./wake-watch.ts";

export interface WorldSettings {
  readonly seed: number;
  readonly nodes: number;
  readonly weather: Weather;
}

const FINE: Weather = { loss: 0, duplication: 0, minimumDelay: 1, jitter: 0 };
/** Timers that there are without any node: of the disk, advertising, brokers, bridge and uplink. */
const OWN_TIMERS = 8;
/** The client identifier of the bridge at the local broker. */
const BRIDGE = "local.midge";
/** Between the wish for a commit and its end, ms at the most. */
const SLOWEST_COMMIT = 40;

interface Life {
  readonly broker: Broker;
  readonly gateway: Gateway;
  readonly bridge: Bridge;
}

export class World {
  readonly clock = new VirtualClock();
  readonly log = new KeptLog();
  readonly random: Random;
  readonly radio: LossyRadio;
  readonly uplink: Uplink;
  readonly nodes: SimulatedNode[] = [];
  /** Subscribes in the cloud, and gives commands there. */
  readonly cloud: Ledger;
  readonly watch: WakeWatch;
  readonly #disk = new MemoryDisk();
  readonly #cloudBroker: Broker;
  #life: Life | undefined;
  #lives = 0;

  constructor({ seed, nodes, weather }: WorldSettings) {
    this.random = seededRandom(seed);
    this.radio = new LossyRadio(this.clock, this.random, weather);
    this.watch = new WakeWatch({
      now: () => this.clock.now(),
      backlogOf: (clientId) => this.#life?.broker.sessions.get(clientId)?.outgoing.backlog ?? 0,
    });
    this.radio.ear = this.watch;
    this.#cloudBroker = new Broker({
      clock: this.clock,
      scheduler: this.clock.scheduler,
      journal: { put() {}, delete() {}, afterCommit: (waiting) => waiting.settle() },
      log: new KeptLog(),
      options: { ...DEFAULT_BROKER_OPTIONS, maxQueuedMessages: 0, sysInterval: 0 },
    });
    this.cloud = new Ledger(this.#cloudBroker, "operator", ["cloud/#"]);
    const topics = new TextCache(64);
    this.uplink = new Uplink(this.clock, 15, (wire) => {
      const connection = new Connection({
        broker: this.#cloudBroker,
        wire,
        policy: { name: "uplink", label: "uplink", origin: "mqtt", allowAnonymous: true },
        random: this.random,
        topics,
      });
      connection.open();
      return connection;
    });
    this.powerOn();
    for (let index = 0; index < nodes; index++) this.nodes.push(new SimulatedNode(this, index));
    this.#commitNow();
  }

  powerOn(): void {
    const { clock } = this;
    const { scheduler } = clock;
    const journal = this.#disk.open();
    const broker = new Broker({
      clock,
      scheduler,
      journal,
      log: this.log,
      options: { ...DEFAULT_BROKER_OPTIONS, maxQueuedMessages: 0, sysInterval: 0 },
    });
    const records = this.#disk.records();
    const damaged = broker.restore(records.filter(({ key }) => !key.startsWith("g/")));
    if (damaged > 0) throw new Error(`${damaged} records are damaged`);
    const gateway = new Gateway({
      door: broker,
      clock,
      scheduler,
      journal,
      log: this.log,
      options: { ...DEFAULT_GATEWAY_OPTIONS, reportInterval: 0 },
    });
    gateway.restore(records.filter(({ key }) => key.startsWith("g/")));
    gateway.attach(this.radio.openLink("radio", gateway));
    gateway.start();
    const bridge = new Bridge({
      door: broker,
      dialler: this.uplink,
      clock,
      scheduler,
      random: this.random,
      log: this.log,
      brokerId: "midge",
      options: bridgeOptions({
        name: "cloud",
        addresses: [{ host: "cloud", port: 1883 }],
        remoteClientId: "midge",
        topics: [
          { pattern: "up/#", direction: "out", qos: 2, localPrefix: "", remotePrefix: "cloud/" },
          { pattern: "down/#", direction: "in", qos: 2, localPrefix: "", remotePrefix: "cmd/" },
        ],
        restartBase: 200,
        restartCap: 3000,
      }),
    });
    bridge.start();
    this.#life = { broker, gateway, bridge };
    this.#lives++;
  }

  /** The power goes without warning: what was not committed is lost, and nothing is said to anyone. */
  powerOff(): void {
    this.#disk.crash();
    this.radio.closeLink();
    this.uplink.cut();
    // What belonged to the old life stays in the heap, but speaks to nobody any more.
    this.#life?.bridge.stop();
    this.#life = undefined;
    this.watch.restarted();
    this.uplink.cut();
  }

  /** From now on nothing goes wrong any more. */
  calm(): void {
    Object.assign(this.radio.weather, FINE);
    this.uplink.up = true;
  }

  /** Messages that wait somewhere. */
  get backlog(): number {
    const life = this.#life;
    const sessions = life === undefined ? [] : [...life.broker.sessions.values()];
    return sessions.reduce((sum, session) => sum + session.outgoing.backlog, 0);
  }

  /** An operator has the gateway forget all nodes; answers how many it knew. */
  forgetNodes(): number {
    return this.nodes.filter(({ clientId }) => this.#life?.gateway.forget(clientId)).length;
  }

  /** What is kept for nodes that were forgotten, in words. */
  remains(): string[] {
    const sessions = [...(this.#life?.broker.sessions.keys() ?? [])];
    const names = this.nodes.map(({ clientId }) => clientId);
    const { size } = this.clock.scheduler;
    return [
      ...sessions.filter((name) => names.includes(name)).map((name) => `the session of ${name}`),
      ...this.#disk
        .records()
        .filter(({ key }) => !key.includes(BRIDGE))
        .map(({ key }) => `the record ${key}`),
      // What belonged to an earlier life has its timers still.
      ...(this.#lives === 1 && size > OWN_TIMERS ? [`${size} timers`] : []),
    ];
  }

  #commitNow(): void {
    this.#disk.commit();
    this.clock.scheduler.after(1 + this.random() * SLOWEST_COMMIT, () => this.#commitNow());
  }
}
