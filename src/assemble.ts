/** The composition root: builds the parts from the configuration, wires them, starts and stops them. */
import { hostname } from "node:os";
import { AssembledAccess } from "./assemble-access.ts";
import { Bridges } from "./assemble-bridges.ts";
import { type Documents, openDocuments } from "./assemble-documents.ts";
import { AssembledFacts } from "./assemble-facts.ts";
import { AssembledHttp } from "./assemble-http.ts";
import { startLinks } from "./assemble-links.ts";
import { Listeners } from "./assemble-listeners.ts";
import { AssembledStore } from "./assemble-store.ts";
import { type AssembledUpstream, assembleUpstream } from "./assemble-upstream.ts";
import { Broker } from "./broker/broker.ts";
import { Connection } from "./broker/connection.ts";
import { describeSubscriptions } from "./broker/describe-subscriptions.ts";
import type { ListenerPolicy } from "./broker/listener-policy.ts";
import { isBrokerKey } from "./broker/records.ts";
import { RetainedSweep } from "./broker/retained-sweep.ts";
import { shutDown } from "./broker/shut-down.ts";
import { SysTree } from "./broker/sys-tree.ts";
import { TextCache } from "./bytes/text-cache.ts";
import type { ConfigChanges } from "./config/changes.ts";
import type { Config } from "./config/schema.ts";
import { Gateway } from "./gateway/gateway.ts";
import { SniffDoor, sniffSocket } from "./links/sniff-door.ts";
import { WEBSOCKET_SLACK } from "./listener-options.ts";
import { ConnectionRoom } from "./listeners/connection-room.ts";
import { WebSocketAcceptor } from "./listeners/websocket-acceptor.ts";
import { brokerOptionsFrom, gatewayOptionsFrom } from "./options-from-config.ts";
import type { Journal, StoredRecord } from "./seams/journal.ts";
import type { Log } from "./seams/log.ts";
import type { Wire, WireEnd } from "./seams/wire.ts";
import { FlushTurn } from "./sockets/flush-turn.ts";
import { dataFolder } from "./system/data-folder.ts";
import { MemoryWatch } from "./system/memory-watch.ts";
import { openFilesLimit } from "./system/open-files.ts";
import { PluginHost } from "./system/plugins/plugin-host.ts";
import type { RealTime } from "./system/real-time.ts";
import { VERSION } from "./version.ts";

/** A place where Midge can be reached, for the greeting. */
export interface Endpoint {
  readonly what:
    | "MQTT"
    | "MQTT over WebSocket"
    | "MQTT-SN"
    | "Dashboard"
    | "Upstream"
    | "Bridge"
    | "Data";
  readonly where: string;
}

export interface MidgeParts {
  readonly config: Config;
  readonly log: Log;
  readonly time: RealTime;
  /** Folder of the built dashboard page. */
  readonly page: string;
  /** Opens ports and keys with the rights that this needs. */
  readonly privileged?: Privileged | undefined;
}

type Privileged = <T>(action: () => Promise<T>) => Promise<T>;

/** Clients for whom a listener has no room, but whom it tells where else to go. */
const REFUSED_AT_A_TIME = 100;

export class Midge {
  readonly #log: Log;
  readonly #time: RealTime;
  readonly #page: string;
  readonly #privileged: Privileged;
  readonly #turn = new FlushTurn();
  readonly #topics = new TextCache();
  /** By what clients come in; stopped first, all at once. */
  readonly #entrances: RunningPart[] = [];
  /** What else has been started, to be stopped in reverse order. */
  readonly #running: RunningPart[] = [];
  readonly #endpoints: Endpoint[] = [];
  #config: Config;
  #broker: Broker | undefined;
  #store: AssembledStore | undefined;

  constructor({ config, log, time, page, privileged }: MidgeParts) {
    this.#privileged = privileged ?? ((action) => action());
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
      this.#log.info(`midge version ${VERSION} starting`);
      this.#time.start();
      this.#running.push(this.#time);
      const store = await this.#openStore();
      const { journal, records } = store;
      const plugins = await this.#startPlugins();
      const documents = await this.#openDocuments();
      const access = await this.#openAccess(plugins, documents);
      const broker = this.#startBroker(store, access, plugins);
      const nodes = await this.#startGateway(broker, journal, records, access, documents);
      const bridges = this.#startBridges(broker);
      const entries = await this.#privileged(() => this.#startListeners(broker));
      const clock = this.#time;
      const facts = new AssembledFacts({ clock, broker, store, bridges, ...nodes, ...entries });
      await this.#privileged(() => this.#startHttp(broker, access, facts));
      this.#endpoints.push({ what: "Data", where: store.where });
    } catch (error) {
      await this.stop();
      throw error;
    }
  }

  /**
   * Takes leave of everyone, then stops in reverse order of starting; what is on its way is written
   * out. Peers that read nothing hold this up for about 1 s.
   */
  async stop(): Promise<void> {
    // In one turn with the end of listening, so that whoever is sent away does not come back here.
    if (this.#broker !== undefined) shutDown(this.#broker);
    const closed = Promise.all(this.#entrances.splice(0).map(async (part) => part.stop()));
    // After what clients are told, while their connections close, the disk has time to spare.
    setImmediate(() => void this.save().catch(() => {}));
    await closed;
    for (let part = this.#running.pop(); part !== undefined; part = this.#running.pop()) {
      await part.stop();
    }
  }

  /** Puts a new configuration into force as far as it can be without a restart, and logs the rest. */
  reconfigure(config: Config, changes: ConfigChanges): void {
    this.#config = config;
    if (this.#broker !== undefined) this.#broker.options = brokerOptionsFrom(config, VERSION);
    for (const part of [...this.#running, ...this.#entrances]) this.#reload(part);
    if (changes.now.length === 0 && changes.later.length === 0) {
      this.#log.info("Configuration unchanged.");
    }
    if (changes.now.length > 0) {
      this.#log.info(`Configuration changed: ${changes.now.join(", ")}.`);
    }
    if (changes.later.length > 0) {
      this.#log.warn(`Restart Midge for the changes in ${changes.later.join(", ")}.`);
    }
  }

  async save(): Promise<void> {
    await this.#store?.save();
  }

  describe(): Iterable<string> {
    return this.#broker === undefined ? [] : describeSubscriptions(this.#broker);
  }

  announce(topic: string, payload: Uint8Array): void {
    this.#broker?.announce(topic, payload, false);
  }

  /** Has a part read its files again: certificates, users, rules. What is wrong there stays as it was. */
  #reload(part: RunningPart): void {
    const failed = (error: unknown) => this.#log.error((error as Error).message);
    try {
      part.reload?.()?.catch(failed);
    } catch (error) {
      failed(error);
    }
  }

  async #openStore(): Promise<AssembledStore> {
    const parts = { config: () => this.#config, time: this.#time, log: this.#log };
    const store = new AssembledStore(parts);
    this.#running.push(store);
    await store.open();
    this.#store = store;
    return store;
  }

  async #startPlugins(): Promise<PluginHost> {
    const { plugin, broker } = this.#config;
    const host = new PluginHost({
      plugins: plugin,
      maxTopicLevels: broker.max_topic_levels,
      watchProcess: true,
      clock: this.#time,
      scheduler: this.#time.scheduler,
      log: this.#log,
    });
    await host.start();
    this.#running.push(host);
    return host;
  }

  async #openDocuments(): Promise<Documents> {
    const { store } = this.#config;
    const documents = await openDocuments(this.#config, dataFolder(store.path), this.#log);
    this.#running.push(documents);
    return documents;
  }

  async #openAccess(
    { modules: plugins }: PluginHost,
    { access: documents }: Documents,
  ): Promise<AssembledAccess> {
    const config = this.#config;
    const data = dataFolder(config.store.path);
    const parts = { config, time: this.#time, log: this.#log, data, documents, plugins };
    const access = new AssembledAccess(parts);
    await access.open();
    this.#running.push({
      stop: () => {},
      reload: async () => access.reload(this.#config),
    });
    return access;
  }

  #startBroker(store: AssembledStore, access: AssembledAccess, plugins: PluginHost): Broker {
    const { journal, records, backlogs } = store;
    const broker = new Broker({
      access: access.control,
      hooks: plugins.hooks,
      clock: this.#time,
      scheduler: this.#time.scheduler,
      journal,
      log: this.#log,
      options: brokerOptionsFrom(this.#config, VERSION),
    });
    this.#broker = broker;
    const damaged = broker.restore(
      records.filter(({ key }) => isBrokerKey(key)),
      backlogs,
    );
    if (damaged > 0) this.#log.error(`store: ${damaged} records were damaged and left out`);
    store.attach(broker);
    access.attach(broker);
    plugins.onRightsChanged = () => access.control.changed();
    plugins.attach(broker);
    for (const part of [
      new SysTree(broker, () => {
        const { heapUsed, external } = process.memoryUsage();
        return heapUsed + external;
      }),
      new RetainedSweep(broker),
      broker.queueSweep,
      this.#memoryWatch(broker),
    ]) {
      part.start();
      this.#running.push(part);
    }
    return broker;
  }

  /** Has the broker refuse what it would have to keep while the process takes more memory than it may. */
  #memoryWatch(broker: Broker): MemoryWatch {
    return new MemoryWatch({
      scheduler: this.#time.scheduler,
      log: this.#log,
      limit: () => this.#config.broker.memory_limit,
      full: (isFull) => {
        broker.memoryFull = isFull;
      },
    });
  }

  async #startGateway(
    broker: Broker,
    journal: Journal,
    records: readonly StoredRecord[],
    access: AssembledAccess,
    documents: Documents,
  ): Promise<StartedGateway> {
    const config = this.#config;
    if (!config.gateway.enabled) return {};
    const upstream = this.#openUpstream(broker, journal, records);
    const gateway = new Gateway({
      door: upstream?.door ?? broker,
      clock: this.#time,
      scheduler: this.#time.scheduler,
      journal,
      log: this.#log,
      options: gatewayOptionsFrom(config),
      access: access.control,
      documents: documents.gateway,
    });
    broker.control(gateway.control());
    upstream?.start((serving) => gateway.setServing(serving));
    gateway.restore(records.filter(({ key }) => key.startsWith("g/")));
    const places = await startLinks({
      links: config.link,
      gateway,
      time: this.#time,
      log: this.#log,
      start: (link, optional) => this.#startPart(link, optional),
    });
    for (const where of places) this.#endpoints.push({ what: "MQTT-SN", where });
    await this.#startPart(
      new SniffDoor({
        path: sniffSocket(dataFolder(config.store.path)),
        links: config.link.map(({ name }) => name),
        tap: (link, tap) => gateway.tap(link, tap),
        wall: () => this.#time.wall(),
        log: this.#log,
      }),
      true,
    );
    gateway.start();
    this.#running.push({
      stop: () => gateway.stop(),
      reload: () => {
        gateway.predefinedTopics.configure(this.#config.predefined_topic);
        gateway.rulesChanged();
      },
    });
    return { gateway, links: config.link, upstream };
  }

  /** What nodes are passed on to, if that is another broker; left only after the gateway has stopped. */
  #openUpstream(
    home: Broker,
    journal: Journal,
    records: readonly StoredRecord[],
  ): AssembledUpstream | undefined {
    const [config, turn, time, log] = [this.#config, this.#turn, this.#time, this.#log];
    const upstream = assembleUpstream({ config, home, journal, records, turn, time, log });
    if (upstream === undefined) return undefined;
    this.#running.push({ stop: () => upstream.stop() });
    this.#endpoints.push({ what: "Upstream", where: upstream.where });
    return upstream;
  }

  #startBridges(broker: Broker): Bridges {
    const [config, turn, time, log] = [this.#config, this.#turn, this.#time, this.#log];
    const bridges = new Bridges({ config, broker, turn, time, log });
    bridges.start();
    this.#running.push({
      stop: () => bridges.stop(),
      reload: () => bridges.reconfigure(this.#config),
    });
    for (const { name, options } of bridges.where) {
      const targets = options.addresses.map(({ host, port }) => hostPort(host, port)).join(", ");
      this.#endpoints.push({ what: "Bridge", where: `${name} to ${targets}` });
    }
    return bridges;
  }

  async #startListeners(broker: Broker): Promise<StartedListeners> {
    const room = new ConnectionRoom({
      openFiles: openFilesLimit(),
      clock: this.#time,
      log: this.#log,
    });
    const listeners = new Listeners({
      configs: this.#config.listener,
      maxPacketSize: this.#config.broker.max_packet_size,
      refusedAtATime: this.#config.broker.server_reference === "" ? 0 : REFUSED_AT_A_TIME,
      acceptor: (policy) => this.#acceptor(broker, policy),
      room,
      turn: this.#turn,
      time: this.#time,
      log: this.#log,
    });
    await this.#startPart(listeners, false, this.#entrances);
    this.#running.push({
      stop: () => {},
      reload: () => listeners.reconfigure(this.#config.listener),
    });
    for (const { config, scheme, port } of listeners.started) {
      const what = config.protocol === "mqtt" ? "MQTT" : "MQTT over WebSocket";
      const { path, address, bind_interface } = config;
      const host = bind_interface || (address === "localhost" ? "127.0.0.1" : address);
      const place = port === undefined ? path : hostPort(host, port);
      this.#endpoints.push({ what, where: `${scheme}://${place}` });
    }
    return { listeners, room };
  }

  async #startHttp(broker: Broker, access: AssembledAccess, facts: AssembledFacts): Promise<void> {
    const { http, listener } = this.#config;
    if (!http.enabled) return;
    const policy = (): ListenerPolicy => ({
      name: "http",
      label: `port ${http.port}`,
      origin: "websocket",
      allowAnonymous: this.#config.http.allow_anonymous,
    });
    const acceptor = this.#webSocketAcceptor(this.#acceptor(broker, policy), http.allowed_origins);
    const server = new AssembledHttp({
      config: () => this.#config,
      page: this.#page,
      acceptor,
      facts,
      access: access.control,
      clock: this.#time,
      log: this.#log,
    });
    if (!(await this.#startPart(server, http.optional, this.#entrances))) return;
    const where = hostPort(http.address, server.port);
    this.#endpoints.push({ what: "Dashboard", where: `http://${where}/` });
    if (listener.every(({ protocol }) => protocol !== "websockets")) {
      this.#endpoints.push({ what: "MQTT over WebSocket", where: `ws://${where}/mqtt` });
    }
  }

  /** Starts a part. One that is optional may fail: that is a warning, and the answer is false. */
  async #startPart(part: Part, optional: boolean, group = this.#running): Promise<boolean> {
    try {
      await part.start();
    } catch (error) {
      if (!optional) throw error;
      this.#log.warn(`${(error as Error).message}; going on without it`);
      return false;
    }
    group.push(part);
    return true;
  }

  /** `policy` is asked for each connection, as it may change. */
  #acceptor(broker: Broker, policy: () => ListenerPolicy): (wire: Wire) => WireEnd {
    const topics = this.#topics;
    return (wire) => {
      const parts = { broker, wire, policy: policy(), random: Math.random, topics };
      const connection = new Connection(parts);
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

/** What there is of it. */
interface StartedGateway {
  readonly gateway?: Gateway | undefined;
  /** That it was started with. */
  readonly links?: Config["link"] | undefined;
  readonly upstream?: AssembledUpstream | undefined;
}

interface StartedListeners {
  readonly listeners: Listeners;
  readonly room: ConnectionRoom;
}

interface RunningPart {
  stop(): void | Promise<void>;
  reload?(): void | Promise<void>;
}

interface Part extends RunningPart {
  start(): Promise<void>;
  stop(): Promise<void>;
}

/** A host and port as URLs write them; "every address" is shown as this machine's name. */
function hostPort(host: string, port: number): string {
  const name = host === "" || host === "0.0.0.0" || host === "::" ? hostname() : host;
  return `${name.includes(":") ? `[${name}]` : name}:${port}`;
}
