/** Programs that the benchmark starts: waits until they serve their port, and ends them for certain. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { type AddressInfo, connect, createServer } from "node:net";

const START_TIMEOUT = 10_000;
const STOP_TIMEOUT = 5000;
const POLL_INTERVAL = 20;
/** As much of what a program writes is kept to tell why it failed. */
const TOLD = 4000;

const running = new Set<ChildProcess>();

/** Kills whatever has not ended yet; for an exit that cannot wait. */
export function killAll(): void {
  for (const child of running) child.kill("SIGKILL");
}

/** A TCP port on loopback that nobody serves. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    const end = (answered: boolean): void => {
      socket.destroy();
      resolve(answered);
    };
    socket.on("connect", () => end(true));
    socket.on("error", () => end(false));
  });
}

export class ServerProcess {
  readonly #name: string;
  readonly #command: string;
  readonly #words: readonly string[];
  #child: ChildProcess | undefined;
  #said = "";

  constructor(name: string, command: string, words: readonly string[]) {
    this.#name = name;
    this.#command = command;
    this.#words = words;
  }

  /** Undefined before `start()`. */
  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** Resolves once the TCP port answers; rejects with what the program said if it ends before. */
  async start(port: number): Promise<void> {
    const child = spawn(this.#command, this.#words, { stdio: ["ignore", "pipe", "pipe"] });
    this.#child = child;
    running.add(child);
    child.once("exit", () => running.delete(child));
    child.once("error", (error) => {
      running.delete(child);
      this.#said += error.message;
    });
    const listen = (chunk: Buffer): void => {
      this.#said = (this.#said + chunk.toString()).slice(0, TOLD);
    };
    child.stdout.on("data", listen);
    child.stderr.on("data", listen);
    const deadline = performance.now() + START_TIMEOUT;
    while (!(await answers(port))) {
      if (!running.has(child)) throw new Error(`${this.#name} did not start: ${this.#cause()}`);
      if (performance.now() > deadline) {
        throw new Error(`${this.#name} does not answer on port ${port}: ${this.#cause()}`);
      }
      await new Promise((resolve) => setTimeout(resolve, POLL_INTERVAL));
    }
  }

  /** The line that tells an error; otherwise the last one. */
  #cause(): string {
    const lines = this.#said.split("\n").filter((line) => line.trim() !== "");
    return lines.find((line) => /error/i.test(line)) ?? lines.at(-1) ?? "it said nothing";
  }

  /** Asks the program to end, and kills it if it does not. */
  async stop(): Promise<void> {
    const child = this.#child;
    if (child === undefined || !running.has(child)) return;
    const gone = once(child, "exit");
    child.kill("SIGTERM");
    const timer = setTimeout(() => child.kill("SIGKILL"), STOP_TIMEOUT);
    await gone;
    clearTimeout(timer);
  }
}
