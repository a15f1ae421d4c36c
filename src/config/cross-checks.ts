/** What must fit together between options that are each right in themselves. */
import { hostname } from "node:os";
import { isTopicFilter } from "../topics/names.ts";
import { isLoopback, overlaps } from "./addresses.ts";
import { bridgeClientIds } from "./bridge-client-ids.ts";
import type { KeyPath } from "./key-path.ts";
import type { BridgeConfig, BridgeTopicConfig } from "./schema.ts";
import { quote } from "./show-value.ts";
import type { Finding, Placed, ValidParts } from "./validate.ts";

export interface CrossFindings {
  readonly errors: readonly Finding[];
  readonly warnings: readonly Finding[];
}

interface Finds {
  readonly errors: Finding[];
  readonly warnings: Finding[];
}

/** What the file tells about a section. */
export interface Source {
  /** The user wrote this, so that it is no default: that one is to blame for a clash. */
  readonly isGiven: (at: KeyPath) => boolean;
  /** What the user calls a section. */
  readonly nameOf: (at: KeyPath) => string;
}

export function crossCheck(parts: ValidParts, source: Source): CrossFindings {
  const finds: Finds = { errors: [], warnings: [] };
  checkPorts(tcpSockets(parts), "TCP", source, finds);
  checkPorts(udpSockets(parts), "UDP", source, finds);
  checkNames(parts.listener, "listener", source, finds);
  checkNames(parts.link, "link", source, finds);
  checkNames(parts.bridge, "bridge", source, finds);
  checkAnonymous(parts, finds);
  checkPredefinedTopics(parts, source, finds);
  for (const { index, value } of parts.bridge) checkBridge(value, ["bridge", index], finds);
  checkLocalClientIds(parts.bridge, source, finds);
  return finds;
}

interface Socket {
  readonly at: KeyPath;
  readonly port: number;
  readonly address: string;
  readonly optional: boolean;
}

function tcpSockets(parts: ValidParts): Socket[] {
  const sockets = parts.listener.map(({ index, value }): Socket => {
    const { port, address } = value;
    return { at: ["listener", index], port, address, optional: false };
  });
  const { http } = parts;
  if (http?.enabled) sockets.push({ ...http, at: ["http"] });
  return sockets;
}

function udpSockets(parts: ValidParts): Socket[] {
  if (parts.gateway?.enabled === false) return [];
  return parts.link.map(({ index, value }): Socket => {
    const { port, address, optional } = value;
    return { at: ["link", index], port, address, optional };
  });
}

function checkPorts(
  sockets: readonly Socket[],
  protocol: string,
  { isGiven, nameOf }: Source,
  finds: Finds,
): void {
  const byPort = Map.groupBy(sockets, (socket) => socket.port);
  for (const [port, group] of byPort) {
    for (const later of group) {
      const earlier = group.find((one) => one === later || overlaps(one.address, later.address));
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

function checkAnonymous(parts: ValidParts, finds: Finds): void {
  const nobody = "no client can connect: allow_anonymous is false, and no users are configured";
  for (const { index, value } of parts.listener) {
    if (value.allow_anonymous) continue;
    finds.warnings.push({ at: ["listener", index, "allow_anonymous"], message: nobody });
  }
  const { http } = parts;
  if (http?.enabled && !http.allow_anonymous && !isLoopback(http.address)) {
    finds.warnings.push({ at: ["http", "allow_anonymous"], message: nobody });
  }
}

function checkPredefinedTopics(parts: ValidParts, { nameOf }: Source, finds: Finds): void {
  const seen = new Map<string, number>();
  for (const { index, value } of parts.predefined_topic) {
    const key = `${value.id} ${value.node}`;
    const first = seen.get(key);
    if (first === undefined) {
      seen.set(key, index);
      continue;
    }
    const who = value.node === "" ? "all nodes" : `node ${quote(value.node)}`;
    const earlier = nameOf(["predefined_topic", first]);
    const message = `topic id ${value.id} is defined for ${who} by ${earlier} already`;
    finds.errors.push({ at: ["predefined_topic", index, "id"], message });
  }
}

function checkBridge(bridge: BridgeConfig, at: KeyPath, finds: Finds): void {
  if (bridge.topic.length === 0) {
    finds.warnings.push({ at, message: "the bridge shares nothing: it has no topics" });
  }
  if (bridge.password !== "" && bridge.username === "") {
    finds.errors.push({ at: [...at, "password"], message: "a password needs a username" });
  }
  if (bridge.restart_timeout_cap < bridge.restart_timeout) {
    const message = `must not be below restart_timeout, which is ${bridge.restart_timeout}`;
    finds.errors.push({ at: [...at, "restart_timeout_cap"], message });
  }
  if (bridge.notifications && bridge.notification_topic === "" && /[+#]/.test(bridge.client_id)) {
    const message = "with + or # in it, no topic can be made of it: set notification_topic";
    finds.errors.push({ at: [...at, "client_id"], message });
  }
  for (const [index, topic] of bridge.topic.entries()) {
    const message = mappingFault(topic);
    if (message !== undefined) {
      finds.errors.push({ at: [...at, "topic", index, "pattern"], message });
    }
  }
}

/** Far above what brokers allow; the broker's own limit holds at run time. */
const MOST_LEVELS = 65_535;

/** Why a bridge cannot map these topics, as Mosquitto judges it. */
function mappingFault(topic: BridgeTopicConfig): string | undefined {
  const { pattern, local_prefix: local, remote_prefix: remote } = topic;
  if (pattern === "" && (local === "" || remote === "")) {
    return "an empty pattern needs both local_prefix and remote_prefix";
  }
  const bad = [local + pattern, remote + pattern].find(
    (filter) => !isTopicFilter(filter, MOST_LEVELS),
  );
  return bad === undefined ? undefined : `${quote(bad)} is no topic filter`;
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
