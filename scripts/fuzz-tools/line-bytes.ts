/** MQTT-SN messages as they come over a line, in each of its framings. */
import { ByteWriter } from "../../src/bytes/byte-writer.ts";
import { makeFraming } from "../../src/links/framing/make-framing.ts";
import { XBeeFraming } from "../../src/links/framing/xbee-framing.ts";
import type { Dice } from "./dice.ts";
import { mutate } from "./mutate.ts";

export const LINE_KINDS = ["slip", "slip-crc16", "length", "auto", "xbee1", "xbee2"] as const;
export type LineKind = (typeof LINE_KINDS)[number];

const LIMITS = { maximumFrame: 70_000, gap: 100 };
const SPOILT = 0.1;
/** XBee API frame types: modem status, transmit status, receive packet. */
const MODEM_STATUS = 0x8a;
const TRANSMIT_STATUS = 0x8b;
const RECEIVE_PACKET = 0x90;

/** Each message framed, a few of them spoilt after that, and some noise between. */
export function lineBytes(
  kind: LineKind,
  messages: readonly Uint8Array[],
  dice: Dice,
): Uint8Array[] {
  const pieces: Uint8Array[] = [];
  for (const message of messages) {
    const bytes = framed(kind, message, dice);
    pieces.push(dice.chance(SPOILT) ? mutate(bytes, dice) : bytes);
    if (dice.chance(0.05)) pieces.push(dice.bytes(1 + dice.below(20)));
  }
  return pieces;
}

function framed(kind: LineKind, message: Uint8Array, dice: Dice): Uint8Array {
  const writer = new ByteWriter();
  if (kind === "xbee1" || kind === "xbee2") {
    const framing = new XBeeFraming({ ...LIMITS, escaped: kind === "xbee2" });
    framing.encode(xbeeData(message, dice), writer);
  } else {
    // What finds out the framing by itself is told in SLIP.
    makeFraming(kind === "auto" ? "slip" : kind, LIMITS).encode(message, writer);
  }
  return writer.copy();
}

/** A receive packet of one of a few nodes, or something that modules say of themselves. */
function xbeeData(message: Uint8Array, dice: Dice): Uint8Array {
  if (dice.chance(0.05)) return Uint8Array.of(MODEM_STATUS, dice.below(20));
  if (dice.chance(0.05)) {
    return Uint8Array.of(TRANSMIT_STATUS, dice.below(256), 0, 0, 0, dice.below(256), 0);
  }
  const address = [0, 0x13, 0xa2, 0, 0, 0, 0, dice.below(8)];
  return Uint8Array.of(RECEIVE_PACKET, ...address, 0xff, 0xfe, 1, ...message);
}
