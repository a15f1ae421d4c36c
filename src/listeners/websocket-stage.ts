/** MQTT over WebSocket on a listener of its own: the HTTP request in front of it, on any path. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { Wire, WireEnd } from "../seams/wire.ts";
import type { FlushTurn } from "../sockets/flush-turn.ts";
import { isLoopback, isLoopbackHost } from "../sockets/host-guard.ts";
import type { Scheduler } from "../time/scheduler.ts";
import type { Arrival } from "./arrival.ts";
import type { WebSocketOptions } from "./options.ts";
import { StaticFiles } from "./static-files.ts";
import { refuseUpgrade, WebSocketAcceptor } from "./websocket-acceptor.ts";
import { isOriginOnLoopback } from "./websocket-origin.ts";

export interface WebSocketStageParts {
  readonly options: WebSocketOptions;
  readonly turn: FlushTurn;
  readonly accept: (wire: Wire) => WireEnd;
  readonly scheduler: Scheduler;
}

/** Plain HTTP on a connection: how long without a byte, and how long in all, ms. */
const HTTP_IDLE = 30_000;
const HTTP_LIFETIME = 600_000;

export class WebSocketStage {
  readonly #options: WebSocketOptions;
  readonly #origins: ReadonlySet<string> | undefined;
  readonly #acceptor: WebSocketAcceptor;
  readonly #server: Server;
  readonly #arrivals = new WeakMap<Duplex, Arrival>();
  readonly #scheduler: Scheduler;
  readonly #files: StaticFiles | undefined;
  /** Connections that files go out on, and whether one is on its way. */
  readonly #browsers = new Map<Socket, { busy: boolean }>();

  constructor({ options, turn, accept, scheduler }: WebSocketStageParts) {
    this.#options = options;
    this.#scheduler = scheduler;
    this.#files = options.files === undefined ? undefined : new StaticFiles(options.files);
    this.#origins = options.origins === undefined ? undefined : new Set(options.origins);
    this.#acceptor = new WebSocketAcceptor({
      accept,
      maximumPayload: options.maximumPayload,
      turn,
    });
    // It listens nowhere: connections are handed to it, and the arrival's deadline is theirs.
    this.#server = createServer({ maxHeaderSize: options.headersSize }, (request, response) =>
      this.#answer(request, response),
    );
    this.#server.on("upgrade", (request, socket, head) => this.#upgrade(request, socket, head));
  }

  /** Takes the request that comes on `socket`, which is the arrival's own or TLS on top of it. */
  serve(arrival: Arrival, socket: Socket, early: Uint8Array): void {
    this.#arrivals.set(socket, arrival);
    if (early.length > 0) socket.unshift(early);
    this.#server.emit("connection", socket);
    // It was paused when it was accepted, or when what stood in front was read.
    socket.resume();
  }

  /** Closes all WebSocket connections; fulfilled when they are gone, after 1 s at most. */
  stop(): Promise<void> {
    for (const socket of this.#browsers.keys()) socket.destroy();
    return this.#acceptor.stop();
  }

  /** A request for no WebSocket. */
  #answer(request: IncomingMessage, response: ServerResponse): void {
    const files = this.#files;
    if (files === undefined) {
      response.writeHead(426, { Connection: "close", Upgrade: "websocket" });
      response.end("MQTT over WebSocket is spoken here.\n");
      return;
    }
    const { socket } = request;
    const browser = this.#browsers.get(socket) ?? this.#keep(socket);
    // Whoever asks for more before there is an answer would have any number of files opened.
    if (browser.busy) {
      socket.destroy();
      return;
    }
    browser.busy = true;
    response.once("close", () => {
      browser.busy = false;
    });
    socket.setTimeout(HTTP_IDLE);
    void files.answer(request, response);
  }

  /** The connection is one of HTTP from now on, which may still become a WebSocket. */
  #keep(socket: Socket): { busy: boolean } {
    const browser = { busy: false };
    this.#browsers.set(socket, browser);
    this.#arrivals.get(socket)?.complete();
    const timer = this.#scheduler.after(HTTP_LIFETIME, () => {
      if (this.#browsers.has(socket)) socket.destroy();
    });
    socket.once("close", () => {
      timer.cancel();
      this.#browsers.delete(socket);
    });
    return browser;
  }

  #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    socket.on("error", () => socket.destroy());
    const arrival = this.#arrivals.get(socket);
    this.#browsers.delete(socket as Socket);
    const refusal = this.#refusal(request);
    if (arrival === undefined) socket.destroy();
    else if (refusal !== undefined) refuseUpgrade(socket, "403 Forbidden", refusal);
    else
      this.#acceptor.handleUpgrade(request, socket, head, arrival.peer, () => arrival.complete());
  }

  /** Why the page that a browser connects for may not. Whoever is no browser gives no Origin. */
  #refusal(request: IncomingMessage): string | undefined {
    const { origin, host } = request.headers;
    if (origin === undefined) return undefined;
    if (this.#origins !== undefined) {
      return this.#origins.has(origin)
        ? undefined
        : "Web pages of this origin may not connect. websockets_origin lists those that may.";
    }
    // A browser cannot set this header on a WebSocket: there is a reverse proxy in between.
    if (request.headers["x-forwarded-for"] !== undefined || !this.#options.guardLoopback) {
      return undefined;
    }
    if (!isLoopback(request.socket.localAddress ?? "")) return undefined;
    return isLoopbackHost(host) && isOriginOnLoopback(origin)
      ? undefined
      : "Anonymous access from this machine is for web pages of this machine. websockets_origin lists others that may connect.";
  }
}
