/** The options for the wills of MQTT-SN nodes (MQTT-SN 1.2 §6.3, §6.4). */
import type { Command } from "commander";
import { encodeUtf8 } from "../bytes/utf8.ts";
import type { QoS } from "../mqtt/qos.ts";
import type { SnWill } from "../mqttsn-client/connect-exchange.ts";
import { fail, parseQos, topicName } from "./option-values.ts";

/** As commander hands them over. */
export interface SnWillFlags {
  readonly willTopic?: string | undefined;
  readonly willPayload?: string | undefined;
  readonly willQos?: QoS | undefined;
  readonly willRetain?: boolean | undefined;
  readonly deleteWill?: boolean | undefined;
  readonly newWillTopic?: string | undefined;
  readonly newWillPayload?: string | undefined;
  readonly newWillQos?: QoS | undefined;
  readonly newWillRetain?: boolean | undefined;
}

/** What of a will changes once the node is connected. */
export interface WillUpdate {
  /** Undefined to leave it; with the name "" the will is deleted. */
  readonly topic:
    | { readonly name: string; readonly qos: QoS; readonly retain: boolean }
    | undefined;
  /** Undefined to leave it. */
  readonly payload: Uint8Array | undefined;
}

export function addSnWillOptions(command: Command): Command {
  return command
    .option("--will-topic <topic>", "topic of the will", topicName)
    .option("--will-payload <payload>", "payload of the will")
    .option("--will-qos <qos>", "QoS of the will", parseQos)
    .option("--will-retain", "retain the will")
    .option("--delete-will", "delete the will that the session has from before")
    .option(
      "--new-will-topic <topic>",
      "once connected, change the will's topic; empty to delete it",
      newTopic,
    )
    .option("--new-will-payload <payload>", "once connected, change the will's payload")
    .option("--new-will-qos <qos>", "the will's QoS from then on; needs --new-will-topic", parseQos)
    .option("--new-will-retain", "retain it then; needs --new-will-topic");
}

function newTopic(value: string): string {
  return value === "" ? "" : topicName(value);
}

/** The will for CONNECT. Ends the program where the flags do not go together. */
export function snWill(command: Command, flags: SnWillFlags): SnWill | "delete" | undefined {
  const { willTopic: topic, willPayload = "", willQos: qos = 0, willRetain, deleteWill } = flags;
  if (topic !== undefined) {
    if (deleteWill === true) fail(command, "--will-topic and --delete-will exclude each other.");
    return { topic, payload: encodeUtf8(willPayload), qos, retain: willRetain === true };
  }
  for (const name of ["willPayload", "willQos", "willRetain"] as const) {
    if (flags[name] !== undefined) fail(command, "A will needs a topic (--will-topic).");
  }
  return deleteWill === true ? "delete" : undefined;
}

/** Undefined where nothing changes. Ends the program where the flags do not go together. */
export function snWillUpdate(command: Command, flags: SnWillFlags): WillUpdate | undefined {
  const { newWillTopic: name, newWillPayload, newWillQos, newWillRetain } = flags;
  if (name === undefined && (newWillQos !== undefined || newWillRetain !== undefined)) {
    fail(command, "QoS and retain of a will change with its topic (--new-will-topic).");
  }
  const payload = newWillPayload === undefined ? undefined : encodeUtf8(newWillPayload);
  if (name === undefined && payload === undefined) return undefined;
  const topic =
    name === undefined ? undefined : { name, qos: newWillQos ?? 0, retain: newWillRetain === true };
  return { topic, payload };
}
