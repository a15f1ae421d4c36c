/**
 * Every option of mosquitto.conf(5), versions 2.0 and 2.1: where it may stand, and what Midge makes
 * of it.
 */

/** Where an option may stand, and which table its value goes to. */
export type Scope =
  /** Anywhere, for the whole broker: the section of that name. */
  | "broker"
  | "access"
  | "log"
  | "process"
  /** Anywhere, for no section of its own. */
  | "anywhere"
  /** A `listener` line before it. */
  | "listener"
  /** The same, or else the default listener, which comes into being. */
  | "anyListener"
  /** `[access]`, or with `per_listener_settings true` as "listener". */
  | "security"
  /** `[broker]`, or with `per_listener_settings true` as "listener". */
  | "securityOfBroker"
  /** A `connection` line before it. */
  | "bridge"
  /** A line before it that loads a plugin. */
  | "plugin";

export type Meaning =
  /** Sets `key` of the table of its scope. */
  | {
      readonly kind: "number";
      readonly key: string;
      readonly adapt?: ((value: number) => number) | undefined;
    }
  | { readonly kind: "flag"; readonly key: string }
  /** The rest of the line. Given twice, it is an error where Mosquitto has it so. */
  | { readonly kind: "text"; readonly key: string; readonly once: boolean }
  /** The rest of the line, one more for a list. */
  | { readonly kind: "item"; readonly key: string }
  /** Has a reader of its own, by the option's name. */
  | { readonly kind: "special" }
  /** Changes nothing here, which is worth a warning. With the value `silent`, it is not. */
  | { readonly kind: "ignored"; readonly why: string; readonly silent?: string | undefined }
  /** An error that says why, except with the value that says what Midge does anyway. */
  | { readonly kind: "refused"; readonly why: string; readonly unless?: string | undefined };

export interface MosquittoOption {
  readonly scope: Scope;
  readonly meaning: Meaning;
}

function option(scope: Scope, meaning: Meaning): MosquittoOption {
  return { scope, meaning };
}

function number(
  scope: Scope,
  key: string,
  adapt?: ((value: number) => number) | undefined,
): MosquittoOption {
  return option(scope, { kind: "number", key, adapt });
}

function flag(scope: Scope, key: string): MosquittoOption {
  return option(scope, { kind: "flag", key });
}

/** Only once. */
function text(scope: Scope, key: string): MosquittoOption {
  return option(scope, { kind: "text", key, once: true });
}

/** The last one counts. */
function lastText(scope: Scope, key: string): MosquittoOption {
  return option(scope, { kind: "text", key, once: false });
}

function item(scope: Scope, key: string): MosquittoOption {
  return option(scope, { kind: "item", key });
}

function special(scope: Scope): MosquittoOption {
  return option(scope, { kind: "special" });
}

function ignored(scope: Scope, why: string, silent?: string | undefined): MosquittoOption {
  return option(scope, { kind: "ignored", why, silent });
}

function refused(scope: Scope, why: string, unless?: string | undefined): MosquittoOption {
  return option(scope, { kind: "refused", why, unless });
}

const WRITES = "Midge writes the disk by its own rules";
const BUFFERS = "Midge sizes its buffers by itself";
const MPTCP = "connections are plain TCP";
const ENGINES = "OpenSSL engines are not supported: give the key as a PEM file";
const OCSP = "certificates of other brokers are not checked by OCSP";

/** No number below `least`. */
function atLeast(least: number): (value: number) => number {
  return (value) => Math.max(least, value);
}

/** Zero and below mean no limit, which is -1 in Midge. */
function noLimit(value: number): number {
  return value < 1 ? -1 : value;
}

/** Zero means no limit, as does all that cannot be one. */
function inflight(value: number): number {
  return value < 0 || value === 65_535 ? 0 : value;
}

const LONGEST_RETAIN_EXPIRY = 10_000_000;

function retainExpiry(minutes: number): number {
  return Math.min(minutes, LONGEST_RETAIN_EXPIRY);
}

export const MOSQUITTO_OPTIONS: Readonly<Record<string, MosquittoOption>> = {
  // The broker
  allow_duplicate_messages: flag("broker", "allow_duplicate_messages"),
  autosave_interval: ignored("anywhere", WRITES),
  autosave_on_changes: ignored("anywhere", WRITES),
  global_max_clients: number("broker", "global_max_clients", noLimit),
  global_max_connections: number("broker", "global_max_connections", noLimit),
  include_dir: special("anywhere"),
  max_inflight_bytes: number("broker", "max_inflight_bytes", atLeast(0)),
  max_inflight_messages: number("broker", "max_inflight_messages", inflight),
  max_keepalive: number("broker", "max_keepalive"),
  max_packet_size: number("broker", "max_packet_size"),
  max_queued_bytes: number("broker", "max_queued_bytes", atLeast(0)),
  max_queued_messages: number("broker", "max_queued_messages", atLeast(0)),
  memory_limit: number("broker", "memory_limit"),
  message_size_limit: number("broker", "message_size_limit"),
  packet_buffer_size: ignored("anywhere", BUFFERS),
  per_listener_settings: special("anywhere"),
  persistence: special("anywhere"),
  persistence_file: ignored("anywhere", "Midge's store has file names of its own"),
  persistence_location: special("anywhere"),
  persistent_client_expiration: special("broker"),
  pid_file: text("process", "pid_file"),
  queue_qos0_messages: flag("broker", "queue_qos0_messages"),
  retain_available: flag("broker", "retain_available"),
  retain_expiry_interval: number("broker", "retain_expiry_interval", retainExpiry),
  retained_persistence: special("anywhere"),
  retry_interval: ignored("anywhere", "it is no longer available in Mosquitto, either"),
  set_tcp_nodelay: ignored("anywhere", "Midge always sends at once", "true"),
  sys_interval: number("broker", "sys_interval"),
  upgrade_outgoing_qos: flag("broker", "upgrade_outgoing_qos"),
  user: lastText("process", "user"),

  // The log
  connection_messages: flag("log", "connection_messages"),
  log_dest: special("log"),
  log_facility: number("log", "log_facility"),
  log_timestamp: flag("log", "log_timestamp"),
  log_timestamp_format: text("log", "log_timestamp_format"),
  log_type: special("log"),
  websockets_log_level: ignored("anywhere", "Midge does not use libwebsockets"),

  // Who may do what
  acl_file: lastText("security", "acl_file"),
  allow_anonymous: flag("security", "allow_anonymous"),
  allow_zero_length_clientid: flag("securityOfBroker", "allow_zero_length_clientid"),
  auth_plugin: special("security"),
  auth_plugin_deny_special_chars: special("plugin"),
  auto_id_prefix: text("securityOfBroker", "auto_id_prefix"),
  check_retain_source: flag("access", "check_retain_source"),
  clientid_prefixes: special("access"),
  enable_control_api: flag("access", "enable_control_api"),
  global_plugin: special("anywhere"),
  password_file: lastText("security", "password_file"),
  plugin: special("security"),
  plugin_load: special("anywhere"),
  plugin_use: special("listener"),
  psk_file: lastText("security", "psk_file"),

  // Listeners
  accept_protocol_versions: special("listener"),
  bind_address: special("anywhere"),
  bind_interface: text("anyListener", "bind_interface"),
  cafile: lastText("listener", "cafile"),
  capath: lastText("anyListener", "capath"),
  certfile: lastText("anyListener", "certfile"),
  ciphers: lastText("anyListener", "ciphers"),
  "ciphers_tls1.3": lastText("anyListener", "ciphers_tls13"),
  crlfile: lastText("anyListener", "crlfile"),
  dhparamfile: ignored("anywhere", "it is no longer required"),
  disable_client_cert_date_checks: flag("listener", "disable_client_cert_date_checks"),
  enable_proxy_protocol: number("listener", "enable_proxy_protocol"),
  http_dir: text("listener", "http_dir"),
  keyfile: lastText("anyListener", "keyfile"),
  listener: special("anywhere"),
  listener_allow_anonymous: flag("listener", "allow_anonymous"),
  listener_auto_id_prefix: text("listener", "auto_id_prefix"),
  max_connections: number("anyListener", "max_connections", noLimit),
  max_qos: number("anyListener", "max_qos"),
  max_topic_alias: number("listener", "max_topic_alias"),
  max_topic_alias_broker: number("listener", "max_topic_alias_broker"),
  maximum_qos: number("anyListener", "max_qos"),
  mount_point: lastText("listener", "mount_point"),
  mptcp: ignored("listener", MPTCP, "false"),
  port: special("anywhere"),
  protocol: special("anyListener"),
  proxy_protocol_v2_require_tls: flag("listener", "proxy_protocol_v2_require_tls"),
  psk_hint: text("anyListener", "psk_hint"),
  require_certificate: flag("anyListener", "require_certificate"),
  socket_domain: special("anyListener"),
  tls_engine: refused("anyListener", ENGINES),
  tls_engine_kpass_sha1: refused("anyListener", ENGINES),
  tls_keyform: refused("anyListener", ENGINES, "pem"),
  tls_version: text("listener", "tls_version"),
  use_identity_as_username: flag("anyListener", "use_identity_as_username"),
  use_subject_as_username: flag("anyListener", "use_subject_as_username"),
  use_username_as_clientid: flag("anyListener", "use_username_as_clientid"),
  websockets_headers_size: special("anywhere"),
  websockets_origin: item("listener", "websockets_origin"),

  // Bridges
  address: special("bridge"),
  addresses: special("bridge"),
  bridge_alpn: text("bridge", "alpn"),
  bridge_attempt_unsubscribe: flag("bridge", "attempt_unsubscribe"),
  bridge_bind_address: text("bridge", "bind_address"),
  bridge_cafile: text("bridge", "cafile"),
  bridge_capath: text("bridge", "capath"),
  bridge_certfile: text("bridge", "certfile"),
  bridge_ciphers: text("bridge", "ciphers"),
  "bridge_ciphers_tls1.3": text("bridge", "ciphers_tls13"),
  bridge_identity: text("bridge", "psk_identity"),
  bridge_insecure: flag("bridge", "insecure"),
  bridge_keyfile: text("bridge", "keyfile"),
  bridge_max_packet_size: number("bridge", "max_packet_size", atLeast(0)),
  bridge_mptcp: ignored("bridge", MPTCP, "false"),
  bridge_max_topic_alias: number("bridge", "max_topic_alias"),
  bridge_outgoing_retain: flag("bridge", "outgoing_retain"),
  bridge_protocol_version: special("bridge"),
  bridge_psk: text("bridge", "psk"),
  bridge_receive_maximum: number("bridge", "receive_maximum"),
  bridge_reload_type: text("bridge", "reload_type"),
  bridge_require_ocsp: refused("bridge", OCSP, "false"),
  bridge_session_expiry_interval: special("bridge"),
  bridge_tcp_keepalive: special("bridge"),
  bridge_tcp_user_timeout: ignored("bridge", "Midge watches the connection by keep alive"),
  bridge_tls_use_os_certs: flag("bridge", "use_os_certs"),
  bridge_tls_version: text("bridge", "tls_version"),
  cleansession: flag("bridge", "clean_session"),
  clientid: text("bridge", "client_id"),
  connection: special("anywhere"),
  idle_timeout: number("bridge", "idle_timeout", atLeast(1)),
  keepalive_interval: number("bridge", "keepalive", atLeast(5)),
  local_cleansession: flag("bridge", "local_clean_session"),
  local_clientid: text("bridge", "local_client_id"),
  local_password: ignored("bridge", "a bridge needs no password at its own broker"),
  local_username: text("bridge", "local_username"),
  notification_topic: text("bridge", "notification_topic"),
  notifications: flag("bridge", "notifications"),
  notifications_local_only: flag("bridge", "notifications_local_only"),
  password: text("bridge", "password"),
  remote_clientid: text("bridge", "client_id"),
  remote_password: text("bridge", "password"),
  remote_username: text("bridge", "username"),
  restart_timeout: special("bridge"),
  round_robin: flag("bridge", "round_robin"),
  start_type: special("bridge"),
  threshold: number("bridge", "threshold", atLeast(1)),
  topic: special("bridge"),
  try_private: flag("bridge", "try_private"),
  username: text("bridge", "username"),
};

/** Options whose names continue as the plugin likes. */
const PLUGIN_OPTION = /^(auth_opt_|plugin_opt_)/;

export function mosquittoOption(word: string): MosquittoOption | undefined {
  if (Object.hasOwn(MOSQUITTO_OPTIONS, word)) return MOSQUITTO_OPTIONS[word];
  return PLUGIN_OPTION.test(word) ? special("plugin") : undefined;
}
