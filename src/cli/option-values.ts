/** Values of options, read and checked, with Mosquitto's limits. */
import { type Command, InvalidArgumentError } from "commander";
import { encodeUtf8, isMqttText } from "../bytes/utf8.ts";
import type { ProtocolLevel } from "../mqtt/packets.ts";
import type { QoS } from "../mqtt/qos.ts";
import { isTopicFilter, isTopicName, LONGEST_TOPIC } from "../topics/names.ts";

/** Ends the program with one line on stderr and exit code 1. */
export function fail(command: Command, problem: string): never {
  command.error(`Error: ${problem}`, { exitCode: 1 });
}

export function wholeNumber(least: number, most: number): (value: string) => number {
  return (value) => {
    const number = Number(value);
    if (!/^\d+$/.test(value) || number < least || number > most) {
      const limits = most === Number.MAX_SAFE_INTEGER ? `${least} or more` : `${least} to ${most}`;
      throw new InvalidArgumentError(`It must be a whole number, ${limits}.`);
    }
    return number;
  };
}

export function parseSeconds(value: string): number {
  const seconds = Number(value);
  if (value.trim() === "" || !(seconds >= 0 && seconds < 1e6)) {
    throw new InvalidArgumentError("It must be a number of seconds.");
  }
  return seconds;
}

export function parseQos(value: string): QoS {
  return wholeNumber(0, 2)(value) as QoS;
}

export function topicName(value: string): string {
  if (!isTopicName(text(value), LONGEST_TOPIC)) {
    throw new InvalidArgumentError("A topic to publish to is not empty and holds no + or #.");
  }
  return value;
}

export function topicFilter(value: string): string {
  if (!isTopicFilter(text(value), LONGEST_TOPIC)) {
    throw new InvalidArgumentError("Are all + and # wildcards whole levels, and # the last?");
  }
  return value;
}

export function text(value: string): string {
  if (!isMqttText(value) || encodeUtf8(value).length > LONGEST_TOPIC) {
    throw new InvalidArgumentError("MQTT allows no control characters and 65535 bytes at most.");
  }
  return value;
}

export function parseVersion(value: string): ProtocolLevel {
  if (value === "mqttv5" || value === "5") return 5;
  if (value === "mqttv311" || value === "311") return 4;
  if (value === "mqttv31" || value === "31") return 3;
  throw new InvalidArgumentError("It must be mqttv5, mqttv311 or mqttv31.");
}

/** A session that never expires (MQTT 5.0 §3.1.2.11.2), seconds. */
export const FOR_EVER = 0xffffffff;

export function sessionExpiry(value: string): number {
  if (value === "\u221e" || value === "-1") return FOR_EVER;
  return wholeNumber(0, FOR_EVER)(value);
}
