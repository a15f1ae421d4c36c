/** The beginning and the end of a node's connection (MQTT-SN 1.2 §6.2, §6.3, §6.12). */
import type { ReasonCode } from "../mqtt/reason-codes.ts";
import { ReturnCode } from "../mqttsn/packets.ts";
import type { Leaving, Will } from "../seams/door.ts";
import { forget } from "./admission.ts";
import { resume, suspend } from "./delivery.ts";
import { isOut } from "./node-access.ts";
import { countDrop } from "./node-counts.ts";
import { tell } from "./node-log.ts";
import { changeState } from "./node-state.ts";
import { clearTopics } from "./node-topics.ts";
import { returnCodeOf } from "./return-codes.ts";
import { hostOfKey } from "./sender-host.ts";
import { named, placeOf, type SnNode } from "./sn-node.ts";
import { cancelTimer, supervise } from "./supervision.ts";
import { whenStored } from "./when-stored.ts";
import { leavePlace } from "./whereabouts.ts";
import { keepWill, mayPublishWill } from "./will-data.ts";

export interface Terms {
  /** Delete subscriptions, ids and will data first, and again at the end. */
  readonly clean: boolean;
  /** Seconds. */
  readonly keepAlive: number;
  readonly will: Will | undefined;
}

/** Connects the node, anew or again, and answers CONNACK. */
export function establish(node: SnNode, terms: Terms): void {
  const { clean } = terms;
  // The node itself came back: its former connection ends without a will.
  const again = node.client !== undefined;
  node.client?.leave("normal");
  endExchanges(node);
  if (isOut(node.identity?.rights)) {
    refuse(node, ReturnCode.notSupported, "access control does not let it in any more");
    return;
  }
  if (clean) clearTopics(node);
  // As in MQTT, a will that may not be published does not keep its owner out.
  mayPublishWill(node, terms.will);
  if (!keepWill(node, terms.will)) {
    refuse(node, ReturnCode.congestion, "no memory is left for its will");
    return;
  }
  const entered = enter(node, clean, clean);
  if (entered !== undefined) {
    refuseFor(node, entered);
    return;
  }
  const { client } = node;
  if (client?.whenAdmitted === undefined) {
    complete(node, terms, again);
    return;
  }
  node.opening = terms;
  client.whenAdmitted((refusal) => {
    if (node.client !== client || node.opening !== terms) return;
    node.opening = undefined;
    if (refusal === undefined) complete(node, terms, again);
    else refuseFor(node, refusal);
  });
}

function refuseFor(node: SnNode, reason: ReasonCode): void {
  refuse(node, returnCodeOf(reason), `the broker refuses it (0x${reason.toString(16)})`);
}

/** Stops waiting for another broker to let the node in. */
export function stopOpening(node: SnNode): void {
  if (node.opening === undefined) return;
  node.opening = undefined;
  node.client?.leave("normal");
  node.client = undefined;
}

/** The node is in. */
function complete(node: SnNode, terms: Terms, again: boolean): void {
  const { core } = node;
  const { clean, will } = terms;
  const endsKept = clean && node.established && !node.clean;
  node.established = true;
  node.clean = clean;
  node.keepAlive = terms.keepAlive;
  node.sleepDuration = 0;
  node.topics?.unconfirm();
  changeState(node, "active");
  core.records.putNode(node);
  const session = clean ? "clean session" : "kept session";
  const text = `${named(node)} joined at ${placeOf(node)}, ${session}, keep alive ${terms.keepAlive} s`;
  if (again) core.log.debug(text);
  else tell(node, "info", text);
  supervise(node);
  const welcome = (): void => {
    answerConnect(node);
    resume(node);
  };
  // From CONNACK on a node relies on its will, and on the end of what it had before.
  if (will !== undefined || endsKept) whenStored(node, welcome);
  else welcome();
}

export function answerConnect(node: SnNode): void {
  node.fresh = true;
  node.core.output.send(node, { kind: "connack", returnCode: ReturnCode.accepted });
}

/** Takes hold of the node's session; answers the reason where the broker refuses. */
export function enter(
  node: SnNode,
  cleanStart: boolean,
  clean = node.clean,
): ReasonCode | undefined {
  const { core } = node;
  const entry = core.door.enter(
    {
      clientId: node.clientId,
      cleanStart,
      // Also a session that ends with the connection is to survive a restart of ours.
      persistent: true,
      clean,
      origin: "mqtt-sn",
      remote: placeOf(node),
      link: node.link?.name,
      username: node.identity?.username,
      rights: node.identity?.rights,
      will: node.will,
      receiveMaximum: 1,
      queueQos0: core.options.queueQos0,
      room: core.room,
    },
    node,
  );
  if (!entry.ok) return entry.reason;
  node.client = entry.client;
  node.paused = true;
  node.redeliverDue = true;
  return undefined;
}

/** Answers CONNECT with a refusal; a connection that the node still had is over too. */
export function refuse(node: SnNode, returnCode: ReturnCode, why: string): void {
  const { core } = node;
  if (node.link?.complaints.allow(`${node.addressKey} connect`) === true) {
    core.log.warn(`${named(node)} at ${placeOf(node)} refused: ${why}`);
  }
  if (node.link !== undefined) node.link.counters.refused++;
  core.output.send(node, { kind: "connack", returnCode });
  if (node.established) end(node, "normal", "disconnected");
  else forget(node);
}

/** Ends what was under way on the connection; subscriptions and queue are the session's. */
function endExchanges(node: SnNode): void {
  node.client = undefined;
  node.opening = undefined;
  countDrop(node, "away", node.outbound?.held.filter((held) => held.qos === 0).length ?? 0);
  node.outbound = undefined;
  node.pending = undefined;
  node.dialogue = undefined;
  node.fresh = false;
  node.paused = true;
  node.redeliverDue = true;
}

/** Ends the connection; the session stays unless it is clean. */
export function end(node: SnNode, how: Leaving, state: "lost" | "disconnected"): void {
  const { core, client } = node;
  if (client !== undefined) node.buffered = node.clean ? 0 : client.backlog;
  endExchanges(node);
  client?.leave(how);
  if (node.clean) {
    core.door.forget(node.clientId);
    clearTopics(node);
    keepWill(node, undefined);
  }
  leavePlace(node);
  cancelTimer(node);
  changeState(node, state);
  core.records.putNode(node);
}

/** Gives the node up: its will is published, its messages stay queued. */
export function lose(node: SnNode, why: string): void {
  tell(node, "warn", `${named(node)} at ${placeOf(node)} lost: ${why}`);
  end(node, "lost", "lost");
}

/** Has a connected node that no rules were asked about keep to those that there are now. */
export function giveRights(node: SnNode): void {
  const { core, clientId, client, link, identity, address, addressKey } = node;
  if (client === undefined || link === undefined || identity?.rights !== undefined) return;
  if (!core.access.hasRulesOn(link.name)) return;
  const from = address ?? { key: addressKey, host: hostOfKey(addressKey) };
  core.access.admit(clientId, link.name, from, (admission) => {
    if (node.client !== client) return;
    if ("refused" in admission) {
      putOut(node, "access control does not let it in any more");
      return;
    }
    node.identity = admission;
    suspend(node);
    client.leave("normal");
    const refusal = enter(node, false);
    if (refusal !== undefined) putOut(node, `the broker refuses it (0x${refusal.toString(16)})`);
    else resume(node);
  });
}

/** Somebody does not want the node here any more: its will is published. */
export function putOut(node: SnNode, why: string): void {
  const { core } = node;
  core.log.notice(`${named(node)} at ${placeOf(node)} put out: ${why}`);
  core.output.send(node, { kind: "disconnect", duration: undefined });
  if (node.established) end(node, "lost", "disconnected");
  else forget(node);
}

/** The session was taken by another client of the same identifier, or by an operator. */
export function evict(node: SnNode, reason: ReasonCode): void {
  const { core } = node;
  const text = reason.toString(16).padStart(2, "0");
  core.log.warn(`${named(node)} at ${placeOf(node)} put out by the broker (0x${text})`);
  core.output.send(node, { kind: "disconnect", duration: undefined });
  end(node, "normal", "disconnected");
}
