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
  bridge_session_expiry_interval: sessionExpiryInterval,
  bridge_tcp_keepalive: tcpKeepAlive,
  connection,
  restart_timeout: restartTimeout,
  start_type: startType,
  topic: bridgeTopic,
};

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
  context.bridge?.set("protocol", version, place);
}

function startType({ words, place, context }: OptionLine): void {
  const type = words.choice(["automatic", "lazy", "once"]);
  context.bridge?.set("start_type", type, place);
}

const FOR_GOOD = 0xffffffff;

/** Reaches further than other numbers do. */
function sessionExpiryInterval({ words, place, context }: OptionLine): void {
  const word = words.word();
  const seconds = /^(?:0x[0-9a-f]+|\d+)$/i.test(word) ? Number(word) : -1;
  if (seconds < 0 || seconds > FOR_GOOD) fault(`expected 0 to ${FOR_GOOD}, got ${quote(word)}`);
  context.bridge?.set("session_expiry_interval", seconds, place);
}

/** `bridge_tcp_keepalive IDLE INTERVAL COUNTER`: seconds, seconds, probes. */
function tcpKeepAlive({ words, place, context, warn }: OptionLine): void {
  const [idle, interval, counter] = [words.integer(), words.integer(), words.integer()];
  if (idle <= 0 || interval <= 0 || counter <= 0) fault("expected three numbers above 0");
  if (interval !== 1 || counter !== 10) {
    warn("only the first number has an effect: ten probes follow, one each second");
  }
  context.bridge?.set("tcp_keepalive", Math.min(idle, 32_767), place);
}

const LONGEST_STABLE = 86_400;
const LONGEST_BASE = 3600;
const LONGEST_CAP = 7200;

/** `restart_timeout BASE [CAP [STABLE]]`, or one number for a constant wait; seconds. */
function restartTimeout({ words, place, context, warn }: OptionLine): void {
  const base = Math.min(Math.max(1, words.integer()), LONGEST_BASE);
  const second = commentFree(words, words.next());
  const cap = second === undefined ? base : parseInteger(second);
  if (cap < base) fault(`the second number, ${cap}, is lower than the first`);
  const third = commentFree(words, words.next());
  if (commentFree(words, words.next()) !== undefined) {
    warn("only the first three numbers have an effect");
  }
  const { bridge } = context;
  bridge?.set("restart_timeout", base, place);
  bridge?.set("restart_timeout_cap", Math.min(cap, LONGEST_CAP), place);
  // Any connection is a good one where nothing is said.
  const stable = third === undefined ? 0 : parseInteger(third);
  bridge?.set("restart_timeout_stable", Math.min(Math.max(0, stable), LONGEST_STABLE), place);
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
