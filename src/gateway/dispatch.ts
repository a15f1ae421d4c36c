/** Gives each message from a node to the handler of its kind. */
import type { Publish, SnMessage } from "../mqttsn/packets.ts";
import type { LinkAddress } from "../seams/link.ts";
import type { Core } from "./core.ts";
import { resume } from "./delivery.ts";
import { handleAdvertise, handleGwInfo, handleSearch } from "./discovery.ts";
import { complainOfFault } from "./frame-faults.ts";
import {
  handlePuback,
  handlePubcomp,
  handlePubrec,
  handleRegack,
} from "./handle-acknowledgement.ts";
import { handleConnect } from "./handle-connect.ts";
import { handleDisconnect } from "./handle-disconnect.ts";
import { handlePing } from "./handle-ping.ts";
import { handlePublish, handlePubrel } from "./handle-publish.ts";
import { handleRegister } from "./handle-register.ts";
import { handleSubscribe, handleUnsubscribe } from "./handle-subscribe.ts";
import { handleWillMessageUpdate, handleWillTopicUpdate } from "./handle-will-update.ts";
import type { LinkState } from "./link-state.ts";
import { heard } from "./node-state.ts";
import type { QosMinusOne } from "./qos-minus-one.ts";
import { settle } from "./sleep.ts";
import type { SnNode } from "./sn-node.ts";
import { answerUnknown } from "./unknown-sender.ts";
import { handleWillMsg, handleWillTopic } from "./will-dialogue.ts";

/** What a gateway takes from a node that has a connection. */
type NodeMessage = Exclude<
  SnMessage,
  {
    kind:
      | "advertise"
      | "searchgw"
      | "gwinfo"
      | "connect"
      | "connack"
      | "willtopicreq"
      | "willmsgreq"
      | "willtopicresp"
      | "willmsgresp"
      | "suback"
      | "unsuback"
      | "pingreq"
      | "disconnect"
      | "encapsulated";
  }
>;

export function dispatch(
  core: Core,
  qosMinusOne: QosMinusOne,
  link: LinkState,
  from: LinkAddress,
  message: SnMessage,
): void {
  switch (message.kind) {
    case "publish":
      if (message.qos === -1) handleQosMinusOne(core, qosMinusOne, link, from, message);
      else fromNode(core, link, from, message);
      return;
    case "searchgw":
      handleSearch(core, link, from, message);
      return;
    case "connect":
      handleConnect(core, link, from, message);
      return;
    case "pingreq":
      handlePing(core, link, from, message);
      return;
    case "disconnect":
      handleDisconnect(core, link, from, message);
      return;
    case "advertise":
      handleAdvertise(core, link, from, message);
      return;
    case "gwinfo":
      handleGwInfo(core, link, from, message);
      return;
    case "connack":
    case "willtopicreq":
    case "willmsgreq":
    case "willtopicresp":
    case "willmsgresp":
    case "suback":
    case "unsuback":
      // An answer to these could go back and forth between two gateways.
      complainOfFault(core, link, from, {
        cause: "direction",
        detail: `${message.kind.toUpperCase()} is not for a gateway`,
      });
      return;
    case "encapsulated":
      complainOfFault(core, link, from, {
        cause: "encapsulation",
        detail: "an encapsulated message in an encapsulated message",
      });
      return;
    default:
      fromNode(core, link, from, message);
  }
}

function handleQosMinusOne(
  core: Core,
  qosMinusOne: QosMinusOne,
  link: LinkState,
  from: LinkAddress,
  message: Publish,
): void {
  const node = link.nodes.get(from.key);
  if (node?.client !== undefined && node.dialogue === undefined) {
    fromConnected(node, from, message);
    return;
  }
  const why = qosMinusOne.publish(message, link.name, from);
  if (why === undefined) return;
  link.counters.dropped++;
  if (!link.complaints.allow(`${from.key} QoS -1`)) return;
  core.log.warn(`dropped a PUBLISH of QoS -1 from ${link.name}/${from.key}: ${why}`);
}

function fromNode(core: Core, link: LinkState, from: LinkAddress, message: NodeMessage): void {
  const node = link.nodes.get(from.key);
  if (node === undefined) answerUnknown(core, link, from);
  // It has no CONNACK yet, so that this is of before its CONNECT.
  else if (node.opening !== undefined) return;
  else if (node.dialogue === undefined) fromConnected(node, from, message);
  else if (message.kind === "willtopic") handleWillTopic(node, message);
  else if (message.kind === "willmsg") handleWillMsg(node, message);
}

function fromConnected(node: SnNode, from: LinkAddress, message: NodeMessage): void {
  heard(node);
  if (message.kind !== "willmsg") node.fresh = false;
  if (node.address === undefined) {
    // Heard for the first time since a restart.
    node.address = from;
    resume(node);
  }
  handle(node, message);
  settle(node);
}

function handle(node: SnNode, message: NodeMessage): void {
  switch (message.kind) {
    case "publish":
      handlePublish(node, message);
      return;
    case "puback":
      handlePuback(node, message);
      return;
    case "pubrec":
      handlePubrec(node, message);
      return;
    case "pubrel":
      handlePubrel(node, message);
      return;
    case "pubcomp":
      handlePubcomp(node, message);
      return;
    case "register":
      handleRegister(node, message);
      return;
    case "regack":
      handleRegack(node, message);
      return;
    case "subscribe":
      handleSubscribe(node, message);
      return;
    case "unsubscribe":
      handleUnsubscribe(node, message);
      return;
    case "willtopicupd":
      handleWillTopicUpdate(node, message);
      return;
    case "willmsgupd":
      handleWillMessageUpdate(node, message);
      return;
    case "willmsg":
      handleWillMsg(node, message);
      return;
    case "willtopic":
    case "pingresp":
      // The one is late, the other shows that the node lives; being heard is all there is to it.
      return;
  }
}
