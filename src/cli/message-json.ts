/** A message as JSON, as mosquitto_sub's %j and %J print it. */
import type { PublishPacket } from "../mqtt/packets.ts";
import type { Properties } from "../mqtt/properties.ts";
import { isoTime, strftime } from "../time/strftime.ts";

/** When a message came. */
export interface Arrival {
  readonly date: Date;
  /** Nanoseconds within the second. */
  readonly nanoseconds: number;
}

const decoder = new TextDecoder("utf-8", { fatal: true });

/**
 * The payload as a JSON string, or as the JSON that it is; undefined where it is none. Bytes, since a
 * payload that is not UTF-8 is to come out as it came.
 */
export function messageJson(
  packet: PublishPacket,
  arrival: Arrival,
  payloadAs: "text" | "json",
): Uint8Array | undefined {
  const { payload } = packet;
  const head = Buffer.from(`${jsonHead(packet, arrival)},"payload":`);
  if (payload.length === 0) return Buffer.concat([head, Buffer.from("null}")]);
  const value = payloadAs === "text" ? quoted(payload) : payloadJson(payload);
  return value === undefined ? undefined : Buffer.concat([head, value, Buffer.from("}")]);
}

function jsonHead(packet: PublishPacket, { date, nanoseconds }: Arrival): string {
  const { topic, qos, retain, payload, packetId, properties } = packet;
  const micros = String(Math.floor(nanoseconds / 1000)).padStart(6, "0");
  const time = `${isoTime(date)}.${micros}Z${strftime("z", date)}`;
  const mid = qos > 0 ? `,"mid":${packetId}` : "";
  const fields = `"qos":${qos},"retain":${retain ? 1 : 0},"payloadlen":${payload.length}${mid}`;
  const more = properties === undefined ? "" : `,"properties":${propertiesJson(properties)}`;
  return `{"tst":"${time}","topic":${JSON.stringify(topic)},${fields}${more}`;
}

/** Names as Mosquitto's, in the order in which the properties came. */
function propertiesJson(properties: Properties): string {
  const parts: string[] = [];
  for (const [name, value] of Object.entries(properties) as [keyof Properties, unknown][]) {
    if (name === "userProperties") {
      const pairs = (properties.userProperties ?? []).map(
        ([key, text]) => `${JSON.stringify(key)}:${JSON.stringify(text)}`,
      );
      parts.push(`"user-properties":{${pairs.join(",")}}`);
    } else if (name === "subscriptionIdentifiers") {
      for (const id of properties.subscriptionIdentifiers ?? []) {
        parts.push(`"subscription-identifier":${id}`);
      }
    } else {
      parts.push(`"${hyphened(name)}":${valueJson(value)}`);
    }
  }
  return `{${parts.join(",")}}`;
}

function hyphened(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

function valueJson(value: unknown): string {
  return value instanceof Uint8Array
    ? JSON.stringify(Buffer.from(value).toString())
    : JSON.stringify(value);
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** Byte by byte: what JSON must have escaped is, the rest stays as it is. */
function quoted(payload: Uint8Array): Uint8Array {
  const parts: Uint8Array[] = [Buffer.from('"')];
  let start = 0;
  for (let at = 0; at < payload.length; at++) {
    const byte = payload[at] as number;
    if (byte >= 32 && byte !== QUOTE && byte !== BACKSLASH) continue;
    const escaped = JSON.stringify(String.fromCharCode(byte)).slice(1, -1);
    parts.push(payload.subarray(start, at), Buffer.from(escaped));
    start = at + 1;
  }
  parts.push(payload.subarray(start), Buffer.from('"'));
  return Buffer.concat(parts);
}

/** Strings, numbers and words of JSON, and its punctuation; blanks between them are passed over. */
const TOKEN = /"(?:[^"\\]|\\.)*"|[-\d][\d.eE+-]*|true|false|null|[{}[\],:]/g;

/** Compact, keys in their order and as often as they come; undefined if it is no JSON. */
function payloadJson(payload: Uint8Array): Uint8Array | undefined {
  try {
    const source = decoder.decode(payload);
    JSON.parse(source);
    const tokens = source.match(TOKEN) ?? [];
    const isValue = (token: string): boolean => /^["\d-]/.test(token);
    const written = tokens.map((one) => (isValue(one) ? JSON.stringify(JSON.parse(one)) : one));
    return Buffer.from(written.join(""));
  } catch {
    return undefined;
  }
}

/** Compact JSON over several lines, indented with tabs; arrays stay on theirs. */
export function prettyJson(compact: Uint8Array): Uint8Array {
  // One character a byte, so that bytes that are not UTF-8 survive.
  const tokens = Buffer.from(compact).toString("latin1").match(TOKEN) ?? [];
  const open: string[] = [];
  let out = "";
  const newLine = (): string => `\n${"\t".repeat(open.length)}`;
  for (const [at, token] of tokens.entries()) {
    const inObject = open.at(-1) === "{";
    if (token === "{") {
      open.push(token);
      out += tokens[at + 1] === "}" ? "{" : `{${newLine()}`;
    } else if (token === "[") {
      open.push(token);
      out += token;
    } else if (token === "}") {
      open.pop();
      out += `${newLine()}}`;
    } else if (token === "]") {
      open.pop();
      out += token;
    } else if (token === ",") {
      out += inObject ? `,${newLine()}` : ", ";
    } else {
      out += token === ":" ? ":\t" : token;
    }
  }
  return Buffer.from(out, "latin1");
}
