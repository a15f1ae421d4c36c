/** How `midge sub` prints a message: plain, with its topic, or by a format as mosquitto_sub's -F. */
import type { PublishPacket } from "../mqtt/packets.ts";
import { isoTime, strftime } from "../time/strftime.ts";

/** When a message came. */
export interface Arrival {
  readonly date: Date;
  /** Nanoseconds within the second. */
  readonly nanoseconds: number;
}

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

/** What each letter after % stands for. Properties of MQTT 5 are always absent. */
const LETTERS: Readonly<Record<string, (field: Field) => Piece>> = {
  "%": () => () => "%",
  A: (field) => () => pad("", field, field.zero),
  C: (field) => () => pad("", field, false),
  D: () => () => "",
  E: (field) => () => pad("", field, field.zero),
  F: (field) => () => pad("", field, field.zero),
  I:
    (field) =>
    (_, { date }) =>
      text(isoTime(date) + strftime("z", date), field),
  J: () => jsonWithJson,
  P: () => () => "",
  R: () => () => "",
  S: (field) => () => pad("", field, field.zero),
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

/** Payload only, or topic and payload. An empty payload prints nothing, or "(null)". */
export function plainFormatter(verbose: boolean, newline: boolean): Formatter {
  const end = newline ? "\n" : "";
  return ({ topic, payload }) => {
    if (payload.length === 0) return Buffer.from(verbose && newline ? `${topic} (null)\n` : "");
    return Buffer.concat([Buffer.from(verbose ? `${topic} ` : ""), payload, Buffer.from(end)]);
  };
}

/** A formatter for the text, or what is wrong with the text. */
export function parseFormat(format: string, newline: boolean): Formatter | string {
  const pieces: Piece[] = [];
  for (let at = 0; at < format.length; at++) {
    const sign = format[at] as string;
    if (sign === "%") {
      const match = /^%(-?)(0?)(\d*)(?:\.(\d*))?([^\d.])?/su.exec(format.slice(at));
      const [whole = "", left, zero, width, precision, letter] = match ?? [];
      if (letter === undefined) return "Incomplete format specifier.";
      const make = LETTERS[letter];
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

function jsonHead(packet: PublishPacket, { date, nanoseconds }: Arrival): string {
  const { topic, qos, retain, payload, packetId } = packet;
  const micros = String(Math.floor(nanoseconds / 1000)).padStart(6, "0");
  const time = `${isoTime(date)}.${micros}Z${strftime("z", date)}`;
  const mid = qos > 0 ? `,"mid":${packetId}` : "";
  const fields = `"qos":${qos},"retain":${retain ? 1 : 0},"payloadlen":${payload.length}${mid}`;
  return `{"tst":"${time}","topic":${JSON.stringify(topic)},${fields},"payload":`;
}

const jsonWithText: Piece = (packet, arrival) => {
  // Byte by byte, since a payload that is not UTF-8 is to come out as it came.
  const parts: Uint8Array[] = [Buffer.from(`${jsonHead(packet, arrival)}"`)];
  const { payload } = packet;
  let start = 0;
  for (let at = 0; at < payload.length; at++) {
    const byte = payload[at] as number;
    if (byte >= 32 && byte !== 0x22 && byte !== 0x5c) continue;
    const escaped = JSON.stringify(String.fromCharCode(byte)).slice(1, -1);
    parts.push(payload.subarray(start, at), Buffer.from(escaped));
    start = at + 1;
  }
  parts.push(payload.subarray(start), Buffer.from('"}'));
  return Buffer.concat(parts);
};

const decoder = new TextDecoder("utf-8", { fatal: true });

const jsonWithJson: Piece = (packet, arrival, problem) => {
  const { payload, topic } = packet;
  if (payload.length === 0) return `${jsonHead(packet, arrival)}null}`;
  try {
    const value = JSON.stringify(JSON.parse(decoder.decode(payload)));
    return `${jsonHead(packet, arrival)}${value}}`;
  } catch {
    problem(`Error: Message payload is not valid JSON on topic ${topic}.`);
    return "";
  }
};
