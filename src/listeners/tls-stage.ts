/**
 * TLS in front of a listener's connections: handshakes on sockets that were accepted elsewhere, with
 * certificates and keys that can be replaced while connections go on.
 */
import type { Socket } from "node:net";
import {
  createServer,
  type TlsOptions as NodeTlsOptions,
  type Server,
  type TLSSocket,
} from "node:tls";
import type { Log } from "../seams/log.ts";
import type { PeerIdentity } from "../seams/wire.ts";
import type { Clock } from "../time/clock.ts";
import type { Scheduler } from "../time/scheduler.ts";
import type { Arrival } from "./arrival.ts";
import { identityInCertificate, isRequired } from "./client-certificate.ts";
import { FileWatch } from "./file-watch.ts";
import { handshakeProblem } from "./handshake-problem.ts";
import type { TlsOptions } from "./options.ts";
import { type LoadedTls, loadTls } from "./tls-context.ts";

export interface TlsStageParts {
  readonly options: TlsOptions;
  /** The listener in the configuration, for messages. */
  readonly setting: string;
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  readonly log: Log;
}

type Secured = (socket: TLSSocket) => void;

export class TlsStage {
  readonly #parts: TlsStageParts;
  readonly #watch: FileWatch;
  /** Handshakes under way, by the socket beneath. */
  readonly #waiting = new WeakMap<
    Socket,
    { readonly arrival: Arrival; readonly secured: Secured }
  >();
  readonly #identities = new WeakMap<TLSSocket, string>();
  /** Those who gave an identity that is not known. */
  readonly #strangers = new WeakSet<TLSSocket>();
  #server: Server | undefined;
  #loaded: LoadedTls | undefined;
  #reloading: Promise<void> = Promise.resolve();

  constructor(parts: TlsStageParts) {
    this.#parts = parts;
    this.#watch = new FileWatch({
      files: () => this.#loaded?.files ?? [],
      changed: () => void this.reload(),
      scheduler: parts.scheduler,
    });
  }

  /** Reads all files and watches them from then on. Rejects with an Error that says what is wrong. */
  async start(): Promise<void> {
    const loaded = await loadTls(this.#parts.options);
    this.#loaded = loaded;
    const server = createServer(this.#serverOptions(loaded));
    server.on("secureConnection", (socket) => this.#secured(socket));
    server.on("tlsClientError", (error, socket) => this.#failed(error, socket));
    this.#server = server;
    this.#warnOfExpiry(loaded);
    await this.#watch.start();
  }

  stop(): void {
    this.#watch.stop();
  }

  /**
   * Reads all files again, for the handshakes to come; connections go on. With a file that cannot
   * be used, everything stays as it was, and the log says so. Never rejects.
   */
  reload(): Promise<void> {
    this.#reloading = this.#reloading.then(() => this.#reload());
    return this.#reloading;
  }

  /** Makes a handshake on a connection; `secured` is called if it comes to a good end. */
  handshake(arrival: Arrival, early: Uint8Array, secured: Secured): void {
    const { socket } = arrival;
    this.#waiting.set(socket, { arrival, secured });
    if (early.length > 0) socket.unshift(early);
    this.#server?.emit("connection", socket);
  }

  #serverOptions({ context }: LoadedTls): NodeTlsOptions {
    const { identification, alpn } = this.#parts.options;
    const options: NodeTlsOptions = { ...context };
    if (alpn.length > 0) options.ALPNProtocols = [...alpn];
    if (identification.kind === "psk") {
      options.pskIdentityHint = identification.hint;
      options.pskCallback = (socket, identity) => this.#keyOf(socket, identity);
    } else {
      const required = isRequired(identification);
      options.requestCert = required;
      // The TLS library always looks at dates; where these do not count, it is judged afterwards.
      options.rejectUnauthorized = required && identification.ignoreDates !== true;
    }
    return options;
  }

  async #reload(): Promise<void> {
    const { options, setting, log } = this.#parts;
    try {
      await this.#watch.settle();
      const loaded = await loadTls(options);
      // Tickets of the old context are of no use in the new one, so that nobody who was revoked
      // comes in by resuming an older session.
      this.#server?.setSecureContext(loaded.context);
      this.#loaded = loaded;
      this.#warnOfExpiry(loaded);
      log.info(`${setting}: TLS files read again.`);
    } catch (error) {
      log.error(`${setting}: TLS files stay as they were: ${(error as Error).message}`);
    }
  }

  #warnOfExpiry({ expires }: LoadedTls): void {
    const { clock, log, setting } = this.#parts;
    if (expires === undefined || expires > clock.wall()) return;
    const when = new Date(expires).toISOString().slice(0, 10);
    log.warn(
      `${setting}.certfile: the certificate expired on ${when}; clients will not accept it.`,
    );
  }

  #keyOf(socket: TLSSocket, identity: string): Buffer | null {
    const key = this.#loaded?.keys.get(identity);
    if (key === undefined) {
      this.#strangers.add(socket);
      return null;
    }
    this.#identities.set(socket, identity);
    return Buffer.from(key);
  }

  #secured(socket: TLSSocket): void {
    const waiting = this.#take(socket);
    if (waiting === undefined || waiting.arrival.over) {
      socket.destroy();
      return;
    }
    const { arrival, secured } = waiting;
    socket.on("error", () => socket.destroy());
    const identity = this.#identify(socket);
    if (typeof identity === "string") {
      arrival.refuse(identity);
      return;
    }
    if (identity !== undefined) arrival.peer = { ...arrival.peer, identity };
    const { standardName } = socket.getCipher();
    this.#parts.log.debug(
      `Connection from ${arrival.peer.remote} negotiated ${socket.getProtocol()} cipher ${standardName}`,
    );
    secured(socket);
  }

  #failed(error: Error, socket: TLSSocket): void {
    socket.destroy();
    const problem = this.#strangers.has(socket)
      ? "its identity is not in psk_file"
      : handshakeProblem(error, socket.authorizationError);
    this.#take(socket)?.arrival.refuse(problem);
  }

  #take(socket: TLSSocket): { readonly arrival: Arrival; readonly secured: Secured } | undefined {
    const { _parent: beneath } = socket as TLSSocket & { readonly _parent?: Socket };
    const waiting = beneath && this.#waiting.get(beneath);
    if (beneath) this.#waiting.delete(beneath);
    return waiting;
  }

  /** Who has been proved to be there, if the listener wants to know; or why that cannot be told. */
  #identify(socket: TLSSocket): PeerIdentity | undefined | string {
    const { identification } = this.#parts.options;
    if (identification.kind === "certificate") {
      return identityInCertificate(socket, identification, this.#loaded?.trusted ?? []);
    }
    const identity = this.#identities.get(socket);
    if (identity === undefined) return "it gave no identity";
    if (!identification.useIdentityAsUsername) return undefined;
    return { username: identity, verified: true, kind: "psk" };
  }
}
