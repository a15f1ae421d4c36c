/** Settles what listeners and the web server leave to `[access]` and `[broker]`. */
import { isLoopback } from "./addresses.ts";
import type {
  AccessConfig,
  BrokerConfig,
  Config,
  GatewayConfig,
  GivenConfig,
  GivenHttp,
  GivenLink,
  GivenListener,
  HttpConfig,
  LinkConfig,
  ListenerConfig,
  PluginConfig,
} from "./schema.ts";
import type { Placed, ValidParts } from "./validate.ts";

/** What is right in itself, settled. No listeners and links where it is not known what they fall back on. */
export type SettledParts = Omit<ValidParts, "listener" | "link" | "http"> & {
  readonly listener: readonly Placed<ListenerConfig>[];
  readonly link: readonly Placed<LinkConfig>[];
  readonly http: HttpConfig | undefined;
};

/** What the sections say that others fall back on. */
export interface General {
  readonly access: AccessConfig;
  readonly broker: BrokerConfig;
  readonly plugin: readonly PluginConfig[];
}

export function settle(given: GivenConfig): Config {
  const plugin = given.plugin.map(settlePlugin);
  const general: General = { ...given, plugin };
  const listener = given.listener.map((one) => settleListener(one, general));
  const link = given.link.map((one) => settleLink(one, given.gateway, general));
  return { ...given, plugin, listener, link, http: settleHttp(given.http, listener, general) };
}

export function settleParts(parts: ValidParts): SettledParts {
  const { access, broker, gateway, http } = parts;
  const plugin = parts.plugin.map((one) => ({ ...one, value: settlePlugin(one.value) }));
  if (access === undefined || broker === undefined) {
    return { ...parts, plugin, listener: [], link: [], http: undefined };
  }
  const general: General = { access, broker, plugin: plugin.map(({ value }) => value) };
  const listener = parts.listener.map((one) => ({
    ...one,
    value: settleListener(one.value, general),
  }));
  const listeners = listener.map(({ value }) => value);
  const link = parts.link.flatMap((one) =>
    gateway === undefined ? [] : [{ ...one, value: settleLink(one.value, gateway, general) }],
  );
  return { ...parts, plugin, listener, link, http: http && settleHttp(http, listeners, general) };
}

export function settleListener(listener: GivenListener, general: General): ListenerConfig {
  const { access, broker, plugin } = general;
  const settled = {
    ...listener,
    name: listener.name === "" ? nameOf(listener) : listener.name,
    password_file: listener.password_file || access.password_file,
    acl_file: listener.acl_file || access.acl_file,
    psk_file: listener.psk_file || access.psk_file,
    dynamic_security: listener.dynamic_security ?? access.dynamic_security,
    plugins: listener.plugins ?? plugin.map(({ name }) => name),
    clientid_prefixes: listener.clientid_prefixes ?? access.clientid_prefixes,
    allow_zero_length_clientid:
      listener.allow_zero_length_clientid ?? broker.allow_zero_length_clientid,
    auto_id_prefix: listener.auto_id_prefix ?? broker.auto_id_prefix,
    max_qos: listener.max_qos ?? broker.max_qos,
    max_keepalive: listener.max_keepalive ?? broker.max_keepalive,
    max_topic_alias: listener.max_topic_alias ?? broker.max_topic_alias,
    max_topic_alias_broker: listener.max_topic_alias_broker ?? broker.max_topic_alias_broker,
  };
  const open = isPrivate(listener) && !knowsUsers(settled);
  return {
    ...settled,
    allow_anonymous: listener.allow_anonymous ?? access.allow_anonymous ?? open,
  };
}

/** Nodes are bound by the same rules as MQTT clients, but are not asked for passwords. */
export function settleLink(
  link: GivenLink,
  gateway: GatewayConfig,
  { access, plugin }: General,
): LinkConfig {
  return {
    ...link,
    gateway_id: link.gateway_id ?? gateway.id,
    advertise_interval: link.advertise_interval ?? gateway.advertise_interval,
    max_frame: link.max_frame ?? usualFrame(link),
    admission: link.admission ?? gateway.admission,
    username: link.username ?? gateway.username,
    acl_file: link.acl_file || access.acl_file,
    dynamic_security: link.dynamic_security ?? access.dynamic_security,
    plugins: link.plugins ?? plugin.map(({ name }) => name),
  };
}

/** The longest message that such links carry, bytes. */
function usualFrame({ type, framing }: GivenLink): number {
  if (type === "udp") return 1400;
  return framing === "xbee1" || framing === "xbee2" ? 72 : 1024;
}

/** The web server asks for passwords where any listener does. */
export function settleHttp(
  http: GivenHttp,
  listeners: readonly ListenerConfig[],
  { access, plugin }: General,
): HttpConfig {
  const users = knowsUsers({ ...access, plugins: plugin }) || listeners.some(knowsUsers);
  const open = isLoopback(http.address) && !users;
  return { ...http, allow_anonymous: http.allow_anonymous ?? access.allow_anonymous ?? open };
}

/** Nobody outside this machine can reach it. */
export function isPrivate(where: {
  readonly path: string;
  readonly address: string;
  readonly bind_interface?: string | undefined;
}): boolean {
  const { path, address, bind_interface = "" } = where;
  if (path !== "" || bind_interface === "lo") return true;
  return bind_interface === "" && isLoopback(address);
}

/** Somebody can be told apart by a user name and a password. */
export function knowsUsers(from: {
  readonly password_file: string;
  readonly dynamic_security: boolean;
  readonly plugins: readonly unknown[];
}): boolean {
  return from.password_file !== "" || from.dynamic_security || from.plugins.length > 0;
}

function nameOf({ protocol, port, path }: GivenListener): string {
  return path === "" ? `${protocol}-${port}` : `${protocol}-${path}`;
}

function settlePlugin(plugin: PluginConfig): PluginConfig {
  if (plugin.name !== "") return plugin;
  const base = plugin.module.slice(plugin.module.lastIndexOf("/") + 1);
  return { ...plugin, name: base.replace(/\.[^.]+$/, "") };
}
