/** Log lines to standard output, standard error, or a file that may be moved away. */
import { existsSync, fstatSync, mkdirSync, openSync } from "node:fs";
import { dirname } from "node:path";
import { LineWriter } from "./line-writer.ts";
import { LogError } from "./log-error.ts";
import { journalFormat, type LineFormat } from "./log-line.ts";
import type { LogEntry, LogSink } from "./log-types.ts";

export class StreamSink implements LogSink {
  readonly #path: string | undefined;
  readonly #writer: LineWriter;
  readonly #journal: boolean;
  /** Replaced when the form of lines changes. */
  format: LineFormat;

  /** `target`: a file descriptor, or the path of a file. Throws LogError if it cannot be opened. */
  constructor(target: number | string, format: LineFormat) {
    this.format = format;
    this.#path = typeof target === "string" ? target : undefined;
    const fd = typeof target === "string" ? openLog(target) : target;
    this.#journal = typeof target === "number" && isJournal(target);
    this.#writer = new LineWriter(fd, typeof target === "string", (count, cause) => {
      const text = `${count} lines of the log were lost: ${cause}`;
      return this.#line({ type: "warning", text, time: Date.now() });
    });
  }

  write(entry: LogEntry): void {
    this.#writer.write(this.#line(entry));
  }

  reopen(): string | undefined {
    if (this.#path === undefined) return undefined;
    try {
      this.#writer.moveTo(openLog(this.#path));
      return undefined;
    } catch (error) {
      return (error as Error).message;
    }
  }

  close(done: () => void): void {
    this.#writer.close(done);
  }

  #line(entry: LogEntry): string {
    return this.#journal ? journalFormat(entry) : this.format(entry);
  }
}

/** Not for everybody to read: client ids and topics tell much. */
const MODE = 0o640;

function openLog(path: string): number {
  try {
    makeFolder(dirname(path));
    return openSync(path, "a", MODE);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new LogError(`cannot open the log file ${path}: ${code} (set by log_dest)`, error);
  }
}

/** One, not those around it: `recursive` never comes to an end below /proc. */
function makeFolder(path: string): void {
  if (!existsSync(path)) mkdirSync(path);
}

/** What systemd has put there goes to the journal, and has not been sent elsewhere since. */
function isJournal(fd: number): boolean {
  const stream = process.env.JOURNAL_STREAM;
  if (stream === undefined) return false;
  try {
    const { dev, ino } = fstatSync(fd);
    return stream === `${dev}:${ino}`;
  } catch {
    return false;
  }
}
