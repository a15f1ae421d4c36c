/** Turns HTTP upgrade requests into MQTT connections over WebSocket (MQTT 3.1.1 §6). */
import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { type ServerOptions, type WebSocket, WebSocketServer } from "ws";
import type { Wire, WireEnd } from "../seams/wire.ts";
import type { FlushTurn } from "../sockets/flush-turn.ts";
import { type PeerInfo, peerOf } from "../sockets/peer-info.ts";
import { WebSocketWire } from "../sockets/websocket-wire.ts";
import { isOriginAllowed } from "./websocket-origin.ts";

/** The subprotocols that carry MQTT: 3.1.1 and later, and 3.1; the first a client offers is taken. */
const SUBPROTOCOLS: ReadonlySet<string> = new Set(["mqtt", "mqttv3.1"]);

/** How long a peer may take to answer our closing handshake, ms. */
const CLOSE_TIMEOUT = 1000;

export interface WebSocketAcceptorOptions {
  /** Takes a new connection in. */
  readonly accept: (wire: Wire) => WireEnd;
  /**
   * Origins of web pages, besides our own, that may connect: `https://host:port` as browsers send
   * it. Undefined where the listener has looked at that already.
   */
  readonly allowedOrigins?: readonly string[] | undefined;
  /** The longest WebSocket message taken, bytes; a longer one closes the connection with code 1009. */
  readonly maximumPayload: number;
  readonly turn: FlushTurn;
}

export class WebSocketAcceptor {
  readonly #accept: (wire: Wire) => WireEnd;
  readonly #allowedOrigins: ReadonlySet<string> | undefined;
  readonly #turn: FlushTurn;
  readonly #server: WebSocketServer;
  readonly #wires = new Set<WebSocketWire>();
  #stopping: (() => void) | undefined;
  #stopped = false;

  constructor(options: WebSocketAcceptorOptions) {
    this.#accept = options.accept;
    const { allowedOrigins } = options;
    this.#allowedOrigins = allowedOrigins === undefined ? undefined : new Set(allowedOrigins);
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

  /**
   * Answers one HTTP upgrade: a WebSocket connection, or a refusal that says why. `peer`: who asks,
   * where that is known better than by the socket. `opened` is called if it comes to a connection.
   */
  handleUpgrade(
    request: IncomingMessage,
    socket: Duplex,
    head: Buffer,
    peer: PeerInfo = peerOf(request.socket),
    opened?: (() => void) | undefined,
  ): void {
    if (this.#stopped) {
      refuseUpgrade(socket, "503 Service Unavailable", "Midge is stopping.");
      return;
    }
    const { origin, host } = request.headers;
    if (this.#allowedOrigins && !isOriginAllowed(origin, host, this.#allowedOrigins)) {
      refuseUpgrade(
        socket,
        "403 Forbidden",
        "Web pages of this origin may not connect. [http] allowed_origins lists those that may.",
      );
      return;
    }
    if (!offersMqtt(request.headers["sec-websocket-protocol"])) {
      refuseUpgrade(
        socket,
        "400 Bad Request",
        "MQTT is spoken here: ask for the WebSocket subprotocol mqtt [MQTT-6.0.0-3].",
      );
      return;
    }
    this.#server.handleUpgrade(request, socket, head, (webSocket) => {
      opened?.();
      this.#open(webSocket, peer);
    });
  }

  /** Closes every connection; fulfilled when all are gone, after 1 s at most. */
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

  #open(webSocket: WebSocket, peer: PeerInfo): void {
    const wire = new WebSocketWire(webSocket, this.#turn, peer);
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

/** Ends an upgrade request with a plain HTTP answer. */
export function refuseUpgrade(socket: Duplex, status: string, why: string): void {
  socket.on("error", () => socket.destroy());
  socket.once("finish", () => socket.destroy());
  socket.end(
    `HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Type: text/plain; charset=utf-8\r\n` +
      `Content-Length: ${Buffer.byteLength(why)}\r\n\r\n${why}`,
  );
}
