/**
 * Log lines to syslog. The system's socket takes datagrams, which Node cannot send to it; the
 * program `logger` of util-linux can, and is fed line by line.
 */
import { type ChildProcessByStdio, spawn } from "node:child_process";
import type { Readable, Writable } from "node:stream";
import { markedText, onOneLine } from "./log-line.ts";
import { LOG_TYPE_INFO, type LogEntry, type LogSink } from "./log-types.ts";

export interface SyslogOptions {
  /** 0 to 7 for local0 to local7, below that "daemon". */
  readonly facility: number;
  /** Told once, when it does not work. */
  readonly trouble: (text: string) => void;
  readonly program?: string | undefined;
}

const DAEMON = 3;
const LOCAL0 = 16;
/** What may wait for the program, bytes. */
const MOST_WAITING = 1_048_576;
/** Between attempts to start it again, ms. */
const RETRY_INTERVAL = 5000;
/** Characters. */
const LONGEST_COMPLAINT = 200;

type Child = ChildProcessByStdio<Writable, null, Readable>;

export class SyslogSink implements LogSink {
  readonly #facility: number;
  readonly #trouble: (text: string) => void;
  readonly #program: string;
  #child: Child | undefined;
  #startedAt = Number.NEGATIVE_INFINITY;
  #lost = 0;
  #told = false;

  constructor({ facility, trouble, program = "logger" }: SyslogOptions) {
    this.#facility = facility < 0 ? DAEMON : LOCAL0 + facility;
    this.#trouble = trouble;
    this.#program = program;
  }

  write(entry: LogEntry): void {
    const stdin = this.#stdin();
    if (stdin === undefined || stdin.writableLength > MOST_WAITING) {
      this.#lost++;
      return;
    }
    if (this.#lost > 0) {
      const text = `${this.#lost} lines of the log were lost: syslog did not take them`;
      this.#lost = 0;
      stdin.write(this.#line({ type: "warning", text, time: entry.time }));
    }
    stdin.write(this.#line(entry));
  }

  close(done: () => void): void {
    const child = this.#child;
    if (child === undefined) {
      done();
      return;
    }
    this.#startedAt = Number.POSITIVE_INFINITY;
    child.once("close", done);
    child.stdin.end();
  }

  #line(entry: LogEntry): string {
    const priority = this.#facility * 8 + LOG_TYPE_INFO[entry.type].severity;
    return `<${priority}>${markedText(entry)}\n`;
  }

  /** Starts the program when there is none, but not at once again. */
  #stdin(): Writable | undefined {
    if (this.#child !== undefined) return this.#child.stdin;
    const now = performance.now();
    if (now - this.#startedAt < RETRY_INTERVAL || this.#startedAt > now) return undefined;
    this.#startedAt = now;
    const words = ["--prio-prefix", "--tag", "midge"];
    const child = spawn(this.#program, words, { stdio: ["pipe", "ignore", "pipe"] });
    this.#child = child;
    child.stdin.on("error", () => {});
    child.on("error", (error) => this.#fail(child, error.message));
    let complaint = `${this.#program} ended`;
    child.stderr.on("data", (text: Buffer) => {
      complaint = onOneLine(text.toString().slice(0, LONGEST_COMPLAINT).trim());
    });
    child.on("close", () => this.#fail(child, complaint));
    return child.stdin;
  }

  #fail(child: Child, why: string): void {
    if (this.#child !== child) return;
    this.#child = undefined;
    if (this.#told || this.#startedAt === Number.POSITIVE_INFINITY) return;
    this.#told = true;
    this.#trouble(`cannot log to syslog: ${why}`);
  }
}
