/** The web server: the dashboard's page, the JSON interface, metrics, and upgrades to WebSocket by path. */
import {
  createServer,
  type IncomingMessage,
  type Server,
  type ServerOptions,
  type ServerResponse,
} from "node:http";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import { getRequestListener } from "@hono/node-server";
import type { Log } from "../seams/log.ts";
import { isLoopback, isLoopbackHost } from "../sockets/host-guard.ts";
import type { ApiV1Options } from "./api-v1.ts";
import { HttpListenError } from "./http-listen-error.ts";
import type { MetricsDoor } from "./metrics/serve-metrics.ts";
import { loadAssets } from "./page-assets.ts";
import { routes } from "./routes.ts";

/** Takes over the connection of an upgrade request. */
export type UpgradeHandler = (request: IncomingMessage, socket: Duplex, head: Buffer) => void;

export interface HttpServerOptions {
  /** IP address or host name to listen on. */
  readonly address: string;
  /** 0 takes any free port; `port` tells which. */
  readonly port: number;
  /** Folder of the built page. */
  readonly assets: string;
  /** WebSocket endpoints by URL path. */
  readonly upgrades: ReadonlyMap<string, UpgradeHandler>;
  readonly api: ApiV1Options;
  /** What is behind /metrics; nothing if not given. */
  readonly metrics?: MetricsDoor | undefined;
  readonly log: Log;
}

/** The longest request body taken, bytes. */
const LONGEST_BODY = 64 * 1024;
/** Connections at a time, WebSockets included; more are closed at once. */
const MOST_CONNECTIONS = 2048;

/** Bounds on how long, in ms, and how much a peer may keep the server busy with a request. */
const BOUNDS: ServerOptions = {
  maxHeaderSize: 16 * 1024,
  headersTimeout: 10_000,
  requestTimeout: 20_000,
  keepAliveTimeout: 15_000,
  connectionsCheckingInterval: 5_000,
  noDelay: true,
  // An upgrade to anything else is answered as the plain request that it also is (RFC 9110 §7.8).
  shouldUpgradeCallback: (request) => request.headers.upgrade?.toLowerCase() === "websocket",
};
/** A connection on which nothing moves for so long is closed, ms. WebSockets are exempt: MQTT's keep alive watches them. */
const IDLE_TIMEOUT = 30_000;

export class HttpServer {
  readonly #options: HttpServerOptions;
  readonly #upgraded = new Set<Duplex>();
  #server: Server | undefined;
  #onLoopback = true;

  constructor(options: HttpServerOptions) {
    this.#options = options;
  }

  /** The port listened on; 0 before `start()`. */
  get port(): number {
    return (this.#server?.address() as AddressInfo | null | undefined)?.port ?? 0;
  }

  /** Listens; throws HttpListenError when it cannot. */
  async start(): Promise<void> {
    const { address, port, assets, api, metrics, log } = this.#options;
    const page = await loadAssets(assets);
    if (!page.has("/")) log.warn(`The dashboard's page has not been built: ${assets} is empty.`);
    const app = routes(page, api, metrics, (error) =>
      log.error(`HTTP request failed: ${error.stack}`),
    );
    const answer = getRequestListener(app.fetch, { overrideGlobalObjects: false });
    const server = createServer(BOUNDS, (request, response) => {
      const refusal = this.#refusal(request);
      if (refusal === undefined) void answer(request, response);
      else refuseRequest(response, refusal);
    });
    server.timeout = IDLE_TIMEOUT;
    server.maxConnections = MOST_CONNECTIONS;
    server.on("upgrade", (request, socket, head) => this.#upgrade(request, socket, head));
    await listen(server, address, port);
    server.on("error", (error) => log.warn(`HTTP: a connection was not taken: ${error.message}`));
    this.#server = server;
    this.#onLoopback = isLoopback((server.address() as AddressInfo).address);
  }

  /** Stops listening and ends every connection. */
  async stop(): Promise<void> {
    const server = this.#server;
    if (server === undefined) return;
    this.#server = undefined;
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    server.closeAllConnections();
    for (const socket of this.#upgraded) socket.destroy();
    await closed;
  }

  /** Why a request is refused before anything looks at it. */
  #refusal(request: IncomingMessage): Refusal | undefined {
    if (this.#onLoopback && !isLoopbackHost(request.headers.host)) return WRONG_HOST;
    if (request.headers["transfer-encoding"] !== undefined) return LENGTH_REQUIRED;
    if (Number(request.headers["content-length"] ?? 0) > LONGEST_BODY) return TOO_LARGE;
    return undefined;
  }

  #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    this.#upgraded.add(socket);
    socket.once("close", () => this.#upgraded.delete(socket));
    socket.on("error", () => socket.destroy());
    const path = request.url?.split("?", 1)[0] ?? "";
    const handler = this.#options.upgrades.get(path);
    const refusal = this.#refusal(request) ?? (handler === undefined ? NO_SUCH_PATH : undefined);
    if (refusal !== undefined) refuseUpgrade(socket, refusal);
    else handler?.(request, socket, head);
  }
}

interface Refusal {
  readonly status: string;
  readonly text: string;
}

const WRONG_HOST: Refusal = {
  status: "403 Forbidden",
  text: "Midge listens on this machine only: ask for it as localhost. [http] address opens it to the network.",
};
const LENGTH_REQUIRED: Refusal = {
  status: "411 Length Required",
  text: "Send the request body with a Content-Length.",
};
const TOO_LARGE: Refusal = {
  status: "413 Content Too Large",
  text: `A request body may have ${LONGEST_BODY} bytes.`,
};
const NO_SUCH_PATH: Refusal = { status: "404 Not Found", text: "There is no WebSocket here." };

function refuseRequest(response: ServerResponse, { status, text }: Refusal): void {
  response.writeHead(Number.parseInt(status, 10), {
    "Content-Type": "text/plain; charset=utf-8",
    "X-Content-Type-Options": "nosniff",
    Connection: "close",
  });
  response.end(`${text}\n`);
}

function refuseUpgrade(socket: Duplex, { status, text }: Refusal): void {
  socket.once("finish", () => socket.destroy());
  socket.end(
    `HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Type: text/plain; charset=utf-8\r\n` +
      `Content-Length: ${Buffer.byteLength(text)}\r\n\r\n${text}`,
  );
}

function listen(server: Server, address: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", (error) => reject(new HttpListenError(address, port, error)));
    server.listen({ host: address, port }, () => {
      server.removeAllListeners("error");
      resolve();
    });
  });
}
