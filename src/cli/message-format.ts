/** How `midge sub` prints a message: plain, with its topic, or by a format as mosquitto_sub's -F. */
import type { PublishPacket } from "../mqtt/packets.ts";
import { isoTime, strftime } from "../time/strftime.ts";
import { type Arrival, messageJson, prettyJson } from "./message-json.ts";

export type { Arrival } from "./message-json.ts";

/** The bytes to print for a message; `problem` is called with what cannot be printed. */
export type Formatter = (
  packet: PublishPacket,
  arrival: Arrival,
  problem: (text: string) => void,
) => Uint8Array;

interface Field {
  readonly left: boolean;
  readonly zero: boolean;
  readonly width: number;
  /** -1 if not given. */
  readonly precision: number;
}

type Piece = (
  packet: PublishPacket,
  arrival: Arrival,
  problem: (text: string) => void,
) => Uint8Array | string;

const ESCAPES: Readonly<Record<string, string>> = {
  "\\": "\\",
  0: "\0",
  a: "\x07",
  e: "\x1b",
  n: "\n",
  r: "\r",
  t: "\t",
  v: "\v",
};

/** What each letter after % stands for. */
const LETTERS: Readonly<Record<string, (field: Field) => Piece>> = {
  "%": () => () => "%",
  A: (field) => number(field, "topicAlias"),
  C:
    (field) =>
    ({ properties }) =>
      text(properties?.contentType ?? "", field),
  D:
    () =>
    ({ properties }) =>
      properties?.correlationData ?? "",
  E: (field) => number(field, "messageExpiryInterval"),
  F: (field) => number(field, "payloadFormatIndicator"),
  I:
    (field) =>
    (_, { date }) =>
      text(isoTime(date) + strftime("z", date), field),
  J: () => jsonWithJson,
  P:
    () =>
    ({ properties }) =>
      (properties?.userProperties ?? []).map(([name, value]) => `${name}:${value}`).join(" "),
  R:
    (field) =>
    ({ properties }) =>
      properties?.responseTopic === undefined ? "" : text(properties.responseTopic, field),
  S:
    (field) =>
    ({ properties }) =>
      pad((properties?.subscriptionIdentifiers ?? []).join(" "), field, field.zero),
  U:
    () =>
    (_, { date, nanoseconds }) =>
      `${strftime("s", date)}.${nine(nanoseconds)}`,
  X:
    (field) =>
    ({ payload }) =>
      hexadecimal(payload, field).toUpperCase(),
  j: () => jsonWithText,
  l:
    (field) =>
    ({ payload }) =>
      pad(String(payload.length), field, field.zero),
  m:
    (field) =>
    ({ packetId }) =>
      pad(String(packetId), field, field.zero),
  p:
    (field) =>
    ({ payload }) =>
      raw(payload, field),
  q:
    () =>
    ({ qos }) =>
      String(qos),
  r:
    () =>
    ({ retain }) =>
      retain ? "1" : "0",
  t:
    (field) =>
    ({ topic }) =>
      text(topic, field),
  x:
    (field) =>
    ({ payload }) =>
      hexadecimal(payload, field),
};

/** A property that is a number; blank where it is absent. */
function number(
  field: Field,
  name: "topicAlias" | "messageExpiryInterval" | "payloadFormatIndicator",
): Piece {
  return ({ properties }) => pad(String(properties?.[name] ?? ""), field, field.zero);
}

/** Payload only, or topic and payload. An empty payload prints nothing, or "(null)". */
export function plainFormatter(verbose: boolean, newline: boolean): Formatter {
  const end = newline ? "\n" : "";
  return ({ topic, payload }) => {
    if (payload.length === 0) return Buffer.from(verbose && newline ? `${topic} (null)\n` : "");
    return Buffer.concat([Buffer.from(verbose ? `${topic} ` : ""), payload, Buffer.from(end)]);
  };
}

/**
 * A formatter for the text, or what is wrong with the text. `pretty` has JSON take several lines.
 */
export function parseFormat(format: string, newline: boolean, pretty = false): Formatter | string {
  const pieces: Piece[] = [];
  for (let at = 0; at < format.length; at++) {
    const sign = format[at] as string;
    if (sign === "%") {
      const match = /^%(-?)(0?)(\d*)(?:\.(\d*))?([^\d.])?/su.exec(format.slice(at));
      const [whole = "", left, zero, width, precision, letter] = match ?? [];
      if (letter === undefined) return "Incomplete format specifier.";
      const make = pretty && letter.toLowerCase() === "j" ? PRETTY[letter] : LETTERS[letter];
      if (make === undefined) return `Invalid format specifier '${letter}'.`;
      const field = {
        left: left !== "",
        zero: zero !== "",
        width: Math.min(Number(width), LONGEST_FIELD),
        precision: precision === undefined ? -1 : Number(precision),
      };
      pieces.push(make(field));
      at += whole.length - 1;
    } else if (sign === "@") {
      const letter = format[++at];
      if (letter === undefined) return "Incomplete format specifier.";
      pieces.push(timePiece(letter));
    } else if (sign === "\\") {
      const letter = format[++at];
      if (letter === undefined) return "Incomplete escape specifier.";
      const escaped = ESCAPES[letter];
      if (escaped === undefined) return `Invalid escape specifier '${letter}'.`;
      pieces.push(() => escaped);
    } else {
      pieces.push(() => sign);
    }
  }
  if (newline) pieces.push(() => "\n");
  return (packet, arrival, problem) =>
    Buffer.concat(pieces.map((piece) => toBytes(piece(packet, arrival, problem))));
}

/** A wider field is a slip of the finger. */
const LONGEST_FIELD = 10_000;

function toBytes(piece: Uint8Array | string): Uint8Array {
  return typeof piece === "string" ? Buffer.from(piece) : piece;
}

function timePiece(letter: string): Piece {
  if (letter === "@") return () => "@";
  if (letter === "N") return (_, { nanoseconds }) => nine(nanoseconds);
  return (_, { date }) => strftime(letter, date);
}

function nine(nanoseconds: number): string {
  return String(nanoseconds).padStart(9, "0");
}

function pad(value: string, { left, width }: Field, zero: boolean): string {
  if (left) return value.padEnd(width);
  return value.padStart(width, zero ? "0" : " ");
}

/** Width and precision count bytes, as in C. */
function text(value: string, { left, width, precision }: Field): Uint8Array {
  const all = Buffer.from(value);
  const bytes = precision < 0 ? all : all.subarray(0, precision);
  const blank = Buffer.alloc(Math.max(0, width - bytes.length), " ");
  return Buffer.concat(left ? [bytes, blank] : [blank, bytes]);
}

/** A payload is cut to the width, too. */
function raw(payload: Uint8Array, { left, zero, width }: Field): Uint8Array {
  const bytes = width > 0 ? payload.subarray(0, width) : payload;
  const blank = Buffer.alloc(Math.max(0, width - bytes.length), !left && zero ? "0" : " ");
  return Buffer.concat(left ? [bytes, blank] : [blank, bytes]);
}

function hexadecimal(payload: Uint8Array, field: Field): string {
  const { width } = field;
  // Of the bytes that fit the width, half are shown, two digits each: so does mosquitto_sub.
  const shown = width > 0 ? Math.floor(Math.min(payload.length, width) / 2) : payload.length;
  const digits = Buffer.from(payload.subarray(0, shown)).toString("hex");
  return pad(digits, field, field.zero);
}

const jsonWithText: Piece = (packet, arrival) => messageJson(packet, arrival, "text") as Uint8Array;

const jsonWithJson: Piece = (packet, arrival, problem) => {
  const json = messageJson(packet, arrival, "json");
  if (json !== undefined) return json;
  problem(`Error: Message payload is not valid JSON on topic ${packet.topic}.`);
  return "";
};

const PRETTY: Readonly<Record<string, () => Piece>> = {
  j: () => (packet, arrival, problem) =>
    prettyJson(toBytes(jsonWithText(packet, arrival, problem))),
  J: () => (packet, arrival, problem) =>
    prettyJson(toBytes(jsonWithJson(packet, arrival, problem))),
};
