/** The properties of MQTT 5.0 (§2.2.2) as a table, and their wire form. */
import type { ByteReader } from "../bytes/byte-reader.ts";
import { ByteWriter } from "../bytes/byte-writer.ts";
import type { DecodeFault } from "./decode-fault.ts";
import { fault } from "./decode-fault.ts";
import { PacketType } from "./packet-types.ts";
import { Reason } from "./reason-codes.ts";

export type UserProperty = readonly [name: string, value: string];

/** Only what is present on the wire is set. Intervals are in seconds, sizes in bytes. */
export interface Properties {
  readonly payloadFormatIndicator?: number | undefined;
  readonly messageExpiryInterval?: number | undefined;
  readonly contentType?: string | undefined;
  readonly responseTopic?: string | undefined;
  readonly correlationData?: Uint8Array | undefined;
  readonly subscriptionIdentifiers?: readonly number[] | undefined;
  readonly sessionExpiryInterval?: number | undefined;
  readonly assignedClientIdentifier?: string | undefined;
  readonly serverKeepAlive?: number | undefined;
  readonly authenticationMethod?: string | undefined;
  readonly authenticationData?: Uint8Array | undefined;
  readonly requestProblemInformation?: number | undefined;
  readonly willDelayInterval?: number | undefined;
  readonly requestResponseInformation?: number | undefined;
  readonly responseInformation?: string | undefined;
  readonly serverReference?: string | undefined;
  readonly reasonString?: string | undefined;
  readonly receiveMaximum?: number | undefined;
  readonly topicAliasMaximum?: number | undefined;
  readonly topicAlias?: number | undefined;
  readonly maximumQos?: number | undefined;
  readonly retainAvailable?: number | undefined;
  readonly userProperties?: readonly UserProperty[] | undefined;
  readonly maximumPacketSize?: number | undefined;
  readonly wildcardSubscriptionAvailable?: number | undefined;
  readonly subscriptionIdentifierAvailable?: number | undefined;
  readonly sharedSubscriptionAvailable?: number | undefined;
}

type Kind = "flag" | "byte" | "u16" | "u32" | "varint" | "text" | "binary" | "pair";

/** What the specification says of one property. */
export interface PropertyRow {
  readonly id: number;
  readonly name: keyof Properties;
  readonly kind: Kind;
  /** Bits: 1 << packet type, and WILL. */
  readonly packets: number;
  /** A value of 0 is a protocol error. */
  readonly notZero?: boolean;
}

/** Will properties stand in CONNECT, but are a set of their own. */
export const WILL = 0;

const bits = (...types: number[]): number => types.reduce((all, type) => all | (1 << type), 0);
const {
  connect,
  connack,
  publish,
  puback,
  pubrec,
  pubrel,
  pubcomp,
  subscribe,
  suback,
  unsubscribe,
  unsuback,
  disconnect,
  auth,
} = PacketType;
const MESSAGE = bits(publish, WILL);
const ANSWERS = bits(connack, puback, pubrec, pubrel, pubcomp, suback, unsuback, disconnect, auth);
const EVERY = ANSWERS | bits(connect, publish, WILL, subscribe, unsubscribe);

/** Table 2-4, in the order in which Midge writes them. */
export const PROPERTIES: readonly PropertyRow[] = [
  { id: 1, name: "payloadFormatIndicator", kind: "flag", packets: MESSAGE },
  { id: 2, name: "messageExpiryInterval", kind: "u32", packets: MESSAGE },
  { id: 3, name: "contentType", kind: "text", packets: MESSAGE },
  { id: 8, name: "responseTopic", kind: "text", packets: MESSAGE },
  { id: 9, name: "correlationData", kind: "binary", packets: MESSAGE },
  {
    id: 11,
    name: "subscriptionIdentifiers",
    kind: "varint",
    packets: bits(publish, subscribe),
    notZero: true,
  },
  { id: 35, name: "topicAlias", kind: "u16", packets: bits(publish), notZero: true },
  { id: 24, name: "willDelayInterval", kind: "u32", packets: bits(WILL) },
  { id: 34, name: "topicAliasMaximum", kind: "u16", packets: bits(connect, connack) },
  {
    id: 17,
    name: "sessionExpiryInterval",
    kind: "u32",
    packets: bits(connect, connack, disconnect),
  },
  { id: 18, name: "assignedClientIdentifier", kind: "text", packets: bits(connack) },
  { id: 19, name: "serverKeepAlive", kind: "u16", packets: bits(connack) },
  { id: 21, name: "authenticationMethod", kind: "text", packets: bits(connect, connack, auth) },
  { id: 22, name: "authenticationData", kind: "binary", packets: bits(connect, connack, auth) },
  { id: 23, name: "requestProblemInformation", kind: "flag", packets: bits(connect) },
  { id: 25, name: "requestResponseInformation", kind: "flag", packets: bits(connect) },
  { id: 26, name: "responseInformation", kind: "text", packets: bits(connack) },
  { id: 28, name: "serverReference", kind: "text", packets: bits(connack, disconnect) },
  {
    id: 39,
    name: "maximumPacketSize",
    kind: "u32",
    packets: bits(connect, connack),
    notZero: true,
  },
  { id: 33, name: "receiveMaximum", kind: "u16", packets: bits(connect, connack), notZero: true },
  { id: 36, name: "maximumQos", kind: "flag", packets: bits(connack) },
  { id: 37, name: "retainAvailable", kind: "flag", packets: bits(connack) },
  { id: 40, name: "wildcardSubscriptionAvailable", kind: "flag", packets: bits(connack) },
  { id: 41, name: "subscriptionIdentifierAvailable", kind: "flag", packets: bits(connack) },
  { id: 42, name: "sharedSubscriptionAvailable", kind: "flag", packets: bits(connack) },
  { id: 31, name: "reasonString", kind: "text", packets: ANSWERS },
  { id: 38, name: "userProperties", kind: "pair", packets: EVERY },
];

const BY_ID: readonly (PropertyRow | undefined)[] = Array.from({ length: 43 }, (_, id) =>
  PROPERTIES.find((row) => row.id === id),
);

/**
 * Reads a property length and that many bytes of properties. `owner` is the packet type, or WILL.
 * Answers undefined where there are none.
 */
export function decodeProperties(
  reader: ByteReader,
  owner: number,
): Properties | DecodeFault | undefined {
  const length = reader.varint();
  if (length === 0 || reader.overrun) return undefined;
  if (length > reader.remaining) {
    return fault(Reason.malformedPacket, "property length runs over the end of the packet");
  }
  const outerEnd = reader.end;
  reader.end = reader.position + length;
  const found: Record<string, unknown> = {};
  while (reader.remaining > 0) {
    const trouble = decodeProperty(reader, owner, found);
    if (trouble !== undefined) return trouble;
  }
  reader.end = outerEnd;
  return found as Properties;
}

function decodeProperty(
  reader: ByteReader,
  owner: number,
  found: Record<string, unknown>,
): DecodeFault | undefined {
  const id = reader.varint();
  const row = BY_ID[id];
  if (row === undefined) return fault(Reason.malformedPacket, `property ${id} does not exist`);
  const { name, kind } = row;
  if ((row.packets & (1 << owner)) === 0) {
    return fault(Reason.protocolError, `property ${name} does not belong there`);
  }
  const value = decodeValue(reader, kind);
  if (reader.overrun) return fault(Reason.malformedPacket, `property ${name} is cut off`);
  if (kind === "flag" && (value as number) > 1) {
    return fault(Reason.protocolError, `property ${name} is neither 0 nor 1`);
  }
  if (row.notZero === true && value === 0) {
    return fault(
      name === "topicAlias" ? Reason.topicAliasInvalid : Reason.protocolError,
      `property ${name} is 0`,
    );
  }
  if (kind === "pair" || (name === "subscriptionIdentifiers" && owner === publish)) {
    const list = found[name] as unknown[] | undefined;
    if (list === undefined) found[name] = [value];
    else list.push(value);
  } else if (found[name] !== undefined) {
    return fault(Reason.protocolError, `property ${name} comes twice`);
  } else {
    found[name] = name === "subscriptionIdentifiers" ? [value] : value;
  }
  return undefined;
}

function decodeValue(reader: ByteReader, kind: Kind): unknown {
  switch (kind) {
    case "flag":
    case "byte":
      return reader.u8();
    case "u16":
      return reader.u16();
    case "u32":
      return reader.u32();
    case "varint":
      return reader.varint();
    case "text":
      return reader.utf8();
    case "binary":
      return reader.binary().slice();
    case "pair":
      return [reader.utf8(), reader.utf8()];
  }
}

const scratch = new ByteWriter(256);

/** Writes the property length and the properties; a single 0 where there are none. */
export function encodeProperties(writer: ByteWriter, properties: Properties | undefined): void {
  if (properties === undefined) {
    writer.u8(0);
    return;
  }
  scratch.clear();
  for (const row of PROPERTIES) {
    const value = properties[row.name];
    if (value === undefined) continue;
    if (Array.isArray(value)) {
      for (const item of value as readonly unknown[]) encodeProperty(row, item);
    } else {
      encodeProperty(row, value);
    }
  }
  writer.varint(scratch.length);
  writer.raw(scratch.view());
}

function encodeProperty({ id, kind }: PropertyRow, value: unknown): void {
  scratch.u8(id);
  switch (kind) {
    case "flag":
    case "byte":
      scratch.u8(value as number);
      return;
    case "u16":
      scratch.u16(value as number);
      return;
    case "u32":
      scratch.u32(value as number);
      return;
    case "varint":
      scratch.varint(value as number);
      return;
    case "text":
      scratch.utf8(value as string);
      return;
    case "binary":
      scratch.binary(value as Uint8Array);
      return;
    case "pair": {
      const [name, text] = value as UserProperty;
      scratch.utf8(name);
      scratch.utf8(text);
      return;
    }
  }
}
