/** Reads the fields of dynamic security's commands, with Mosquitto's words for what is wrong. */
import { isMqttText, utf8Length } from "../../bytes/utf8.ts";
import { CommandRefusal } from "../../control/control-queue.ts";
import {
  field,
  flagField,
  type JsonObject,
  textField,
  wholeField,
} from "../../control/json-fields.ts";

const LONGEST = 65_535;

/** What each name is called where it is missing, and where it is not fit for MQTT. */
const NAMES = {
  username: ["username", "Username"],
  groupname: ["groupname", "Group name"],
  rolename: ["rolename", "Role name"],
} as const;

/** A field that names a client, a group or a role. */
export type NameKey = keyof typeof NAMES;

export function requiredName(fields: JsonObject, key: NameKey): string {
  const [missing, invalid] = NAMES[key];
  const name = textField(fields, key);
  if (name === undefined) throw new CommandRefusal(`Invalid/missing ${missing}`);
  if (!fits(name)) throw new CommandRefusal(`${invalid} not valid UTF-8`);
  return name;
}

/** The name of something new, which must not be empty. */
export function newName(fields: JsonObject, key: NameKey): string {
  const name = requiredName(fields, key);
  if (name === "") throw new CommandRefusal(`Empty ${NAMES[key][0]}`);
  return name;
}

/** Text that may be missing, but not be anything else. */
export function optionalText(
  fields: JsonObject,
  key: string,
  label: string = key,
): string | undefined {
  const value = field(fields, key);
  if (value === undefined) return undefined;
  if (typeof value !== "string") throw new CommandRefusal(`Invalid/missing ${label}`);
  if (utf8Length(value) > LONGEST) throw new CommandRefusal(`Invalid/missing ${label}`);
  return value;
}

export function optionalClientId(fields: JsonObject, label: string): string | undefined {
  const clientId = optionalText(fields, "clientid", label);
  if (clientId !== undefined && !fits(clientId)) {
    throw new CommandRefusal("Client ID not valid UTF-8");
  }
  return clientId;
}

function fits(name: string): boolean {
  return isMqttText(name) && utf8Length(name) <= LONGEST;
}

/** Which part of a list is asked for: all if `count` is negative. */
export function pageOf<T>(fields: JsonObject, all: readonly T[]): readonly T[] {
  const count = wholeField(fields, "count", -1);
  const offset = Math.max(0, wholeField(fields, "offset", 0));
  return count < 0 ? all.slice(offset) : all.slice(offset, offset + Math.max(1, count));
}

export function isVerbose(fields: JsonObject): boolean {
  return flagField(fields, "verbose") ?? false;
}

/** `textname` and `textdescription` where they are given. */
export function changeTexts(
  fields: JsonObject,
  described: { textName: string | undefined; textDescription: string | undefined },
): void {
  described.textName = textField(fields, "textname") ?? described.textName;
  described.textDescription = textField(fields, "textdescription") ?? described.textDescription;
}
