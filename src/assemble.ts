/** The composition root: builds the parts from the configuration, wires them, starts and stops them. */
import { hostname } from "node:os";
import { join } from "node:path";
import { Bridge } from "./bridge/bridge.ts";
import { Broker } from "./broker/broker.ts";
import { Connection } from "./broker/connection.ts";
import type { ListenerPolicy } from "./broker/listener-policy.ts";
import { isBrokerKey } from "./broker/records.ts";
import { SysTree } from "./broker/sys-tree.ts";
import { TextCache } from "./bytes/text-cache.ts";
import type { Config } from "./config/schema.ts";
import { Gateway } from "./gateway/gateway.ts";
import { HttpServer } from "./http/http-server.ts";
import { UdpLink } from "./links/udp-link.ts";
import { TcpListener } from "./listeners/tcp-listener.ts";
import { WebSocketAcceptor } from "./listeners/websocket-acceptor.ts";
import { WebSocketListener } from "./listeners/websocket-listener.ts";
import { bridgeOptionsFrom, brokerOptionsFrom, gatewayOptionsFrom } from "./options-from-config.ts";
import type { Journal, StoredRecord } from "./seams/journal.ts";
import type { Log } from "./seams/log.ts";
import type { Wire, WireEnd } from "./seams/wire.ts";
import { FlushTurn } from "./sockets/flush-turn.ts";
import { MemoryJournal } from "./store/memory-journal.ts";
import { openStore } from "./store/open-store.ts";
import { dataFolder } from "./system/data-folder.ts";
import type { RealTime } from "./system/real-time.ts";
import { TcpDialler } from "./uplink/tcp-dialler.ts";
import { VERSION } from "./version.ts";

/** A place where Midge can be reached, for the greeting. */
export interface Endpoint {
  readonly what: "MQTT" | "MQTT over WebSocket" | "MQTT-SN" | "Dashboard" | "Bridge" | "Data";
  readonly where: string;
}

export interface MidgeParts {
  readonly config: Config;
  readonly log: Log;
  readonly time: RealTime;
  /** Folder of the built dashboard page. */
  readonly page: string;
}

/** How long a change that nobody waits for may stay off the disk in strict mode, ms. */
const LAZY_INTERVAL = 5000;
/** MQTT over WebSocket may pack several packets into a frame. */
const WEBSOCKET_SLACK = 65_536;

export class Midge {
  readonly #log: Log;
  readonly #time: RealTime;
  readonly #page: string;
  readonly #turn = new FlushTurn();
  readonly #topics = new TextCache();
  /** What has been started, to be stopped in reverse order. */
  readonly #running: { stop(): void | Promise<void> }[] = [];
  readonly #endpoints: Endpoint[] = [];
  #config: Config;
  #broker: Broker | undefined;

  constructor({ config, log, time, page }: MidgeParts) {
    this.#config = config;
    this.#log = log;
    this.#time = time;
    this.#page = page;
  }

  get endpoints(): readonly Endpoint[] {
    return this.#endpoints;
  }

  /** Starts every part; on failure stops those that were started, and rejects with what is wrong. */
  async start(): Promise<void> {
    try {
      this.#time.start();
      this.#running.push(this.#time);
      const { journal, records } = await this.#openJournal();
      const broker = this.#startBroker(journal, records);
      await this.#startGateway(broker, journal, records);
      this.#startBridges(broker);
      await this.#startListeners(broker);
      await this.#startHttp(broker);
      const { store } = this.#config;
      const where = store.mode === "memory" ? "kept in memory only" : dataFolder(store.path);
      this.#endpoints.push({ what: "Data", where });
    } catch (error) {
      await this.stop();
      throw error;
    }
  }

  /** Stops in reverse order of starting; what is on its way is written out. */
  async stop(): Promise<void> {
    for (let part = this.#running.pop(); part !== undefined; part = this.#running.pop()) {
      await part.stop();
    }
  }

  /** Puts a new configuration into force as far as it can be without a restart, and logs the rest. */
  reconfigure(config: Config): void {
    const before = this.#config;
    this.#config = config;
    if (this.#broker !== undefined) this.#broker.options = brokerOptionsFrom(config, VERSION);
    const changed = (Object.keys(config) as (keyof Config)[]).filter(
      (section) => JSON.stringify(config[section]) !== JSON.stringify(before[section]),
    );
    const later = changed.filter((section) => section !== "broker" && section !== "log");
    this.#log.info(
      changed.length === 0
        ? "Configuration unchanged."
        : `Configuration changed: ${changed.join(", ")}.`,
    );
    if (later.length > 0) this.#log.warn(`Restart Midge for the changes in ${later.join(", ")}.`);
  }

  async #openJournal(): Promise<{ journal: Journal; records: readonly StoredRecord[] }> {
    const { mode, path, interval } = this.#config.store;
    if (mode === "memory") return { journal: new MemoryJournal(), records: [] };
    const { journal, records } = await openStore({
      path: join(dataFolder(path), "store"),
      strict: mode === "strict",
      lazyInterval: mode === "strict" ? LAZY_INTERVAL : interval,
      log: this.#log,
    });
    this.#running.push({ stop: () => journal.close() });
    return { journal, records };
  }

  #startBroker(journal: Journal, records: readonly StoredRecord[]): Broker {
    const broker = new Broker({
      clock: this.#time,
      scheduler: this.#time.scheduler,
      journal,
      log: this.#log,
      options: brokerOptionsFrom(this.#config, VERSION),
    });
    this.#broker = broker;
    const damaged = broker.restore(records.filter(({ key }) => isBrokerKey(key)));
    if (damaged > 0) this.#log.error(`store: ${damaged} records were damaged and left out`);
    const sysTree = new SysTree(broker);
    sysTree.start();
    this.#running.push(sysTree);
    return broker;
  }

  async #startGateway(
    broker: Broker,
    journal: Journal,
    records: readonly StoredRecord[],
  ): Promise<void> {
    const config = this.#config;
    if (!config.gateway.enabled) return;
    const gateway = new Gateway({
      door: broker,
      clock: this.#time,
      scheduler: this.#time.scheduler,
      journal,
      log: this.#log,
      options: gatewayOptionsFrom(config),
    });
    gateway.restore(records.filter(({ key }) => key.startsWith("g/")));
    for (const [index, settings] of config.link.entries()) {
      const link = new UdpLink({
        name: settings.name,
        address: settings.address,
        port: settings.port,
        multicastGroup: settings.multicast_group === "" ? undefined : settings.multicast_group,
        multicastInterface:
          settings.multicast_interface === "" ? undefined : settings.multicast_interface,
        retryInterval: settings.retry_interval * 1000,
        retryLimit: settings.retry_limit,
        maximumFrame: settings.max_frame,
        receiveBuffer: settings.receive_buffer,
        setting: `link[${index}].port`,
        end: gateway,
        log: this.#log,
      });
      if (!(await this.#startPart(link, settings.optional))) continue;
      gateway.attach(link);
      this.#endpoints.push({
        what: "MQTT-SN",
        where: `udp://${hostPort(settings.address, link.port)}`,
      });
    }
    gateway.start();
    this.#running.push(gateway);
  }

  #startBridges(broker: Broker): void {
    for (const settings of this.#config.bridge) {
      const options = bridgeOptionsFrom(settings, this.#config);
      const bridge = new Bridge({
        door: broker,
        dialler: new TcpDialler(this.#turn),
        clock: this.#time,
        scheduler: this.#time.scheduler,
        random: Math.random,
        log: this.#log,
        options,
      });
      bridge.start();
      this.#running.push({
        stop: async () => {
          bridge.stop();
          // Its goodbye leaves at the end of this turn.
          await new Promise((resolve) => setImmediate(resolve));
        },
      });
      const targets = options.addresses.map(({ host, port }) => hostPort(host, port)).join(", ");
      this.#endpoints.push({ what: "Bridge", where: `${settings.name} to ${targets}` });
    }
  }

  async #startListeners(broker: Broker): Promise<void> {
    for (const [index, settings] of this.#config.listener.entries()) {
      const { address, port, protocol } = settings;
      const policy: ListenerPolicy = {
        name: settings.name,
        label: `port ${port}`,
        origin: protocol === "mqtt" ? "mqtt" : "websocket",
        allowAnonymous: settings.allow_anonymous,
      };
      const { maxConnections, setting } = {
        maxConnections: settings.max_connections < 0 ? undefined : settings.max_connections,
        setting: `listener[${index}].port`,
      };
      const accept = this.#acceptor(broker, policy);
      const listener =
        protocol === "mqtt"
          ? new TcpListener({ address, port, maxConnections, setting, turn: this.#turn, accept })
          : new WebSocketListener({
              address,
              port,
              maxConnections,
              setting,
              acceptor: this.#webSocketAcceptor(accept, []),
            });
      await this.#startPart(listener, false);
      const scheme = protocol === "mqtt" ? "mqtt" : "ws";
      const what = protocol === "mqtt" ? "MQTT" : "MQTT over WebSocket";
      this.#endpoints.push({ what, where: `${scheme}://${hostPort(address, listener.port)}` });
    }
  }

  async #startHttp(broker: Broker): Promise<void> {
    const { http, listener } = this.#config;
    if (!http.enabled) return;
    const policy: ListenerPolicy = {
      name: "http",
      label: `port ${http.port}`,
      origin: "websocket",
      allowAnonymous: http.allow_anonymous,
    };
    const acceptor = this.#webSocketAcceptor(this.#acceptor(broker, policy), http.allowed_origins);
    const startedAt = this.#time.now();
    const server = new HttpServer({
      address: http.address,
      port: http.port,
      assets: this.#page,
      upgrades: new Map([
        ["/mqtt", (request, socket, head) => acceptor.handleUpgrade(request, socket, head)],
      ]),
      api: {
        name: hostname(),
        version: VERSION,
        clock: this.#time,
        health: () => ({
          status: "ok",
          uptime: Math.floor((this.#time.now() - startedAt) / 1000),
          problems: [],
        }),
      },
      log: this.#log,
    });
    if (!(await this.#startPart(server, http.optional))) return;
    this.#running.push(acceptor);
    const where = hostPort(http.address, server.port);
    this.#endpoints.push({ what: "Dashboard", where: `http://${where}/` });
    if (listener.every(({ protocol }) => protocol !== "websockets")) {
      this.#endpoints.push({ what: "MQTT over WebSocket", where: `ws://${where}/mqtt` });
    }
  }

  /** Starts a part. One that is optional may fail: that is a warning, and the answer is false. */
  async #startPart(part: Part, optional: boolean): Promise<boolean> {
    try {
      await part.start();
    } catch (error) {
      if (!optional) throw error;
      this.#log.warn(`${(error as Error).message}; going on without it`);
      return false;
    }
    this.#running.push(part);
    return true;
  }

  #acceptor(broker: Broker, policy: ListenerPolicy): (wire: Wire) => WireEnd {
    const topics = this.#topics;
    return (wire) => {
      const connection = new Connection({ broker, wire, policy, random: Math.random, topics });
      connection.open();
      return connection;
    };
  }

  #webSocketAcceptor(
    accept: (wire: Wire) => WireEnd,
    allowedOrigins: readonly string[],
  ): WebSocketAcceptor {
    const maximumPayload = this.#config.broker.max_packet_size + WEBSOCKET_SLACK;
    return new WebSocketAcceptor({ accept, allowedOrigins, maximumPayload, turn: this.#turn });
  }
}

interface Part {
  start(): Promise<void>;
  stop(): Promise<void>;
}

/** A host and port as URLs write them; "every address" is shown as this machine's name. */
function hostPort(host: string, port: number): string {
  const name = host === "" || host === "0.0.0.0" || host === "::" ? hostname() : host;
  return `${name.includes(":") ? `[${name}]` : name}:${port}`;
}
