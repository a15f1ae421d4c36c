/** A port for MQTT over WebSocket alone, as `protocol websockets` opens it: any path will do. */
import { createServer, type Server } from "node:http";
import { isLoopback, isLoopbackHost } from "../sockets/host-guard.ts";
import { ListenError } from "./listen-error.ts";
import type { WebSocketAcceptor } from "./websocket-acceptor.ts";

export interface WebSocketListenerParts {
  /** Empty for every address, IPv4 and IPv6. */
  readonly address: string;
  readonly port: number;
  readonly maxConnections?: number | undefined;
  /** The part of the configuration that this listener comes from, for error messages. */
  readonly setting: string;
  readonly acceptor: WebSocketAcceptor;
}

/** How long a request may take to arrive, ms. */
const REQUEST_TIMEOUT = 10_000;

export class WebSocketListener {
  readonly #parts: WebSocketListenerParts;
  #server: Server | undefined;

  constructor(parts: WebSocketListenerParts) {
    this.#parts = parts;
  }

  get port(): number {
    const address = this.#server?.address();
    return typeof address === "object" && address !== null ? address.port : this.#parts.port;
  }

  /** Rejects with ListenError. */
  start(): Promise<void> {
    const { address, port, setting, acceptor, maxConnections } = this.#parts;
    const limits = {
      headersTimeout: REQUEST_TIMEOUT,
      requestTimeout: REQUEST_TIMEOUT,
      noDelay: true,
    };
    const server = createServer(limits, (_request, response) => {
      response.writeHead(426, { Connection: "close", Upgrade: "websocket" });
      response.end("MQTT over WebSocket is spoken here.\n");
    });
    if (maxConnections !== undefined) server.maxConnections = maxConnections;
    server.on("upgrade", (request, socket, head) => {
      socket.on("error", () => socket.destroy());
      // A page of another site that resolves its own name to this machine must not get in.
      const { localAddress } = request.socket;
      const { host } = request.headers;
      if (isLoopback(localAddress ?? "") && !isLoopbackHost(host)) socket.destroy();
      else acceptor.handleUpgrade(request, socket, head);
    });
    this.#server = server;
    return new Promise((resolve, reject) => {
      const where = `${address === "" ? "*" : address}:${port}`;
      server.once("error", (error) => reject(new ListenError(where, setting, error)));
      server.listen({ port, host: address === "" ? undefined : address }, resolve);
    });
  }

  async stop(): Promise<void> {
    const server = this.#server;
    if (server === undefined) return;
    const closed = new Promise((resolve) => server.close(resolve));
    await this.#parts.acceptor.stop();
    server.closeAllConnections();
    await closed;
  }
}
