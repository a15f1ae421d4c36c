/** Who published something, as part of the records that hold what he has left. */
import type { ByteReader } from "../bytes/byte-reader.ts";
import type { ByteWriter } from "../bytes/byte-writer.ts";
import { encodeUtf8 } from "../bytes/utf8.ts";
import type { Publisher } from "../seams/access.ts";
import type { Origin } from "../seams/door.ts";

/** In the order of their numbers in records. */
export const ORIGINS: readonly Origin[] = ["mqtt", "websocket", "mqtt-sn", "bridge"];
const HAS_USERNAME = 16;
const decoder = new TextDecoder();

export function writePublisher(writer: ByteWriter, publisher: Publisher): void {
  const { origin, listener, clientId, username } = publisher;
  writer.u8(ORIGINS.indexOf(origin) | (username === undefined ? 0 : HAS_USERNAME));
  // Listeners and links are called as their owner likes, in characters that MQTT has not.
  writer.binary(encodeUtf8(listener));
  writer.utf8(clientId);
  if (username !== undefined) writer.utf8(username);
}

/** Undefined where the origin is none. */
export function readPublisher(reader: ByteReader): Publisher | undefined {
  const flags = reader.u8();
  const origin = ORIGINS[flags & 15];
  const listener = decoder.decode(reader.binary());
  const clientId = reader.utf8();
  const username = (flags & HAS_USERNAME) === 0 ? undefined : reader.utf8();
  return origin === undefined ? undefined : { origin, listener, clientId, username };
}
