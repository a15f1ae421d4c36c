/** DISCONNECT from a node, for good or to sleep (MQTT-SN 1.2 §6.12, §6.14). */
import type { Disconnect } from "../mqttsn/packets.ts";
import type { LinkAddress } from "../seams/link.ts";
import { forget } from "./admission.ts";
import { end } from "./connection.ts";
import type { Core } from "./core.ts";
import type { LinkState } from "./link-state.ts";
import { tell } from "./node-log.ts";
import { heard } from "./node-state.ts";
import { fallAsleep } from "./sleep.ts";
import { named, placeOf } from "./sn-node.ts";
import { patience } from "./supervision.ts";
import { answerUnknown } from "./unknown-sender.ts";

export function handleDisconnect(
  core: Core,
  link: LinkState,
  from: LinkAddress,
  message: Disconnect,
): void {
  const node = link.nodes.get(from.key);
  const { duration } = message;
  if (node === undefined) {
    if (duration !== undefined && duration > 0) {
      link.sleepWishes.note(from.key, duration, patience(duration));
    }
    answerUnknown(core, link, from);
    return;
  }
  node.address ??= from;
  heard(node);
  node.fresh = false;
  // A sleep of no length is none.
  const isIn = node.dialogue === undefined && node.opening === undefined;
  if (duration !== undefined && duration > 0 && isIn) {
    fallAsleep(node, duration);
    return;
  }
  core.output.send(node, { kind: "disconnect", duration: undefined });
  if (!node.established) {
    forget(node);
    return;
  }
  tell(node, "info", `${named(node)} at ${placeOf(node)} disconnected`);
  end(node, "normal", "disconnected");
}
