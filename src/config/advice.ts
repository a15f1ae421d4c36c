/** What a careful person would not leave so: settings that are allowed, but let in or out too much. */
import type { KeyPath } from "./key-path.ts";
import type { HttpConfig, LinkConfig, ListenerConfig } from "./schema.ts";
import { isPrivate, knowsUsers, type SettledParts } from "./settle.ts";
import type { Finding } from "./validate.ts";

export function advise(parts: SettledParts): Finding[] {
  const found: Finding[] = [];
  for (const { index, value } of parts.listener) {
    adviseListener(value, parts, ["listener", index], found);
  }
  if (parts.gateway?.enabled === true) {
    for (const { index, value } of parts.link) adviseLink(value, ["link", index], found);
    const [first] = parts.node;
    if (first !== undefined && parts.link.every(({ value }) => value.admission === "open")) {
      const message = 'has no effect: admission is "open", so that every node may connect';
      found.push({ at: ["node", first.index, "client_id"], message });
    }
  }
  if (parts.http?.enabled === true) adviseHttp(parts.http, parts, found);
  const { broker } = parts;
  if (broker?.max_queued_messages === 0 && broker.max_queued_bytes === 0) {
    const message =
      "one client that stays away can fill the memory: limit max_queued_messages or max_queued_bytes";
    found.push({ at: ["broker", "max_queued_messages"], message });
  }
  return found;
}

function adviseListener(
  listener: ListenerConfig,
  parts: SettledParts,
  at: KeyPath,
  found: Finding[],
): void {
  const tell = (key: string, message: string) => found.push({ at: [...at, key], message });
  const open = !isPrivate(listener);
  const encrypted = listener.certfile !== "" || listener.psk_hint !== "";
  const proxied = listener.enable_proxy_protocol !== 0;
  if (open && listener.allow_anonymous && !hasRules(listener)) {
    tell("allow_anonymous", "whoever reaches this machine may publish and read everything");
  }
  if (open && knowsUsers(listener) && !encrypted && !proxied) {
    tell("certfile", "passwords and messages travel in the clear: use TLS");
  }
  if (!listener.allow_anonymous && knowsUsers(listener) && !hasRules(listener)) {
    tell("acl_file", "every user may publish and read everything: there are no access rules");
  }
  if (open && proxied) {
    const message = "whoever reaches this port may claim any address: let only the proxy reach it";
    tell("enable_proxy_protocol", message);
  }
  if (listener.protocol === "websockets" && listener.allow_anonymous) {
    if (listener.websockets_origin.length === 0) {
      const message = "any web page that someone here opens may connect: name the sites that may";
      tell("websockets_origin", message);
    }
  }
  if (listener.path !== "" && /[67]$/.test(listener.unix_mode) && listener.allow_anonymous) {
    tell("unix_mode", "every user of this machine may connect without a password");
  }
  if (listener.dynamic_security && listener.password_file !== "") {
    tell("password_file", "users are kept in two places: in this file and in dynamic security");
  }
  const { access } = parts;
  if (open && listener.password_file !== "" && access?.max_login_failures === 0) {
    tell("password_file", "passwords can be guessed at full speed: max_login_failures is 0");
  }
}

function adviseLink(link: LinkConfig, at: KeyPath, found: Finding[]): void {
  const tell = (key: string, message: string) => found.push({ at: [...at, key], message });
  const open = link.type === "udp" && !isPrivate({ ...link, path: "" });
  if (open && link.admission === "open" && !hasRules(link)) {
    tell("admission", "whoever reaches this machine may publish and read everything as a node");
  }
  if (link.username === "%c" && hasRules(link)) {
    const message =
      'a node that calls itself as a user has this user\'s rights: put something before it, such as "sn-%c"';
    tell("username", message);
  }
}

function adviseHttp(http: HttpConfig, { access }: SettledParts, found: Finding[]): void {
  if (isPrivate({ ...http, path: "" }) || !http.allow_anonymous) return;
  if (access?.acl_file !== "" || access.dynamic_security) return;
  const message = "whoever reaches this machine may publish and read everything";
  found.push({ at: ["http", "allow_anonymous"], message });
}

/** Something decides who may do what. */
function hasRules({
  acl_file,
  dynamic_security,
  plugins,
}: Pick<ListenerConfig, "acl_file" | "dynamic_security" | "plugins">): boolean {
  return acl_file !== "" || dynamic_security || plugins.length > 0;
}
