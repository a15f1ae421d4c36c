/** The connection of a command-line client to its broker, from dialling to the exit code. */

import type { Packet } from "../mqtt/packets.ts";
import { Reason, type ReasonCode } from "../mqtt/reason-codes.ts";
import type { Ending } from "../mqtt-client/ending.ts";
import { MemorySession, type MemorySessionEvents } from "../mqtt-client/memory-session.ts";
import { MqttClient } from "../mqtt-client/mqtt-client.ts";
import type { Dialling } from "../seams/dialler.ts";
import type { Wire, WireEnd } from "../seams/wire.ts";
import { connectTo } from "../sockets/connect.ts";
import { FlushTurn } from "../sockets/flush-turn.ts";
import { RealTime } from "../system/real-time.ts";
import type { ConnectSettings } from "./connect-options.ts";
import { dialProblem, endingProblem, type LinkProblem } from "./link-problem.ts";
import { PacketTrace, TracedWire, tracedEnd } from "./packet-trace.ts";

export interface BrokerLinkEvents {
  connected(link: BrokerLink): void;
  message: MemorySessionEvents["message"];
  published: MemorySessionEvents["published"];
  unsendable?: MemorySessionEvents["unsendable"];
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
/** How long a broker may take nothing of what is left to send before the program ends all the same, ms. */
const LEAVE_TIMEOUT = 3000;
const LEAVE_CHECK = 50;

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
  readonly #onSignal = (): void => this.finish(this.#interrupted, undefined, this.#farewell);
  #interrupted = 0;
  #farewell: ReasonCode = Reason.success;

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
        message: (packet) => !this.#finished && events.message(packet),
        published: (ticket, answer) => events.published(ticket, answer),
        unsendable: (ticket, reason) => {
          if (events.unsendable !== undefined) events.unsendable(ticket, reason);
          else events.published(ticket, { reasonCode: reason });
        },
        subscribed: (packetId, codes, properties) =>
          events.subscribed?.(packetId, codes, properties),
        unsubscribed: (packetId, codes, properties) =>
          events.unsubscribed?.(packetId, codes, properties),
        closed: (ending) => this.#closed(ending),
      },
      maximumInflight,
    );
  }

  get client(): MqttClient | undefined {
    return this.#client;
  }

  /**
   * Connects. `interrupted` is the exit code when the user ends the program, `farewell` what the broker
   * is told then, in 5.0.
   */
  start(interrupted: number, farewell: ReasonCode = Reason.success): void {
    this.#interrupted = interrupted;
    this.#farewell = farewell;
    process.once("SIGINT", this.#onSignal);
    process.once("SIGTERM", this.#onSignal);
    this.#time.start();
    this.#dial();
  }

  /** Runs `action` after so many milliseconds, unless the link is finished before. */
  after(delay: number, action: () => void): void {
    this.#time.scheduler.after(delay, action);
  }

  /** Disconnects in order, telling a broker of 5.0 the reason, and lets the program end with this exit code. */
  finish(exitCode: number, problem?: string, reason: ReasonCode = Reason.success): void {
    if (this.#finished) return;
    this.#finished = true;
    process.exitCode = exitCode;
    if (problem !== undefined) this.complain(problem);
    this.#dialling?.cancel();
    this.#time.stop();
    process.off("SIGINT", this.#onSignal);
    process.off("SIGTERM", this.#onSignal);
    this.#events.finished?.();
    this.#leave(reason, performance.now(), this.#client?.backlog ?? 0);
  }

  /** What is on its way gets out before DISCONNECT, as long as the broker takes some of it. */
  #leave(reason: ReasonCode, since: number, before: number): void {
    const backlog = this.#client?.backlog ?? 0;
    const now = performance.now();
    const moved = backlog < before ? now : since;
    if (backlog > 0 && now - moved < LEAVE_TIMEOUT) {
      setTimeout(() => this.#leave(reason, moved, backlog), LEAVE_CHECK);
      return;
    }
    this.#client?.disconnect(reason, this.settings.sets.disconnect);
    // A broker that takes nothing any more must not keep the program.
    setTimeout(() => process.exit(), LEAVE_TIMEOUT).unref();
  }

  complain(problem: string): void {
    if (!this.settings.quiet) process.stderr.write(`${problem}\n`);
  }

  #dial(): void {
    const { destination, where } = this.settings;
    this.#dialling = connectTo({
      destination,
      turn: this.#turn,
      timeout: CONNECT_TIMEOUT,
      accept: (wire) => this.#accept(wire),
      failed: (cause, tlsProblem) => this.#failed(dialProblem(where, cause, tlsProblem)),
    });
  }

  #accept(wire: Wire): WireEnd {
    const { settings } = this;
    const { debug, clientId, level } = settings;
    const trace = debug ? new PacketTrace(clientId) : undefined;
    const show = (sent: boolean) => (packet: Packet) => {
      for (const line of trace?.lines(packet, sent) ?? []) process.stdout.write(`${line}\n`);
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
    return debug ? tracedEnd(client, level, show(false)) : client;
  }

  #closed(ending: Ending): void {
    this.#client = undefined;
    if (this.#finished) return;
    const tls = this.settings.destination.tls !== undefined;
    const problem = endingProblem(ending, this.#wasConnected, tls);
    if (problem !== undefined) this.#failed(problem);
  }

  #failed({ exitCode, message, passing }: LinkProblem): void {
    if (this.#finished) return;
    if (this.#stay && this.#wasConnected && passing) {
      this.#time.scheduler.after(RECONNECT_AFTER, () => this.#dial());
    } else {
      this.finish(exitCode, message);
    }
  }
}
