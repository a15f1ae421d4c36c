/** The far end of a link over TCP: Midge connects to it, and it says what it is given to say. */
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";

export class LineServer {
  readonly #server: Server;
  #line: Socket | undefined;

  constructor() {
    this.#server = createServer((socket) => {
      this.#line?.destroy();
      this.#line = socket;
      socket.on("error", () => {});
      // Whatever comes is thrown away.
      socket.resume();
    });
  }

  /** Resolves with the port. */
  async start(): Promise<number> {
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
    return (this.#server.address() as AddressInfo).port;
  }

  /** Says it, where Midge is there; resolves when the system has taken it. */
  write(bytes: Uint8Array): Promise<void> {
    const line = this.#line;
    if (line === undefined || line.destroyed) return Promise.resolve();
    return new Promise((resolve) => {
      line.write(bytes, () => resolve());
    });
  }

  /** Breaks the line; Midge is to come back by itself. */
  break(): void {
    this.#line?.resetAndDestroy();
  }

  stop(): void {
    this.#line?.destroy();
    this.#server.close();
  }
}
