/** Those options of mosquitto.conf that are more than one value for one key. */
import { join } from "node:path";
import { LOG_TYPES } from "./log-section.ts";
import { BRIDGE_OPTIONS } from "./mosquitto-bridges.ts";
import type { ConfigDraft } from "./mosquitto-draft.ts";
import type { OptionLine, Special } from "./mosquitto-line.ts";
import { LISTENER_OPTIONS } from "./mosquitto-listeners.ts";
import { PLUGIN_OPTIONS, pluginSetting } from "./mosquitto-plugins.ts";
import { fault } from "./mosquitto-words.ts";
import { quote } from "./show-value.ts";

const OPTIONS: Readonly<Record<string, Special>> = {
  ...BRIDGE_OPTIONS,
  ...LISTENER_OPTIONS,
  ...PLUGIN_OPTIONS,
  clientid_prefixes: clientIdPrefixes,
  log_dest: logDestination,
  log_type: logType,
  persistence,
  persistence_location: persistenceLocation,
  persistent_client_expiration: persistentClientExpiration,
  retained_persistence: persistence,
};

/** The reader of an option, by its name. */
export function specialFor(word: string): Special | undefined {
  return Object.hasOwn(OPTIONS, word) ? OPTIONS[word] : pluginSetting(word);
}

function persistence({ words, place, draft }: OptionLine): void {
  draft.persistence = words.flag();
  draft.single.store.set("mode", draft.persistence ? "strict" : "memory", place);
}

/** A folder of its own beside Mosquitto's file, so that the way back stays open. */
function persistenceLocation({ words, place, draft }: OptionLine): void {
  const { store } = draft.single;
  if (store.has("path")) fault("given twice");
  store.set("path", join(words.text(), "midge"), place);
}

function persistentClientExpiration({ words, place, draft }: OptionLine): void {
  const value = words.word();
  const wrong = `expected a number and one of s, h, d, w, m and y, such as 14d, got ${quote(value)}`;
  if (!/^[1-9]\d*[shdwmy]$/.test(value)) fault(wrong);
  draft.single.broker.set("persistent_client_expiration", value, place);
}

/** One prefix, in spite of its name. */
function clientIdPrefixes({ words, place, draft }: OptionLine): void {
  draft.single.access.set("clientid_prefixes", [words.text()], place);
}

const DESTINATIONS = ["none", "syslog", "stdout", "stderr", "topic", "dlt", "android", "file"];

/** One more place, unless it is "none", which forgets those before it. */
function logDestination({ words, place, draft, warn }: OptionLine): void {
  const { log } = draft.single;
  const name = words.choice(DESTINATIONS);
  const before = destinations(log.values.log_dest);
  if (name === "dlt" || name === "android") {
    warn(`Midge does not log to ${name}`);
  } else if (name === "none") {
    log.set("log_dest", ["none"], place);
  } else if (name === "file") {
    if (before.some((one) => one.startsWith("file "))) fault("a second file is not possible");
    addDestination(log, `file ${words.text()}`, place);
  } else if (!before.includes(name)) {
    addDestination(log, name, place);
  }
}

type Log = ConfigDraft["single"]["log"];

function addDestination(log: Log, name: string, place: OptionLine["place"]): void {
  if (destinations(log.values.log_dest).includes("none")) log.set("log_dest", [], place);
  log.add("log_dest", name, place);
}

function destinations(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.map(String) : [];
}

/** One more type, unless it is "none", which forgets those before it. */
function logType({ words, place, draft }: OptionLine): void {
  const { log } = draft.single;
  const type = words.choice(LOG_TYPES);
  if (type === "none" || destinations(log.values.log_type).includes("none")) {
    log.set("log_type", [], place);
  }
  log.add("log_type", type, place);
}

/** What Mosquitto takes for granted about the log. */
export function finishLog({ single: { log } }: ConfigDraft): void {
  if (destinations(log.values.log_dest).length === 0) log.set("log_dest", ["stderr"], log.place);
  if (!log.has("log_timestamp_format")) log.set("log_timestamp_format", "", log.place);
}
