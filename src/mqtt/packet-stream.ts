/**
 * Cuts a byte stream into control packets. Whole packets are decoded where they lie; only what is
 * cut off at the end of a chunk is copied, into a buffer that grows with what has really arrived,
 * never with what a header claims.
 */
import { TextCache } from "../bytes/text-cache.ts";
import { decodePacket } from "./decode.ts";
import type { DecodeFault } from "./decode-fault.ts";
import { fault } from "./decode-fault.ts";
import { PacketType, type ProtocolLevel } from "./packet-types.ts";
import type { Packet } from "./packets.ts";
import { Reason } from "./reason-codes.ts";

export interface PacketStreamOptions {
  /** Longest packet taken, bytes, fixed header included. */
  readonly maximumPacketSize: number;
  /**
   * A server's first packet is CONNECT, a client's CONNACK, or AUTH before it; anything else is a fault
   * at its first byte.
   */
  readonly role: "server" | "client";
  /** The level that a client speaks. A server learns it from CONNECT. */
  readonly level?: ProtocolLevel | undefined;
  /** Topic names seen; shared between the connections of one process. */
  readonly topics?: TextCache | undefined;
}

/** Longest CONNECT taken from a stranger: five strings could claim 320 kB, real ones are short. */
const LONGEST_CONNECT = 140_000;

export class PacketStream {
  readonly #maximum: number;
  readonly #first: number;
  readonly #topics: TextCache;
  #level: ProtocolLevel;
  #started = false;
  #partial: Uint8Array | undefined;
  #partialLength = 0;
  /** Set by the owner from within `onPacket` to have no more packets decoded. */
  stopped = false;
  /**
   * Set by the owner to have packets wait, and unset before the next `feed`, which may be of no
   * bytes. Up to a packet's maximum is kept meanwhile; more is a fault.
   */
  held = false;

  constructor(options: PacketStreamOptions) {
    this.#maximum = options.maximumPacketSize;
    this.#first = options.role === "server" ? PacketType.connect : PacketType.connack;
    this.#level = options.level ?? 4;
    this.#topics = options.topics ?? new TextCache(64);
  }

  /** Bytes that are kept: those of a packet that is not yet whole, and what was held back. */
  get pending(): number {
    return this.#partialLength;
  }

  /**
   * Takes in the next bytes and calls `onPacket` for each packet that is complete. Answers the fault
   * that ends the stream, if there is one; packets before it have been delivered.
   */
  feed(chunk: Uint8Array, onPacket: (packet: Packet) => void): DecodeFault | undefined {
    if (this.#partial === undefined) return this.#cut(chunk, chunk.length, onPacket, false);
    this.#append(chunk);
    if (this.held) {
      const tooMuch = this.#partialLength > this.#maximum;
      return tooMuch
        ? fault(Reason.packetTooLarge, "too much came before it was asked for")
        : undefined;
    }
    return this.#cut(this.#partial, this.#partialLength, onPacket, true);
  }

  #append(chunk: Uint8Array): void {
    const partial = this.#partial as Uint8Array;
    const needed = this.#partialLength + chunk.length;
    if (needed > partial.length) {
      const grown = new Uint8Array(Math.max(needed, partial.length * 2));
      grown.set(partial.subarray(0, this.#partialLength));
      this.#partial = grown;
    }
    (this.#partial as Uint8Array).set(chunk, this.#partialLength);
    this.#partialLength = needed;
  }

  #cut(
    bytes: Uint8Array,
    length: number,
    onPacket: (packet: Packet) => void,
    fromPartial: boolean,
  ): DecodeFault | undefined {
    let at = 0;
    while (at < length && !this.held) {
      const header = bytes[at] as number;
      if (!this.#started && !this.#mayBeFirst(header >>> 4)) {
        return fault(Reason.protocolError, `first packet is of type ${header >>> 4}`); // [MQTT-3.1.0-1]
      }
      let body = at + 1;
      let size = 0;
      let shift = 0;
      let known = false;
      let padded = false;
      while (body < length) {
        const byte = bytes[body++] as number;
        size |= (byte & 127) << shift;
        if (byte < 128) {
          known = true;
          padded = byte === 0 && shift > 0;
          break;
        }
        shift += 7;
        if (shift > 21) return fault(Reason.malformedPacket, "remaining length of five bytes");
      }
      if (!known) break;
      const maximum = this.#started ? this.#maximum : Math.min(this.#maximum, LONGEST_CONNECT);
      if (body - at + size > maximum) {
        return fault(
          Reason.packetTooLarge,
          `packet of ${body - at + size} bytes, limit ${maximum}`,
        );
      }
      if (body + size > length) break;
      const end = body + size;
      const packet = decodePacket(header, bytes, body, end, this.#topics, this.#level);
      if (packet.kind === "fault") return packet;
      if (packet.kind === "connect") this.#level = packet.level;
      if (padded && this.#level === 5) {
        return fault(Reason.malformedPacket, "remaining length takes a byte too many"); // [MQTT-1.5.5-1]
      }
      at = end;
      if (packet.kind !== "auth") this.#started = true;
      onPacket(packet);
      if (this.stopped) return undefined;
    }
    this.#keep(bytes, at, length, fromPartial);
    return undefined;
  }

  /** A server of MQTT 5.0 may ask for more before its CONNACK (§4.12). */
  #mayBeFirst(type: number): boolean {
    if (type === this.#first) return true;
    return type === PacketType.auth && this.#first === PacketType.connack && this.#level === 5;
  }

  #keep(bytes: Uint8Array, at: number, length: number, fromPartial: boolean): void {
    if (at === length) {
      this.#partial = undefined;
      this.#partialLength = 0;
    } else if (!fromPartial || at > 0) {
      // A fresh, small copy: a connection that dribbles must not go on holding a large buffer.
      this.#partial = bytes.slice(at, length);
      this.#partialLength = length - at;
    }
  }
}
