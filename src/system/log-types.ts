/** The kinds of log lines, as Mosquitto has them, and what each is at the places where lines go. */

export type LogType =
  | "debug"
  | "error"
  | "warning"
  | "notice"
  | "information"
  | "subscribe"
  | "unsubscribe";

export interface LogTypeInfo {
  /** Of syslog (RFC 5424 §6.2.1), and of the prefix that the journal understands. */
  readonly severity: number;
  /** Below `$SYS/broker/log/`; undefined for lines that never go there. */
  readonly topic: string | undefined;
  /** What a line for people begins with. */
  readonly mark: string;
  /** The level in lines for programs. */
  readonly level: "debug" | "info" | "notice" | "warn" | "error";
}

export const LOG_TYPE_INFO: Readonly<Record<LogType, LogTypeInfo>> = {
  debug: { severity: 7, topic: undefined, mark: "", level: "debug" },
  error: { severity: 3, topic: "E", mark: "Error: ", level: "error" },
  warning: { severity: 4, topic: "W", mark: "Warning: ", level: "warn" },
  notice: { severity: 5, topic: "N", mark: "", level: "notice" },
  information: { severity: 6, topic: "I", mark: "", level: "info" },
  subscribe: { severity: 5, topic: "M/subscribe", mark: "", level: "info" },
  unsubscribe: { severity: 5, topic: "M/unsubscribe", mark: "", level: "info" },
};

const ALL = Object.keys(LOG_TYPE_INFO) as LogType[];

/** What `log_type` asks for, in its order: "none" forgets what stands before it. */
export function chosenTypes(words: readonly string[]): ReadonlySet<LogType> {
  const chosen = new Set<LogType>();
  for (const word of words) {
    if (word === "none") chosen.clear();
    for (const type of ALL) if (word === "all" || word === type) chosen.add(type);
  }
  return chosen;
}

/** One line, on its way to where lines go. */
export interface LogEntry {
  readonly type: LogType;
  /** On one line, without a mark. */
  readonly text: string;
  /** Wall clock, ms since 1970. */
  readonly time: number;
}

/** A place where lines go. */
export interface LogSink {
  write(entry: LogEntry): void;
  /** Opens its file anew, after it was moved away; answers what is wrong, if that fails. */
  reopen?(): string | undefined;
  /** Takes nothing more; calls `done` once everything is written, or cannot be. */
  close(done: () => void): void;
}
