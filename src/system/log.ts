/** The log: pino underneath, as lines for people or as JSON for programs. */
import pino from "pino";
import type { Log } from "../seams/log.ts";

export type LogLevel = "debug" | "info" | "warn" | "error" | "none";

export interface LogOptions {
  readonly level: LogLevel;
  /** "stdout", "stderr", or the path of a file. */
  readonly destination: string;
  readonly format: "text" | "json";
}

/** A log that can change its level while running, and writes out what is left at the end. */
export class ProcessLog implements Log {
  readonly #pino: pino.Logger;
  readonly #sink: ReturnType<typeof pino.destination>;

  constructor(options: LogOptions) {
    const sink = pino.destination({
      dest: destination(options.destination),
      sync: false,
      mkdir: true,
    });
    // A pipe that nobody reads any more is no reason to end.
    sink.on("error", () => {});
    this.#sink = sink;
    const stream = options.format === "json" ? sink : { write: textWriter(sink) };
    this.#pino = pino({ base: null, level: pinoLevel(options.level) }, stream);
  }

  debug(text: string): void {
    this.#pino.debug(text);
  }

  info(text: string): void {
    this.#pino.info(text);
  }

  notice(text: string): void {
    this.#pino.info(text);
  }

  connection(text: string): void {
    this.#pino.info(text);
  }

  subscribe(text: string): void {
    this.#pino.debug(text);
  }

  unsubscribe(text: string): void {
    this.#pino.debug(text);
  }

  warn(text: string): void {
    this.#pino.warn(text);
  }

  error(text: string): void {
    this.#pino.error(text);
  }

  setLevel(level: LogLevel): void {
    this.#pino.level = pinoLevel(level);
  }

  /** Calls `done` once everything is written, or cannot be. */
  flush(done: () => void): void {
    this.#sink.flush(() => done());
  }
}

function pinoLevel(level: LogLevel): string {
  return level === "none" ? "silent" : level;
}

function destination(name: string): number | string {
  if (name === "stdout") return 1;
  return name === "stderr" ? 2 : name;
}

const WARN = 40;
const ERROR = 50;

/** Lines such as `2026-01-31T12:00:00.000Z Warning: …`; the journal adds its own time. */
function textWriter(sink: { write(text: string): unknown }): (line: string) => void {
  const underJournal = process.env["JOURNAL_STREAM"] !== undefined;
  return (line) => {
    const { time, level, msg } = JSON.parse(line) as { time: number; level: number; msg: string };
    const stamp = underJournal ? "" : `${new Date(time).toISOString()} `;
    const mark = level >= ERROR ? "Error: " : level >= WARN ? "Warning: " : "";
    // One event, one line, whatever a client has put into its name.
    sink.write(`${stamp}${mark}${msg.replace(/[\r\n]+/g, " ")}\n`);
  };
}
