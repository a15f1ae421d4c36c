/** A will as the value of its record: the message, whose it is, and when it is to be published. */
import type { ByteReader } from "../bytes/byte-reader.ts";
import type { ByteWriter } from "../bytes/byte-writer.ts";
import { PacketType } from "../mqtt/packet-types.ts";
import { decodeProperties, encodeProperties } from "../mqtt/properties.ts";
import type { QoS } from "../mqtt/qos.ts";
import type { Publisher } from "../seams/access.ts";
import type { Will } from "../seams/door.ts";
import type { MessageProperties } from "../seams/message.ts";
import { isTopicName, LONGEST_TOPIC } from "../topics/names.ts";
import { forwardedProperties } from "./forwarded-properties.ts";
import { readPublisher, writePublisher } from "./publisher-record.ts";

export interface StoredWill {
  readonly will: Will;
  readonly username: string | undefined;
  /** Whose rights are asked for when it is published; undefined where no rules hold for him. */
  readonly publisher: Publisher | undefined;
  /** When it is to be published, wall clock ms; 0 while its client is connected. */
  readonly dueAt: number;
  /** Its client was connected when an earlier process ended, and has not come back since. */
  readonly held: boolean;
}

const RETAIN = 4;
const HAS_PROPERTIES = 8;
const HAS_PUBLISHER = 16;
const HAS_USERNAME = 32;
const HAS_EXPIRY = 64;
const HELD = 128;

export function writeWill(writer: ByteWriter, stored: StoredWill): void {
  const { will, username, publisher, dueAt, held } = stored;
  const { topic, payload, qos, retain, properties, messageExpiry, delay, keepAlive } = will;
  writer.u8(
    qos |
      (retain ? RETAIN : 0) |
      (properties === undefined ? 0 : HAS_PROPERTIES) |
      (publisher === undefined ? 0 : HAS_PUBLISHER) |
      (username === undefined ? 0 : HAS_USERNAME) |
      (messageExpiry === undefined ? 0 : HAS_EXPIRY) |
      (held ? HELD : 0),
  );
  writer.f64(dueAt);
  writer.u16(keepAlive ?? 0);
  writer.u32(delay ?? 0);
  writer.utf8(topic);
  if (publisher !== undefined) writePublisher(writer, publisher);
  if (username !== undefined) writer.utf8(username);
  if (messageExpiry !== undefined) writer.u32(messageExpiry);
  if (properties !== undefined) encodeProperties(writer, properties);
  writer.raw(payload);
}

/** Undefined where no client could have such a will; text and length are the caller's to check. */
export function readWill(reader: ByteReader): StoredWill | undefined {
  const flags = reader.u8();
  const qos = flags & 3;
  const dueAt = reader.f64();
  const keepAlive = reader.u16();
  const delay = reader.u32();
  const topic = reader.utf8();
  const publisher = (flags & HAS_PUBLISHER) === 0 ? undefined : readPublisher(reader);
  if ((flags & HAS_PUBLISHER) !== 0 && publisher === undefined) return undefined;
  const username = (flags & HAS_USERNAME) === 0 ? undefined : reader.utf8();
  const messageExpiry = (flags & HAS_EXPIRY) === 0 ? undefined : reader.u32();
  const properties = (flags & HAS_PROPERTIES) === 0 ? undefined : readProperties(reader);
  if (properties === "damaged" || qos === 3) return undefined;
  if (!isTopicName(topic, LONGEST_TOPIC) || !Number.isFinite(dueAt) || dueAt < 0) return undefined;
  const will = {
    topic,
    payload: reader.rest().slice(),
    qos: qos as QoS,
    retain: (flags & RETAIN) !== 0,
    properties,
    messageExpiry,
    delay,
    keepAlive,
  };
  return { will, username, publisher, dueAt, held: (flags & HELD) !== 0 };
}

function readProperties(reader: ByteReader): MessageProperties | "damaged" | undefined {
  const properties = decodeProperties(reader, PacketType.publish);
  if (properties === undefined) return undefined;
  return "kind" in properties ? "damaged" : forwardedProperties(properties);
}
