/** The connection of a command-line client to its broker, from dialling to the exit code. */

import type { Packet } from "../mqtt/packets.ts";
import { type Ending, refusalText } from "../mqtt-client/ending.ts";
import { MemorySession, type MemorySessionEvents } from "../mqtt-client/memory-session.ts";
import { MqttClient } from "../mqtt-client/mqtt-client.ts";
import type { Dialling } from "../seams/dialler.ts";
import type { Wire, WireEnd } from "../seams/wire.ts";
import { connectTcp } from "../sockets/connect-tcp.ts";
import { FlushTurn } from "../sockets/flush-turn.ts";
import { RealTime } from "../system/real-time.ts";
import type { ConnectSettings } from "./connect-options.ts";
import { Exit } from "./exit-codes.ts";
import { packetLines, TracedWire, tracedEnd } from "./packet-trace.ts";

export interface BrokerLinkEvents {
  connected(link: BrokerLink): void;
  message: MemorySessionEvents["message"];
  published: MemorySessionEvents["published"];
  subscribed?: MemorySessionEvents["subscribed"];
  unsubscribed?: MemorySessionEvents["unsubscribed"];
  /** The program is about to end: nothing must hold it up. */
  finished?(): void;
}

export interface BrokerLinkParts {
  readonly settings: ConnectSettings;
  readonly events: BrokerLinkEvents;
  readonly maximumInflight?: number | undefined;
  /** Connect again when an established connection is lost. */
  readonly stay: boolean;
}

const CONNECT_TIMEOUT = 30_000;
const RECONNECT_AFTER = 1000;
const LEAVE_TIMEOUT = 3000;

export class BrokerLink {
  readonly settings: ConnectSettings;
  readonly #events: BrokerLinkEvents;
  readonly #stay: boolean;
  readonly #turn = new FlushTurn();
  readonly #time = new RealTime();
  readonly session: MemorySession;
  #dialling: Dialling | undefined;
  #client: MqttClient | undefined;
  #wasConnected = false;
  #finished = false;
  readonly #onSignal = (): void => this.finish(this.#interrupted);
  #interrupted = 0;

  constructor({ settings, events, maximumInflight, stay }: BrokerLinkParts) {
    this.settings = settings;
    this.#events = events;
    this.#stay = stay;
    this.session = new MemorySession(
      {
        connected: () => {
          this.#wasConnected = true;
          events.connected(this);
        },
        message: (packet) => events.message(packet),
        published: (ticket) => events.published(ticket),
        subscribed: (packetId, codes) => events.subscribed?.(packetId, codes),
        unsubscribed: (packetId) => events.unsubscribed?.(packetId),
        closed: (ending) => this.#closed(ending),
      },
      maximumInflight,
    );
  }

  get client(): MqttClient | undefined {
    return this.#client;
  }

  /** Connects. `interrupted` is the exit code when the user ends the program. */
  start(interrupted: number): void {
    this.#interrupted = interrupted;
    process.once("SIGINT", this.#onSignal);
    process.once("SIGTERM", this.#onSignal);
    this.#time.start();
    this.#dial();
  }

  /** Runs `action` after so many milliseconds, unless the link is finished before. */
  after(delay: number, action: () => void): void {
    this.#time.scheduler.after(delay, action);
  }

  /** Disconnects in order and lets the program end with this exit code. */
  finish(exitCode: number, problem?: string): void {
    if (this.#finished) return;
    this.#finished = true;
    process.exitCode = exitCode;
    if (problem !== undefined) this.complain(problem);
    this.#dialling?.cancel();
    this.#client?.disconnect();
    this.#time.stop();
    process.off("SIGINT", this.#onSignal);
    process.off("SIGTERM", this.#onSignal);
    this.#events.finished?.();
    // A broker that takes nothing any more must not keep the program.
    setTimeout(() => process.exit(), LEAVE_TIMEOUT).unref();
  }

  complain(problem: string): void {
    if (!this.settings.quiet) process.stderr.write(`${problem}\n`);
  }

  #dial(): void {
    const { host, port } = this.settings;
    this.#dialling = connectTcp({
      target: { host, port },
      turn: this.#turn,
      timeout: CONNECT_TIMEOUT,
      accept: (wire) => this.#accept(wire),
      failed: (cause) => {
        if (this.#wasConnected && this.#stay) this.#dialLater();
        else this.finish(Exit.failure, `Error: cannot connect to ${host}:${port}: ${cause}`);
      },
    });
  }

  #dialLater(): void {
    this.#time.scheduler.after(RECONNECT_AFTER, () => this.#dial());
  }

  #accept(wire: Wire): WireEnd {
    const { settings } = this;
    const { debug, clientId } = settings;
    const show = (sent: boolean) => (packet: Packet) => {
      for (const line of packetLines(packet, sent, clientId)) process.stdout.write(`${line}\n`);
    };
    const client = new MqttClient({
      wire: debug ? new TracedWire(wire, show(true)) : wire,
      owner: this.session,
      clock: this.#time,
      scheduler: this.#time.scheduler,
      options: settings,
    });
    this.#client = client;
    this.session.attach(client);
    client.start();
    return debug ? tracedEnd(client, show(false)) : client;
  }

  #closed(ending: Ending): void {
    this.#client = undefined;
    if (this.#finished) return;
    switch (ending.kind) {
      case "refused": {
        const { returnCode } = ending;
        this.finish(
          returnCode,
          `Connection error: Connection Refused: ${refusalText(returnCode)}.`,
        );
        return;
      }
      case "lost":
        if (this.#wasConnected && this.#stay) this.#dialLater();
        else this.finish(Exit.lost, `Error: The connection was lost${suffix(ending.cause)}.`);
        return;
      case "silent":
        this.finish(Exit.keepAlive, `Error: The broker is silent: ${ending.detail}.`);
        return;
      case "fault":
        this.finish(Exit.protocol, `Error: The broker broke the protocol: ${ending.detail}.`);
        return;
      case "done":
        return;
    }
  }
}

function suffix(cause: string | undefined): string {
  return cause === undefined ? "" : `: ${cause}`;
}
