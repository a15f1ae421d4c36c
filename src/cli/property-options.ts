/** Properties of MQTT 5.0 from the command line: -D PACKET NAME VALUE, as Mosquitto's clients take them. */
import { type Command, InvalidArgumentError } from "commander";
import { encodeUtf8, isMqttText } from "../bytes/utf8.ts";
import { PacketType } from "../mqtt/packet-types.ts";
import { PROPERTIES, type Properties, type PropertyRow, WILL } from "../mqtt/properties.ts";

/** The packets that a command sends with properties of the user's choice. */
export interface PropertySets {
  readonly connect?: Properties | undefined;
  readonly publish?: Properties | undefined;
  readonly subscribe?: Properties | undefined;
  readonly unsubscribe?: Properties | undefined;
  readonly disconnect?: Properties | undefined;
  readonly will?: Properties | undefined;
}

const SETTABLE = ["connect", "publish", "subscribe", "unsubscribe", "disconnect", "will"] as const;
/** Packets that have properties, but none that these commands could set. */
const NOT_SETTABLE = ["puback", "pubrec", "pubrel", "pubcomp", "auth"] as const;

const PACKETS: ReadonlyMap<string, number> = new Map<string, number>([
  ...[...SETTABLE, ...NOT_SETTABLE].map((name): [string, number] => [
    name,
    name === "will" ? WILL : PacketType[name],
  ]),
]);

/** By their names in the specification, in lower case with hyphens. */
const BY_NAME: ReadonlyMap<string, PropertyRow> = new Map(
  PROPERTIES.map((row) => [hyphened(row.name), row]),
);

/** subscriptionIdentifiers and userProperties hold lists; on the command line each is one. */
function hyphened(name: string): string {
  const one = name.replace(/Identifiers$/, "Identifier").replace(/Properties$/, "Property");
  return one.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

const PAIR = "user-property";

export function addPropertyOption(command: Command): Command {
  return command.option(
    "-D, --property <packet-name-value>",
    "an MQTT 5.0 property: PACKET NAME VALUE, or PACKET user-property NAME VALUE; may be repeated",
    collect,
  );
}

/** Which properties each packet takes, for the help of a command. */
export function propertyHelp(): string {
  const lines = SETTABLE.map((packet) => {
    const type = PACKETS.get(packet) as number;
    return `  ${packet.padEnd(12)} ${namesOf(type)}`;
  });
  return `\nProperties for -D:\n${lines.join("\n")}`;
}

function collect(
  joined: string,
  before: readonly (readonly string[])[] = [],
): readonly (readonly string[])[] {
  let words: unknown;
  try {
    words = JSON.parse(joined);
  } catch {
    throw new InvalidArgumentError("It must be followed by a packet, a name and a value.");
  }
  return [...before, words as string[]];
}

/**
 * The words of a command line with those that follow each -D joined to one, since how many they are
 * depends on the property. `command` tells which other options take a value.
 */
export function joinProperties(command: Command, words: readonly string[]): string[] {
  const joined: string[] = [];
  for (let at = 0; at < words.length; at++) {
    const word = words[at] as string;
    joined.push(word);
    const option = command.options.find(({ short, long }) => word === short || word === long);
    if (option === undefined || !option.required) continue;
    if (option.long === "--property") {
      const count = words[at + 2]?.toLowerCase() === PAIR ? 4 : 3;
      joined.push(JSON.stringify(words.slice(at + 1, at + 1 + count)));
      at += count;
    } else if (at + 1 < words.length) {
      joined.push(words[++at] as string);
    }
  }
  return joined;
}

/** What is wrong with what the user gave, in words. */
export class PropertyProblem extends Error {}

/** Puts the properties of all -D together. Throws PropertyProblem. */
export function propertySets(given: readonly (readonly string[])[]): PropertySets {
  const sets: Record<string, Record<string, unknown>> = {};
  for (const words of given) {
    const { packet, row, value } = readProperty(words);
    sets[packet] ??= {};
    addTo(sets[packet], packet, row, value);
  }
  const { authenticationData, authenticationMethod } = (sets.connect ?? {}) as Properties;
  if (authenticationData !== undefined && authenticationMethod === undefined) {
    throw new PropertyProblem(
      "Error in CONNECT properties: authentication-data needs an authentication-method.",
    );
  }
  return sets as PropertySets;
}

/** Adds a property that an option of its own stands for. Throws PropertyProblem. */
export function withProperty(
  properties: Properties | undefined,
  packet: string,
  name: keyof Properties,
  value: unknown,
): Properties {
  const row = PROPERTIES.find((one) => one.name === name) as PropertyRow;
  const set: Record<string, unknown> = { ...properties };
  addTo(set, packet, row, value);
  return set as Properties;
}

function addTo(
  set: Record<string, unknown>,
  packet: string,
  { name, kind }: PropertyRow,
  value: unknown,
): void {
  if (kind === "pair") {
    set[name] = [...((set[name] as unknown[] | undefined) ?? []), value];
  } else if (set[name] !== undefined) {
    const where = packet === "will" ? "Will" : packet.toUpperCase();
    throw new PropertyProblem(
      `Error in ${where} properties: Duplicate property ${hyphened(name)}; give it once.`,
    );
  } else {
    set[name] = name === "subscriptionIdentifiers" ? [value] : value;
  }
}

const ARGUMENT = "--property argument";

function readProperty(words: readonly string[]): {
  readonly packet: string;
  readonly row: PropertyRow;
  readonly value: unknown;
} {
  const [packetWord = "", nameWord = "", ...values] = words;
  const packet = packetWord.toLowerCase();
  const name = nameWord.toLowerCase();
  if (words.length < 3 || (name === PAIR && values.length < 2)) {
    throw new PropertyProblem(
      `Error: ${ARGUMENT} given but not enough arguments specified: it takes PACKET NAME VALUE, or PACKET user-property NAME VALUE.`,
    );
  }
  const type = PACKETS.get(packet);
  if (type === undefined) {
    throw new PropertyProblem(
      `Error: Invalid command ${packetWord} given in ${ARGUMENT}: it must be one of ${SETTABLE.join(", ")}.`,
    );
  }
  const row = BY_NAME.get(name);
  if (row === undefined) {
    throw new PropertyProblem(
      `Error: Invalid property name ${nameWord} given in ${ARGUMENT}: ${packet} takes ${namesOf(type)}.`,
    );
  }
  if ((row.packets & (1 << type)) === 0) {
    throw new PropertyProblem(
      `Error: ${nameWord} property not allowed for ${packetWord} in ${ARGUMENT}: it takes ${namesOf(type)}.`,
    );
  }
  const settable: readonly string[] = SETTABLE;
  if (!settable.includes(packet) || (packet === "publish" && name === "subscription-identifier")) {
    throw new PropertyProblem(
      `Error: ${nameWord} property not supported for ${packetWord} in ${ARGUMENT}.`,
    );
  }
  return { packet, row, value: readValue(row, name, packet, values) };
}

function namesOf(type: number): string {
  return (
    [...BY_NAME]
      .filter(([, { packets }]) => (packets & (1 << type)) !== 0)
      .map(([name]) => name)
      // A client's PUBLISH never carries one [MQTT-3.3.4-6].
      .filter((name) => type !== PacketType.publish || name !== "subscription-identifier")
      .join(", ")
  );
}

const LARGEST: Readonly<Record<string, number>> = {
  flag: 1,
  byte: 255,
  u16: 65535,
  u32: 0xffffffff,
  varint: 268_435_455,
};
const LONGEST = 65535;

function readValue(
  { kind, notZero }: PropertyRow,
  name: string,
  packet: string,
  [value = "", second = ""]: readonly string[],
): unknown {
  if (kind === "pair") return [textOf(value, name), textOf(second, name)];
  if (kind === "text") {
    if (name === "response-topic" && (value === "" || /[+#]/.test(value))) {
      throw new PropertyProblem(
        `Error in ${packet.toUpperCase()} properties: Invalid response topic '${value}', does it contain '+' or '#'?`,
      );
    }
    return textOf(value, name);
  }
  if (kind === "binary") {
    const bytes = encodeUtf8(value);
    if (bytes.length > LONGEST) throw tooLong(name);
    return bytes;
  }
  const number = Number(value);
  const largest = LARGEST[kind] as number;
  if (!/^-?\d+$/.test(value)) {
    throw new PropertyProblem(
      `Error: Property value '${value}' not a number, as ${name} must be: it is from ${notZero ? 1 : 0} to ${largest}.`,
    );
  }
  if (number < (notZero ? 1 : 0) || number > largest) {
    throw new PropertyProblem(
      `Error: Property value (${value}) out of range for property ${name}: it is from ${notZero ? 1 : 0} to ${largest}.`,
    );
  }
  return number;
}

function textOf(value: string, name: string): string {
  if (encodeUtf8(value).length > LONGEST) throw tooLong(name);
  if (!isMqttText(value)) {
    throw new PropertyProblem(
      `Error: Property value for ${name} holds control characters or is not valid UTF-8, which MQTT does not allow.`,
    );
  }
  return value;
}

function tooLong(name: string): PropertyProblem {
  return new PropertyProblem(
    `Error: Property value too long for property ${name}: at most ${LONGEST} bytes.`,
  );
}
