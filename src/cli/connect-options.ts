/** The options that `midge pub` and `midge sub` share, with Mosquitto's letters and limits. */
import { type Command, InvalidArgumentError, Option } from "commander";
import { encodeUtf8, isMqttText } from "../bytes/utf8.ts";
import type { ProtocolLevel, WillFields } from "../mqtt/packets.ts";
import type { QoS } from "../mqtt/qos.ts";
import { isTopicFilter, isTopicName, LONGEST_TOPIC } from "../topics/names.ts";

/** As commander hands them over. */
export interface ConnectFlags {
  readonly host?: string | undefined;
  readonly port?: number | undefined;
  readonly id?: string | undefined;
  readonly idPrefix?: string | undefined;
  readonly disableCleanSession?: boolean | undefined;
  readonly keepalive: number;
  readonly username?: string | undefined;
  readonly pw?: string | undefined;
  readonly protocolVersion: ProtocolLevel;
  readonly url?: ServerUrl | undefined;
  readonly willTopic?: string | undefined;
  readonly willPayload?: string | undefined;
  readonly willQos?: QoS | undefined;
  readonly willRetain?: boolean | undefined;
  readonly debug?: boolean | undefined;
  readonly quiet?: boolean | undefined;
}

export interface ServerUrl {
  readonly host: string;
  readonly port: number;
  readonly username?: string | undefined;
  readonly password?: string | undefined;
  readonly topic: string;
}

export interface ConnectSettings {
  readonly host: string;
  readonly port: number;
  readonly clientId: string;
  readonly cleanSession: boolean;
  /** Seconds. */
  readonly keepAlive: number;
  readonly level: ProtocolLevel;
  readonly username?: string | undefined;
  readonly password?: Uint8Array | undefined;
  readonly will?: WillFields | undefined;
  readonly debug: boolean;
  readonly quiet: boolean;
}

const PORT = 1883;
const SHORTEST_KEEP_ALIVE = 5;

export function addConnectOptions(command: Command): Command {
  return command
    .helpOption("--help", "show this help")
    .option("-h, --host <host>", "host name or address of the broker (default: localhost)")
    .option("-p, --port <port>", "port of the broker (default: 1883)", wholeNumber(1, 65535))
    .option("-L, --url <url>", "mqtt://[username[:password]@]host[:port]/topic", parseUrl)
    .option("-i, --id <id>", "client id (default: the broker gives one)", text)
    .option("-I, --id-prefix <prefix>", "client id made of this and the process id", text)
    .option("-c, --disable-clean-session", "keep the session at the broker; needs --id")
    .option("-k, --keepalive <seconds>", "keep alive", wholeNumber(SHORTEST_KEEP_ALIVE, 65535), 60)
    .option("-u, --username <name>", "user name", text)
    .option("-P, --pw <password>", "password; needs --username")
    .addOption(
      new Option("-V, --protocol-version <version>", "mqttv311 or mqttv31")
        .argParser(parseVersion)
        .default(4, "mqttv311"),
    )
    .option("--will-topic <topic>", "topic of the will", topicName)
    .option("--will-payload <payload>", "payload of the will")
    .option("--will-qos <qos>", "QoS of the will", parseQos)
    .option("--will-retain", "retain the will")
    .option("-d, --debug", "print the packets sent and received")
    .option("--quiet", "print no errors of the connection");
}

/** Puts the flags together; ends the program with one line where they do not go together. */
export function connectSettings(command: Command, flags: ConnectFlags): ConnectSettings {
  const { url, id, idPrefix, protocolVersion: level } = flags;
  const username = flags.username ?? url?.username;
  const password = flags.pw ?? url?.password;
  const cleanSession = flags.disableCleanSession !== true;
  if (id !== undefined && idPrefix !== undefined) {
    fail(command, "-i and -I cannot be used together.");
  }
  if (!cleanSession && (id === undefined || id === "")) {
    fail(command, "A client id (-i) is needed with -c.");
  }
  if (password !== undefined && username === undefined) {
    fail(command, "A password needs a user name (-u)."); // [MQTT-3.1.2-22]
  }
  const generated = idPrefix === undefined ? generatedId(level) : `${idPrefix}${process.pid}`;
  return {
    host: flags.host ?? url?.host ?? "localhost",
    port: flags.port ?? url?.port ?? PORT,
    clientId: id ?? generated,
    cleanSession,
    keepAlive: flags.keepalive,
    level,
    username,
    password: password === undefined ? undefined : encodeUtf8(password),
    will: will(command, flags),
    debug: flags.debug === true,
    quiet: flags.quiet === true,
  };
}

/** Ends the program with one line on stderr and exit code 1. */
export function fail(command: Command, problem: string): never {
  command.error(`Error: ${problem}`, { exitCode: 1 });
}

function will(command: Command, flags: ConnectFlags): WillFields | undefined {
  const { willTopic: topic, willPayload = "", willQos: qos = 0, willRetain } = flags;
  if (topic !== undefined) {
    return { topic, payload: encodeUtf8(willPayload), qos, retain: willRetain === true };
  }
  for (const name of ["willPayload", "willQos", "willRetain"] as const) {
    if (flags[name] !== undefined) fail(command, "A will needs a topic (--will-topic).");
  }
  return undefined;
}

/** MQTT 3.1 has no client ids made by the broker, and no longer ones than this. */
function generatedId(level: ProtocolLevel): string {
  return level === 3 ? `midge-${process.pid}-${Date.now().toString(36).slice(-6)}` : "";
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

function text(value: string): string {
  if (!isMqttText(value) || encodeUtf8(value).length > LONGEST_TOPIC) {
    throw new InvalidArgumentError("MQTT allows no control characters and 65535 bytes at most.");
  }
  return value;
}

function parseVersion(value: string): ProtocolLevel {
  if (value === "mqttv311" || value === "311") return 4;
  if (value === "mqttv31" || value === "31") return 3;
  throw new InvalidArgumentError("It must be mqttv311 or mqttv31.");
}

/** Taken apart as Mosquitto does: nothing is percent-decoded. */
function parseUrl(value: string): ServerUrl {
  const match =
    /^mqtt:\/\/(?:([^/:@]*)(?::([^/@]*))?@)?(\[[^\]]+\]|[^/:@]+)(?::(\d+))?\/(.+)$/i.exec(value);
  if (match === null) {
    throw new InvalidArgumentError("It must be mqtt://[username[:password]@]host[:port]/topic.");
  }
  const [, username, password, host = "", port, topic = ""] = match;
  return {
    host: host.replace(/^\[|\]$/g, ""),
    port: port === undefined ? PORT : wholeNumber(1, 65535)(port),
    username,
    password,
    topic: text(topic),
  };
}
