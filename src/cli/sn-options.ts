/** The options that `midge sn-pub` and `midge sn-sub` share, with Mosquitto's letters. */
import { randomBytes } from "node:crypto";
import { type Command, InvalidArgumentError } from "commander";
import { isMqttText } from "../bytes/utf8.ts";
import type { TopicReference } from "../mqttsn/packets.ts";
import { shortTopicId } from "../mqttsn/short-topic.ts";
import type { SnWill } from "../mqttsn-client/connect-exchange.ts";
import { fail, wholeNumber } from "./option-values.ts";
import { seconds, wirelessNodeId } from "./sn-option-values.ts";
import {
  addSnPlaceOptions,
  type SnDestination,
  type SnPlaceFlags,
  snDestination,
} from "./sn-place-options.ts";
import {
  addSnWillOptions,
  type SnWillFlags,
  snWill,
  snWillUpdate,
  type WillUpdate,
} from "./sn-will-options.ts";

/** As commander hands them over. */
export interface SnFlags extends SnPlaceFlags, SnWillFlags {
  readonly id?: string | undefined;
  readonly idPrefix?: string | undefined;
  readonly keepalive: number;
  readonly disableCleanSession?: boolean | undefined;
  readonly forwarder?: Uint8Array | undefined;
  readonly retryInterval: number;
  readonly retryLimit: number;
  readonly waitInterval: number;
  /** False with `--no-disconnect`. */
  readonly disconnect: boolean;
  readonly debug?: boolean | undefined;
}

export interface SnSettings {
  readonly destination: SnDestination;
  readonly clientId: string;
  readonly cleanSession: boolean;
  /** Seconds. */
  readonly keepAlive: number;
  readonly will?: SnWill | "delete" | undefined;
  /** Carried out in every connection. */
  readonly willUpdate?: WillUpdate | undefined;
  /** The messages are wrapped as a forwarder does for this node. */
  readonly wirelessNodeId?: Uint8Array | undefined;
  /** T_RETRY, ms. */
  readonly retryInterval: number;
  /** N_RETRY. */
  readonly retryLimit: number;
  /** T_WAIT, ms. */
  readonly waitInterval: number;
  /** Say DISCONNECT at the end. */
  readonly disconnects: boolean;
  readonly debug: boolean;
}

export function addSnOptions(command: Command): Command {
  addSnPlaceOptions(command.helpOption("--help", "show this help"))
    .option("-i, --id <id>", "client id (default: a random one)", clientId)
    .option("-I, --id-prefix <prefix>", "client id made of this and the process id", clientId)
    .option("-c, --disable-clean-session", "keep the session at the gateway; needs --id")
    .option("-k, --keepalive <seconds>", "keep alive, 0 for none", wholeNumber(0, 65_535), 60);
  return addSnWillOptions(command)
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
    .option(
      "--wait-interval <seconds>",
      "leave a congested gateway alone for so long (default: 300)",
      seconds,
      300_000,
    )
    .option("--no-disconnect", "leave without a word, so that the will is published")
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
  const { id, idPrefix, retryInterval, retryLimit, waitInterval } = flags;
  const cleanSession = flags.disableCleanSession !== true;
  if (id !== undefined && idPrefix !== undefined) {
    fail(command, "-i and -I cannot be used together.");
  }
  if (!cleanSession && id === undefined) fail(command, "A client id (-i) is needed with -c.");
  const prefixed = idPrefix === undefined ? undefined : `${idPrefix}${process.pid}`;
  return {
    destination: snDestination(command, flags),
    clientId: id ?? prefixed ?? `midge-${randomBytes(6).toString("hex")}`,
    cleanSession,
    keepAlive: flags.keepalive,
    will: snWill(command, flags),
    willUpdate: snWillUpdate(command, flags),
    wirelessNodeId: flags.forwarder,
    retryInterval,
    retryLimit,
    waitInterval,
    disconnects: flags.disconnect,
    debug: flags.debug === true,
  };
}

/** A topic given by name, which with `--short` is a short one. */
export function namedTopic(command: Command, name: string, short: boolean): TopicReference {
  if (!short) return { type: "name", name };
  if (shortTopicId(name) === undefined) {
    fail(command, `A short topic has exactly two octets, and "${name}" has not.`);
  }
  return { type: "short", name };
}
