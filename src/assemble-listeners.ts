/** Builds the listeners of the configuration, and starts, reloads and stops them together. */
import type { ListenerPolicy } from "./broker/listener-policy.ts";
import type { ListenerConfig } from "./config/schema.ts";
import { listenerOptionsFrom, listenerPolicyFrom, schemeOf } from "./listener-options.ts";
import type { ConnectionRoom } from "./listeners/connection-room.ts";
import { Listener } from "./listeners/listener.ts";
import type { Log } from "./seams/log.ts";
import type { Wire, WireEnd } from "./seams/wire.ts";
import type { FlushTurn } from "./sockets/flush-turn.ts";
import type { RealTime } from "./system/real-time.ts";

export interface ListenersParts {
  readonly configs: readonly ListenerConfig[];
  /** The longest MQTT packet, bytes. */
  readonly maxPacketSize: number;
  /** Clients beyond its max_connections that a listener hears out, to tell them where else to go. */
  readonly refusedAtATime: number;
  /** Makes what takes in the connections of a listener. */
  readonly acceptor: (policy: () => ListenerPolicy) => (wire: Wire) => WireEnd;
  readonly room: ConnectionRoom;
  readonly turn: FlushTurn;
  readonly time: RealTime;
  readonly log: Log;
}

export interface StartedListener {
  readonly config: ListenerConfig;
  /** As URLs write it: mqtt, mqtts, ws, wss, each with +unix for a Unix socket. */
  readonly scheme: string;
  /** Port in force; undefined for a Unix socket. */
  readonly port: number | undefined;
}

export class Listeners {
  readonly #parts: ListenersParts;
  readonly #running: Listener[] = [];
  readonly #started: StartedListener[] = [];
  /** In force for connections from now on, by the listener's name. */
  readonly #policies = new Map<string, ListenerPolicy>();

  constructor(parts: ListenersParts) {
    this.#parts = parts;
  }

  get started(): readonly StartedListener[] {
    return this.#started;
  }

  /** How it stands with each. */
  get facts(): readonly {
    readonly name: string;
    readonly isListening: boolean;
    readonly connections: number;
  }[] {
    return this.#running.map((listener, index) => {
      const { isListening, connections } = listener;
      return { name: this.#started[index]?.config.name ?? "", isListening, connections };
    });
  }

  /** Starts all of them. Rejects with what is wrong with the first that cannot start, and stops the others. */
  async start(): Promise<void> {
    try {
      for (const [index, config] of this.#parts.configs.entries()) await this.#open(config, index);
    } catch (error) {
      await this.stop();
      throw error;
    }
  }

  /** Stops all of them; takes about 1 s at most. */
  async stop(): Promise<void> {
    await Promise.all(this.#running.splice(0).map((listener) => listener.stop()));
    this.#started.length = 0;
  }

  /** Has all of them read their certificates and keys again. Never rejects. */
  async reload(): Promise<void> {
    await Promise.all(this.#running.map((listener) => listener.reload()));
  }

  /** Puts what the listeners allow into force; where they listen stays as it was. */
  reconfigure(configs: readonly ListenerConfig[]): void {
    for (const config of configs) {
      const before = this.#policies.get(config.name);
      if (before === undefined) continue;
      const { maxConnections } = before;
      this.#policies.set(config.name, { ...listenerPolicyFrom(config), maxConnections });
    }
  }

  async #open(config: ListenerConfig, index: number): Promise<void> {
    const { maxPacketSize, refusedAtATime, acceptor, room, turn, time, log } = this.#parts;
    const first = listenerPolicyFrom(config);
    this.#policies.set(config.name, first);
    const options = listenerOptionsFrom(config, index, maxPacketSize);
    const { maxConnections } = options;
    const listener = new Listener({
      options: {
        ...options,
        maxConnections: maxConnections === undefined ? undefined : maxConnections + refusedAtATime,
      },
      accept: acceptor(() => this.#policies.get(config.name) ?? first),
      room,
      turn,
      clock: time,
      scheduler: time.scheduler,
      log,
    });
    await listener.start();
    this.#running.push(listener);
    const port = config.path === "" ? listener.port : undefined;
    this.#started.push({ config, scheme: schemeOf(config), port });
  }
}
