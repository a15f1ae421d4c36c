/** Dials the brokers of a bridge: TCP, TLS, WebSocket. */
import { getCACertificates, type SecureContextOptions } from "node:tls";
import type { Dialler, Dialling, DialTarget } from "../seams/dialler.ts";
import type { Wire, WireEnd } from "../seams/wire.ts";
import { connectTo } from "../sockets/connect.ts";
import type { FlushTurn } from "../sockets/flush-turn.ts";
import type { ClientTls } from "../sockets/tls-client.ts";
import { NameLookup } from "./name-lookup.ts";
import { authoritiesIn, authoritiesUnder, identityFrom, TlsFileFault } from "./tls-files.ts";

/** How TLS is spoken; "" is not given. */
export interface BridgeTls {
  readonly cafile: string;
  readonly capath: string;
  /** Trust the CAs that the system trusts. */
  readonly useOsCerts: boolean;
  readonly certfile: string;
  readonly keyfile: string;
  readonly psk: { readonly identity: string; readonly key: Uint8Array } | undefined;
  /** Whether the certificate must be for the name that was dialled. */
  readonly verifyName: boolean;
  readonly minVersion: "TLSv1.2" | "TLSv1.3";
  readonly ciphers: string;
  readonly ciphers13: string;
  readonly alpn: string;
}

export interface BridgeDiallerOptions {
  readonly turn: FlushTurn;
  /** Undefined is no TLS. */
  readonly tls?: BridgeTls | undefined;
  /** The path that MQTT over WebSocket is asked for at; undefined is MQTT without WebSocket. */
  readonly webSocketPath?: string | undefined;
  /** The local IP address to connect from; undefined is any. */
  readonly from?: string | undefined;
  /** First probe of a silent connection by the kernel, ms; 0 is none, and 60 000 if not given. */
  readonly probeAfter?: number | undefined;
}

/** How long a connection may take to come about, name lookup included, ms. */
const TIMEOUT = 20_000;
/** The limit to lookups at a time is one for the whole process. */
const systemNames = new NameLookup();

export class BridgeDialler implements Dialler {
  readonly #options: BridgeDiallerOptions;
  readonly #names: NameLookup;
  readonly #timeout: number;

  constructor(options: BridgeDiallerOptions, names = systemNames, timeout = TIMEOUT) {
    this.#options = options;
    this.#names = names;
    this.#timeout = timeout;
  }

  dial(
    target: DialTarget,
    accept: (wire: Wire) => WireEnd,
    failed: (cause: string) => void,
  ): Dialling {
    const { turn, webSocketPath, from, probeAfter, tls } = this.#options;
    let clientTls: ClientTls | undefined;
    try {
      // Read each time, since certificates are renewed while this process runs.
      clientTls = tls && clientTlsOf(tls);
    } catch (error) {
      if (!(error instanceof TlsFileFault)) throw error;
      const failing = setImmediate(() => failed(error.message));
      return { cancel: () => clearImmediate(failing) };
    }
    return connectTo({
      destination: {
        place: { kind: "tcp", ...target, from, probeAfter },
        tls: clientTls,
        webSocketPath,
      },
      turn,
      timeout: this.#timeout,
      lookup: this.#names.lookup,
      accept,
      failed: (cause) => failed(cause),
    });
  }
}

function clientTlsOf(tls: BridgeTls): ClientTls {
  const { certfile, keyfile, psk, verifyName, minVersion, ciphers, ciphers13, alpn } = tls;
  const context: SecureContextOptions = {
    minVersion,
    ca: psk === undefined ? authoritiesOf(tls) : [],
    ...(certfile === "" ? {} : identityFrom(certfile, keyfile)),
  };
  return {
    context,
    verifyName,
    psk,
    ciphers: ciphers || undefined,
    ciphers13: ciphers13 || undefined,
    alpn: alpn || undefined,
  };
}

function authoritiesOf({ cafile, capath, useOsCerts }: BridgeTls): string[] {
  return [
    ...(cafile === "" ? [] : authoritiesIn(cafile)),
    ...(capath === "" ? [] : authoritiesUnder(capath)),
    ...(useOsCerts || (cafile === "" && capath === "") ? getCACertificates("system") : []),
  ];
}
