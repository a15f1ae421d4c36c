/** Takes a connected socket into MQTT over WebSocket, as the client [MQTT-6.0.0-3]. */
import type { Socket } from "node:net";
import { WebSocket } from "ws";
import type { Dialling } from "../seams/dialler.ts";
import type { Wire, WireEnd } from "../seams/wire.ts";
import type { FlushTurn } from "./flush-turn.ts";
import { networkCause } from "./network-cause.ts";
import type { Place } from "./open-socket.ts";
import { peerOf } from "./peer-info.ts";
import { WebSocketWire } from "./websocket-wire.ts";

export interface UpgradeOptions {
  readonly socket: Socket;
  /** Where the socket leads, for the Host header. */
  readonly place: Place;
  readonly secure: boolean;
  readonly path: string;
  readonly turn: FlushTurn;
  /** How long the server may take to agree, ms. */
  readonly timeout: number;
  readonly accept: (wire: Wire) => WireEnd;
  readonly failed: (cause: string) => void;
}

const SUBPROTOCOL = "mqtt";
/** The longest MQTT packet; frames need not be longer, and no packet is lost for being in one. */
const LONGEST_FRAME = 268_435_460;
const CLOSE_TIMEOUT = 1000;

/** Calls exactly one of `accept` and `failed`, later. */
export function upgradeToWebSocket(options: UpgradeOptions): Dialling {
  const { socket, turn, timeout, accept, failed } = options;
  const peer = peerOf(socket);
  let settled = false;
  const webSocket = new WebSocket(urlOf(options), [SUBPROTOCOL], {
    createConnection: () => socket,
    perMessageDeflate: false,
    maxPayload: LONGEST_FRAME,
    handshakeTimeout: Math.ceil(timeout),
    closeTimeout: CLOSE_TIMEOUT,
  } as ConstructorParameters<typeof WebSocket>[2]);
  const fail = (cause: string): void => {
    if (settled) return;
    settled = true;
    webSocket.terminate();
    failed(cause);
  };
  webSocket.on("unexpected-response", (_request, { statusCode }) => {
    fail(`the server does not speak MQTT over WebSocket there (HTTP status ${statusCode})`);
  });
  webSocket.on("error", (error) => fail(causeOf(error)));
  webSocket.once("open", () => {
    if (settled) return;
    settled = true;
    const wire = new WebSocketWire(webSocket, turn, peer);
    wire.open(accept(wire));
  });
  return {
    cancel() {
      if (settled) return;
      settled = true;
      webSocket.terminate();
    },
  };
}

function urlOf({ place, secure, path }: UpgradeOptions): string {
  const where = place.kind === "unix" ? "localhost" : hostAndPort(place);
  return `${secure ? "wss" : "ws"}://${where}${path.startsWith("/") ? path : `/${path}`}`;
}

function hostAndPort({ host, port }: Place & { kind: "tcp" }): string {
  return `${host.includes(":") ? `[${host}]` : host}:${port}`;
}

/** What ws and Node's HTTP client complain of, in words. */
function causeOf(error: Error): string {
  const { code = "", message } = error as NodeJS.ErrnoException;
  if (code.startsWith("HPE_")) return "the server does not speak WebSocket on this port";
  if (message === "socket hang up" || code === "ECONNRESET") {
    return "the server ended the connection instead of agreeing to WebSocket";
  }
  if (message.includes("subprotocol")) return "the server does not speak MQTT over WebSocket there";
  if (message.includes("timed out")) return "the server does not answer the WebSocket request";
  return networkCause(error);
}
