/** Connects as an MQTT client in every way there is: TCP or Unix socket, TLS, WebSocket. */
import type { LookupFunction } from "node:net";
import type { Dialling } from "../seams/dialler.ts";
import type { Wire, WireEnd } from "../seams/wire.ts";
import type { FlushTurn } from "./flush-turn.ts";
import { openSocket, type Place } from "./open-socket.ts";
import { peerOf } from "./peer-info.ts";
import { openPlainWire, openStreamWire } from "./socket-wire.ts";
import type { ClientTls } from "./tls-client.ts";

export interface Destination {
  readonly place: Place;
  readonly tls?: ClientTls | undefined;
  /** The path that MQTT over WebSocket is asked for at; undefined is MQTT without WebSocket. */
  readonly webSocketPath?: string | undefined;
}

export interface ConnectToOptions {
  readonly destination: Destination;
  readonly turn: FlushTurn;
  /** How long all of it may take, ms. */
  readonly timeout: number;
  /** Resolves host names; the system's way if not given. */
  readonly lookup?: LookupFunction | undefined;
  readonly accept: (wire: Wire) => WireEnd;
  /** The cause in words; `problem` is the code of what TLS did not like, if it came to that. */
  readonly failed: (cause: string, problem: string | undefined) => void;
}

/** Calls exactly one of `accept` and `failed`, later. */
export function connectTo(options: ConnectToOptions): Dialling {
  const { destination, turn, timeout, lookup, accept, failed } = options;
  const { place, tls, webSocketPath } = destination;
  let upgrade: Dialling | undefined;
  let cancelled = false;
  const started = performance.now();
  const opening = openSocket({
    place,
    tls,
    timeout,
    lookup,
    opened(socket) {
      if (webSocketPath !== undefined) {
        // Loaded when it is used: most commands go without.
        void import("./connect-websocket.ts").then(({ upgradeToWebSocket }) => {
          if (cancelled) {
            socket.destroy();
            return;
          }
          upgrade = upgradeToWebSocket({
            socket,
            place,
            secure: tls !== undefined,
            path: webSocketPath,
            turn,
            timeout: Math.max(1, timeout - (performance.now() - started)),
            accept,
            failed: (cause) => failed(cause, undefined),
          });
        });
      } else if (tls === undefined) {
        openPlainWire(socket, turn, peerOf(socket), accept);
      } else {
        openStreamWire(socket, turn, peerOf(socket), accept);
      }
    },
    failed,
  });
  return {
    cancel() {
      cancelled = true;
      opening.cancel();
      upgrade?.cancel();
    },
  };
}
