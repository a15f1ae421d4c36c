/** Which ClientIds become nodes, and how nodes are forgotten. */
import { utf8Length } from "../bytes/utf8.ts";
import type { Connect } from "../mqttsn/packets.ts";
import type { LinkAddress } from "../seams/link.ts";
import { stopOpening } from "./connection.ts";
import type { Core } from "./core.ts";
import type { LinkState } from "./link-state.ts";
import { clearTopics } from "./node-topics.ts";
import { named, type SnNode } from "./sn-node.ts";
import { cancelTimer } from "./supervision.ts";
import { leavePlace } from "./whereabouts.ts";
import { keepWill } from "./will-data.ts";

/** The only protocol there is: version 1.2 (MQTT-SN 1.2 §5.3.8). */
const PROTOCOL_ID = 1;
/** §5.3.1 */
const LONGEST_CLIENT_ID = 23;

/** Why a CONNECT cannot be accepted at all, in words; undefined where it can. */
export function objection(core: Core, message: Connect): string | undefined {
  if (message.protocolId !== PROTOCOL_ID) return `unknown ProtocolId ${message.protocolId}`;
  if (message.clientId === "") return "empty ClientId";
  const { strictClientId } = core.options;
  if (strictClientId && utf8Length(message.clientId) > LONGEST_CLIENT_ID) {
    return `ClientId of more than ${LONGEST_CLIENT_ID} octets`;
  }
  return undefined;
}

/** Whether a node may come to a link, as far as the link's own bound goes. */
export function hasRoomOn(
  core: Core,
  link: LinkState,
  from: LinkAddress,
  node: SnNode | undefined,
): boolean {
  const most = core.options.links.get(link.name)?.maxNodes;
  if (most === undefined || link.nodes.size < most) return true;
  // It is counted already, or takes the place of one that is.
  if (link.nodes.has(from.key)) return true;
  return node !== undefined && link.nodes.get(node.addressKey) === node;
}

/** A new node; undefined where there is no room for one. */
export function admit(core: Core, clientId: string): SnNode | undefined {
  if (core.nodes.full) {
    const gone = core.nodes.oldestGone;
    if (gone === undefined) return undefined;
    core.log.debug(`${named(gone)} forgotten to make room for another`);
    forget(gone);
  }
  if (!core.memory.take(clientId.length)) return undefined;
  return core.nodes.add(core, clientId);
}

/** Forgets a node that is not connected, with the session it left. */
export function forget(node: SnNode): void {
  const { core } = node;
  // One that never got in may wait for that still.
  stopOpening(node);
  leavePlace(node);
  cancelTimer(node);
  clearTopics(node);
  keepWill(node, undefined);
  node.dialogue = undefined;
  core.memory.give(node.clientId.length);
  core.nodes.delete(node);
  // Nodes that never got as far as a state were never recorded or reported either.
  if (!node.established) return;
  core.door.forget(node.clientId);
  core.records.deleteNode(node.clientId);
  core.reports.forgotten(node);
}
