/** Builds the bridges from the configuration, and has them follow it as it changes. */
import { randomBytes } from "node:crypto";
import { Bridge, type BridgeParts } from "./bridge/bridge.ts";
import type { BridgeOptions } from "./bridge/options.ts";
import type { Broker } from "./broker/broker.ts";
import { bridgeSpeaksTls } from "./config/bridge-tls.ts";
import type { BridgeConfig, Config } from "./config/schema.ts";
import { bridgeOptionsFrom } from "./options-from-config.ts";
import type { Log } from "./seams/log.ts";
import type { FlushTurn } from "./sockets/flush-turn.ts";
import type { RealTime } from "./system/real-time.ts";
import { BridgeDialler, type BridgeTls } from "./uplink/bridge-dialler.ts";
import { sasLogin, webTokenLogin } from "./uplink/device-tokens.ts";

export interface BridgesParts {
  readonly config: Config;
  readonly broker: Broker;
  readonly turn: FlushTurn;
  readonly time: RealTime;
  readonly log: Log;
}

interface Running {
  readonly bridge: Bridge;
  readonly options: BridgeOptions;
  /** All that it was made of. */
  readonly basis: string;
}

const SECOND = 1000;
/** Between the good-bye of a bridge and the first word of the one in its place, ms. */
const CHANGEOVER = 50;

export class Bridges {
  readonly #parts: BridgesParts;
  /** By name. */
  readonly #running = new Map<string, Running>();
  /** Tells this process from all brokers that messages go round by. */
  readonly #brokerId = randomBytes(4).toString("hex");

  constructor(parts: BridgesParts) {
    this.#parts = parts;
  }

  /** What each is called, and where it leads. */
  get where(): readonly { readonly name: string; readonly options: BridgeOptions }[] {
    return [...this.#running].map(([name, { options }]) => ({ name, options }));
  }

  /** How it stands with each. */
  get facts() {
    const { sessions } = this.#parts.broker;
    return [...this.#running].map(([name, { bridge, options }]) => {
      const waiting = sessions.get(options.localClientId)?.outgoing;
      return {
        name,
        state: bridge.state,
        queued: waiting?.backlog ?? 0,
        queuedBytes: waiting?.backlogBytes ?? 0,
        counters: bridge.counters,
      };
    });
  }

  start(): void {
    const { config } = this.#parts;
    this.#settleFormer(config);
    for (const settings of config.bridge) this.#start(settings, config);
  }

  async stop(): Promise<void> {
    for (const { bridge } of this.#running.values()) bridge.stop();
    this.#running.clear();
    // What they said last leaves at the end of this turn.
    await new Promise((resolve) => setImmediate(resolve));
  }

  /** Puts another configuration into force, for each bridge when its `reload_type` says. */
  reconfigure(config: Config): void {
    const { log } = this.#parts;
    const wanted = new Map(config.bridge.map((settings) => [settings.name, settings]));
    for (const [name, { bridge }] of this.#running) {
      if (wanted.has(name)) continue;
      this.#running.delete(name);
      const left = bridge.remove();
      const rest = left === 0 ? "" : `; ${left} messages wait for one of this name to come back`;
      log.info(`${name}: the bridge is no longer configured${rest}`);
    }
    for (const [name, settings] of wanted) {
      const running = this.#running.get(name);
      if (running === undefined) this.#start(settings, config);
      else if (running.basis !== basisOf(settings, config))
        this.#replace(running, settings, config);
    }
  }

  /** Nothing more queues for bridges that were configured once; what waits for them stays. */
  #settleFormer(config: Config): void {
    const { broker, log } = this.#parts;
    const wanted = new Set(
      config.bridge.map((settings) => bridgeOptionsFrom(settings, config).localClientId),
    );
    for (const session of [...broker.sessions.values()]) {
      const { clientId, origin } = session;
      if (origin !== "bridge" || wanted.has(clientId)) continue;
      for (const filter of [...session.subscriptions.keys()]) broker.unsubscribe(session, filter);
      const { backlog } = session.outgoing;
      if (backlog === 0) broker.forget(clientId);
      else
        log.warn(`${backlog} messages wait for the bridge "${clientId}", which is not configured`);
    }
  }

  #replace(running: Running, settings: BridgeConfig, config: Config): void {
    const { log, time } = this.#parts;
    const { name } = settings;
    const { bridge } = running;
    const goOn = (): void => {
      time.scheduler.after(CHANGEOVER, () => {
        // It may have been stopped, or changed again, meanwhile.
        if (this.#running.get(name) === fresh) fresh.bridge.start();
      });
    };
    const fresh = this.#make(settings, config);
    this.#running.set(name, fresh);
    if (settings.reload_type === "immediate" || !bridge.connected) {
      bridge.stop();
      goOn();
    } else {
      log.info(`${name}: the new configuration takes effect with the next connection`);
      this.#running.set(name, { ...fresh, bridge });
      bridge.retire(() => {
        if (this.#running.get(name)?.bridge !== bridge) return;
        this.#running.set(name, fresh);
        goOn();
      });
    }
  }

  #start(settings: BridgeConfig, config: Config): void {
    const running = this.#make(settings, config);
    this.#running.set(settings.name, running);
    running.bridge.start();
  }

  #make(settings: BridgeConfig, config: Config): Running {
    const { broker, turn, time, log } = this.#parts;
    const options = bridgeOptionsFrom(settings, config);
    const bridge = new Bridge({
      door: broker,
      dialler: new BridgeDialler({
        turn,
        tls: tlsFrom(settings),
        webSocketPath: settings.websocket_path || undefined,
        from: settings.bind_address || undefined,
        probeAfter: settings.tcp_keepalive * SECOND,
      }),
      clock: time,
      scheduler: time.scheduler,
      random: Math.random,
      log,
      options,
      brokerId: this.#brokerId,
      heldFilters: (clientId) => broker.sessions.get(clientId)?.subscriptions.keys() ?? [],
      login: loginFrom(settings, time),
    });
    return { bridge, options, basis: basisOf(settings, config) };
  }
}

function basisOf(settings: BridgeConfig, config: Config): string {
  return JSON.stringify([settings, bridgeOptionsFrom(settings, config)]);
}

function tlsFrom(settings: BridgeConfig): BridgeTls | undefined {
  if (!bridgeSpeaksTls(settings)) return undefined;
  const { psk, psk_identity } = settings;
  const digits = psk.length % 2 === 0 ? psk : `0${psk}`;
  return {
    cafile: settings.cafile,
    capath: settings.capath,
    useOsCerts: settings.use_os_certs,
    certfile: settings.certfile,
    keyfile: settings.keyfile,
    psk: psk === "" ? undefined : { identity: psk_identity, key: Buffer.from(digits, "hex") },
    verifyName: !settings.insecure,
    minVersion: settings.tls_version === "tlsv1.3" ? "TLSv1.3" : "TLSv1.2",
    ciphers: settings.ciphers,
    ciphers13: settings.ciphers_tls13,
    alpn: settings.alpn,
  };
}

/** Where a password is made anew for each connection. */
function loginFrom(settings: BridgeConfig, time: RealTime): BridgeParts["login"] {
  const { client_id: clientId, username, shared_access_key, jwt_keyfile, jwt_audience } = settings;
  const lifetime = settings.token_lifetime;
  if (shared_access_key !== "") {
    const host = settings.address[0]?.host ?? "";
    return sasLogin(time, username, lifetime, { host, clientId, key: shared_access_key });
  }
  if (jwt_keyfile === "") return undefined;
  const audience = jwt_audience || (/^projects\/([^/]+)\//.exec(clientId)?.[1] ?? "");
  return webTokenLogin(time, username, lifetime, jwt_keyfile, audience);
}
