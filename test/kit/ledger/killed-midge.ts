/** A real Midge that is started and killed again and again on the same data. */
import { appendFileSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { freePort, freeUdpPort } from "../ports.ts";
import { MIDGE, Program } from "../processes.ts";

export interface KilledMidgeParts {
  /** For its configuration, data and output; made if missing. */
  readonly folder: string;
  readonly mqttPort: number;
  readonly udpPort: number;
  readonly httpPort: number;
  /** More TOML; it begins in the section [store]. */
  readonly more: string;
}

/** Words that Midge says only of its own mistakes, or of a store that it cannot use. */
const MISTAKES =
  /[Uu]ncaught|[Uu]nhandled|(Type|Range|Reference|Syntax|Assertion)Error|heap out of memory|store:.*(damaged|cannot)/;
const READY = "Midge is ready.";

export class KilledMidge {
  readonly faults: string[] = [];
  /** How often it was started. */
  lives = 0;
  readonly #t: TestContext;
  readonly #parts: KilledMidgeParts;
  #program: Program | undefined;

  constructor(t: TestContext, parts: KilledMidgeParts) {
    this.#t = t;
    this.#parts = parts;
    mkdirSync(parts.folder, { recursive: true });
  }

  get mqttPort(): number {
    return this.#parts.mqttPort;
  }

  get udpPort(): number {
    return this.#parts.udpPort;
  }

  get data(): string {
    return join(this.#parts.folder, "data");
  }

  /** What it said in this life. */
  get said(): string {
    return `${this.#program?.output ?? ""}${this.#program?.errors ?? ""}`;
  }

  /** Starts the process, and does not wait until it is ready. `settings` are those of [store]. */
  spawn(settings: string): void {
    const { folder, mqttPort, udpPort, httpPort, more } = this.#parts;
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
path = ${JSON.stringify(this.data)}
${settings}
${more}`,
    );
    this.lives++;
    this.#program = new Program(this.#t, process.execPath, [MIDGE, "run", "-c", file]);
  }

  /** Waits until it is ready to serve. */
  async ready(): Promise<void> {
    await this.#program?.until((text) => text.includes(READY), "readiness");
  }

  /** Ends it without a word, and looks at what it said. */
  async kill(): Promise<void> {
    await this.#end("SIGKILL", "SIGKILL");
  }

  /** Ends it in order. */
  async stop(): Promise<void> {
    await this.#end("SIGTERM", 0);
  }

  async #end(signal: NodeJS.Signals, expected: number | string): Promise<void> {
    const program = this.#program;
    if (program === undefined) return;
    program.signal(signal);
    const code = await program.end();
    if (code !== expected) this.faults.push(`life ${this.lives} of Midge ended with ${code}`);
    const mistake = MISTAKES.exec(this.said);
    if (mistake !== null) this.faults.push(`in life ${this.lives} Midge said "${mistake[0]}"`);
    const file = join(this.#parts.folder, "midge.log");
    appendFileSync(file, `---- life ${this.lives}, ended by ${code}\n${this.said}`);
    this.#program = undefined;
  }
}

/** Free ports for one. */
export async function midgePorts(): Promise<
  Pick<KilledMidgeParts, "mqttPort" | "udpPort" | "httpPort">
> {
  return {
    mqttPort: await freePort(),
    udpPort: await freeUdpPort(),
    httpPort: await freePort(),
  };
}
