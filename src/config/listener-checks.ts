/** What must fit together within one listener, between listeners, and with who may come in. */
import { isIPv4, isIPv6 } from "node:net";
import { overlaps } from "./addresses.ts";
import type { Finds, Source } from "./findings.ts";
import type { KeyPath } from "./key-path.ts";
import type { HttpConfig, ListenerConfig, PluginConfig } from "./schema.ts";
import { isPrivate, knowsUsers } from "./settle.ts";
import { quote } from "./show-value.ts";
import type { Placed } from "./validate.ts";

/** Linux takes no longer path for a socket, bytes. */
const LONGEST_SOCKET_PATH = 107;

export function checkListener(
  listener: ListenerConfig,
  at: KeyPath,
  { isGiven }: Source,
  finds: Finds,
): void {
  const wrong = (key: string, message: string) => finds.errors.push({ at: [...at, key], message });
  const odd = (key: string, message: string) => finds.warnings.push({ at: [...at, key], message });
  if (listener.path !== "") {
    for (const key of ["port", "address", "bind_interface", "socket_domain"]) {
      if (isGiven([...at, key])) wrong(key, "a Unix socket, which path names, has none");
    }
    if (Buffer.byteLength(listener.path) > LONGEST_SOCKET_PATH) {
      wrong("path", `must not have more than ${LONGEST_SOCKET_PATH} bytes`);
    }
  }
  checkTls(listener, wrong, odd);
  checkProxy(listener, wrong, odd);
  if (listener.websockets_origin.length > 0 && listener.protocol === "mqtt") {
    odd("websockets_origin", 'has no effect with protocol "mqtt"');
  }
  if (listener.http_dir !== "" && listener.protocol === "mqtt") {
    odd("http_dir", 'has no effect with protocol "mqtt"');
  }
  if (listener.use_username_as_clientid && listener.clientid_prefixes.length > 0) {
    odd("use_username_as_clientid", "only user names with one of clientid_prefixes will do");
  }
  const address = familyOf(listener.address);
  if (
    listener.socket_domain !== "" &&
    address !== undefined &&
    address !== listener.socket_domain
  ) {
    wrong("socket_domain", `${quote(listener.address)} is no ${listener.socket_domain} address`);
  }
}

type Tell = (key: string, message: string) => void;

/** Options that mean nothing without a certificate, and would be thought to protect. */
const CERTIFICATE_ONLY = ["cafile", "capath", "crlfile"] as const;
const CLIENT_CERTIFICATE = [
  "require_certificate",
  "use_identity_as_username",
  "use_subject_as_username",
] as const;

function checkTls(listener: ListenerConfig, wrong: Tell, odd: Tell): void {
  checkDates(listener, wrong, odd);
  const { certfile, keyfile, psk_hint, psk_file, enable_proxy_protocol } = listener;
  const hasCertificate = certfile !== "";
  if (hasCertificate && keyfile === "") wrong("certfile", "needs a keyfile");
  if (!hasCertificate && keyfile !== "") wrong("keyfile", "needs a certfile");
  if (hasCertificate && psk_hint !== "") {
    wrong("psk_hint", "certificates and pre-shared keys need listeners of their own");
  }
  if (psk_hint !== "" && psk_file === "") wrong("psk_hint", "needs a psk_file");
  if (hasCertificate) {
    const checked = listener.cafile !== "" || listener.capath !== "";
    if (listener.require_certificate && !checked) {
      wrong("require_certificate", "needs a cafile or a capath to check certificates by");
    }
    for (const key of ["use_identity_as_username", "use_subject_as_username"] as const) {
      if (listener[key] && !listener.require_certificate) wrong(key, "needs require_certificate");
    }
    return;
  }
  for (const key of CERTIFICATE_ONLY) {
    if (listener[key] !== "") wrong(key, "needs a certfile and a keyfile");
  }
  for (const key of CLIENT_CERTIFICATE) {
    const byKey = psk_hint !== "" && key === "use_identity_as_username";
    const byProxy = enable_proxy_protocol === 2 && key !== "use_subject_as_username";
    if (listener[key] && !byKey && !byProxy) wrong(key, "needs a certfile and a keyfile");
  }
}

/** Of a certificate that is revoked and has expired, the TLS library tells the latter only. */
function checkDates(listener: ListenerConfig, wrong: Tell, odd: Tell): void {
  const key = "disable_client_cert_date_checks";
  if (!listener[key]) return;
  if (listener.crlfile !== "") {
    wrong(key, "cannot be used with crlfile: it would hide which certificates are revoked");
  } else if (!listener.require_certificate || listener.certfile === "") {
    odd(key, "has no effect without certfile and require_certificate");
  }
}

function checkProxy(listener: ListenerConfig, wrong: Tell, odd: Tell): void {
  const { enable_proxy_protocol } = listener;
  if (enable_proxy_protocol === 2) {
    const why = "cannot be used with enable_proxy_protocol 2: the proxy ends TLS";
    for (const key of ["certfile", "psk_hint"] as const) {
      if (listener[key] !== "") wrong(key, why);
    }
    if (listener.use_subject_as_username) wrong("use_subject_as_username", why);
  } else if (listener.proxy_protocol_v2_require_tls) {
    odd("proxy_protocol_v2_require_tls", "has no effect without enable_proxy_protocol 2");
  }
}

export interface ServerSocket {
  readonly at: KeyPath;
  readonly port: number;
  readonly address: string;
  readonly optional: boolean;
  readonly bind_interface?: string | undefined;
  readonly socket_domain?: "" | "ipv4" | "ipv6" | undefined;
}

/** Two sockets that cannot both be opened. */
export function clash(one: ServerSocket, other: ServerSocket): boolean {
  const interfaces = [one.bind_interface ?? "", other.bind_interface ?? ""];
  if (interfaces[0] !== interfaces[1] && !interfaces.includes("")) return false;
  const families = [one, other].map((socket) => socket.socket_domain || familyOf(socket.address));
  if (families[0] !== families[1] && !families.includes(undefined)) return false;
  return interfaces[0] !== "" || overlaps(one.address, other.address);
}

/** Undefined for both, or what only a look-up can tell. "::" takes IPv4 connections, too. */
function familyOf(address: string): "ipv4" | "ipv6" | undefined {
  if (isIPv4(address)) return "ipv4";
  return isIPv6(address) && address !== "::" ? "ipv6" : undefined;
}

/** One path for two sockets: the later would take it from the earlier. */
export function checkPaths(
  listeners: readonly Placed<{ readonly path: string }>[],
  { nameOf }: Source,
  finds: Finds,
): void {
  const seen = new Map<string, number>();
  for (const { index, value } of listeners) {
    if (value.path === "") continue;
    const first = seen.get(value.path);
    if (first === undefined) {
      seen.set(value.path, index);
      continue;
    }
    const message = `${quote(value.path)} is taken by ${nameOf(["listener", first])} already`;
    finds.errors.push({ at: ["listener", index, "path"], message });
  }
}

const NOBODY = "no client can connect: allow_anonymous is false, and no users are configured";

export function checkWhoComesIn(
  listeners: readonly Placed<ListenerConfig>[],
  http: HttpConfig | undefined,
  finds: Finds,
): void {
  for (const { index, value } of listeners) {
    if (value.allow_anonymous || knowsUsers(value) || isVerified(value)) continue;
    finds.warnings.push({ at: ["listener", index, "allow_anonymous"], message: NOBODY });
  }
  const users = listeners.some(({ value }) => knowsUsers(value));
  if (http?.enabled && !http.allow_anonymous && !users && !isPrivate({ ...http, path: "" })) {
    finds.warnings.push({ at: ["http", "allow_anonymous"], message: NOBODY });
  }
}

/** The user name is known from a certificate or a key. */
function isVerified(listener: ListenerConfig): boolean {
  return listener.use_identity_as_username || listener.use_subject_as_username;
}

export function checkPlugins(
  plugins: readonly Placed<PluginConfig>[],
  listeners: readonly Placed<ListenerConfig>[],
  finds: Finds,
): void {
  const names = new Set<string>();
  for (const { index, value } of plugins) {
    if (names.has(value.name)) {
      const message = `${quote(value.name)} is the name of another plugin already`;
      finds.errors.push({ at: ["plugin", index, "name"], message });
    }
    names.add(value.name);
  }
  for (const { index, value } of listeners) {
    for (const [number, name] of value.plugins.entries()) {
      if (names.has(name)) continue;
      const message = `there is no plugin ${quote(name)}`;
      finds.errors.push({ at: ["listener", index, "plugins", number], message });
    }
  }
}
