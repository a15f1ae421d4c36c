/**
 * Frames that are no message for a gateway: dropped, counted, and logged once per address and
 * minute.
 */
import type { SnFault } from "../mqttsn/packets.ts";
import type { LinkAddress } from "../seams/link.ts";
import type { Core } from "./core.ts";
import type { LinkState } from "./link-state.ts";

export function complainOfFault(
  core: Core,
  link: LinkState,
  from: LinkAddress,
  { cause, detail }: Pick<SnFault, "cause" | "detail">,
): void {
  link.countFault(cause);
  if (!link.complaints.allow(from.key)) return;
  const who = link.nodes.get(from.key)?.clientId;
  const node = who === undefined ? "" : ` (node ${JSON.stringify(who)})`;
  core.log.warn(`dropped a frame from ${link.name}/${from.key}${node}: ${detail}`);
}
