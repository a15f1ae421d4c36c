/** CONNECT (MQTT-SN 1.2 §6.2, §6.3). */
import { type Connect, ReturnCode } from "../mqttsn/packets.ts";
import type { LinkAddress } from "../seams/link.ts";
import { admit, hasRoomOn, objection } from "./admission.ts";
import { answerConnect, establish, stopOpening } from "./connection.ts";
import type { Core } from "./core.ts";
import type { LinkState } from "./link-state.ts";
import type { NodeAdmission } from "./node-access.ts";
import { heard } from "./node-state.ts";
import { returnCodeOf } from "./return-codes.ts";
import { namedStranger, type SnNode } from "./sn-node.ts";
import { putAt } from "./whereabouts.ts";
import { startDialogue } from "./will-dialogue.ts";

/** A CONNECT whose node access control is asked about. */
export interface PendingConnect {
  readonly link: LinkState;
  readonly from: LinkAddress;
  readonly message: Connect;
}

export function handleConnect(
  core: Core,
  link: LinkState,
  from: LinkAddress,
  message: Connect,
): void {
  const why = objection(core, message);
  if (why !== undefined) {
    refuse(core, link, from, ReturnCode.notSupported, why);
    return;
  }
  const { clientId } = message;
  const node = core.nodes.get(clientId);
  if (node !== undefined) {
    if (isRepetition(node, link, from, message)) {
      heard(node);
      answerConnect(node);
      return;
    }
    if (!core.limits.allowsConnect(link, from, node)) return;
  }
  const verdict = core.admission.decide(clientId, link.name, from);
  if (!verdict.admitted) {
    const { returnCode, why: reason } = verdict;
    const text = reason === undefined ? undefined : `${namedStranger(clientId)} ${reason}`;
    refuse(core, link, from, returnCode, text);
    return;
  }
  if (!hasRoomOn(core, link, from, node)) {
    refuse(core, link, from, ReturnCode.congestion, `no room for another node on ${link.name}`);
    return;
  }
  askAccess(core, { link, from, message });
}

/** Only the latest CONNECT of a ClientId is carried out when the answer is there. */
function askAccess(core: Core, connect: PendingConnect): void {
  const { connecting } = core;
  const { link, from, message } = connect;
  const { clientId } = message;
  const isAsked = connecting.get(clientId)?.link === link;
  if (!isAsked && connecting.size >= core.options.maxNodes) {
    refuse(core, link, from, ReturnCode.congestion, "too many nodes connect at a time");
    return;
  }
  connecting.set(clientId, connect);
  if (isAsked) return;
  core.access.admit(clientId, link.name, from, (admission) => {
    const latest = connecting.get(clientId);
    // Else it came by another link meanwhile, for which access control is asked apart.
    if (latest === undefined || latest.link !== link) return;
    connecting.delete(clientId);
    if (link.link !== undefined) proceed(core, latest, admission);
  });
}

function proceed(
  core: Core,
  { link, from, message }: PendingConnect,
  admission: NodeAdmission,
): void {
  const { clientId, cleanSession: clean, duration: keepAlive } = message;
  if ("refused" in admission) {
    const code = admission.refused.toString(16);
    const why = `access control refuses ${namedStranger(clientId)} (0x${code})`;
    refuse(core, link, from, returnCodeOf(admission.refused), why);
    return;
  }
  const node = core.nodes.get(clientId) ?? admit(core, clientId);
  if (node === undefined) {
    refuse(core, link, from, ReturnCode.congestion, "no room for another node");
    return;
  }
  putAt(node, link, from);
  heard(node);
  node.identity = admission;
  if (message.will) {
    stopOpening(node);
    startDialogue(node, clean, keepAlive);
  } else if (node.opening?.clean !== clean || node.opening.keepAlive !== keepAlive) {
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
  returnCode: ReturnCode,
  why: string | undefined,
): void {
  link.counters.refused++;
  if (why !== undefined && link.complaints.allow(`${from.key} connect`)) {
    core.log.warn(`CONNECT from ${link.name}/${from.key} refused: ${why}`);
  }
  core.output.sendTo(link, from, { kind: "connack", returnCode });
}
