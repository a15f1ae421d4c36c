/** Log lines as messages on `$SYS/broker/log/...`, for whoever subscribes there. */
import type { LineFormat } from "./log-line.ts";
import { LOG_TYPE_INFO, type LogEntry, type LogSink } from "./log-types.ts";

export type PublishLine = (topic: string, line: Uint8Array) => void;

/** Lines that wait for the turn to end; what comes beyond is dropped, here alone. */
const MOST_WAITING = 1000;

export class TopicSink implements LogSink {
  readonly #publish: PublishLine;
  format: LineFormat;
  #waiting: LogEntry[] = [];
  #dropped = 0;
  #publishing = false;
  #closed = false;

  constructor(publish: PublishLine, format: LineFormat) {
    this.#publish = publish;
    this.format = format;
  }

  /** Publishes when the turn ends: a line may come from the midst of the broker's work. */
  write(entry: LogEntry): void {
    // What publishing a line makes the broker say would never come to an end.
    if (this.#closed || this.#publishing) return;
    if (LOG_TYPE_INFO[entry.type].topic === undefined) return;
    if (this.#waiting.length >= MOST_WAITING) {
      this.#dropped++;
      return;
    }
    this.#waiting.push(entry);
    if (this.#waiting.length === 1) setImmediate(() => this.#publishAll());
  }

  close(done: () => void): void {
    this.#closed = true;
    done();
  }

  #publishAll(): void {
    const entries = this.#waiting;
    this.#waiting = [];
    if (this.#dropped > 0) {
      const text = `${this.#dropped} lines of the log were not published: there were too many`;
      this.#dropped = 0;
      entries.push({ type: "warning", text, time: Date.now() });
    }
    this.#publishing = true;
    try {
      for (const entry of entries) this.#publishOne(entry);
    } finally {
      this.#publishing = false;
    }
  }

  #publishOne(entry: LogEntry): void {
    if (this.#closed) return;
    const topic = `$SYS/broker/log/${LOG_TYPE_INFO[entry.type].topic}`;
    this.#publish(topic, Buffer.from(this.format(entry).trimEnd()));
  }
}
