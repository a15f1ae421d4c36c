/** Decodes CONNECT [MQTT-3.1]. */
import type { ByteReader } from "../bytes/byte-reader.ts";
import { type DecodeFault, fault, malformed } from "./decode-fault.ts";
import { PacketType, type ProtocolLevel } from "./packet-types.ts";
import type { ConnectPacket, WillFields } from "./packets.ts";
import { decodeProperties, type Properties, WILL } from "./properties.ts";
import type { QoS } from "./qos.ts";
import { readFault } from "./read-fault.ts";
import { Reason } from "./reason-codes.ts";

/** Protocol names and the levels that go with them. */
const LEVELS: Readonly<Record<string, readonly number[]>> = { MQIsdp: [3], MQTT: [4, 5] };

const RESERVED = 0x01;
const CLEAN_START = 0x02;
const HAS_WILL = 0x04;
const WILL_RETAIN = 0x20;
const HAS_PASSWORD = 0x40;
const HAS_USERNAME = 0x80;
const WILL_DETAILS = 0x38;
/** Bit 7 of the level marks a bridge. */
const BRIDGE = 0x80;

export function decodeConnect(reader: ByteReader): ConnectPacket | DecodeFault {
  const name = reader.utf8();
  const levelByte = reader.u8();
  const levels = LEVELS[name];
  if (levels === undefined || reader.overrun) return malformed("CONNECT of another protocol"); // [MQTT-3.1.2-1]
  const level = levelByte & ~BRIDGE;
  if (!levels.includes(level)) {
    return fault(Reason.unsupportedProtocolVersion, `protocol level ${levelByte} of ${name}`); // [MQTT-3.1.2-2]
  }
  return decodeRest(reader, level as ProtocolLevel, (levelByte & BRIDGE) !== 0);
}

function decodeRest(
  reader: ByteReader,
  level: ProtocolLevel,
  bridge: boolean,
): ConnectPacket | DecodeFault {
  const flags = reader.u8();
  const keepAlive = reader.u16();
  const properties = level === 5 ? decodeProperties(reader, PacketType.connect) : undefined;
  if (properties !== undefined && "kind" in properties) return properties;
  const clientId = reader.utf8();
  if ((flags & RESERVED) !== 0) return malformed("CONNECT with its reserved flag set"); // [MQTT-3.1.2-3]
  const will = decodeWill(reader, flags, level);
  if (will !== undefined && "kind" in will) return will;
  // In MQTT 3.1 the end of the packet goes before what the flags announce.
  const has = (flag: number): boolean =>
    (flags & flag) !== 0 && !(level === 3 && reader.remaining === 0);
  const username = has(HAS_USERNAME) ? reader.utf8() : undefined;
  const hasPassword = has(HAS_PASSWORD);
  if (hasPassword && username === undefined && level < 5) {
    return malformed("CONNECT with a password but no user name"); // [MQTT-3.1.2-22] of 3.1.1
  }
  const password = hasPassword ? reader.binary().slice() : undefined;
  const trouble = readFault(reader, "CONNECT") ?? faultOf(properties);
  if (trouble !== undefined) return trouble;
  return {
    kind: "connect",
    level,
    bridge,
    clientId,
    cleanStart: (flags & CLEAN_START) !== 0,
    keepAlive,
    will,
    username,
    password,
    properties,
  };
}

function decodeWill(
  reader: ByteReader,
  flags: number,
  level: ProtocolLevel,
): WillFields | DecodeFault | undefined {
  const qos = (flags >>> 3) & 3;
  if ((flags & HAS_WILL) === 0) {
    // [MQTT-3.1.2-13, MQTT-3.1.2-15] of 3.1.1
    return (flags & WILL_DETAILS) === 0
      ? undefined
      : malformed("CONNECT with will flags but no will");
  }
  if (qos === 3) return malformed("CONNECT with will QoS 3"); // [MQTT-3.1.2-14] of 3.1.1
  const properties = level === 5 ? decodeProperties(reader, WILL) : undefined;
  if (properties !== undefined && "kind" in properties) return properties;
  const topic = reader.utf8();
  const payload = reader.binary().slice();
  return { topic, payload, qos: qos as QoS, retain: (flags & WILL_RETAIN) !== 0, properties };
}

/** Authentication data without a method is a protocol error (§3.1.2.11.10). */
function faultOf(properties: Properties | undefined): DecodeFault | undefined {
  return properties?.authenticationData !== undefined &&
    properties.authenticationMethod === undefined
    ? fault(Reason.protocolError, "CONNECT with authentication data but no method")
    : undefined;
}
