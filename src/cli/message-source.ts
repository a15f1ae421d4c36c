/** Where `midge pub` takes its messages from. */
import { closeSync, fstatSync, openSync, readFileSync } from "node:fs";

/** Longest payload that MQTT carries beside a topic, bytes. */
const LONGEST_PAYLOAD = 268_435_455;
const NEWLINE = 0x0a;

/** All of a file, or of standard input if `path` is undefined; a string is what went wrong. */
export function readWhole(path: string | undefined): Uint8Array | string {
  const name = path === undefined ? "standard input" : `"${path}"`;
  let bytes: Uint8Array;
  try {
    const file = path === undefined ? 0 : openSync(path, "r");
    try {
      if (fstatSync(file).size > LONGEST_PAYLOAD) return `${name} is too long for one message.`;
      bytes = readFileSync(file);
    } finally {
      if (path !== undefined) closeSync(file);
    }
  } catch (error) {
    return `cannot read ${name}: ${reason(error)}.`;
  }
  return bytes.length > LONGEST_PAYLOAD ? `${name} is too long for one message.` : bytes;
}

function reason(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === "ENOENT") return "there is no such file";
  if (code === "EACCES") return "access is not permitted";
  return code === "EISDIR" ? "it is a folder" : message;
}

/** Standard input line by line, as fast as `take` wants it. */
export class LineSource {
  readonly #take: (line: Uint8Array) => void;
  readonly #ended: () => void;
  readonly #failed: (problem: string) => void;
  #rest: Uint8Array[] = [];
  #restLength = 0;

  constructor(
    take: (line: Uint8Array) => void,
    ended: () => void,
    failed: (problem: string) => void,
  ) {
    this.#take = take;
    this.#ended = ended;
    this.#failed = failed;
  }

  start(): void {
    const { stdin } = process;
    stdin.on("data", (chunk: Uint8Array) => this.#split(chunk));
    stdin.on("end", () => {
      if (this.#restLength > 0) this.#take(this.#join());
      this.#ended();
    });
    stdin.on("error", (error) => this.#failed(`cannot read standard input: ${error.message}.`));
  }

  pause(): void {
    process.stdin.pause();
  }

  resume(): void {
    process.stdin.resume();
  }

  stop(): void {
    process.stdin.destroy();
  }

  #split(chunk: Uint8Array): void {
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, start)) {
      this.#rest.push(chunk.subarray(start, end));
      this.#take(this.#join());
      start = end + 1;
    }
    if (start === chunk.length) return;
    this.#rest.push(chunk.subarray(start));
    this.#restLength += chunk.length - start;
    if (this.#restLength > LONGEST_PAYLOAD) this.#failed("a line is too long for one message.");
  }

  #join(): Uint8Array {
    const line = Buffer.concat(this.#rest);
    this.#rest = [];
    this.#restLength = 0;
    return line;
  }
}
