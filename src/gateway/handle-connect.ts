/** CONNECT (MQTT-SN 1.2 §6.2, §6.3). */
import { type Connect, ReturnCode } from "../mqttsn/packets.ts";
import type { LinkAddress } from "../seams/link.ts";
import { admit, objection } from "./admission.ts";
import { answerConnect, establish } from "./connection.ts";
import type { Core } from "./core.ts";
import type { LinkState } from "./link-state.ts";
import { heard } from "./node-state.ts";
import type { SnNode } from "./sn-node.ts";
import { putAt } from "./whereabouts.ts";
import { startDialogue } from "./will-dialogue.ts";

export function handleConnect(
  core: Core,
  link: LinkState,
  from: LinkAddress,
  message: Connect,
): void {
  const { clientId, cleanSession: clean, duration: keepAlive } = message;
  const why = objection(core, message);
  if (why !== undefined) {
    refuse(core, link, from, ReturnCode.notSupported, why);
    return;
  }
  const node = core.nodes.get(clientId) ?? admit(core, clientId);
  if (node === undefined) {
    refuse(core, link, from, ReturnCode.congestion, "no room for another node");
    return;
  }
  if (isRepetition(node, link, from, message)) {
    heard(node);
    answerConnect(node);
    return;
  }
  putAt(node, link, from);
  heard(node);
  if (message.will) {
    startDialogue(node, clean, keepAlive);
  } else {
    establish(node, { clean, keepAlive, will: clean ? undefined : node.will });
  }
}

/** The same CONNECT again, with nothing heard in between: its CONNACK was lost. */
function isRepetition(node: SnNode, link: LinkState, from: LinkAddress, message: Connect): boolean {
  return (
    node.fresh &&
    !message.will &&
    node.state === "active" &&
    link.nodes.get(from.key) === node &&
    node.clean === message.cleanSession &&
    node.keepAlive === message.duration
  );
}

function refuse(
  core: Core,
  link: LinkState,
  from: LinkAddress,
  returnCode: number,
  why: string,
): void {
  if (link.complaints.allow(`${from.key} connect`)) {
    core.log.warn(`CONNECT from ${link.name}/${from.key} refused: ${why}`);
  }
  core.output.sendTo(link, from, { kind: "connack", returnCode });
}
