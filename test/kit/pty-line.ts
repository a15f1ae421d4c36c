/** A serial line for tests: a pseudo terminal made by socat, with the node's end in the test. */
import { existsSync, lstatSync, rmSync, symlinkSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import type { TestContext } from "node:test";
import { Program } from "./processes.ts";

export class PtyLine {
  /** What the node does with bytes that come over the line. */
  receive: (bytes: Uint8Array) => void = () => {};
  readonly #t: TestContext;
  readonly #server: Server;
  #program: Program | undefined;
  #socket: Socket | undefined;

  constructor(t: TestContext) {
    this.#t = t;
    this.#server = createServer((socket) => {
      this.#socket = socket;
      socket.setNoDelay(true);
      socket.on("error", () => {});
      socket.on("data", (bytes) => this.receive(bytes));
    });
    t.after(() => {
      this.#socket?.destroy();
      this.#server.close();
    });
  }

  /** Bytes from the node that the line has not taken yet. */
  get backlog(): number {
    return this.#socket?.writableLength ?? 0;
  }

  /** Makes the port of this name; resolves when it is there. */
  async plugIn(path: string): Promise<void> {
    if (!this.#server.listening) {
      await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
    }
    const address = this.#server.address();
    const port = typeof address === "object" && address !== null ? address.port : 0;
    const connected = new Promise((resolve) => this.#server.once("connection", resolve));
    const words = [`PTY,raw,echo=0,link=${path},wait-slave`, `TCP:127.0.0.1:${port},nodelay`];
    this.#program = new Program(this.#t, "socat", words);
    const program = this.#program;
    await until(() => existsSync(path), `the port ${path}`);
    this.#whenOpened = connected;
    void program.ended;
  }

  #whenOpened: Promise<unknown> = Promise.resolve();

  /** Resolves when somebody has opened the port. */
  async opened(): Promise<void> {
    await this.#whenOpened;
  }

  /** Takes the port away, as when its cable is pulled. */
  async pullOut(): Promise<void> {
    this.#program?.signal("SIGTERM");
    await this.#program?.ended;
    this.#socket?.destroy();
    this.#socket = undefined;
  }

  send(bytes: Uint8Array): void {
    this.#socket?.write(bytes);
  }

  /** The node does not take anything from the line, or does again. */
  setReading(reading: boolean): void {
    if (reading) this.#socket?.resume();
    else this.#socket?.pause();
  }
}

/** Makes or changes a symbolic link. */
export function linkTo(target: string, link: string): void {
  if (lstatSync(link, { throwIfNoEntry: false }) !== undefined) rmSync(link);
  symlinkSync(target, link);
}

/** Looks every few milliseconds, for at most 20 s. */
export async function until(test: () => boolean, what: string): Promise<void> {
  const deadline = Date.now() + 20_000;
  while (!test()) {
    if (Date.now() > deadline) throw new Error(`${what} did not come`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
