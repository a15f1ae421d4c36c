/** Where MQTT clients come in: `[[listener]]`. */
import * as v from "valibot";
import { isTopicName, LONGEST_TOPIC } from "../topics/names.ts";
import {
  choice,
  choices,
  flag,
  integer,
  list,
  listenAddress,
  optionalInteger,
  path,
  port,
  text,
} from "./fields.ts";
import { LISTENER_TLS } from "./listener-tls.ts";

/** Where and how a listener listens. */
const PLACE = {
  name: v.optional(
    text({
      description: "What logs and pages call this listener.",
      defaultText: 'the protocol and the port, such as "mqtt-1883"',
      example: "mqtt-1883",
      restart: true,
    }),
    "",
  ),
  port: v.optional(port({ description: "The TCP port to listen on.", restart: true }), 1883),
  address: v.optional(
    listenAddress({
      description:
        'The address to listen on: "localhost" serves this machine only, by IPv4 and IPv6, "" every network that the machine is in.',
      restart: true,
    }),
    "localhost",
  ),
  path: v.optional(
    path({
      description: "A Unix socket to listen on, instead of a port and an address.",
      restart: true,
    }),
    "",
  ),
  unix_mode: v.optional(
    text(
      {
        description: "Who may connect to the Unix socket, as octal file permissions.",
        restart: true,
      },
      { expected: 'file permissions such as "0660"', allows: (mode) => /^0?[0-7]{3}$/.test(mode) },
    ),
    "0660",
  ),
  bind_interface: v.optional(
    text(
      {
        description:
          'Listen on the addresses of this network interface only, such as "eth0", whatever the address says.',
        restart: true,
      },
      {
        expected: 'the name of a network interface, or ""',
        allows: (name) => /^[^\s/]{0,15}$/.test(name),
      },
    ),
    "",
  ),
  socket_domain: v.optional(
    choice(["", "ipv4", "ipv6"], {
      description: 'Of all addresses, use those of one version of IP only; "" uses both.',
      restart: true,
    }),
    "",
  ),
  protocol: v.optional(
    choice(["mqtt", "websockets"], {
      description: "MQTT straight over TCP, or MQTT over WebSocket.",
      restart: true,
    }),
    "mqtt",
  ),
  websockets_origin: v.optional(
    list(
      {
        description:
          'Web sites whose pages may connect by WebSocket, such as "https://panel.example". None named: any site.',
        restart: true,
      },
      { expected: "an origin as browsers send it", allows: (origin) => /^\S+$/.test(origin) },
    ),
    [],
  ),
  http_dir: v.optional(
    path({
      description:
        "With protocol websockets: a folder whose files web browsers get here by HTTP, without a password; index.html for the folder itself.",
      restart: true,
    }),
    "",
  ),
  websockets_headers_size: v.optional(
    integer(
      { min: 1024, max: 1_048_576 },
      {
        description: "How long the headers of a WebSocket request may be.",
        unit: "bytes",
        restart: true,
      },
    ),
    16_384,
  ),
  enable_proxy_protocol: v.optional(
    choice([0, 1, 2], {
      description:
        "The version of the PROXY protocol that a load balancer in front of this listener speaks; 0 means that there is none. Every connection must then begin with it.",
      restart: true,
    }),
    0,
  ),
  proxy_protocol_v2_require_tls: v.optional(
    flag({
      description: "Refuse connections that did not come to the load balancer by TLS.",
      restart: true,
    }),
    false,
  ),
};

/** What clients of a listener may do. */
const CLIENTS = {
  max_connections: v.optional(
    integer(
      { min: 1, max: 1_000_000_000, also: [-1, "no limit"] },
      {
        description: "How many clients may be connected through this listener at a time.",
        restart: true,
      },
    ),
    -1,
  ),
  accept_protocol_versions: v.optional(
    choices([3, 4, 5], {
      description: "The versions of MQTT that are spoken here: 3 is 3.1, 4 is 3.1.1, 5 is 5.0.",
    }),
    [3, 4, 5],
  ),
  max_qos: optionalInteger(
    { min: 0, max: 2 },
    {
      description: "The highest QoS that clients may publish with.",
      defaultText: "that of [broker]",
      example: 2,
    },
  ),
  max_keepalive: optionalInteger(
    { min: 0, max: 65_535 },
    {
      description: "The longest keep alive that a client may ask for; 0 means any, or none.",
      unit: "seconds",
      defaultText: "that of [broker]",
      example: 0,
    },
  ),
  max_topic_alias: optionalInteger(
    { min: 0, max: 65_535 },
    {
      description: "How many topic aliases an MQTT 5.0 client may use.",
      defaultText: "that of [broker]",
      example: 10,
    },
  ),
  max_topic_alias_broker: optionalInteger(
    { min: 0, max: 65_535 },
    {
      description: "How many topic aliases are used towards an MQTT 5.0 client, if it allows any.",
      defaultText: "that of [broker]",
      example: 10,
    },
  ),
  mount_point: v.optional(
    text(
      {
        description:
          "What is put before all topics of the clients that come in here, and taken off again for them.",
        example: "",
      },
      {
        expected: 'a topic prefix without wildcards, or ""',
        allows: (prefix) => prefix === "" || isTopicName(prefix, LONGEST_TOPIC),
      },
    ),
    "",
  ),
  use_username_as_clientid: v.optional(
    flag({
      description:
        "Make the user name the client id, so that no user can throw out another's client.",
    }),
    false,
  ),
};

/** Who comes in; what is not given here is as `[access]` and `[broker]` say. */
const ACCESS = {
  allow_anonymous: v.optional(
    flag({
      description: "Let clients in that give no user name.",
      defaultText:
        "that of [access]; without one, true on a loopback address if there are no users",
      example: true,
    }),
  ),
  password_file: v.optional(
    path({
      description: "Users and passwords of this listener alone.",
      defaultText: "that of [access]",
      example: "",
    }),
    "",
  ),
  acl_file: v.optional(
    path({
      description: "Access rules of this listener alone.",
      defaultText: "that of [access]",
      example: "",
    }),
    "",
  ),
  psk_file: v.optional(
    path({
      description: "Pre-shared keys of this listener alone.",
      defaultText: "that of [access]",
      example: "",
      restart: true,
    }),
    "",
  ),
  dynamic_security: v.optional(
    flag({
      description: "Whether clients managed by dynamic security come in here.",
      defaultText: "that of [access]",
      example: false,
      restart: true,
    }),
  ),
  plugins: v.optional(
    list(
      {
        description: "The names of the plugins that have a say here.",
        defaultText: "all plugins",
        example: [],
      },
      { expected: "the name of a plugin", allows: (name) => name !== "" },
    ),
  ),
  clientid_prefixes: v.optional(
    list(
      {
        description: "Only clients whose client id begins with one of these are let in.",
        defaultText: "those of [access]",
        example: [],
      },
      { expected: "text that is not empty", allows: (prefix) => prefix !== "" },
    ),
  ),
  allow_zero_length_clientid: v.optional(
    flag({
      description: "Make up a client id for clients that give none.",
      defaultText: "that of [broker]",
      example: true,
    }),
  ),
  auto_id_prefix: v.optional(
    text({
      description: "What client ids that are made up begin with.",
      defaultText: "that of [broker]",
      example: "auto-",
    }),
  ),
};

export const ListenerSchema = v.pipe(
  v.object({ ...PLACE, ...CLIENTS, ...ACCESS, ...LISTENER_TLS }),
  v.metadata({
    description:
      "A port for MQTT clients, one section each. Giving any replaces the default one, which is the one shown. With certfile and keyfile, or with psk_hint, it speaks TLS.",
  }),
);
