/** Makes a TCP connection, trying IPv6 and IPv4 addresses side by side, and hands it over as a wire. */
import type { LookupFunction } from "node:net";
import type { Dialling, DialTarget } from "../seams/dialler.ts";
import type { Wire, WireEnd } from "../seams/wire.ts";
import type { FlushTurn } from "./flush-turn.ts";
import { openSocket } from "./open-socket.ts";
import { peerOf } from "./peer-info.ts";
import { openPlainWire } from "./socket-wire.ts";

export interface ConnectOptions {
  readonly target: DialTarget;
  readonly turn: FlushTurn;
  /** How long name lookup and connection may take together, ms. */
  readonly timeout: number;
  /** Resolves host names; the system's way if not given. */
  readonly lookup?: LookupFunction | undefined;
  readonly accept: (wire: Wire) => WireEnd;
  /** The connection could not be made; the cause in words. */
  readonly failed: (cause: string) => void;
}

export function connectTcp(options: ConnectOptions): Dialling {
  const { target, turn, timeout, lookup, accept, failed } = options;
  return openSocket({
    place: { kind: "tcp", ...target },
    timeout,
    lookup,
    opened: (socket) => openPlainWire(socket, turn, peerOf(socket), accept),
    failed,
  });
}
