/** MQTT packets put together byte by byte, so that tests can send what no encoder would. */
import { ByteWriter } from "../../src/bytes/byte-writer.ts";
import { hex } from "./hex.ts";

/** Hexadecimal digits, or bytes as they are. */
export type Part = string | Uint8Array;

export function joined(...parts: readonly Part[]): Uint8Array {
  const writer = new ByteWriter();
  for (const part of parts) writer.raw(typeof part === "string" ? hex(part) : part);
  return writer.copy();
}

/** Bytes with their length in two bytes in front. */
export function field(content: Uint8Array | string): Uint8Array {
  const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
  const writer = new ByteWriter();
  writer.binary(bytes);
  return writer.copy();
}

export function u16(value: number): Uint8Array {
  return new Uint8Array([value >>> 8, value]);
}

export function varint(value: number): Uint8Array {
  const writer = new ByteWriter();
  writer.varint(value);
  return writer.copy();
}

/** A packet: its first byte, a Remaining Length that is true, and its body. */
export function frame(header: number, ...body: readonly Part[]): Uint8Array {
  const bytes = joined(...body);
  return joined(new Uint8Array([header]), varint(bytes.length), bytes);
}

/** Properties with their length in front, for 5.0. */
export function properties(...parts: readonly Part[]): Uint8Array {
  const bytes = joined(...parts);
  return joined(varint(bytes.length), bytes);
}

export interface RawConnect {
  readonly name?: string;
  readonly level?: number;
  /** Connect flags; Clean Session alone if not given. */
  readonly flags?: number;
  readonly keepAlive?: number;
  /** What follows the keep alive, properties included; the client identifier "raw" if not given. */
  readonly payload?: readonly Part[];
}

/** CONNECT, of 3.1.1 if not told otherwise. */
export function rawConnect(fields: RawConnect = {}): Uint8Array {
  const { name = "MQTT", level = 4, flags = 2, keepAlive = 0 } = fields;
  const rest = fields.payload ?? (level === 5 ? ["00", field("raw")] : [field("raw")]);
  return frame(0x10, field(name), new Uint8Array([level, flags]), u16(keepAlive), ...rest);
}

/** The packets that a run of bytes holds, each with its first byte and body. */
export function cutFrames(bytes: Uint8Array): { header: number; body: Uint8Array }[] {
  const frames: { header: number; body: Uint8Array }[] = [];
  for (let at = 0; at < bytes.length; ) {
    const header = bytes[at++] as number;
    let size = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = bytes[at++];
      if (byte === undefined) throw new Error("the bytes end within a frame");
      size |= (byte & 127) << shift;
      if (byte < 128) break;
    }
    frames.push({ header, body: bytes.slice(at, at + size) });
    at += size;
  }
  return frames;
}
