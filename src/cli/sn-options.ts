/** The options that `midge sn-pub` and `midge sn-sub` share, with Mosquitto's letters. */
import { randomBytes } from "node:crypto";
import { type Command, InvalidArgumentError } from "commander";
import { encodeUtf8, isMqttText } from "../bytes/utf8.ts";
import type { QoS } from "../mqtt/qos.ts";
import type { TopicReference } from "../mqttsn/packets.ts";
import { shortTopicId } from "../mqttsn/short-topic.ts";
import type { SnWill } from "../mqttsn-client/connect-exchange.ts";
import { fail, parseQos, topicName, wholeNumber } from "./connect-options.ts";
import { seconds, wirelessNodeId } from "./sn-option-values.ts";

/** As commander hands them over. */
export interface SnFlags {
  readonly host: string;
  readonly port: number;
  readonly id?: string | undefined;
  readonly keepalive: number;
  readonly disableCleanSession?: boolean | undefined;
  readonly willTopic?: string | undefined;
  readonly willPayload?: string | undefined;
  readonly willQos?: QoS | undefined;
  readonly willRetain?: boolean | undefined;
  readonly forwarder?: Uint8Array | undefined;
  readonly retryInterval: number;
  readonly retryLimit: number;
  readonly debug?: boolean | undefined;
}

export interface SnSettings {
  readonly host: string;
  readonly port: number;
  readonly clientId: string;
  readonly cleanSession: boolean;
  /** Seconds. */
  readonly keepAlive: number;
  readonly will?: SnWill | undefined;
  /** The messages are wrapped as a forwarder does for this node. */
  readonly wirelessNodeId?: Uint8Array | undefined;
  /** T_RETRY, ms. */
  readonly retryInterval: number;
  /** N_RETRY. */
  readonly retryLimit: number;
  readonly debug: boolean;
}

export function addSnOptions(command: Command): Command {
  return command
    .helpOption("--help", "show this help")
    .option("-h, --host <host>", "host name or address of the gateway", "localhost")
    .option("-p, --port <port>", "UDP port of the gateway", wholeNumber(1, 65_535), 1884)
    .option("-i, --id <id>", "client id (default: a random one)", clientId)
    .option("-c, --disable-clean-session", "keep the session at the gateway; needs --id")
    .option("-k, --keepalive <seconds>", "keep alive, 0 for none", wholeNumber(0, 65_535), 60)
    .option("--will-topic <topic>", "topic of the will", topicName)
    .option("--will-payload <payload>", "payload of the will")
    .option("--will-qos <qos>", "QoS of the will", parseQos)
    .option("--will-retain", "retain the will")
    .option(
      "--forwarder <octets>",
      "wrap all messages as a forwarder does, for the wireless node of this id in hexadecimal",
      wirelessNodeId,
    )
    .option(
      "--retry-interval <seconds>",
      "send again when no answer came so long (default: 10)",
      seconds,
      10_000,
    )
    .option("--retry-limit <count>", "give up after so many repetitions", wholeNumber(0, 100), 4)
    .option("-d, --debug", "print the messages sent and received");
}

function clientId(value: string): string {
  if (value === "" || !isMqttText(value)) {
    throw new InvalidArgumentError("It must not be empty or hold control characters.");
  }
  return value;
}

/** Puts the flags together; ends the program with one line where they do not go together. */
export function snSettings(command: Command, flags: SnFlags): SnSettings {
  const { id, host, port, retryInterval, retryLimit } = flags;
  const cleanSession = flags.disableCleanSession !== true;
  if (!cleanSession && id === undefined) fail(command, "A client id (-i) is needed with -c.");
  return {
    host,
    port,
    clientId: id ?? `midge-${randomBytes(6).toString("hex")}`,
    cleanSession,
    keepAlive: flags.keepalive,
    will: will(command, flags),
    wirelessNodeId: flags.forwarder,
    retryInterval,
    retryLimit,
    debug: flags.debug === true,
  };
}

function will(command: Command, flags: SnFlags): SnWill | undefined {
  const { willTopic: topic, willPayload = "", willQos: qos = 0, willRetain } = flags;
  if (topic !== undefined) {
    return { topic, payload: encodeUtf8(willPayload), qos, retain: willRetain === true };
  }
  for (const name of ["willPayload", "willQos", "willRetain"] as const) {
    if (flags[name] !== undefined) fail(command, "A will needs a topic (--will-topic).");
  }
  return undefined;
}

/** A topic given by name, which with `--short` is a short one. */
export function namedTopic(command: Command, name: string, short: boolean): TopicReference {
  if (!short) return { type: "name", name };
  if (shortTopicId(name) === undefined) {
    fail(command, `A short topic has exactly two octets, and "${name}" has not.`);
  }
  return { type: "short", name };
}
