/** Firmware samples for tests: built with their own Makefiles, run on emulated boards. */
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, type TestContext } from "node:test";
import { promisify } from "node:util";
import { Program } from "./processes.ts";

const run = promisify(execFile);

export const SAMPLES = join(import.meta.dirname, "../../firmware-samples");

/** What is built goes with the test file. */
const builds = mkdtempSync(join(tmpdir(), "midge-firmware-"));
after(() => rmSync(builds, { recursive: true, force: true }));
let buildCount = 0;

/** Runs a program to its end, and throws with all that it said where it fails. */
export async function succeed(command: string, words: readonly string[]): Promise<string> {
  try {
    const { stdout, stderr } = await run(command, words, { cwd: SAMPLES, maxBuffer: 1 << 24 });
    return stdout + stderr;
  } catch (error) {
    const { stdout, stderr, message } = error as Error & { stdout?: string; stderr?: string };
    throw new Error(`${message}\n${stdout ?? ""}${stderr ?? ""}`);
  }
}

/**
 * Builds one folder of firmware-samples/ with the variables of its Makefile given as `NAME=value`;
 * answers the folder of what it made.
 */
export async function make(sample: string, ...variables: string[]): Promise<string> {
  buildCount++;
  const out = join(builds, `${sample}-${buildCount}`);
  await succeed("make", ["-s", "-C", sample, `OUT=${out}`, ...variables]);
  return out;
}

/** `-D` options for the DEFINES of a Makefile. */
export function defines(values: Readonly<Record<string, string | number>>): string {
  const words = Object.entries(values).map(([name, value]) =>
    typeof value === "string" ? `-D${name}=\\"${value}\\"` : `-D${name}=${value}`,
  );
  return `DEFINES=${words.join(" ")}`;
}

let emulators: Promise<string> | undefined;

/** The folder of the emulators, built once for a test file. */
export function builtEmulators(): Promise<string> {
  emulators ??= make("emulators");
  return emulators;
}

/** A board that runs, and the pseudo terminal that is its serial line. */
export interface Board extends Program {
  readonly line: string;
}

async function started(program: Program, line: RegExp): Promise<Board> {
  await program.until((text) => line.test(text), "the board's line");
  const path = line.exec(program.output + program.errors)?.[1] ?? "";
  return Object.assign(program, { line: path });
}

/** `words` are options of emulators/avr-board.c, and at the end processor, clock and firmware. */
export async function avrBoard(t: TestContext, ...words: string[]): Promise<Board> {
  const program = new Program(t, join(await builtEmulators(), "avr-board"), words);
  return await started(program, /^line (\S+)$/m);
}

export async function cortexBoard(t: TestContext, firmware: string): Promise<Board> {
  const machine = ["-M", "lm3s6965evb", "-nographic", "-monitor", "none", "-serial", "pty"];
  const program = new Program(t, "qemu-system-arm", [...machine, "-kernel", firmware]);
  return await started(program, /redirected to (\S+)/);
}

/** A serial cable from a board's line to `port`, good or bad; see emulators/serial-line.c. */
export class Cable {
  readonly #program: Program;
  #answers = 0;

  private constructor(program: Program) {
    this.#program = program;
  }

  static async lay(t: TestContext, line: string, port: string, baudRate: number): Promise<Cable> {
    const command = join(await builtEmulators(), "serial-line");
    const program = new Program(t, command, [line, port, String(baudRate)]);
    await program.until((text) => text.startsWith("ready"), "the cable");
    return new Cable(program);
  }

  /** `command` is one of those of serial-line.c. */
  async order(command: string): Promise<void> {
    this.#program.write(`${command}\n`);
    const expected = ++this.#answers;
    await this.#program.until((text) => text.split("ok\n").length > expected, command);
  }
}

/** A `[[link]]` on a serial port, quick to repeat. */
export function serialLink(port: string, framing: string, baudRate: number): string {
  return `[[link]]
name = "wire"
type = "serial"
path = ${JSON.stringify(port)}
framing = "${framing}"
baud_rate = ${baudRate}
retry_interval = 0.3
retry_limit = 20
`;
}
