/**
 * PINGREQ, with which active nodes show that they live (MQTT-SN 1.2 §6.11) and sleeping ones ask
 * for their messages (§6.14).
 */
import type { PingReq } from "../mqttsn/packets.ts";
import type { LinkAddress } from "../seams/link.ts";
import { hasRoomOn } from "./admission.ts";
import type { Core } from "./core.ts";
import { resume } from "./delivery.ts";
import type { LinkState } from "./link-state.ts";
import { heard } from "./node-state.ts";
import { goToSleep, settle, wake, wakeAgain } from "./sleep.ts";
import type { SnNode } from "./sn-node.ts";
import { answerUnknown } from "./unknown-sender.ts";
import { putAt } from "./whereabouts.ts";

export function handlePing(core: Core, link: LinkState, from: LinkAddress, message: PingReq): void {
  const { clientId } = message;
  const node = clientId === undefined ? link.nodes.get(from.key) : core.nodes.get(clientId);
  if (node === undefined || (node.client === undefined && node.dialogue === undefined)) {
    answerUnknown(core, link, from);
    return;
  }
  // Asked for its will, a node answers nothing else before that; nor does one that is not in yet.
  if (node.dialogue !== undefined || node.opening !== undefined) return;
  if (node.link !== link && !mayMoveTo(node, link, from)) {
    answerUnknown(core, link, from);
    return;
  }
  const asleepFor = link.sleepWishes.take(from.key);
  putAt(node, link, from);
  heard(node);
  node.fresh = false;
  // It said so from here while the gateway still took it to be elsewhere.
  const slept = clientId !== undefined && asleepFor !== undefined && node.state === "active";
  if (slept) goToSleep(node, asleepFor);
  switch (node.state) {
    case "asleep":
      wake(node);
      break;
    case "awake":
      wakeAgain(node);
      break;
    default:
      core.output.send(node, { kind: "pingresp" });
      resume(node);
  }
  settle(node);
}

/** Whether the node may be on another link just so; else it has to connect there. */
function mayMoveTo(node: SnNode, link: LinkState, from: LinkAddress): boolean {
  const { core, clientId } = node;
  return (
    core.access.isSameOn(node.link?.name ?? "", link.name) &&
    core.admission.admits(clientId, link.name) &&
    hasRoomOn(core, link, from, node)
  );
}
