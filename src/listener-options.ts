/** From a listener's section of the configuration to what the listener, and the broker behind it, are told. */
import type { ListenerPolicy } from "./broker/listener-policy.ts";
import type { ListenerConfig } from "./config/schema.ts";
import { ListenError } from "./listeners/listen-error.ts";
import type { ListenerOptions, ProxyOptions, TlsOptions } from "./listeners/options.ts";
import type { ProtocolLevel } from "./mqtt/packet-types.ts";
import type { QoS } from "./mqtt/qos.ts";

/** MQTT over WebSocket may pack several packets into a frame, bytes. */
export const WEBSOCKET_SLACK = 65_536;

/** `index`: place among the listeners. Throws ListenError where options contradict each other. */
export function listenerOptionsFrom(
  config: ListenerConfig,
  index: number,
  maxPacketSize: number,
): ListenerOptions {
  const setting = `listener[${index}]`;
  const problem = contradictionIn(config);
  if (problem !== undefined) throw new ListenError(placeOf(config), setting, new Error(problem));
  const { path, unix_mode, bind_interface, socket_domain, websockets_origin } = config;
  return {
    setting,
    port: config.port,
    address: config.address,
    socketDomain: socket_domain === "" ? undefined : socket_domain,
    bindInterface: bind_interface || undefined,
    unix: path === "" ? undefined : { path, mode: Number.parseInt(unix_mode, 8) },
    protocol: config.protocol,
    maxConnections: config.max_connections < 0 ? undefined : config.max_connections,
    tls: tlsOptionsFrom(config),
    proxy: proxyOptionsFrom(config),
    webSocket: {
      origins: websockets_origin.length === 0 ? undefined : websockets_origin,
      guardLoopback: config.allow_anonymous && config.enable_proxy_protocol === 0,
      headersSize: config.websockets_headers_size,
      maximumPayload: maxPacketSize + WEBSOCKET_SLACK,
      files: config.http_dir || undefined,
    },
  };
}

export function listenerPolicyFrom(config: ListenerConfig): ListenerPolicy {
  return {
    name: config.name,
    label: placeOf(config),
    origin: config.protocol === "mqtt" ? "mqtt" : "websocket",
    allowAnonymous: config.allow_anonymous,
    levels: config.accept_protocol_versions as readonly ProtocolLevel[],
    maxQos: config.max_qos as QoS,
    maxConnections: config.max_connections < 0 ? undefined : config.max_connections,
    // Zero is no limit in the configuration; no keep alive can be longer than this.
    maxKeepAlive: config.max_keepalive === 0 ? 65_535 : config.max_keepalive,
    maxTopicAlias: config.max_topic_alias,
    maxTopicAliasBroker: config.max_topic_alias_broker,
    mountPoint: config.mount_point,
    usernameAsClientId: config.use_username_as_clientid,
    clientIdPrefixes: config.clientid_prefixes,
    refuseEmptyClientId: !config.allow_zero_length_clientid,
    autoIdPrefix: config.auto_id_prefix,
  };
}

/** How URLs name what is spoken there. */
export function schemeOf(config: ListenerConfig): string {
  const secure = tlsOptionsFrom(config) === undefined ? "" : "s";
  const base = config.protocol === "mqtt" ? "mqtt" : "ws";
  return `${base}${secure}${config.path === "" ? "" : "+unix"}`;
}

/** For logs, in Mosquitto's words where there is a port. */
function placeOf({ path, port }: ListenerConfig): string {
  return path === "" ? `port ${port}` : path;
}

/** What asks for safety that the rest of the options cannot give must not be passed over. */
function contradictionIn(config: ListenerConfig): string | undefined {
  const { certfile, keyfile, psk_hint, psk_file, enable_proxy_protocol } = config;
  if ((certfile === "") !== (keyfile === "")) return "certfile and keyfile go together";
  if (certfile !== "" && psk_hint !== "") {
    return "certificates (certfile) and pre-shared keys (psk_hint) need listeners of their own";
  }
  if (psk_hint !== "" && psk_file === "") return "psk_hint needs a psk_file";
  const asksForCertificate = config.require_certificate || config.use_subject_as_username;
  if (psk_hint !== "" && asksForCertificate) return "with psk_hint there are no certificates";
  if (certfile !== "" || psk_hint !== "") return undefined;
  if (config.use_subject_as_username) return "use_subject_as_username needs certfile and keyfile";
  if (enable_proxy_protocol !== 0) return undefined;
  if (config.require_certificate) return "require_certificate needs certfile and keyfile";
  if (config.use_identity_as_username) {
    return "use_identity_as_username needs certfile and keyfile, or psk_hint";
  }
  return config.proxy_protocol_v2_require_tls
    ? "proxy_protocol_v2_require_tls needs enable_proxy_protocol 2"
    : undefined;
}

function tlsOptionsFrom(config: ListenerConfig): TlsOptions | undefined {
  const { certfile, psk_hint, use_identity_as_username, use_subject_as_username } = config;
  if (certfile === "" && psk_hint === "") return undefined;
  const common = {
    minimumVersion: config.tls_version === "tlsv1.3" ? "TLSv1.3" : "TLSv1.2",
    ciphers: config.ciphers || undefined,
    ciphersTls13: config.ciphers_tls13 || undefined,
    dhparamFile: config.dhparamfile || undefined,
    alpn: config.tls_alpn,
  } as const;
  if (psk_hint !== "") {
    const useIdentityAsUsername = use_identity_as_username;
    const identification = { kind: "psk", hint: psk_hint, file: config.psk_file } as const;
    return { ...common, identification: { ...identification, useIdentityAsUsername } };
  }
  return {
    ...common,
    identification: {
      kind: "certificate",
      certFile: certfile,
      keyFile: config.keyfile,
      caFile: config.cafile || undefined,
      caPath: config.capath || undefined,
      crlFile: config.crlfile || undefined,
      requireCertificate: config.require_certificate,
      userNameFrom: use_identity_as_username
        ? "common-name"
        : use_subject_as_username
          ? "subject"
          : undefined,
      ignoreDates: config.disable_client_cert_date_checks,
    },
  };
}

function proxyOptionsFrom(config: ListenerConfig): ProxyOptions | undefined {
  const version = config.enable_proxy_protocol;
  if (version === 0) return undefined;
  // With TLS of the listener's own, certificates are those of that TLS.
  const ended = config.certfile === "" && config.psk_hint === "";
  return {
    version,
    requireTls: config.proxy_protocol_v2_require_tls,
    requireCertificate: ended && config.require_certificate,
    useIdentityAsUsername: ended && config.use_identity_as_username,
  };
}
