/** Turns HTTP upgrade requests into MQTT connections over WebSocket (MQTT 3.1.1 §6). */
import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { type ServerOptions, type WebSocket, WebSocketServer } from "ws";
import type { Wire, WireEnd } from "../seams/wire.ts";
import type { FlushTurn } from "../sockets/flush-turn.ts";
import { isOriginAllowed } from "./websocket-origin.ts";
import { WebSocketWire } from "./websocket-wire.ts";

/** The subprotocols that carry MQTT: 3.1.1 and later, and 3.1; the first a client offers is taken. */
const SUBPROTOCOLS: ReadonlySet<string> = new Set(["mqtt", "mqttv3.1"]);

/** How long a peer may take to answer our closing handshake, ms. */
const CLOSE_TIMEOUT = 2000;

export interface WebSocketAcceptorOptions {
  /** Takes a new connection in. */
  readonly accept: (wire: Wire) => WireEnd;
  /** Origins of web pages, besides our own, that may connect: `https://host:port` as browsers send it. */
  readonly allowedOrigins: readonly string[];
  /** The longest WebSocket message taken, bytes; a longer one closes the connection with code 1009. */
  readonly maximumPayload: number;
  readonly turn: FlushTurn;
}

export class WebSocketAcceptor {
  readonly #accept: (wire: Wire) => WireEnd;
  readonly #allowedOrigins: ReadonlySet<string>;
  readonly #turn: FlushTurn;
  readonly #server: WebSocketServer;
  readonly #wires = new Set<WebSocketWire>();
  #stopping: (() => void) | undefined;
  #stopped = false;

  constructor(options: WebSocketAcceptorOptions) {
    this.#accept = options.accept;
    this.#allowedOrigins = new Set(options.allowedOrigins);
    this.#turn = options.turn;
    // `closeTimeout` is documented by ws but missing from its type definitions.
    const serverOptions: ServerOptions & { closeTimeout: number } = {
      noServer: true,
      clientTracking: false,
      perMessageDeflate: false,
      maxPayload: options.maximumPayload,
      handleProtocols: (offered) => firstKnown(offered) ?? false,
      closeTimeout: CLOSE_TIMEOUT,
    };
    this.#server = new WebSocketServer(serverOptions);
  }

  /** Answers one HTTP upgrade: a WebSocket connection, or a refusal that says why. */
  handleUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    if (this.#stopped) {
      refuse(socket, "503 Service Unavailable", "Midge is stopping.");
      return;
    }
    const { origin, host } = request.headers;
    if (!isOriginAllowed(origin, host, this.#allowedOrigins)) {
      refuse(
        socket,
        "403 Forbidden",
        "Web pages of this origin may not connect. [http] allowed_origins lists those that may.",
      );
      return;
    }
    if (!offersMqtt(request.headers["sec-websocket-protocol"])) {
      refuse(
        socket,
        "400 Bad Request",
        "MQTT is spoken here: ask for the WebSocket subprotocol mqtt [MQTT-6.0.0-3].",
      );
      return;
    }
    const remote = addressOf(request);
    this.#server.handleUpgrade(request, socket, head, (webSocket) => this.#open(webSocket, remote));
  }

  /** Closes every connection; fulfilled when all are gone, after 2 s at most. */
  stop(): Promise<void> {
    this.#stopped = true;
    return new Promise((resolve) => {
      if (this.#wires.size === 0) {
        resolve();
        return;
      }
      this.#stopping = resolve;
      for (const wire of [...this.#wires]) wire.goAway();
    });
  }

  #open(webSocket: WebSocket, remote: string): void {
    const wire = new WebSocketWire(webSocket, this.#turn, remote);
    this.#wires.add(wire);
    webSocket.once("close", () => {
      this.#wires.delete(wire);
      if (this.#wires.size === 0) this.#stopping?.();
    });
    wire.open(this.#accept(wire));
  }
}

function firstKnown(offered: Iterable<string>): string | undefined {
  for (const name of offered) if (SUBPROTOCOLS.has(name)) return name;
  return undefined;
}

function offersMqtt(header: string | undefined): boolean {
  return (
    header !== undefined && firstKnown(header.split(",").map((name) => name.trim())) !== undefined
  );
}

function addressOf(request: IncomingMessage): string {
  const { remoteAddress = "unknown", remotePort = 0 } = request.socket;
  return remoteAddress.includes(":")
    ? `[${remoteAddress}]:${remotePort}`
    : `${remoteAddress}:${remotePort}`;
}

/** Ends an upgrade request with a plain HTTP answer. */
function refuse(socket: Duplex, status: string, why: string): void {
  socket.on("error", () => socket.destroy());
  socket.once("finish", () => socket.destroy());
  socket.end(
    `HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Type: text/plain; charset=utf-8\r\n` +
      `Content-Length: ${Buffer.byteLength(why)}\r\n\r\n${why}`,
  );
}
