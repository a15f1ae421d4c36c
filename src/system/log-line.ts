/** Log lines as text: with the time, for people; as JSON, for programs. */
import { formatTime } from "../time/strftime.ts";
import { LOG_TYPE_INFO, type LogEntry } from "./log-types.ts";

/** Makes a whole line of an entry, its end included. */
export type LineFormat = (entry: LogEntry) => string;

export interface TimeFormat {
  /** Begin with the time. */
  readonly timestamp: boolean;
  /** As strftime(3) has it; "" for seconds since 1970. */
  readonly format: string;
}

/** `1700000000: Warning: ...`, the form that those who watch Mosquitto's log know. */
export function textFormat({ timestamp, format }: TimeFormat): LineFormat {
  let second = Number.NaN;
  let stamp = "";
  return (entry) => {
    const now = Math.floor(entry.time / 1000);
    if (timestamp && now !== second) {
      second = now;
      stamp = `${format === "" ? now : formatTime(format, new Date(entry.time))}: `;
    }
    return `${stamp}${markedText(entry)}\n`;
  };
}

/** For the journal, which has the time, and knows how serious a line is by its prefix. */
export const journalFormat: LineFormat = (entry) =>
  `<${LOG_TYPE_INFO[entry.type].severity}>${markedText(entry)}\n`;

/** Those that say already what they are need no mark. */
const MARKED = /^(?:Error|Warning)\b/;

export function markedText({ type, text }: LogEntry): string {
  const { mark } = LOG_TYPE_INFO[type];
  return mark === "" || MARKED.test(text) ? text : mark + text;
}

const CONTROL = /\p{Cc}+/gu;

/** One event is one line, whatever a client has put into its name, and no terminal obeys it. */
export function onOneLine(text: string): string {
  return text.replace(CONTROL, (characters) => (/^[\r\n\t]+$/.test(characters) ? " " : "?"));
}

/** Pino's lines, by way of pino, which is loaded for this only. */
export async function jsonFormat(): Promise<LineFormat> {
  const { default: pino } = await import("pino");
  let line = "";
  let time = 0;
  const options = {
    base: null,
    level: "debug",
    customLevels: { notice: 35 },
    timestamp: () => `,"time":${time}`,
  };
  const logger = pino(options, { write: (text: string) => (line = text) });
  return (entry) => {
    ({ time } = entry);
    logger[LOG_TYPE_INFO[entry.type].level]({ type: entry.type }, entry.text);
    return line;
  };
}
