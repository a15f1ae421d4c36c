/**
 * Nodes, a lossy radio, a gateway that passes them on to another broker, and the network to that, which
 * breaks; all in one process, on one virtual clock, and as a seed has it.
 */
import { Broker } from "../../src/broker/broker.ts";
import { Connection } from "../../src/broker/connection.ts";
import { BrokerDirectedDoor } from "../../src/broker/directed-door.ts";
import { DEFAULT_BROKER_OPTIONS } from "../../src/broker/options.ts";
import { TextCache } from "../../src/bytes/text-cache.ts";
import { Gateway } from "../../src/gateway/gateway.ts";
import { DEFAULT_GATEWAY_OPTIONS } from "../../src/gateway/options.ts";
import type { Door } from "../../src/seams/door.ts";
import type { Journal, StoredRecord } from "../../src/seams/journal.ts";
import type { Random } from "../../src/time/clock.ts";
import { AggregatingDoor } from "../../src/upstream/aggregating-door.ts";
import { isUpstreamKey } from "../../src/upstream/known-subscriptions.ts";
import { upstreamOptions } from "../../src/upstream/options.ts";
import { TransparentDoor } from "../../src/upstream/transparent-door.ts";
import { KeptLog } from "../kit/kept-log.ts";
import { MemoryDisk } from "../kit/memory-disk.ts";
import { seededRandom } from "../kit/random.ts";
import { VirtualClock } from "../kit/virtual-clock.ts";
import { Ledger } from "./ledger.ts";
import { LossyRadio, Uplink, type Weather } from "./network.ts";
import { SimulatedNode } from "./simulated-node.ts";

export interface UpstreamWorldSettings {
  readonly seed: number;
  readonly nodes: number;
  readonly weather: Weather;
  readonly mode: "transparent" | "aggregating";
  readonly level: 4 | 5;
}

const FINE: Weather = { loss: 0, duplication: 0, minimumDelay: 1, jitter: 0 };
/** Between the wish for a commit and its end, ms at the most. */
const SLOWEST_COMMIT = 40;
const SESSIONS = "a/";

interface Life {
  readonly door: Door & { stop(): void };
  readonly gateway: Gateway;
  readonly sessions: Broker | undefined;
}

export class UpstreamWorld {
  readonly clock = new VirtualClock();
  readonly log = new KeptLog();
  readonly random: Random;
  readonly radio: LossyRadio;
  readonly uplink: Uplink;
  readonly nodes: SimulatedNode[] = [];
  /** Subscribes at the upstream broker, and gives commands there. */
  readonly cloud: Ledger;
  readonly broker: Broker;
  readonly #settings: UpstreamWorldSettings;
  readonly #disk = new MemoryDisk();
  #life: Life | undefined;

  constructor(settings: UpstreamWorldSettings) {
    const { seed, nodes, weather } = settings;
    this.#settings = settings;
    this.random = seededRandom(seed);
    this.radio = new LossyRadio(this.clock, this.random, weather);
    this.broker = new Broker({
      clock: this.clock,
      scheduler: this.clock.scheduler,
      journal: { put() {}, delete() {}, afterCommit: (waiting) => waiting.settle() },
      log: new KeptLog(),
      options: { ...DEFAULT_BROKER_OPTIONS, maxQueuedMessages: 0, sysInterval: 0 },
    });
    this.cloud = new Ledger(this.broker, "operator", ["up/#"]);
    const topics = new TextCache(64);
    this.uplink = new Uplink(this.clock, 15, (wire) => {
      const connection = new Connection({
        broker: this.broker,
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
    const { clock, log } = this;
    const { scheduler } = clock;
    const journal = this.#disk.open();
    const records = this.#disk.records();
    const { door, sessions } = this.#openDoor(journal, records);
    const gateway = new Gateway({
      door,
      clock,
      scheduler,
      journal,
      log,
      options: {
        ...DEFAULT_GATEWAY_OPTIONS,
        reportInterval: 0,
        connectRate: { perSecond: 0, burst: 1 },
      },
    });
    gateway.restore(records.filter(({ key }) => key.startsWith("g/")));
    gateway.attach(this.radio.openLink("radio", gateway));
    gateway.start();
    this.#life = { door, gateway, sessions };
  }

  /** The power goes without warning: what was not committed is lost, and nothing is said to anyone. */
  powerOff(): void {
    this.#disk.crash();
    this.radio.closeLink();
    this.uplink.cut();
    // What belonged to the old life stays in the heap, but speaks to nobody any more.
    this.#life?.door.stop();
    this.#life = undefined;
    this.uplink.cut();
  }

  /** From now on nothing goes wrong any more. */
  calm(): void {
    Object.assign(this.radio.weather, FINE);
    this.uplink.up = true;
  }

  /** Messages that wait somewhere. */
  get backlog(): number {
    const sessions = [
      ...this.broker.sessions.values(),
      ...(this.#life?.sessions?.sessions.values() ?? []),
    ];
    return sessions.reduce((sum, session) => sum + session.outgoing.backlog, 0);
  }

  #openDoor(
    journal: Journal,
    records: readonly StoredRecord[],
  ): { door: Door & { stop(): void }; sessions: Broker | undefined } {
    const { clock, log, random, uplink } = this;
    const { mode, level } = this.#settings;
    const parts = {
      dialler: uplink,
      clock,
      scheduler: clock.scheduler,
      random,
      log,
      announce: () => {},
      options: upstreamOptions({
        name: "mqtt://upstream",
        target: { host: "upstream", port: 1883 },
        level,
        retryBase: 200,
        retryCap: 3000,
      }),
    };
    if (mode === "transparent") {
      const door = new TransparentDoor({ ...parts, journal });
      if (door.restore(records.filter(({ key }) => isUpstreamKey(key))) > 0) {
        throw new Error("records are damaged");
      }
      return { door, sessions: undefined };
    }
    const sessions = new Broker({
      clock,
      scheduler: clock.scheduler,
      journal: {
        put: (key, value) => journal.put(SESSIONS + key, value),
        delete: (key) => journal.delete(SESSIONS + key),
        afterCommit: (waiting) => journal.afterCommit(waiting),
      },
      log,
      options: {
        ...DEFAULT_BROKER_OPTIONS,
        maxQueuedMessages: 0,
        sysInterval: 0,
        custodyGrace: 5000,
      },
    });
    const own = records.filter(({ key }) => key.startsWith(SESSIONS));
    sessions.restore(own.map(({ key, value }) => ({ key: key.slice(SESSIONS.length), value })));
    const inner = new BrokerDirectedDoor(sessions);
    const door = new AggregatingDoor({ ...parts, clientId: "gateway", inner, serving: () => {} });
    door.start();
    return { door, sessions };
  }

  #commitNow(): void {
    this.#disk.commit();
    this.clock.scheduler.after(1 + this.random() * SLOWEST_COMMIT, () => this.#commitNow());
  }
}
