/** What must fit together of links, and of the nodes that may come in by them. */
import { isIP, isIPv6 } from "node:net";
import type { Finds, Source } from "./findings.ts";
import type { SettledParts } from "./settle.ts";
import { quote } from "./show-value.ts";

export function checkNodes(parts: SettledParts, { isGiven }: Source, finds: Finds): void {
  const links = new Set(parts.link.map(({ value }) => value.name));
  for (const { index, value } of parts.node) {
    if (value.link === "" || links.has(value.link)) continue;
    const message = `there is no link ${quote(value.link)}`;
    finds.errors.push({ at: ["node", index, "link"], message });
  }
  checkUse(parts, finds);
  checkLinkPlugins(parts, finds);
  for (const [number, entry] of parts.gateway?.qos_minus_one_from.entries() ?? []) {
    if (links.has(entry) || isAddressOrRange(entry)) continue;
    const message = `${quote(entry)} is neither a link nor an IP address: it is taken for an address as logs show it`;
    finds.warnings.push({ at: ["gateway", "qos_minus_one_from", number], message });
  }
  if (parts.gateway?.enabled === false && isGiven(["node"])) {
    finds.warnings.push({ at: ["node"], message: "has no effect while the gateway is off" });
  }
}

/** Modes that let nobody in. */
function checkUse({ link, node, gateway }: SettledParts, finds: Finds): void {
  if (gateway === undefined || !gateway.enabled) return;
  const known = link.find(({ value }) => value.admission === "known");
  if (node.length > 0 || known === undefined) return;
  const message = 'with "known" no node can connect, as there is no [[node]] section';
  finds.warnings.push({ at: ["link", known.index, "admission"], message });
}

function checkLinkPlugins({ link, plugin }: SettledParts, finds: Finds): void {
  const names = new Set(plugin.map(({ value }) => value.name));
  for (const { index, value } of link) {
    for (const [number, name] of value.plugins.entries()) {
      if (names.has(name)) continue;
      const message = `there is no plugin ${quote(name)}`;
      finds.errors.push({ at: ["link", index, "plugins", number], message });
    }
  }
}

function isAddressOrRange(text: string): boolean {
  const [address = "", bits, ...more] = text.split("/");
  if (isIP(address) === 0 || more.length > 0) return false;
  if (bits === undefined) return true;
  return /^\d{1,3}$/.test(bits) && Number(bits) <= (isIPv6(address) ? 128 : 32);
}
