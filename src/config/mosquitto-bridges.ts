/** The options of mosquitto.conf that are about bridges. */
import { isIPv6 } from "node:net";
import { type ConfigDraft, TableDraft } from "./mosquitto-draft.ts";
import type { OptionLine, Special } from "./mosquitto-line.ts";
import { fault, parseInteger, type Words } from "./mosquitto-words.ts";
import { quote } from "./show-value.ts";

export const BRIDGE_OPTIONS: Readonly<Record<string, Special>> = {
  address: bridgeAddress,
  addresses: bridgeAddress,
  bridge_protocol_version: bridgeProtocolVersion,
  connection,
  restart_timeout: restartTimeout,
  start_type: startType,
  topic: bridgeTopic,
};

const NOT_SUPPORTED = "not supported yet by this version of Midge";

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

/** A bridge keeps to the limit of all clients; 0 is no limit but the protocol's own. */
export function finishBridges({ single, bridges }: ConfigDraft): void {
  const limit = single.broker.values.max_inflight_messages;
  if (limit === undefined) return;
  const place = single.broker.placeOf("max_inflight_messages");
  for (const bridge of bridges)
    bridge.set("max_inflight_messages", limit === 0 ? 65_535 : limit, place);
}
