/** The log of the process: which lines go where, as the configuration has it. */
import type { LogConfig } from "../config/schema.ts";
import type { Log } from "../seams/log.ts";
import { jsonFormat, type LineFormat, onOneLine, textFormat } from "./log-line.ts";
import { chosenTypes, type LogEntry, type LogSink, type LogType } from "./log-types.ts";
import { StreamSink } from "./stream-sink.ts";
import { SyslogSink } from "./syslog-sink.ts";
import { type PublishLine, TopicSink } from "./topic-sink.ts";

export class ProcessLog implements Log {
  /** Asked for every packet. */
  debugging: boolean;
  #config: LogConfig;
  #types: ReadonlySet<LogType>;
  /** By what the configuration calls them. */
  readonly #sinks = new Map<string, LogSink>();
  #publish: PublishLine | undefined;
  readonly #json: LineFormat | undefined;

  /** Rejects with LogError where a file cannot be opened. */
  static async open(config: LogConfig): Promise<ProcessLog> {
    const json = config.format === "json" ? await jsonFormat() : undefined;
    const log = new ProcessLog(config, json);
    for (const name of destinationsOf(config)) log.#add(name);
    return log;
  }

  private constructor(config: LogConfig, json: LineFormat | undefined) {
    this.#config = config;
    this.#types = chosenTypes(config.log_type);
    this.debugging = this.#types.has("debug");
    this.#json = json;
  }

  debug(text: string): void {
    this.#write("debug", text);
  }

  info(text: string): void {
    this.#write("information", text);
  }

  notice(text: string): void {
    this.#write("notice", text);
  }

  warn(text: string): void {
    this.#write("warning", text);
  }

  error(text: string): void {
    this.#write("error", text);
  }

  connection(text: string): void {
    if (this.#config.connection_messages) this.#write("notice", text);
  }

  subscribe(text: string): void {
    this.#write("subscribe", text);
  }

  unsubscribe(text: string): void {
    this.#write("unsubscribe", text);
  }

  /** From now on lines can be published, by the destination "topic". */
  publishBy(publish: PublishLine | undefined): void {
    this.#publish = publish;
    this.#sinks.get("topic")?.close(() => {});
    this.#sinks.delete("topic");
    if (destinationsOf(this.#config).includes("topic")) this.#add("topic");
  }

  /** Puts other settings into force, and opens files anew; what fails is logged and stays as it was. */
  reconfigure(config: LogConfig): void {
    const before = this.#config;
    this.#config = { ...config, format: before.format };
    this.#types = chosenTypes(config.log_type);
    this.debugging = this.#types.has("debug");
    const wanted = destinationsOf(config);
    for (const [name, sink] of this.#sinks) {
      const kept = wanted.includes(name) && (name !== "syslog" || sameFacility(before, config));
      if (kept) this.#renew(sink);
      else this.#remove(name, sink);
    }
    for (const name of wanted) {
      if (this.#sinks.has(name)) continue;
      try {
        this.#add(name);
      } catch (error) {
        this.error((error as Error).message);
      }
    }
    if (this.#sinks.size === 0 && wanted.length > 0) this.#add("stderr");
  }

  /** Opens files anew, after they were moved away. */
  reopen(): void {
    for (const sink of this.#sinks.values()) this.#renew(sink);
  }

  /** Calls `done` once everything is written, or cannot be. Nothing is written after this. */
  close(done: () => void): void {
    const sinks = [...this.#sinks.values()];
    this.#sinks.clear();
    let left = sinks.length;
    if (left === 0) done();
    for (const sink of sinks) {
      sink.close(() => {
        left--;
        if (left === 0) done();
      });
    }
  }

  #write(type: LogType, text: string): void {
    if (!this.#types.has(type)) return;
    const entry: LogEntry = { type, text: onOneLine(text), time: Date.now() };
    for (const sink of this.#sinks.values()) sink.write(entry);
  }

  #add(name: string): void {
    const sink = this.#open(name);
    if (sink !== undefined) this.#sinks.set(name, sink);
  }

  #open(name: string): LogSink | undefined {
    if (name === "stdout") return new StreamSink(1, this.#format());
    if (name === "stderr") return new StreamSink(2, this.#format());
    if (name === "syslog") {
      const trouble = (text: string) => this.#tellOthers(name, text);
      return new SyslogSink({ facility: this.#config.log_facility, trouble });
    }
    if (name === "topic") return this.#publish && new TopicSink(this.#publish, this.#text());
    return new StreamSink(name.slice("file ".length), this.#format());
  }

  #renew(sink: LogSink): void {
    if (sink instanceof StreamSink) sink.format = this.#format();
    if (sink instanceof TopicSink) sink.format = this.#text();
    const trouble = sink.reopen?.();
    if (trouble !== undefined) this.error(trouble);
  }

  #remove(name: string, sink: LogSink): void {
    this.#sinks.delete(name);
    sink.close(() => {});
  }

  #format(): LineFormat {
    return this.#json ?? this.#text();
  }

  #text(): LineFormat {
    const { log_timestamp, log_timestamp_format } = this.#config;
    return textFormat({ timestamp: log_timestamp, format: log_timestamp_format });
  }

  /** That one place does not work is told at the others, or else on standard error. */
  #tellOthers(broken: string, text: string): void {
    const others = [...this.#sinks].filter(([name]) => name !== broken && name !== "topic");
    if (others.length === 0) this.#add("stderr");
    this.warn(text);
  }
}

/** Each once; none for "none". */
function destinationsOf({ log_dest }: LogConfig): readonly string[] {
  if (log_dest.at(-1) === "none") return [];
  return [...new Set(log_dest)].filter((name) => name !== "none");
}

function sameFacility(before: LogConfig, after: LogConfig): boolean {
  return before.log_facility === after.log_facility;
}
