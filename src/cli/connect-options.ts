/** The options that the MQTT client commands share, with Mosquitto's letters and limits. */
import { type Command, Option } from "commander";
import { encodeUtf8 } from "../bytes/utf8.ts";
import type { ProtocolLevel, WillFields } from "../mqtt/packets.ts";
import type { Properties } from "../mqtt/properties.ts";
import type { QoS } from "../mqtt/qos.ts";
import type { Authentication } from "../mqtt-client/authentication.ts";
import type { Destination } from "../sockets/connect.ts";
import { authenticationOf, ScramClient } from "./authentication-options.ts";
import {
  FOR_EVER,
  fail,
  parseQos,
  parseVersion,
  sessionExpiry,
  text,
  topicName,
  wholeNumber,
} from "./option-values.ts";
import {
  addPropertyOption,
  PropertyProblem,
  type PropertySets,
  propertyHelp,
  propertySets,
  withProperty,
} from "./property-options.ts";
import { parseUrl, type ServerUrl, usualPort } from "./server-url.ts";
import { addTlsOptions, type TlsFlags, tlsSettings } from "./tls-options.ts";

export { fail, parseQos, topicFilter, topicName, wholeNumber } from "./option-values.ts";

/** As commander hands them over. */
export interface ConnectFlags extends TlsFlags {
  readonly host?: string | undefined;
  readonly port?: number | undefined;
  readonly unix?: string | undefined;
  readonly bind?: string | undefined;
  readonly ws?: boolean | undefined;
  readonly wsPath: string;
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
  /** Of commands with the options of MQTT 5.0. */
  readonly property?: readonly (readonly string[])[] | undefined;
  /** The same, seconds. */
  readonly sessionExpiry?: number | undefined;
}

export interface ConnectSettings {
  readonly destination: Destination;
  /** The destination in words. */
  readonly where: string;
  readonly clientId: string;
  readonly cleanSession: boolean;
  /** Seconds. */
  readonly keepAlive: number;
  readonly level: ProtocolLevel;
  readonly username?: string | undefined;
  readonly password?: Uint8Array | undefined;
  readonly will?: WillFields | undefined;
  /** Of CONNECT. */
  readonly properties?: Properties | undefined;
  readonly authentication?: Authentication | undefined;
  /** Of the other packets. */
  readonly sets: PropertySets;
  readonly debug: boolean;
  readonly quiet: boolean;
}

const SHORTEST_KEEP_ALIVE = 5;
const PATH = "/mqtt";

export function addConnectOptions(command: Command, level: ProtocolLevel = 4): Command {
  const usual = level === 5 ? "mqttv5" : "mqttv311";
  command
    .helpOption("--help", "show this help")
    .option("-h, --host <host>", "host name or address of the broker (default: localhost)")
    .option("-p, --port <port>", "port of the broker (default: 1883)", wholeNumber(1, 65535))
    .option(
      "-L, --url <url>",
      "mqtt://[username[:password]@]host[:port]/topic, or mqtts://, ws://, wss://",
      parseUrl,
    )
    .option("--unix <path>", "Unix socket of the broker, instead of host and port")
    .option("--ws", "speak MQTT over WebSocket")
    .option("--ws-path <path>", "path to ask for with WebSocket", PATH)
    .option("-A, --bind <address>", "local address to connect from")
    .option("-i, --id <id>", "client id (default: the broker gives one)", text)
    .option("-I, --id-prefix <prefix>", "client id made of this and the process id", text)
    .option("-c, --disable-clean-session", "keep the session at the broker; needs --id")
    .option("-k, --keepalive <seconds>", "keep alive", wholeNumber(SHORTEST_KEEP_ALIVE, 65535), 60)
    .option("-u, --username <name>", "user name", text)
    .option("-P, --pw <password>", "password; needs --username, but in mqttv5")
    .addOption(
      new Option("-V, --protocol-version <version>", "mqttv5, mqttv311 or mqttv31")
        .argParser(parseVersion)
        .default(level, usual),
    )
    .option("--will-topic <topic>", "topic of the will", topicName)
    .option("--will-payload <payload>", "payload of the will")
    .option("--will-qos <qos>", "QoS of the will", parseQos)
    .option("--will-retain", "retain the will")
    .option("-d, --debug", "print the packets sent and received")
    .option("--quiet", "print no errors of the connection");
  // Small packets always leave at once.
  command.addOption(new Option("--nodelay").hideHelp());
  return addTlsOptions(command);
}

/** Options of MQTT 5.0; giving one of them chooses it. */
export function addProtocol5Options(command: Command): Command {
  return addPropertyOption(command)
    .option(
      "-x, --session-expiry <seconds>",
      "how long the broker keeps the session afterwards, -1 for ever; in mqttv5",
      sessionExpiry,
    )
    .addHelpText("after", propertyHelp());
}

/** Puts the flags together; ends the program with one line where they do not go together. */
export function connectSettings(command: Command, flags: ConnectFlags): ConnectSettings {
  const { url, id, idPrefix } = flags;
  const level = levelOf(flags);
  const username = flags.username ?? url?.username;
  const password = flags.pw ?? url?.password;
  const cleanSession = flags.disableCleanSession !== true;
  if (id !== undefined && idPrefix !== undefined) {
    fail(command, "-i and -I cannot be used together.");
  }
  if (level < 5 && !cleanSession && (id === undefined || id === "")) {
    fail(command, "A client id (-i) is needed with -c.");
  }
  if (level < 5 && password !== undefined && username === undefined) {
    fail(command, "A password needs a user name (-u)."); // [MQTT-3.1.2-22] of 3.1.1
  }
  const generated = idPrefix === undefined ? generatedId(level) : `${idPrefix}${process.pid}`;
  const sets = readProperties(command, flags);
  const authentication = authenticationOf(command, sets.connect, username, password);
  // What proves the password does not give it away.
  const secret = authentication instanceof ScramClient ? undefined : password;
  return {
    ...destinationOf(command, flags),
    clientId: id ?? generated,
    cleanSession,
    keepAlive: flags.keepalive,
    level,
    username,
    password: secret === undefined ? undefined : encodeUtf8(secret),
    authentication,
    will: will(command, flags, sets.will),
    properties: level === 5 ? connectProperties(command, flags, sets.connect) : undefined,
    sets: level === 5 ? sets : {},
    debug: flags.debug === true,
    quiet: flags.quiet === true,
  };
}

function levelOf({ property = [], sessionExpiry, protocolVersion }: ConnectFlags): ProtocolLevel {
  return property.length > 0 || sessionExpiry !== undefined ? 5 : protocolVersion;
}

function destinationOf(
  command: Command,
  flags: ConnectFlags,
): Pick<ConnectSettings, "destination" | "where"> {
  const { url, unix, wsPath, bind: from } = flags;
  if (unix !== undefined && (flags.host !== undefined || url !== undefined)) {
    fail(command, "--unix takes the place of -h and -L.");
  }
  const webSocket = flags.ws === true || url?.webSocket === true;
  const byPort = flags.port === usualPort({ tls: true, webSocket: false });
  const noKeys =
    flags.psk === undefined && flags.cafile === undefined && flags.capath === undefined;
  const tls = tlsSettings(command, flags, url?.tls === true || (byPort && noKeys));
  const way = { tls, webSocketPath: webSocket ? wsPath : undefined };
  if (unix !== undefined) {
    return { destination: { place: { kind: "unix", path: unix }, ...way }, where: unix };
  }
  const host = flags.host ?? url?.host ?? "localhost";
  const port = flags.port ?? url?.port ?? usualPort({ tls: tls !== undefined, webSocket });
  return {
    destination: { place: { kind: "tcp", host, port, from }, ...way },
    where: `${host.includes(":") ? `[${host}]` : host}:${port}`,
  };
}

function readProperties(command: Command, { property = [] }: ConnectFlags): PropertySets {
  return orEnd(command, () => propertySets(property));
}

/** Runs what may throw PropertyProblem, which ends the program with its line. */
export function orEnd<Result>(command: Command, action: () => Result): Result {
  try {
    return action();
  } catch (error) {
    if (!(error instanceof PropertyProblem)) throw error;
    command.error(error.message, { exitCode: 1 });
  }
}

function connectProperties(
  command: Command,
  { sessionExpiry, disableCleanSession, id }: ConnectFlags,
  given: Properties | undefined,
): Properties | undefined {
  const expiry = sessionExpiry ?? (disableCleanSession === true ? FOR_EVER : 0);
  if (expiry === 0) return given;
  if (expiry === FOR_EVER && (id === undefined || id === "")) {
    fail(command, "A client id (-i) is needed for a session that never expires (-c or -x -1).");
  }
  return orEnd(command, () => withProperty(given, "connect", "sessionExpiryInterval", expiry));
}

function will(
  command: Command,
  flags: ConnectFlags,
  properties: Properties | undefined,
): WillFields | undefined {
  const { willTopic: topic, willPayload = "", willQos: qos = 0, willRetain } = flags;
  if (topic !== undefined) {
    const payload = encodeUtf8(willPayload);
    return { topic, payload, qos, retain: willRetain === true, properties };
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
