/** The Midge that is fed: its process, ports, memory, and what it says. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort, freeUdpPort } from "../../test/kit/ports.ts";
import type { Ports } from "./feeder.ts";
import { LINE_KINDS, type LineKind } from "./line-bytes.ts";
import { LineServer } from "./line-server.ts";

const START_TIMEOUT = 15_000;
/** As much of what it says is kept to tell why it failed, characters. */
const TOLD = 20_000;
/**
 * Of the heap, MB: with much room, what is garbage stays for long, and looks like a leak. A leak that
 * comes up to it ends the process.
 */
const HEAP = 64;
/** N_RETRY of the link with the well-behaved node, which shares a busy process with all the others. */
const PATIENT = 10;
const MIDGE = join(import.meta.dirname, "../../dist/midge.mjs");

export class Midge {
  readonly ports: Ports;
  /** Exit code or signal, once it has ended. */
  ended: number | string | undefined;
  readonly #child: ChildProcess;
  readonly #folder: string;
  #said = "";

  constructor(child: ChildProcess, ports: Ports, folder: string) {
    this.#child = child;
    this.ports = ports;
    this.#folder = folder;
    const listen = (chunk: Buffer): void => {
      this.#said = (this.#said + chunk.toString()).slice(-TOLD);
    };
    child.stdout?.on("data", listen);
    child.stderr?.on("data", listen);
    child.on("exit", (code, signal) => {
      this.ended = code ?? signal ?? "unknown";
    });
  }

  /** The end of what it has said. */
  get said(): string {
    return this.#said;
  }

  /** Resident memory, bytes; 0 once it has ended. */
  get resident(): number {
    if (this.ended !== undefined) return 0;
    const status = readFileSync(`/proc/${this.#child.pid}/status`, "utf8");
    return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) * 1024;
  }

  /** Ends it, and answers its exit code or signal. */
  async stop(): Promise<number | string> {
    if (this.ended === undefined) {
      const exit = once(this.#child, "exit");
      this.#child.kill("SIGTERM");
      const timer = setTimeout(() => this.#child.kill("SIGKILL"), 10_000);
      await exit;
      clearTimeout(timer);
    }
    for (const line of this.ports.lines.values()) line.stop();
    rmSync(this.#folder, { recursive: true, force: true });
    return this.ended ?? "unknown";
  }
}

/** Starts it on free ports, with its data in a folder of its own, and waits until it is ready. */
export async function startMidge(): Promise<Midge> {
  const folder = mkdtempSync(join(tmpdir(), "midge-fuzz-"));
  const lines = new Map<LineKind, LineServer>();
  const remotes: string[] = [];
  for (const kind of LINE_KINDS) {
    const server = new LineServer();
    lines.set(kind, server);
    remotes.push(lineLink(kind, await server.start()));
  }
  const ports: Ports = {
    tcp: await freePort(),
    websocket: await freePort(),
    udp: await freeUdpPort(),
    udp6: await freeUdpPort(),
    lines,
  };
  const file = join(folder, "midge.toml");
  writeFileSync(file, configuration(ports, remotes, folder));
  const words = [`--max-old-space-size=${HEAP}`, MIDGE, "run", "-c", file];
  const child = spawn(process.execPath, words, { stdio: ["ignore", "pipe", "pipe"] });
  const midge = new Midge(child, ports, folder);
  const deadline = Date.now() + START_TIMEOUT;
  while (!midge.said.includes("Midge is ready.")) {
    if (midge.ended !== undefined || Date.now() > deadline) {
      await midge.stop();
      throw new Error(`Midge did not start:\n${midge.said}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return midge;
}

/** Bounds, and an early end for what is left behind, so that growth of memory means a leak. */
function configuration(
  { tcp, websocket, udp, udp6 }: Ports,
  lines: readonly string[],
  folder: string,
): string {
  return `[broker]
persistent_client_expiration = "3s"
max_queued_messages = 100
retain_expiry_interval = 1
[[listener]]
port = ${tcp}
[http]
port = ${websocket}
[[link]]
port = ${udp}
retry_interval = 3
retry_limit = ${PATIENT}
[[link]]
address = "::1"
port = ${udp6}
retry_interval = 1
retry_limit = 1
${lines.join("")}[gateway]
max_nodes = 500
[store]
path = ${JSON.stringify(join(folder, "data"))}
`;
}

function lineLink(framing: LineKind, port: number): string {
  return `[[link]]
type = "tcp"
remote = "tcp://127.0.0.1:${port}"
framing = "${framing}"
retry_interval = 1
retry_limit = 1
`;
}
