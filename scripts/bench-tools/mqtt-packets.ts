/** The MQTT 3.1.1 packets that the load generator sends, encoded once; a PUBLISH is patched when sent. */
import { ByteWriter } from "../../src/bytes/byte-writer.ts";
import { encodePacket, encodePublish } from "../../src/mqtt/encode.ts";
import type { Packet } from "../../src/mqtt/packets.ts";
import { STAMP_LENGTH } from "./stamp.ts";

function encoded(packet: Packet): Uint8Array {
  const writer = new ByteWriter();
  encodePacket(writer, packet);
  return writer.copy();
}

/** CONNECT without supervision by keep alive. */
export function connectPacket(clientId: string, cleanStart: boolean): Uint8Array {
  const kind = "connect";
  return encoded({ kind, level: 4, bridge: false, clientId, cleanStart, keepAlive: 0 });
}

export function subscribePacket(filter: string, qos: 0 | 1): Uint8Array {
  return encoded({ kind: "subscribe", packetId: 1, subscriptions: [{ filter, qos }] });
}

export const DISCONNECT_PACKET = encoded({ kind: "disconnect" });

/** A PUBLISH whose packet identifier and stamp are still to be filled in, and where they are. */
export interface PublishTemplate {
  readonly bytes: Uint8Array;
  /** Meaningless at QoS 0. */
  readonly packetIdAt: number;
  readonly stampAt: number;
}

/** A payload of `length` octets, at least STAMP_LENGTH, that begins with room for a stamp. */
export function stampedPayload(length: number): Uint8Array {
  return new Uint8Array(length).fill(0x78).fill(0, 0, STAMP_LENGTH);
}

/** `payload` counts octets, those of the stamp included. */
export function publishTemplate(topic: string, qos: 0 | 1, payload: number): PublishTemplate {
  const writer = new ByteWriter();
  encodePublish(writer, topic, stampedPayload(payload), qos, false, false, 0);
  const bytes = writer.copy();
  const stampAt = bytes.length - payload;
  return { bytes, packetIdAt: stampAt - 2, stampAt };
}
