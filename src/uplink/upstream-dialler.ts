/** Dials the broker that nodes are passed on to: TCP, TLS, WebSocket. */
import { X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { getCACertificates } from "node:tls";
import type { Dialler, Dialling, DialTarget } from "../seams/dialler.ts";
import type { Wire, WireEnd } from "../seams/wire.ts";
import { connectTo } from "../sockets/connect.ts";
import type { FlushTurn } from "../sockets/flush-turn.ts";
import type { ClientTls } from "../sockets/tls-client.ts";
import { NameLookup } from "./name-lookup.ts";
import { UpstreamError } from "./upstream-error.ts";

export interface UpstreamDiallerOptions {
  readonly turn: FlushTurn;
  readonly tls: boolean;
  /** PEM; empty for the CAs that the system trusts. */
  readonly caFile: string;
  /** The path that MQTT over WebSocket is asked for at; undefined is MQTT without WebSocket. */
  readonly webSocketPath: string | undefined;
}

/** How long a connection may take to come about, name lookup included, ms. */
const TIMEOUT = 10_000;

export class UpstreamDialler implements Dialler {
  readonly #options: UpstreamDiallerOptions;
  readonly #tls: ClientTls | undefined;
  readonly #names = new NameLookup();

  /** Throws UpstreamError where the CA file cannot be used. */
  constructor(options: UpstreamDiallerOptions) {
    this.#options = options;
    this.#tls = options.tls
      ? { context: { ca: authorities(options.caFile) }, verifyName: true }
      : undefined;
  }

  dial(
    target: DialTarget,
    accept: (wire: Wire) => WireEnd,
    failed: (cause: string) => void,
  ): Dialling {
    const { turn, webSocketPath } = this.#options;
    return connectTo({
      destination: { place: { kind: "tcp", ...target }, tls: this.#tls, webSocketPath },
      turn,
      timeout: TIMEOUT,
      lookup: this.#names.lookup,
      accept,
      failed: (cause) => failed(cause),
    });
  }
}

function authorities(file: string): string[] {
  if (file === "") return getCACertificates("system");
  let text: string;
  try {
    text = readFileSync(file, "latin1");
  } catch (error) {
    throw new UpstreamError(file, (error as Error).message);
  }
  const found = text.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g) ?? [];
  if (found.length === 0)
    throw new UpstreamError(file, "there is no certificate in PEM form in it");
  for (const [index, block] of found.entries()) {
    try {
      new X509Certificate(block);
    } catch {
      throw new UpstreamError(file, `certificate ${index + 1} in it is damaged`);
    }
  }
  return found;
}
