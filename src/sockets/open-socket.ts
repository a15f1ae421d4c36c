/** Opens a socket to somewhere else: TCP, or a Unix socket, with TLS over it if wanted. */
import { connect, type LookupFunction, type Socket } from "node:net";
import { connect as connectTls, type TLSSocket } from "node:tls";
import type { Dialling } from "../seams/dialler.ts";
import { networkCause } from "./network-cause.ts";
import { type ClientTls, tlsClientCause, tlsConnectOptions } from "./tls-client.ts";

export type Place =
  | {
      readonly kind: "tcp";
      /** A host name or an IP address. */
      readonly host: string;
      readonly port: number;
      /** The local address to connect from. */
      readonly from?: string | undefined;
      /** First probe of a silent connection by the kernel, ms; 0 is none, and 60 000 if not given. */
      readonly probeAfter?: number | undefined;
    }
  | { readonly kind: "unix"; readonly path: string };

export interface OpenSocketOptions {
  readonly place: Place;
  /** Undefined is no TLS. */
  readonly tls?: ClientTls | undefined;
  /** How long name lookup, connection and TLS may take together, ms. */
  readonly timeout: number;
  /** Resolves host names; the system's way if not given. */
  readonly lookup?: LookupFunction | undefined;
  /** The socket as it was connected, or the TLS socket over it. Nothing was read from it. */
  readonly opened: (socket: Socket | TLSSocket) => void;
  /** The cause in words; `problem` is the code of what TLS did not like, if it came to that. */
  readonly failed: (cause: string, problem: string | undefined) => void;
}

/** First probe of a silent connection by the kernel, ms. */
const PROBE_AFTER = 60_000;

/** Calls exactly one of `opened` and `failed`, later. */
export function openSocket(options: OpenSocketOptions): Dialling {
  const { place, tls, timeout, opened, failed } = options;
  let settled = false;
  const plain = plainSocket(options);
  let current: Socket = plain;
  const settle = (): boolean => {
    if (settled) return false;
    settled = true;
    clearTimeout(timer);
    return true;
  };
  const fail = (cause: string, problem?: string): void => {
    if (!settle()) return;
    current.destroy();
    failed(cause, problem);
  };
  const timer = setTimeout(() => fail(`no answer within ${timeout / 1000} s`), timeout);
  plain.on("error", (error) => fail(networkCause(error)));
  plain.once("connect", () => {
    if (settled) return;
    if (tls === undefined) {
      if (settle()) opened(plain);
      return;
    }
    const host = place.kind === "tcp" ? place.host : "localhost";
    let secured: TLSSocket;
    try {
      secured = connectTls({ ...tlsConnectOptions(tls, host), socket: plain });
    } catch (error) {
      // Options that the TLS library does not take.
      const { cause, problem } = tlsClientCause(error as Error);
      fail(cause, problem);
      return;
    }
    current = secured;
    secured.on("error", (error) => {
      const { cause, problem } = tlsClientCause(error);
      fail(cause, problem);
    });
    secured.once("secureConnect", () => {
      if (settle()) opened(secured);
    });
  });
  return {
    cancel() {
      if (settle()) current.destroy();
    },
  };
}

function plainSocket({ place, lookup }: OpenSocketOptions): Socket {
  if (place.kind === "unix") return connect({ path: place.path });
  const { host, port, from, probeAfter = PROBE_AFTER } = place;
  return connect({
    host,
    port,
    autoSelectFamily: true,
    noDelay: true,
    keepAlive: probeAfter > 0,
    keepAliveInitialDelay: probeAfter,
    ...(from === undefined ? {} : { localAddress: from }),
    ...(lookup === undefined ? {} : { lookup }),
  });
}
