/** What must fit together between options that are each right in themselves. */
import { hostname } from "node:os";
import { checkBridge } from "./bridge-checks.ts";
import { bridgeClientIds } from "./bridge-client-ids.ts";
import type { CrossFindings, Finds, Source } from "./findings.ts";
import { checkLinks } from "./link-checks.ts";
import {
  checkListener,
  checkPaths,
  checkPlugins,
  checkWhoComesIn,
  clash,
  type ServerSocket,
} from "./listener-checks.ts";
import { checkNodes } from "./node-checks.ts";
import { predefinedConflicts } from "./predefined-conflicts.ts";
import type { BridgeConfig } from "./schema.ts";
import type { SettledParts } from "./settle.ts";
import { quote } from "./show-value.ts";
import { checkUpstream } from "./upstream-checks.ts";
import type { Placed } from "./validate.ts";

export function crossCheck(parts: SettledParts, source: Source): CrossFindings {
  const finds: Finds = { errors: [], warnings: [] };
  checkPorts(tcpSockets(parts), "TCP", source, finds);
  checkPorts(udpSockets(parts), "UDP", source, finds);
  checkPaths(parts.listener, source, finds);
  checkNames(parts.listener, "listener", source, finds);
  checkNames(parts.link, "link", source, finds);
  checkNames(parts.bridge, "bridge", source, finds);
  for (const { index, value } of parts.listener) {
    checkListener(value, ["listener", index], source, finds);
  }
  checkWhoComesIn(parts.listener, parts.http, finds);
  checkPlugins(parts.plugin, parts.listener, finds);
  checkAccess(parts, finds);
  checkNodes(parts, source, finds);
  checkLinks(parts, source, finds);
  checkUpstream(parts, finds);
  checkPredefinedTopics(parts, source, finds);
  for (const { index, value } of parts.bridge) checkBridge(value, ["bridge", index], finds);
  checkLocalClientIds(parts.bridge, source, finds);
  return finds;
}

function tcpSockets(parts: SettledParts): ServerSocket[] {
  const listeners = parts.listener.filter(({ value }) => value.path === "");
  const sockets = listeners.map(({ index, value }): ServerSocket => {
    const { port, address, bind_interface, socket_domain } = value;
    const at = ["listener", index];
    return { at, port, address, optional: false, bind_interface, socket_domain };
  });
  const { http } = parts;
  if (http?.enabled) sockets.push({ ...http, at: ["http"] });
  return sockets;
}

function udpSockets(parts: SettledParts): ServerSocket[] {
  if (parts.gateway?.enabled === false) return [];
  const links = parts.link.filter(({ value }) => value.type === "udp");
  return links.map(({ index, value }): ServerSocket => {
    const { port, address, optional } = value;
    // "::" stands for IPv6 alone here.
    const socket_domain = address === "::" ? "ipv6" : undefined;
    return { at: ["link", index], port, address, optional, socket_domain };
  });
}

function checkPorts(
  sockets: readonly ServerSocket[],
  protocol: string,
  { isGiven, nameOf }: Source,
  finds: Finds,
): void {
  const byPort = Map.groupBy(sockets, (socket) => socket.port);
  for (const [port, group] of byPort) {
    for (const later of group) {
      const earlier = group.find((one) => one === later || clash(one, later));
      if (earlier === undefined || earlier === later) continue;
      const givenLater = [...later.at, "port"];
      const swap = !isGiven(givenLater) && isGiven([...earlier.at, "port"]);
      const [blamed, other] = swap ? [earlier, later] : [later, earlier];
      const message = `${protocol} port ${port} is taken by ${nameOf(other.at)} already`;
      const kind = earlier.optional || later.optional ? finds.warnings : finds.errors;
      kind.push({ at: [...blamed.at, "port"], message });
    }
  }
}

/** Options about dynamic security do nothing where nobody uses it. */
function checkAccess({ access, listener, link }: SettledParts, finds: Finds): void {
  if (access === undefined) return;
  const ways = [...listener, ...link];
  const used = access.dynamic_security || ways.some(({ value }) => value.dynamic_security);
  for (const key of ["dynamic_security_import", "dynamic_security_password_init_file"] as const) {
    if (access[key] === "" || used) continue;
    finds.warnings.push({ at: ["access", key], message: "has no effect without dynamic_security" });
  }
}

function checkNames(
  items: readonly Placed<{ readonly name: string }>[],
  section: string,
  { isGiven, nameOf }: Source,
  finds: Finds,
): void {
  const seen = new Map<string, number>();
  for (const { index, value } of items) {
    // Automatic names are kept apart by other means.
    if (!isGiven([section, index, "name"])) continue;
    const first = seen.get(value.name);
    if (first === undefined) {
      seen.set(value.name, index);
    } else {
      const message = `${quote(value.name)} is the name of ${nameOf([section, first])} already`;
      finds.errors.push({ at: [section, index, "name"], message });
    }
  }
}

function checkPredefinedTopics(parts: SettledParts, { nameOf }: Source, finds: Finds): void {
  const placed = parts.predefined_topic.map(({ index, value }) => ({
    topic: value,
    place: nameOf(["predefined_topic", index]),
    line: 0,
  }));
  for (const { at, message } of predefinedConflicts(placed)) {
    const index = parts.predefined_topic[at]?.index ?? at;
    finds.errors.push({ at: ["predefined_topic", index, "id"], message });
  }
}

/** Two bridges with one client id here would throw each other out. */
function checkLocalClientIds(
  bridges: readonly Placed<BridgeConfig>[],
  { nameOf }: Source,
  finds: Finds,
): void {
  const seen = new Map<string, number>();
  for (const { index, value } of bridges) {
    const { local } = bridgeClientIds(value, hostname());
    const first = seen.get(local);
    if (first === undefined) {
      seen.set(local, index);
      continue;
    }
    // Bridges of one name are told of already.
    if (bridges.some((other) => other.index === first && other.value.name === value.name)) continue;
    const message = `client id ${quote(local)} is that of ${nameOf(["bridge", first])} already`;
    finds.errors.push({ at: ["bridge", index, "local_client_id"], message });
  }
}
