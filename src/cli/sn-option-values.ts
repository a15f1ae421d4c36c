/** Values that only options of the MQTT-SN commands take; commander tells in one line what is wrong. */
import { InvalidArgumentError } from "commander";
import type { SnQoS } from "../mqttsn/packets.ts";
import { wholeNumber } from "./connect-options.ts";

/** Values of 0x0000 and 0xFFFF are reserved (MQTT-SN 1.2 §5.3.11). */
export const topicId = wholeNumber(1, 65_534);

const LONGEST_SECONDS = 1_000_000;

/** Seconds, with fractions, as milliseconds. */
export function seconds(value: string): number {
  const number = Number(value);
  if (!/^\d+(\.\d+)?$/.test(value) || number > LONGEST_SECONDS) {
    throw new InvalidArgumentError(`It must be a number of seconds, at most ${LONGEST_SECONDS}.`);
  }
  return number * 1000;
}

export function snQoS(value: string): SnQoS {
  if (!/^(-1|[012])$/.test(value)) throw new InvalidArgumentError("It must be -1, 0, 1 or 2.");
  return Number(value) as SnQoS;
}

/** The longest that a one-octet Length leaves room for (MQTT-SN 1.2 §5.5). */
const LONGEST_WIRELESS_NODE_ID = 252;

/** Octets in hexadecimal, with colons where wanted: "0013a200:40b4c5d6". */
export function wirelessNodeId(value: string): Uint8Array {
  const digits = value.replaceAll(":", "");
  const count = digits.length / 2;
  if (!/^([0-9a-f]{2})+$/i.test(digits) || count > LONGEST_WIRELESS_NODE_ID) {
    throw new InvalidArgumentError('It must be octets in hexadecimal, such as "0a1b".');
  }
  return Uint8Array.from({ length: count }, (_, index) =>
    Number.parseInt(digits.slice(index * 2, index * 2 + 2), 16),
  );
}
