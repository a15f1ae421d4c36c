/** Builds what passes nodes on to another broker, where the configuration wants that. */
import { hostname } from "node:os";
import { Broker } from "./broker/broker.ts";
import { BrokerDirectedDoor } from "./broker/directed-door.ts";
import type { Config } from "./config/schema.ts";
import { parseUpstream } from "./config/upstream-address.ts";
import { brokerOptionsFrom } from "./options-from-config.ts";
import type { Door } from "./seams/door.ts";
import type { Journal, StoredRecord } from "./seams/journal.ts";
import type { Log } from "./seams/log.ts";
import type { FlushTurn } from "./sockets/flush-turn.ts";
import type { RealTime } from "./system/real-time.ts";
import { UpstreamDialler } from "./uplink/upstream-dialler.ts";
import { AggregatingDoor } from "./upstream/aggregating-door.ts";
import { isUpstreamKey } from "./upstream/known-subscriptions.ts";
import { loginRule } from "./upstream/login-rule.ts";
import { type UpstreamParts, upstreamOptions } from "./upstream/options.ts";
import { TransparentDoor } from "./upstream/transparent-door.ts";
import { VERSION } from "./version.ts";

export interface AssembledUpstream {
  readonly door: Door;
  /** The URL, and how nodes come to it. */
  readonly where: string;
  /** Whether the other broker can be reached; undefined until somebody has tried. */
  readonly isReachable: boolean | undefined;
  /** Comes before the gateway takes back its nodes. `serving` is told whether nodes can be served. */
  start(serving: (serving: boolean) => void): void;
  stop(): Promise<void>;
}

export interface AssembleUpstreamParts {
  readonly config: Config;
  /** This process's own broker, to which reports on nodes go. */
  readonly home: Broker;
  readonly journal: Journal;
  readonly records: readonly StoredRecord[];
  readonly turn: FlushTurn;
  readonly time: RealTime;
  readonly log: Log;
}

/** Records of the sessions of nodes that share a connection. */
const AGGREGATED = "a/";
/** How long the upstream broker may take to acknowledge before a message is written to the disk, ms. */
const GRACE = 5000;

/** Undefined where nodes are clients of this broker. Throws UpstreamError. */
export function assembleUpstream(parts: AssembleUpstreamParts): AssembledUpstream | undefined {
  const { gateway } = parts.config;
  const address = parseUpstream(gateway.upstream);
  if (address === undefined) return undefined;
  return gateway.upstream_mode === "transparent" ? transparent(parts) : aggregating(parts);
}

function upstreamParts({ config, turn, time, log }: AssembleUpstreamParts): UpstreamParts {
  const { gateway, broker, upstream_login: logins } = config;
  const { host, port, tls, webSocketPath } = parseUpstream(gateway.upstream) ?? {
    host: "",
    port: 0,
    tls: false,
    webSocketPath: undefined,
  };
  return {
    dialler: new UpstreamDialler({ turn, tls, caFile: gateway.upstream_ca_file, webSocketPath }),
    clock: time,
    scheduler: time.scheduler,
    random: Math.random,
    log,
    options: upstreamOptions({
      name: gateway.upstream,
      target: { host, port },
      level: gateway.upstream_protocol === "mqttv5" ? 5 : 4,
      keepAlive: gateway.upstream_keepalive,
      login: loginRule({
        username: gateway.upstream_username,
        password: gateway.upstream_password,
        nodes: logins.map(({ client_id, username, password }) => ({
          clientId: client_id,
          username,
          password,
        })),
      }),
      maximumPacketSize: broker.max_packet_size,
      maxQueuedMessages: broker.max_queued_messages,
      maxQueuedBytes: broker.max_queued_bytes,
      maxInflight: broker.max_inflight_messages,
    }),
  };
}

function transparent(parts: AssembleUpstreamParts): AssembledUpstream {
  const { config, home, journal, records, log } = parts;
  const door = new TransparentDoor({
    ...upstreamParts(parts),
    journal,
    announce: (topic, payload, retain) => home.announce(topic, payload, retain),
  });
  complain(log, door.restore(records.filter(({ key }) => isUpstreamKey(key))));
  return {
    door,
    where: `${config.gateway.upstream}, a connection for each node`,
    get isReachable() {
      return door.isReachable;
    },
    // Whether it can be reached shows when a node connects.
    start: () => {},
    stop: async () => {
      door.stop();
      await flushed();
    },
  };
}

function aggregating(parts: AssembleUpstreamParts): AssembledUpstream {
  const { config, home, journal, records, time, log } = parts;
  const { gateway } = config;
  const sessions = new Broker({
    clock: time,
    scheduler: time.scheduler,
    journal: under(journal, AGGREGATED),
    log,
    options: {
      ...brokerOptionsFrom(config, VERSION),
      custodyGrace: config.store.mode === "strict" ? GRACE : 0,
      maxClients: 0,
      sessionExpiry: 0,
    },
  });
  complain(log, sessions.restore(recordsUnder(records, AGGREGATED)));
  let told: (serving: boolean) => void = () => {};
  let isReachable = false;
  const door = new AggregatingDoor({
    ...upstreamParts(parts),
    clientId: gateway.upstream_client_id || `${hostname()}.gateway`,
    inner: new BrokerDirectedDoor(sessions),
    announce: (topic, payload, retain) => home.announce(topic, payload, retain),
    serving: (serving) => {
      isReachable = serving;
      told(serving);
    },
  });
  return {
    door,
    where: `${gateway.upstream}, one connection for all nodes`,
    get isReachable() {
      return isReachable;
    },
    start: (serving) => {
      told = serving;
      door.start();
    },
    stop: async () => {
      door.stop();
      sessions.queueSweep.stop();
      await flushed();
    },
  };
}

function complain(log: Log, damaged: number): void {
  if (damaged > 0) log.error(`store: ${damaged} records of upstream were damaged and left out`);
}

/** What was said last leaves at the end of this turn. */
function flushed(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** A part of the journal with keys of its own. */
function under(journal: Journal, prefix: string): Journal {
  return {
    get full() {
      return journal.full;
    },
    put: (key, value) => journal.put(prefix + key, value),
    delete: (key) => journal.delete(prefix + key),
    afterCommit: (waiting) => journal.afterCommit(waiting),
    ...(journal.read === undefined
      ? {}
      : {
          read: (from, to, limit, take) =>
            journal.read?.(prefix + from, prefix + to, limit, (records) =>
              take(recordsUnder(records, prefix)),
            ),
        }),
  };
}

function recordsUnder(records: readonly StoredRecord[], prefix: string): StoredRecord[] {
  return records
    .filter(({ key }) => key.startsWith(prefix))
    .map(({ key, value }) => ({ key: key.slice(prefix.length), value }));
}
