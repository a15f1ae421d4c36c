/**
 * A node's deadlines: its keep alive or sleep timer, what it has to answer, its will. One timer per
 * node serves them all and is set anew only when it runs, so that messages cost no timer work.
 */
import { lose } from "./connection.ts";
import { retry, suspend } from "./delivery.ts";
import { backToSleep, fallBackAsleep } from "./sleep.ts";
import { named, placeOf, type SnNode } from "./sn-node.ts";
import { retryDialogue } from "./will-dialogue.ts";

const NEVER = Number.POSITIVE_INFINITY;

/**
 * How long a node of this keep alive or sleep duration (s) may be silent, ms (MQTT-SN 1.2 §7.2).
 */
export function patience(duration: number): number {
  return duration * (duration > 60 ? 1100 : 1500);
}

/** When silence has to be looked at next, monotonic ms. */
function silentAt(node: SnNode): number {
  const { lastHeard, core } = node;
  switch (node.state) {
    case "active":
      if (node.keepAlive === 0) return NEVER;
      if (core.options.probe && !node.probed) return lastHeard + node.keepAlive * 1000;
      return lastHeard + patience(node.keepAlive);
    case "asleep":
      return lastHeard + patience(node.sleepDuration);
    case "awake":
      return lastHeard + awakeTime(node);
    case "lost":
    case "disconnected":
      return NEVER;
  }
}

/** How long a node that woke may be silent: as long as one answer may take. */
function awakeTime(node: SnNode): number {
  const link = node.link?.link;
  return link === undefined ? 0 : link.retryInterval * (link.retryLimit + 1);
}

function nextDeadline(node: SnNode): number {
  if (node.dialogue !== undefined) return node.dialogue.retryAt;
  if (node.client === undefined) return NEVER;
  return Math.min(silentAt(node), node.outbound?.retryAt ?? NEVER);
}

/** Sees to it that the timer runs by `deadline`, monotonic ms; it may run earlier. */
export function schedule(node: SnNode, deadline: number): void {
  if (node.timer !== undefined) {
    if (node.timerAt <= deadline) return;
    node.timer.cancel();
  }
  node.timerAt = deadline;
  node.timer = node.core.scheduler.at(deadline, node.onTimer);
}

/** Sees to it that the timer runs by the node's next deadline. */
export function supervise(node: SnNode): void {
  const deadline = nextDeadline(node);
  if (deadline !== NEVER) schedule(node, deadline);
}

export function cancelTimer(node: SnNode): void {
  node.timer?.cancel();
  node.timer = undefined;
}

export function nodeTimer(node: SnNode): void {
  node.timer = undefined;
  const now = node.core.clock.now();
  if (node.dialogue !== undefined) {
    if (now >= node.dialogue.retryAt) retryDialogue(node, node.dialogue);
  } else {
    const { outbound } = node;
    if (outbound !== undefined && now >= outbound.retryAt && !retry(node, outbound)) {
      // What the node did not acknowledge stays for when it is back.
      if (node.state === "awake") fallBackAsleep(node);
      else if (node.storedLastSeen !== undefined) waitUntilHeard(node);
      else lose(node, "does not answer");
    }
    if (now >= silentAt(node)) silent(node, now);
  }
  supervise(node);
}

/** Not heard since the start, it may have moved: what is for it waits until it speaks. */
function waitUntilHeard(node: SnNode): void {
  node.core.log.debug(`${named(node)} is no longer at ${placeOf(node)}, or does not listen`);
  suspend(node);
  node.address = undefined;
}

function silent(node: SnNode, now: number): void {
  const { core } = node;
  if (node.state === "awake") {
    backToSleep(node);
    if (now < silentAt(node)) return;
  }
  if (node.state === "active" && !node.probed && core.options.probe) {
    node.probed = true;
    core.output.send(node, { kind: "pingreq", clientId: undefined });
    if (now < silentAt(node)) return;
  }
  const [what, duration] =
    node.state === "active"
      ? ["keep alive", node.keepAlive]
      : ["sleep duration", node.sleepDuration];
  lose(node, `silent for more than its ${what} of ${duration} s`);
}
