/**
 * Asks a node for its will before it is connected (MQTT-SN 1.2 §6.2, §6.3): WILLTOPICREQ,
 * WILLTOPIC, WILLMSGREQ, WILLMSG, then CONNACK.
 */
import type { QoS } from "../mqtt/qos.ts";
import { ReturnCode, type WillMsg, type WillTopic } from "../mqttsn/packets.ts";
import { forget } from "./admission.ts";
import { answerConnect, establish, lose, refuse } from "./connection.ts";
import { suspend } from "./delivery.ts";
import { countRetry } from "./node-counts.ts";
import { isPublishable } from "./node-topics.ts";
import { named, placeOf, type SnNode } from "./sn-node.ts";
import { cancelTimer, schedule } from "./supervision.ts";
import { leavePlace } from "./whereabouts.ts";

export interface WillDialogue {
  readonly clean: boolean;
  /** Seconds. */
  readonly keepAlive: number;
  /** Undefined until WILLTOPIC came. */
  topic: WillTopicData | undefined;
  retries: number;
  /** Monotonic ms. */
  retryAt: number;
}

interface WillTopicData {
  readonly topic: string;
  readonly qos: QoS;
  readonly retain: boolean;
}

/** Begins with WILLTOPICREQ; a connection that the node had rests until the dialogue is over. */
export function startDialogue(node: SnNode, clean: boolean, keepAlive: number): void {
  if (node.client !== undefined) suspend(node);
  const dialogue = { clean, keepAlive, topic: undefined, retries: 0, retryAt: 0 };
  node.dialogue = dialogue;
  cancelTimer(node);
  ask(node, dialogue);
}

function ask(node: SnNode, dialogue: WillDialogue): void {
  const { core, link } = node;
  dialogue.retryAt = core.clock.now() + (link?.link?.retryInterval ?? 0);
  schedule(node, dialogue.retryAt);
  core.output.send(node, { kind: dialogue.topic === undefined ? "willtopicreq" : "willmsgreq" });
}

/** T_RETRY is over without an answer. */
export function retryDialogue(node: SnNode, dialogue: WillDialogue): void {
  if (dialogue.retries >= (node.link?.link?.retryLimit ?? 0)) {
    abandon(node);
    return;
  }
  dialogue.retries++;
  countRetry(node);
  ask(node, dialogue);
}

function abandon(node: SnNode): void {
  const why = "does not tell its will";
  if (node.client !== undefined) {
    lose(node, why);
    return;
  }
  node.core.log.info(`${named(node)} at ${placeOf(node)} not connected: ${why}`);
  node.dialogue = undefined;
  leavePlace(node);
  if (!node.established) forget(node);
}

/** QoS -1 makes no sense for a will; it becomes 0 as in SUBSCRIBE. */
export function willQos(message: WillTopic): QoS {
  return message.qos < 0 ? 0 : (message.qos as QoS);
}

export function handleWillTopic(node: SnNode, message: WillTopic): void {
  const { dialogue } = node;
  if (dialogue === undefined) return;
  const { topic, retain } = message;
  if (topic === undefined) {
    establish(node, { ...dialogue, will: undefined });
  } else if (!isPublishable(node, topic)) {
    refuse(
      node,
      ReturnCode.notSupported,
      `its will topic ${JSON.stringify(topic)} is no topic name`,
    );
  } else {
    dialogue.topic = { topic, qos: willQos(message), retain };
    dialogue.retries = 0;
    ask(node, dialogue);
  }
}

export function handleWillMsg(node: SnNode, message: WillMsg): void {
  const { dialogue } = node;
  if (dialogue?.topic !== undefined) {
    const will = { ...dialogue.topic, payload: message.payload.slice() };
    establish(node, { ...dialogue, will });
  } else if (dialogue === undefined && node.fresh) {
    // Its CONNACK was lost.
    answerConnect(node);
  }
}
