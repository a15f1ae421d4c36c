/** Programs that the benchmark starts: waits until they serve their port, and ends them for certain. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { connect } from "node:net";
import { pause } from "./waiting.ts";

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

export interface Server {
  readonly name: string;
  readonly command: string;
  readonly words: readonly string[];
  /** The TCP port on loopback that answers when the server is ready. */
  readonly port: number;
}

export interface RunningServer {
  readonly pid: number;
  readonly port: number;
  /** Asks it to end, and kills it if it does not. */
  stop(): Promise<void>;
}

/** Starts a server and waits until it is ready. Rejects with what it said if it ends before. */
export async function startServer({ name, command, words, port }: Server): Promise<RunningServer> {
  const child = spawn(command, words, { stdio: ["ignore", "pipe", "pipe"] });
  running.add(child);
  child.once("exit", () => running.delete(child));
  let said = "";
  const listen = (chunk: Buffer | string): void => {
    said = (said + chunk.toString()).slice(0, TOLD);
  };
  child.once("error", (error) => {
    listen(error.message);
    running.delete(child);
  });
  child.stdout.on("data", listen);
  child.stderr.on("data", listen);
  const deadline = performance.now() + START_TIMEOUT;
  while (!(await answers(port))) {
    const ended = !running.has(child);
    if (!ended && performance.now() < deadline) {
      await pause(POLL_INTERVAL);
      continue;
    }
    await stop(child);
    const what = ended ? "did not start" : `does not answer on port ${port}`;
    throw new Error(`${name} ${what}: ${causeIn(said)}`);
  }
  return { pid: child.pid as number, port, stop: () => stop(child) };
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

async function stop(child: ChildProcess): Promise<void> {
  if (!running.has(child)) return;
  const gone = once(child, "exit");
  child.kill("SIGTERM");
  const timer = setTimeout(() => child.kill("SIGKILL"), STOP_TIMEOUT);
  await gone;
  clearTimeout(timer);
}

/** The line that tells an error; otherwise the last one. */
function causeIn(said: string): string {
  const lines = said.split("\n").filter((line) => line.trim() !== "");
  return lines.find((line) => /error/i.test(line)) ?? lines.at(-1) ?? "it said nothing";
}
