/** Real programs for tests: Midge as built, Mosquitto and its clients, each ended with the test. */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { freePort, freeUdpPort } from "./ports.ts";

const root = join(import.meta.dirname, "../..");
export const MIDGE = join(root, "dist/midge.mjs");
/** Nothing here takes longer unless something is broken, ms. */
const PATIENCE = 20_000;

/** A folder that goes with the test. */
export function temporaryFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), "midge-test-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** A program that runs; what it prints is kept and can be waited for. */
export class Program {
  readonly #child: ChildProcess;
  readonly #name: string;
  #output = "";
  #errors = "";
  #wake: (() => void)[] = [];
  /** Exit code, or the signal that ended it. */
  readonly ended: Promise<number | string>;

  constructor(t: TestContext, command: string, words: readonly string[], cwd?: string) {
    this.#name = [command.split("/").pop(), ...words].join(" ");
    const child = spawn(command, words, {
      stdio: ["pipe", "pipe", "pipe"],
      ...(cwd ? { cwd } : {}),
    });
    this.#child = child;
    child.stdout.on("data", (chunk: Buffer) => {
      this.#output += chunk.toString();
      this.#notify();
    });
    child.stderr.on("data", (chunk: Buffer) => {
      this.#errors += chunk.toString();
      this.#notify();
    });
    child.stdin.on("error", () => {});
    this.ended = new Promise((resolve) => {
      child.on("error", (error) => resolve(error.message));
      child.on("close", (code, signal) => {
        resolve(code ?? signal ?? "unknown");
        this.#notify();
      });
    });
    t.after(async () => {
      child.kill("SIGKILL");
      await this.ended;
    });
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** Standard output so far. */
  get output(): string {
    return this.#output;
  }

  /** Standard error so far. */
  get errors(): string {
    return this.#errors;
  }

  get lines(): string[] {
    return this.#output.split("\n").filter((line) => line !== "");
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Gives it more to read; `input` ends that. */
  write(text: string): void {
    this.#child.stdin?.write(text);
  }

  input(text: string): void {
    this.#child.stdin?.end(text);
  }

  /** Waits until standard output and error together satisfy `test`. */
  async until(test: (text: string) => boolean, what: string): Promise<void> {
    const deadline = Date.now() + PATIENCE;
    while (!test(this.#output + this.#errors)) {
      const left = deadline - Date.now();
      const exited = this.#child.exitCode !== null || this.#child.signalCode !== null;
      if (left <= 0 || exited) {
        throw new Error(
          `${this.#name}: ${what} did not come${exited ? " before it ended" : ""}\n${this.#output}${this.#errors}`,
        );
      }
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, Math.min(left, 1000));
        this.#wake.push(() => {
          clearTimeout(timer);
          resolve();
        });
      });
    }
  }

  /** Waits for its end and answers the exit code. */
  async end(): Promise<number | string> {
    const timer = setTimeout(() => this.#child.kill("SIGKILL"), PATIENCE);
    const code = await this.ended;
    clearTimeout(timer);
    return code;
  }

  #notify(): void {
    const wake = this.#wake;
    this.#wake = [];
    for (const resolve of wake) resolve();
  }
}

/** `midge` with the given words, as built. */
export function midge(t: TestContext, ...words: string[]): Program {
  return new Program(t, process.execPath, [MIDGE, ...words]);
}

export interface RunningMidge extends Program {
  readonly mqttPort: number;
  readonly udpPort: number;
  readonly httpPort: number;
  readonly folder: string;
}

export interface MidgeSettings {
  /** More TOML, after what the test kit writes. */
  readonly more?: string;
  /** Take the ports and the data of one that ran before. */
  readonly like?: RunningMidge;
}

/** A Midge that is ready, on free ports, with its data in a folder of its own. */
export async function startMidge(
  t: TestContext,
  settings: MidgeSettings = {},
): Promise<RunningMidge> {
  const { like } = settings;
  const folder = like?.folder ?? temporaryFolder(t);
  const mqttPort = like?.mqttPort ?? (await freePort());
  const udpPort = like?.udpPort ?? (await freeUdpPort());
  const httpPort = like?.httpPort ?? (await freePort());
  const file = join(folder, "midge.toml");
  writeFileSync(
    file,
    `[[listener]]
port = ${mqttPort}
[[link]]
port = ${udpPort}
[http]
port = ${httpPort}
[store]
path = ${JSON.stringify(join(folder, "data"))}
${settings.more ?? ""}
`,
  );
  const program = midge(t, "run", "-c", file, "-v");
  await program.until((text) => text.includes("Midge is ready."), "readiness");
  return Object.assign(program, { mqttPort, udpPort, httpPort, folder });
}

export interface RunningMosquitto extends Program {
  readonly port: number;
}

/** A Mosquitto that is ready, on a free port of 127.0.0.1. */
export async function startMosquitto(
  t: TestContext,
  settings: { readonly port?: number; readonly more?: string } = {},
): Promise<RunningMosquitto> {
  const port = settings.port ?? (await freePort());
  const file = join(temporaryFolder(t), "mosquitto.conf");
  writeFileSync(file, `listener ${port} 127.0.0.1\nallow_anonymous true\n${settings.more ?? ""}\n`);
  const program = new Program(t, "/usr/sbin/mosquitto", ["-c", file, "-v"]);
  await program.until((text) => text.includes("running"), "readiness");
  return Object.assign(program, { port });
}

/** Runs a program to its end and answers what it printed. */
export async function runToEnd(
  t: TestContext,
  command: string,
  words: readonly string[],
  input?: string,
): Promise<{ code: number | string; output: string; errors: string }> {
  const program = new Program(t, command, words);
  if (input !== undefined) program.input(input);
  const code = await program.end();
  return { code, output: program.output, errors: program.errors };
}

/** mosquitto_sub that has subscribed; QoS 1 unless told otherwise. */
export async function mosquittoSub(
  t: TestContext,
  port: number,
  filter: string,
  ...words: string[]
): Promise<Program> {
  const base = ["-h", "127.0.0.1", "-p", String(port), "-t", filter, "-v", "-d"];
  // Into a pipe it would keep its lines to itself until there are many.
  const program = new Program(t, "stdbuf", ["-oL", "mosquitto_sub", ...base, ...words]);
  await program.until(
    (text) => text.includes("received SUBACK") || text.includes("Subscribed"),
    "SUBACK",
  );
  return program;
}

/** mosquitto_pub to its end; throws where it fails. */
export async function mosquittoPub(
  t: TestContext,
  port: number,
  ...words: string[]
): Promise<void> {
  const result = await runToEnd(t, "mosquitto_pub", [
    "-h",
    "127.0.0.1",
    "-p",
    String(port),
    ...words,
  ]);
  if (result.code !== 0) throw new Error(`mosquitto_pub: ${result.code} ${result.errors}`);
}
