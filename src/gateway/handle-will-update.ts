/** WILLTOPICUPD and WILLMSGUPD (MQTT-SN 1.2 §6.4). */
import { ReturnCode, type WillMsg, type WillTopic } from "../mqttsn/packets.ts";
import type { Will } from "../seams/door.ts";
import { isPublishable } from "./node-topics.ts";
import type { SnNode } from "./sn-node.ts";
import { whenStored } from "./when-stored.ts";
import { keepWill, mayPublishWill } from "./will-data.ts";
import { willQos } from "./will-dialogue.ts";

const NOTHING = new Uint8Array(0);

export function handleWillTopicUpdate(node: SnNode, message: WillTopic): void {
  const { topic, retain } = message;
  let returnCode: ReturnCode;
  if (topic === undefined) {
    returnCode = replaceWill(node, undefined);
  } else if (!isPublishable(node, topic)) {
    returnCode = ReturnCode.notSupported;
  } else {
    // Both halves can be set apart from each other; a will message not set yet is empty.
    const payload = node.will?.payload ?? NOTHING;
    returnCode = replaceWill(node, { topic, payload, qos: willQos(message), retain });
  }
  whenStored(node, () => node.core.output.send(node, { kind: "willtopicresp", returnCode }));
}

export function handleWillMessageUpdate(node: SnNode, message: WillMsg): void {
  const { will } = node;
  const returnCode =
    will === undefined
      ? ReturnCode.notSupported
      : replaceWill(node, { ...will, payload: message.payload.slice() });
  whenStored(node, () => node.core.output.send(node, { kind: "willmsgresp", returnCode }));
}

function replaceWill(node: SnNode, will: Will | undefined): ReturnCode {
  if (!mayPublishWill(node, will)) return ReturnCode.notSupported;
  if (!keepWill(node, will)) return ReturnCode.congestion;
  node.client?.setWill(will);
  node.core.records.putNode(node);
  return ReturnCode.accepted;
}
