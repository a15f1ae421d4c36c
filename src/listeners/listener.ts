/**
 * One listener of the configuration: accepts connections, takes them through what stands in front of
 * MQTT (PROXY header, TLS, WebSocket), and hands them over as wires.
 */
import type { Socket } from "node:net";
import type { Log } from "../seams/log.ts";
import type { Wire, WireEnd } from "../seams/wire.ts";
import type { FlushTurn } from "../sockets/flush-turn.ts";
import { type PeerInfo, peerOf } from "../sockets/peer-info.ts";
import { openPlainWire, openStreamWire, type SocketWire } from "../sockets/socket-wire.ts";
import type { Clock } from "../time/clock.ts";
import type { Scheduler } from "../time/scheduler.ts";
import { Arrival } from "./arrival.ts";
import type { ConnectionRoom } from "./connection-room.ts";
import { ListenError } from "./listen-error.ts";
import { checkListenerOptions, placeOf } from "./listener-check.ts";
import { ListeningSockets } from "./listening-sockets.ts";
import type { ListenerOptions } from "./options.ts";
import { takeProxyHeader } from "./proxy-stage.ts";
import { RefusalLog } from "./refusal-log.ts";
import { TlsStage } from "./tls-stage.ts";
import { WebSocketStage } from "./websocket-stage.ts";

export interface ListenerParts {
  readonly options: ListenerOptions;
  /** Takes a new connection in. */
  readonly accept: (wire: Wire) => WireEnd;
  /** Shared by all listeners. */
  readonly room: ConnectionRoom;
  readonly turn: FlushTurn;
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  readonly log: Log;
}

/** How long PROXY header, TLS handshake and WebSocket request may take together, ms; small boards are slow at it. */
const ARRIVAL_TIMEOUT = 30_000;
/** An arrival this old gives way to a new connection when there is no room, ms. */
const STUCK = 5000;
/** How long connections may take to write out what is left when the listener stops, ms. */
const STOP_PATIENCE = 1000;
const NO_BYTES = new Uint8Array(0);

/** What an arrival takes up. */
interface Place {
  /** Monotonic ms. */
  readonly since: number;
  /** Gives its room to others. */
  readonly leave: () => void;
}

export class Listener {
  readonly #parts: ListenerParts;
  readonly #sockets: ListeningSockets;
  readonly #refusals: RefusalLog;
  readonly #tls: TlsStage | undefined;
  readonly #webSocket: WebSocketStage | undefined;
  /** Straight from the socket to MQTT. */
  readonly #direct: boolean;
  /** In order of arrival. */
  readonly #arrivals = new Map<Arrival, Place>();
  readonly #wires = new Set<SocketWire>();
  /** Connections and arrivals. */
  #open = 0;

  constructor(parts: ListenerParts) {
    const { options, clock, log, scheduler, turn, accept } = parts;
    const { setting, tls, webSocket, protocol } = options;
    this.#parts = parts;
    this.#refusals = new RefusalLog(log, clock);
    this.#sockets = new ListeningSockets({
      options,
      accepted: (socket) => this.#accept(socket),
      failed: () => parts.room.turnedAway(),
      // In Mosquitto's words.
      opening: (what) => log.info(`Opening ${what}.`),
      without: ({ message }) => log.debug(`${message}; going on without it`),
    });
    this.#tls =
      tls === undefined
        ? undefined
        : new TlsStage({ options: tls, setting, clock, scheduler, log });
    this.#webSocket =
      protocol === "mqtt" || webSocket === undefined
        ? undefined
        : new WebSocketStage({ options: webSocket, turn, accept, scheduler });
    this.#direct = protocol === "mqtt" && tls === undefined && options.proxy === undefined;
  }

  /** Port in force: the one asked for, or the one given where 0 was asked for. */
  get port(): number {
    return this.#sockets.port;
  }

  get isListening(): boolean {
    return this.#sockets.isListening;
  }

  /** Connections now, those that are still arriving included. */
  get connections(): number {
    return this.#open;
  }

  /** Rejects with ListenError: an address, a file or a combination of options that cannot be. */
  async start(): Promise<void> {
    const { options } = this.#parts;
    checkListenerOptions(options);
    await this.#tls?.start().catch((error: Error) => {
      throw new ListenError(placeOf(options), options.setting, error);
    });
    try {
      await this.#sockets.start();
    } catch (error) {
      this.#tls?.stop();
      throw error;
    }
  }

  /** Stops accepting, and closes what is open within 1 s. */
  async stop(): Promise<void> {
    this.#tls?.stop();
    for (const arrival of [...this.#arrivals.keys()]) arrival.drop();
    for (const wire of this.#wires) wire.close();
    const timer = setTimeout(() => {
      for (const wire of this.#wires) wire.destroy();
    }, STOP_PATIENCE);
    await Promise.all([this.#sockets.stop(), this.#webSocket?.stop(), this.#wiresGone()]);
    clearTimeout(timer);
  }

  /** Reads certificates, keys and revocation lists again; connections go on. Never rejects. */
  async reload(): Promise<void> {
    await this.#tls?.reload();
  }

  /** Set while stopping. */
  #lastGone: (() => void) | undefined;

  #wiresGone(): Promise<void> {
    return new Promise((resolve) => {
      if (this.#wires.size === 0) resolve();
      else this.#lastGone = resolve;
    });
  }

  #accept(socket: Socket): void {
    const { options, room } = this.#parts;
    if (options.unix === undefined && socket.remoteAddress === undefined) {
      // It has gone already.
      socket.destroy();
      return;
    }
    const peer = peerOf(socket);
    const { maxConnections } = options;
    const descriptor = descriptorOf(socket);
    const isFull = (): boolean =>
      room.isFull(descriptor) || (maxConnections !== undefined && this.#open >= maxConnections);
    if (isFull()) this.#dropStuck();
    if (isFull()) {
      socket.destroy();
      if (room.isFull(descriptor)) room.turnedAway();
      else this.#refusals.tooMany(peer.address);
      return;
    }
    room.take();
    this.#open++;
    if (this.#direct) this.#openPlain(socket, peer);
    else this.#receive(socket, peer);
  }

  #leave(): void {
    this.#parts.room.give();
    this.#open--;
  }

  /** Whoever dawdles over a handshake makes way for those who may not. */
  #dropStuck(): void {
    const [oldest] = this.#arrivals;
    if (oldest === undefined) return;
    const [arrival, { since, leave }] = oldest;
    if (this.#parts.clock.now() - since < STUCK) return;
    arrival.drop();
    leave();
  }

  #receive(socket: Socket, peer: PeerInfo): void {
    const { options, scheduler, clock } = this.#parts;
    const arrival = new Arrival({
      socket,
      peer,
      scheduler,
      refusals: this.#refusals,
      timeout: ARRIVAL_TIMEOUT,
      settled: () => this.#arrivals.delete(arrival),
    });
    let present = true;
    const leave = (): void => {
      if (present) this.#leave();
      present = false;
    };
    socket.once("close", leave);
    this.#arrivals.set(arrival, { since: clock.now(), leave });
    if (options.proxy === undefined) this.#secure(arrival, NO_BYTES, leave);
    else takeProxyHeader(arrival, options.proxy, (early) => this.#secure(arrival, early, leave));
  }

  #secure(arrival: Arrival, early: Uint8Array, leave: () => void): void {
    const { turn, accept } = this.#parts;
    const { socket } = arrival;
    if (this.#tls !== undefined) {
      this.#tls.handshake(arrival, early, (secured) => {
        if (this.#webSocket !== undefined) {
          this.#webSocket.serve(arrival, secured, NO_BYTES);
          return;
        }
        arrival.complete();
        this.#keep(openStreamWire(secured, turn, arrival.peer, accept));
      });
    } else if (this.#webSocket !== undefined) {
      this.#webSocket.serve(arrival, socket, early);
    } else {
      arrival.complete();
      socket.off("close", leave);
      if (socket.destroyed) leave();
      else this.#openPlain(socket, arrival.peer, early);
    }
  }

  #openPlain(socket: Socket, peer: PeerInfo, early?: Uint8Array): void {
    const { turn, accept } = this.#parts;
    const wire = openPlainWire(socket, turn, peer, accept, early);
    this.#keep(wire, () => this.#leave());
  }

  #keep(wire: SocketWire, gone?: () => void): void {
    this.#wires.add(wire);
    wire.onGone = () => {
      this.#wires.delete(wire);
      gone?.();
      if (this.#wires.size === 0) this.#lastGone?.();
    };
  }
}

/** -1 where the system has none. */
function descriptorOf(socket: Socket): number {
  const { _handle: handle } = socket as Socket & { readonly _handle?: { readonly fd?: number } };
  return handle?.fd ?? -1;
}
