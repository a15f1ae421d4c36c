/** Messages from addresses where no node is (MQTT-SN 1.2 §6.12). */
import type { LinkAddress } from "../seams/link.ts";
import type { Core } from "./core.ts";
import type { LinkState } from "./link-state.ts";

/** DISCONNECT tells the sender to connect, but not more often than it can make use of. */
export function answerUnknown(core: Core, link: LinkState, from: LinkAddress): void {
  link.counters.unknownSenders++;
  if (!link.unknownSenders.allow(from.key)) return;
  core.output.sendTo(link, from, { kind: "disconnect", duration: undefined });
}
