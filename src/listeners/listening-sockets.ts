/** The sockets of one listener: opens them, and hands over what they accept. */
import { createServer, isIPv4, type ListenOptions, type Server, type Socket } from "node:net";
import { ListenError } from "./listen-error.ts";
import { type ListenPlace, listenPlaces } from "./listen-places.ts";
import type { ListenerOptions } from "./options.ts";
import { clearSocketPath } from "./unix-socket.ts";

export interface ListeningSocketsParts {
  readonly options: ListenerOptions;
  /** Takes a new connection, whose reading has not begun. */
  readonly accepted: (socket: Socket) => void;
  /** A connection could not be accepted. */
  readonly failed: (error: Error) => void;
  /** A socket is about to be opened: "ipv4 listen socket on port 1883". */
  readonly opening: (what: string) => void;
  /** Goes on without one of several addresses: this machine has no such address, or version of IP. */
  readonly without: (error: ListenError) => void;
}

/** Connections that the kernel holds until they are accepted. */
const BACKLOG = 1024;
/** Of several addresses, some may not be there (yet): a version of IP that is off, an address being checked. */
const ABSENT: ReadonlySet<string> = new Set(["EADDRNOTAVAIL", "EAFNOSUPPORT", "ENODEV"]);

export class ListeningSockets {
  readonly #parts: ListeningSocketsParts;
  readonly #servers: Server[] = [];
  #port: number;

  constructor(parts: ListeningSocketsParts) {
    this.#parts = parts;
    this.#port = parts.options.port;
  }

  /** Port in force: the one asked for, or the one given where 0 was asked for. */
  get port(): number {
    return this.#port;
  }

  /** All of those that could be opened are so still. */
  get isListening(): boolean {
    return this.#servers.length > 0 && this.#servers.every(({ listening }) => listening);
  }

  /** Rejects with ListenError, and leaves nothing open then. */
  async start(): Promise<void> {
    const { unix } = this.#parts.options;
    try {
      if (unix === undefined) await this.#openPlaces();
      else await this.#openUnix(unix.path, unix.mode);
    } catch (error) {
      await this.stop();
      throw error;
    }
  }

  /** Accepts nothing more. Fulfilled when no connection is left that was not handed on. */
  async stop(): Promise<void> {
    const closed = this.#servers.map(
      (server) => new Promise((resolve) => server.close(() => resolve(undefined))),
    );
    this.#servers.length = 0;
    await Promise.all(closed);
  }

  async #openPlaces(): Promise<void> {
    const { options } = this.#parts;
    const places = await listenPlaces(options).catch((error: Error) => {
      const { bindInterface, address } = options;
      const what = bindInterface === undefined ? "address" : "bind_interface";
      throw this.#error(bindInterface ?? address, what, error);
    });
    const missing: ListenError[] = [];
    for (const place of places) {
      try {
        await this.#openPlace(place);
      } catch (error) {
        const { code } = (error as Error).cause as NodeJS.ErrnoException;
        if (!ABSENT.has(code ?? "")) throw error;
        missing.push(error as ListenError);
      }
    }
    if (this.#servers.length === 0 && missing[0] !== undefined) throw missing[0];
    for (const error of missing) this.#parts.without(error);
  }

  async #openPlace({ host, ipv6Only }: ListenPlace): Promise<void> {
    const port = this.#port;
    const where = `${host ?? "*"}:${port}`;
    this.#parts.opening(`${this.#kindOf(host)} listen socket on port ${port}`);
    const server = await this.#open({ port, host, ipv6Only }, where, "port");
    const address = server.address();
    // The addresses of one listener share its port.
    if (typeof address === "object" && address !== null) this.#port = address.port;
  }

  async #openUnix(path: string, mode: number | undefined): Promise<void> {
    await clearSocketPath(path).catch((error: Error) => {
      throw this.#error(path, "path", error);
    });
    this.#parts.opening(`unix listen socket on path ${path}`);
    // The socket is made within the call, with its permissions from the start.
    const before = mode === undefined ? undefined : process.umask(0o777 & ~mode);
    const opening = this.#open({ path }, path, "path");
    if (before !== undefined) process.umask(before);
    await opening;
  }

  #open(listenOptions: ListenOptions, where: string, what: string): Promise<Server> {
    const { accepted, failed } = this.#parts;
    const server = createServer({ pauseOnConnect: true, noDelay: true }, accepted);
    return new Promise((resolve, reject) => {
      const refuse = (error: Error): void => reject(this.#error(where, what, error));
      server.once("error", refuse);
      server.listen({ ...listenOptions, backlog: BACKLOG }, () => {
        server.off("error", refuse);
        server.on("error", failed);
        this.#servers.push(server);
        resolve(server);
      });
    });
  }

  #kindOf(host: string | undefined): string {
    if (this.#parts.options.protocol === "websockets") return "websockets";
    if (host === undefined) return "ipv4 and ipv6";
    return isIPv4(host) ? "ipv4" : "ipv6";
  }

  #error(where: string, what: string, cause: Error): ListenError {
    return new ListenError(where, `${this.#parts.options.setting}.${what}`, cause);
  }
}
