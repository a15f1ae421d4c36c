/** Makes a TCP connection, trying IPv6 and IPv4 addresses side by side, and hands it over as a wire. */
import { connect, type LookupFunction } from "node:net";
import type { Dialling, DialTarget } from "../seams/dialler.ts";
import type { Wire, WireEnd } from "../seams/wire.ts";
import type { FlushTurn } from "./flush-turn.ts";
import { networkCause } from "./network-cause.ts";
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

/** First probe of a silent connection by the kernel, ms. */
const PROBE_AFTER = 60_000;

export function connectTcp(options: ConnectOptions): Dialling {
  const { target, turn, timeout, lookup, accept, failed } = options;
  let settled = false;
  const socket = connect({
    host: target.host,
    port: target.port,
    autoSelectFamily: true,
    noDelay: true,
    keepAlive: true,
    keepAliveInitialDelay: PROBE_AFTER,
    ...(lookup === undefined ? {} : { lookup }),
  });
  const settle = (): boolean => {
    if (settled) return false;
    settled = true;
    clearTimeout(timer);
    return true;
  };
  const timer = setTimeout(() => {
    if (!settle()) return;
    socket.destroy();
    failed(`no answer within ${timeout / 1000} s`);
  }, timeout);
  socket.on("error", (error) => {
    if (settle()) failed(networkCause(error));
  });
  socket.on("connect", () => {
    if (!settle()) return;
    openPlainWire(socket, turn, peerOf(socket), accept);
  });
  return {
    cancel() {
      if (settle()) socket.destroy();
    },
  };
}
