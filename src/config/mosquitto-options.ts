/**
 * Every option of mosquitto.conf(5), versions 2.0 and 2.1: where it may stand, and what Midge makes
 * of it.
 */

/** What must stand before the option, or what it belongs to. */
export type Scope =
  /** Anywhere, for the whole broker. */
  | "global"
  /** A `listener` line before it. */
  | "listener"
  /** The same, or else the default listener, which comes into being. */
  | "anyListener"
  /** Global, or with `per_listener_settings true` as "listener". */
  | "security"
  /** A `connection` line before it. */
  | "bridge"
  /** A line before it that loads a plugin. */
  | "plugin";

export type Meaning =
  /** Sets `key` of the broker, the listener or the bridge, by scope. */
  | {
      readonly kind: "number";
      readonly key: string;
      readonly adapt?: ((value: number) => number) | undefined;
    }
  | { readonly kind: "flag"; readonly key: string }
  /** The rest of the line. Given twice, it is an error, as in Mosquitto. */
  | { readonly kind: "text"; readonly key: string }
  /** Has a reader of its own, by the option's name. */
  | { readonly kind: "special" }
  /** Changes nothing here, which is worth a warning. With the value `silent`, it is not. */
  | { readonly kind: "ignored"; readonly why: string; readonly silent?: string | undefined }
  /** An error, except with the value that says what Midge does anyway. */
  | { readonly kind: "unsupported"; readonly unless?: string | undefined };

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

function text(scope: Scope, key: string): MosquittoOption {
  return option(scope, { kind: "text", key });
}

function special(scope: Scope): MosquittoOption {
  return option(scope, { kind: "special" });
}

function ignored(scope: Scope, why: string, silent?: string | undefined): MosquittoOption {
  return option(scope, { kind: "ignored", why, silent });
}

function unsupported(scope: Scope, unless?: string | undefined): MosquittoOption {
  return option(scope, { kind: "unsupported", unless });
}

const MQTT5 = "concerns MQTT 5.0, which this version of Midge does not speak";
const LAZY = 'concerns bridges of start_type "lazy" only';
const WRITES = "Midge writes the disk by its own rules";
const LOG_TIME = "the lines of Midge's log always bear the time";

/** No number below `least`. */
function atLeast(least: number): (value: number) => number {
  return (value) => Math.max(least, value);
}

/** Zero and below mean no limit, which is -1 in Midge. */
function noLimit(value: number): number {
  return value < 1 ? -1 : value;
}

export const MOSQUITTO_OPTIONS: Readonly<Record<string, MosquittoOption>> = {
  // The broker
  allow_duplicate_messages: ignored("global", "it is deprecated in Mosquitto, too"),
  autosave_interval: ignored("global", WRITES),
  autosave_on_changes: ignored("global", WRITES),
  check_retain_source: ignored("global", "it concerns access rules, and there are none", "true"),
  clientid_prefixes: unsupported("global"),
  connection_messages: ignored("global", "connections are always logged, at level info", "true"),
  enable_control_api: unsupported("global", "false"),
  global_max_clients: unsupported("global", "-1"),
  global_max_connections: number("global", "max_connections", noLimit),
  include_dir: special("global"),
  log_dest: special("global"),
  log_facility: ignored("global", "Midge does not write to syslog"),
  log_timestamp: ignored("global", LOG_TIME, "true"),
  log_timestamp_format: ignored("global", LOG_TIME),
  log_type: special("global"),
  max_inflight_bytes: unsupported("global", "0"),
  max_inflight_messages: number("global", "max_inflight_messages", atLeast(0)),
  max_keepalive: number("global", "max_keepalive", (value) => (value === 0 ? 65_535 : value)),
  max_packet_size: number("global", "max_packet_size"),
  max_queued_bytes: number("global", "max_queued_bytes", atLeast(0)),
  max_queued_messages: number("global", "max_queued_messages", atLeast(0)),
  memory_limit: unsupported("global", "0"),
  message_size_limit: unsupported("global", "0"),
  packet_buffer_size: ignored("global", "Midge sizes its buffers by itself"),
  per_listener_settings: special("global"),
  persistence: special("global"),
  persistence_file: ignored("global", "Midge's store has file names of its own"),
  persistence_location: special("global"),
  persistent_client_expiration: special("global"),
  pid_file: ignored("global", "Midge writes no pid file"),
  queue_qos0_messages: flag("global", "queue_qos0_messages"),
  retain_available: flag("global", "retain_available"),
  retain_expiry_interval: unsupported("global"),
  retained_persistence: special("global"),
  retry_interval: ignored("global", "it is no longer available in Mosquitto, either"),
  set_tcp_nodelay: ignored("global", "Midge always sends at once", "true"),
  sys_interval: number("global", "sys_interval"),
  upgrade_outgoing_qos: unsupported("global", "false"),
  user: ignored("global", "Midge runs as whoever starts it"),
  websockets_headers_size: ignored("global", "Midge sizes its buffers by itself"),
  websockets_log_level: ignored("global", "Midge does not use libwebsockets"),

  // Who may do what
  acl_file: unsupported("security"),
  allow_anonymous: special("security"),
  allow_zero_length_clientid: unsupported("security", "true"),
  auth_plugin: unsupported("security"),
  auth_plugin_deny_special_chars: unsupported("plugin"),
  auto_id_prefix: unsupported("security", "auto-"),
  global_plugin: unsupported("global"),
  password_file: unsupported("security"),
  plugin: unsupported("security"),
  plugin_load: unsupported("global"),
  plugin_use: unsupported("listener"),
  psk_file: unsupported("security"),

  // Listeners
  accept_protocol_versions: special("listener"),
  bind_address: special("global"),
  bind_interface: unsupported("anyListener"),
  cafile: unsupported("listener"),
  capath: unsupported("anyListener"),
  certfile: unsupported("anyListener"),
  ciphers: unsupported("anyListener"),
  "ciphers_tls1.3": unsupported("anyListener"),
  crlfile: unsupported("anyListener"),
  dhparamfile: ignored("global", "it is no longer required"),
  disable_client_cert_date_checks: unsupported("listener", "false"),
  enable_proxy_protocol: unsupported("listener"),
  http_dir: unsupported("listener"),
  keyfile: unsupported("anyListener"),
  listener: special("global"),
  listener_allow_anonymous: flag("listener", "allow_anonymous"),
  listener_auto_id_prefix: unsupported("listener", "auto-"),
  max_connections: number("anyListener", "max_connections", noLimit),
  max_qos: unsupported("anyListener", "2"),
  max_topic_alias: ignored("listener", MQTT5),
  max_topic_alias_broker: ignored("listener", MQTT5),
  maximum_qos: unsupported("anyListener", "2"),
  mount_point: unsupported("listener"),
  port: special("global"),
  protocol: special("anyListener"),
  proxy_protocol_v2_require_tls: unsupported("listener", "false"),
  psk_hint: unsupported("anyListener"),
  require_certificate: unsupported("anyListener", "false"),
  socket_domain: special("anyListener"),
  tls_engine: unsupported("anyListener"),
  tls_engine_kpass_sha1: unsupported("anyListener"),
  tls_keyform: unsupported("anyListener"),
  tls_version: unsupported("listener"),
  use_identity_as_username: unsupported("anyListener", "false"),
  use_subject_as_username: unsupported("anyListener", "false"),
  use_username_as_clientid: unsupported("anyListener", "false"),
  websockets_origin: unsupported("listener"),

  // Bridges
  address: special("bridge"),
  addresses: special("bridge"),
  bridge_alpn: unsupported("bridge"),
  bridge_attempt_unsubscribe: ignored("bridge", "Midge does without", "true"),
  bridge_bind_address: unsupported("bridge"),
  bridge_cafile: unsupported("bridge"),
  bridge_capath: unsupported("bridge"),
  bridge_certfile: unsupported("bridge"),
  bridge_ciphers: unsupported("bridge"),
  "bridge_ciphers_tls1.3": unsupported("bridge"),
  bridge_identity: unsupported("bridge"),
  bridge_insecure: unsupported("bridge", "false"),
  bridge_keyfile: unsupported("bridge"),
  bridge_max_packet_size: unsupported("bridge", "0"),
  bridge_max_topic_alias: ignored("bridge", MQTT5),
  bridge_outgoing_retain: unsupported("bridge", "true"),
  bridge_protocol_version: special("bridge"),
  bridge_psk: unsupported("bridge"),
  bridge_receive_maximum: ignored("bridge", MQTT5),
  bridge_reload_type: ignored("bridge", "Midge reloads bridges by its own rules"),
  bridge_require_ocsp: unsupported("bridge", "false"),
  bridge_session_expiry_interval: ignored("bridge", MQTT5),
  bridge_tcp_keepalive: ignored("bridge", "Midge watches the connection by MQTT's keep alive"),
  bridge_tcp_user_timeout: ignored("bridge", "Midge watches the connection by MQTT's keep alive"),
  bridge_tls_use_os_certs: unsupported("bridge", "false"),
  bridge_tls_version: unsupported("bridge"),
  cleansession: flag("bridge", "clean_session"),
  clientid: text("bridge", "client_id"),
  connection: special("global"),
  idle_timeout: ignored("bridge", LAZY),
  keepalive_interval: number("bridge", "keepalive", atLeast(5)),
  local_cleansession: flag("bridge", "local_clean_session"),
  local_clientid: text("bridge", "local_client_id"),
  local_password: ignored("bridge", "a bridge needs no password at its own broker"),
  local_username: ignored("bridge", "a bridge needs no user name at its own broker"),
  notification_topic: text("bridge", "notification_topic"),
  notifications: flag("bridge", "notifications"),
  notifications_local_only: flag("bridge", "notifications_local_only"),
  password: text("bridge", "password"),
  remote_clientid: text("bridge", "client_id"),
  remote_password: text("bridge", "password"),
  remote_username: text("bridge", "username"),
  restart_timeout: special("bridge"),
  round_robin: unsupported("bridge", "false"),
  start_type: special("bridge"),
  threshold: ignored("bridge", LAZY),
  topic: special("bridge"),
  try_private: flag("bridge", "try_private"),
  username: text("bridge", "username"),
};

/** Options whose names continue as the plugin likes. */
const PLUGIN_OPTION = /^(auth_opt_|plugin_opt_)/;

export function mosquittoOption(word: string): MosquittoOption | undefined {
  if (Object.hasOwn(MOSQUITTO_OPTIONS, word)) return MOSQUITTO_OPTIONS[word];
  return PLUGIN_OPTION.test(word) ? unsupported("plugin") : undefined;
}
