/** Those options of mosquitto.conf that are more than one value for one key. */
import { isIPv6 } from "node:net";
import { join } from "node:path";
import type { Place } from "./key-path.ts";
import { type ConfigDraft, ListenerDraft, TableDraft } from "./mosquitto-draft.ts";
import { fault, parseInteger, type Words } from "./mosquitto-words.ts";
import { quote } from "./show-value.ts";

/** One option of a file, and what it may belong to there. */
export interface OptionLine {
  readonly words: Words;
  readonly place: Place;
  readonly draft: ConfigDraft;
  /** What the lines before it in the same file began. */
  readonly context: FileContext;
  readonly warn: (message: string) => void;
}

export interface FileContext {
  listener: ListenerDraft | undefined;
  bridge: TableDraft | undefined;
}

export const NOT_SUPPORTED = "not supported yet by this version of Midge";

export type Special = (line: OptionLine) => void;

/** By the option's name. Whatever the scope asks for is there already. */
export const SPECIALS: Readonly<Record<string, Special>> = {
  accept_protocol_versions: acceptProtocolVersions,
  address: bridgeAddress,
  addresses: bridgeAddress,
  allow_anonymous: allowAnonymous,
  bind_address: bindAddress,
  bridge_protocol_version: bridgeProtocolVersion,
  connection,
  listener,
  log_dest: logDestination,
  log_type: logType,
  per_listener_settings: perListenerSettings,
  persistence,
  persistence_location: persistenceLocation,
  persistent_client_expiration: persistentClientExpiration,
  port: defaultPort,
  protocol,
  restart_timeout: restartTimeout,
  retained_persistence: persistence,
  socket_domain: socketDomain,
  start_type: startType,
  topic: bridgeTopic,
};

/** `listener PORT [ADDRESS]`. */
function listener({ words, place, draft, context }: OptionLine): void {
  draft.localOnly = false;
  const port = words.integer();
  if (port === 0) fault(`Unix sockets are ${NOT_SUPPORTED}`);
  const address = words.next();
  const table = new ListenerDraft(place);
  table.set("port", port, place);
  if (address !== undefined && !address.startsWith("#")) table.set("address", address, place);
  draft.listeners.push(table);
  context.listener = table;
}

function defaultPort({ words, place, draft, context, warn }: OptionLine): void {
  draft.localOnly = false;
  const table = draft.useDefaultListener(place);
  context.listener = table;
  if (table.has("port")) warn("given before: the latest counts");
  table.set("port", words.integer(), place);
}

function bindAddress({ words, place, draft, context }: OptionLine): void {
  draft.localOnly = false;
  const table = draft.useDefaultListener(place);
  context.listener = table;
  if (table.has("address")) fault("given twice");
  table.set("address", words.text(), place);
}

function protocol({ words, place, context }: OptionLine): void {
  const value = words.choice(["mqtt", "websockets", "http_api"]);
  if (value === "http_api") fault(`http_api is ${NOT_SUPPORTED}`);
  context.listener?.set("protocol", value, place);
}

function socketDomain({ words, context }: OptionLine): void {
  const domain = words.choice(["ipv4", "ipv6"]);
  const table = context.listener;
  if (domain === "ipv6" && !isIPv6(String(table?.values.address))) {
    fault(`IPv6 alone is ${NOT_SUPPORTED}, unless the listener has an IPv6 address`);
  }
  if (table !== undefined) table.domain = domain;
}

function acceptProtocolVersions({ words }: OptionLine): void {
  const versions = words.text().split(/[, \t]+/);
  if (!versions.includes("3") || !versions.includes("4")) {
    fault(`refusing MQTT 3.1 or 3.1.1 is ${NOT_SUPPORTED}`);
  }
}

function allowAnonymous({ words, place, draft, context }: OptionLine): void {
  const value = words.flag();
  if (draft.perListenerSettings) context.listener?.set("allow_anonymous", value, place);
  else draft.allowAnonymous = value;
}

/** Once true, it stays so. */
function perListenerSettings({ words, draft }: OptionLine): void {
  if (draft.perListenerSettings || !words.flag()) return;
  if (draft.hasGlobalSecurity) fault("must stand before the settings that it is about");
  draft.perListenerSettings = true;
}

function persistence({ words, place, draft }: OptionLine): void {
  draft.persistence = words.flag();
  draft.store.set("mode", draft.persistence ? "strict" : "memory", place);
}

/** A folder of its own beside Mosquitto's file, so that the way back stays open. */
function persistenceLocation({ words, place, draft }: OptionLine): void {
  if (draft.store.has("path")) fault("given twice");
  draft.store.set("path", join(words.text(), "midge"), place);
}

function persistentClientExpiration({ words, place, draft }: OptionLine): void {
  const value = words.word();
  const wrong = `expected a number and one of s, h, d, w, m and y, such as 14d, got ${quote(value)}`;
  if (!/^[1-9]\d*[shdwmy]$/.test(value)) fault(wrong);
  draft.broker.set("persistent_client_expiration", value, place);
}

const DESTINATIONS = ["none", "syslog", "stdout", "stderr", "topic", "dlt", "android", "file"];

function logDestination({ words, place, draft }: OptionLine): void {
  const name = words.choice(DESTINATIONS);
  const known = draft.logDestinations;
  if (name === "topic") fault(`logging to topics is ${NOT_SUPPORTED}`);
  if (name === "none") {
    known.length = 0;
  } else if (name === "file") {
    if (known.some((one) => one.name.startsWith("file "))) fault("a second file is not possible");
    known.push({ name: `file ${words.text()}`, place });
    return;
  }
  known.push({ name, place });
}

const LOG_TYPES = [
  "none",
  "information",
  "notice",
  "warning",
  "error",
  "debug",
  "subscribe",
  "unsubscribe",
  "internal",
  "websockets",
  "all",
];

function logType({ words, place, draft }: OptionLine): void {
  draft.addLogType(words.choice(LOG_TYPES));
  draft.log.set("level", logLevel(draft.logTypes), place);
}

/** The level that shows all of these, as Midge's levels include each other. */
function logLevel(types: ReadonlySet<string>): string {
  const has = (...names: string[]) => names.some((name) => types.has(name));
  if (has("all", "debug", "subscribe", "unsubscribe", "internal", "websockets")) return "debug";
  if (has("information", "notice")) return "info";
  if (has("warning")) return "warn";
  return has("error") ? "error" : "none";
}

function connection({ words, place, draft, context }: OptionLine): void {
  const name = words.word();
  const table = new TableDraft(place);
  table.set("name", name, place);
  draft.bridges.push(table);
  context.bridge = table;
}

/** `address HOST[:PORT] ...`: the last colon is the one before the port. */
function bridgeAddress({ words, place, context }: OptionLine): void {
  if (context.bridge?.has("address")) fault("only allowed once in a connection");
  const addresses: string[] = [];
  for (let word = words.next(); word !== undefined && !word.startsWith("#"); word = words.next()) {
    const colon = word.lastIndexOf(":");
    const host = colon < 0 ? word : word.slice(0, colon);
    const port = colon < 0 ? "" : word.slice(colon);
    addresses.push(isIPv6(host) ? `[${host}]${port}` : word);
  }
  if (addresses.length === 0) fault("has no value");
  context.bridge?.set("address", addresses, place);
}

function bridgeProtocolVersion({ words, place, context }: OptionLine): void {
  const version = words.choice(["mqttv31", "mqttv311", "mqttv50"]);
  if (version === "mqttv50") fault(`mqttv50 is ${NOT_SUPPORTED}`);
  context.bridge?.set("protocol", version, place);
}

function startType({ words, place, context }: OptionLine): void {
  const type = words.choice(["automatic", "lazy", "once"]);
  if (type !== "automatic") fault(`${type} is ${NOT_SUPPORTED}`);
  context.bridge?.set("start_type", type, place);
}

const LONGEST_BASE = 3600;
const LONGEST_CAP = 7200;

/** `restart_timeout BASE [CAP [STABLE]]`, or one number for a constant wait; seconds. */
function restartTimeout({ words, place, context, warn }: OptionLine): void {
  const base = Math.min(Math.max(1, words.integer()), LONGEST_BASE);
  const second = words.next();
  const cap = second === undefined || second.startsWith("#") ? base : parseInteger(second);
  if (cap < base) fault(`the second number, ${cap}, is lower than the first`);
  if (cap !== base && words.next() !== undefined) warn("only the first two numbers have an effect");
  context.bridge?.set("restart_timeout", base, place);
  context.bridge?.set("restart_timeout_cap", Math.min(cap, LONGEST_CAP), place);
}

/** `topic PATTERN [[[out | in | both] QOS] LOCAL-PREFIX REMOTE-PREFIX]`. */
function bridgeTopic({ words, place, context, warn }: OptionLine): void {
  const pattern = topicPattern(words);
  const direction = words.next()?.toLowerCase() ?? "out";
  if (!["out", "in", "both"].includes(direction)) {
    fault(`expected out, in or both after the topic, got ${quote(direction)}`);
  }
  const qos = commentFree(words, words.next());
  if (qos !== undefined && !/^[012]$/.test(qos)) fault(`expected QoS 0, 1 or 2, got ${quote(qos)}`);
  const local = commentFree(words, words.next());
  const remote = commentFree(words, words.next());
  const values = {
    pattern,
    direction,
    qos: Number(qos ?? 0),
    local_prefix: prefix(local),
    remote_prefix: prefix(remote),
  };
  const table = new TableDraft(place);
  for (const [key, value] of Object.entries(values)) table.set(key, value, place);
  const isNew = context.bridge?.addTopic(table) ?? false;
  if (!isNew) warn("the same topic stands before: once is enough");
}

/** In quotes it may have spaces; `""` is the empty pattern. */
function topicPattern(words: Words): string {
  const first = words.word();
  if (first === '""') return "";
  if (!first.startsWith('"')) return first;
  if (first.length > 1 && first.endsWith('"')) return first.slice(1, -1);
  const rest = words.upToQuote();
  return rest === undefined ? fault("the closing quote is missing") : `${first.slice(1)} ${rest}`;
}

/** A comment may end a topic line from the QoS on; what follows is no option. */
function commentFree(words: Words, word: string | undefined): string | undefined {
  if (word === undefined || !word.startsWith("#")) return word;
  while (words.next() !== undefined);
  return undefined;
}

function prefix(word: string | undefined): string {
  return word === undefined || word === '""' ? "" : word;
}
