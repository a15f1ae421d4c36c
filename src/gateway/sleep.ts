/** Sleeping nodes (MQTT-SN 1.2 §6.14): asleep, awake for what was buffered, asleep again. */
import { proceed, repeat, sentJustNow, suspend } from "./delivery.ts";
import { tell } from "./node-log.ts";
import { changeState } from "./node-state.ts";
import { named, type SnNode } from "./sn-node.ts";
import { supervise } from "./supervision.ts";
import { whenStored } from "./when-stored.ts";

/** DISCONNECT with a duration (s): messages are buffered from here on. */
export function fallAsleep(node: SnNode, duration: number): void {
  const { core } = node;
  goToSleep(node, duration);
  // A power cut before that would leave a gateway that takes the node to be listening.
  whenStored(node, () => {
    // One that has woken had the answer to an earlier copy, and would take this for a refusal.
    if (node.state !== "asleep") return;
    core.output.send(node, { kind: "disconnect", duration: undefined });
  });
}

/** The node sleeps for so long (s), as it has been told already that it may. */
export function goToSleep(node: SnNode, duration: number): void {
  const { core } = node;
  const news = node.state === "active";
  suspend(node);
  node.sleepDuration = duration;
  changeState(node, "asleep");
  core.records.putNode(node);
  supervise(node);
  const text = `${named(node)} asleep for ${duration} s`;
  if (news) tell(node, "info", text);
  else core.log.debug(text);
}

/** PINGREQ of a node that sleeps: it gets what was buffered, then PINGRESP. */
export function wake(node: SnNode): void {
  const { core, client, outbound } = node;
  if (client === undefined) return;
  core.log.debug(`${named(node)} awake, ${client.backlog} messages buffered`);
  if (client.backlog === 0 && outbound === undefined) {
    core.output.send(node, { kind: "pingresp" });
    return;
  }
  node.fetched = 0;
  changeState(node, "awake");
  supervise(node);
  proceed(node);
}

/** PINGREQ again of a node that is awake: what it was sent last did not reach it. */
export function wakeAgain(node: SnNode): void {
  const { outbound } = node;
  if (outbound === undefined) return;
  // Two copies on their way could overtake each other, and the second one pass for a new message.
  if (!sentJustNow(node, outbound)) repeat(node, outbound);
}

/** Lets an awake node go once it has everything, or as much as one waking may bring. */
export function settle(node: SnNode): void {
  if (node.state !== "awake") return;
  proceed(node);
  const { client, outbound } = node;
  if (outbound !== undefined && (outbound.step !== "idle" || outbound.held.length > 0)) return;
  const enough = node.fetched >= node.core.options.awakeMessages;
  if (enough || client === undefined || client.backlog === 0) backToSleep(node);
}

/** Ends a waking with PINGRESP. */
export function backToSleep(node: SnNode): void {
  fallBackAsleep(node);
  node.core.output.send(node, { kind: "pingresp" });
}

/** Ends a waking in which the node stopped answering: it may long be asleep. */
export function fallBackAsleep(node: SnNode): void {
  suspend(node);
  changeState(node, "asleep");
  supervise(node);
}
