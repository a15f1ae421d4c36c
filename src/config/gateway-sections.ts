/** The MQTT-SN side: `[gateway]`, `[[predefined_topic]]` and `[[link]]`. */
import * as v from "valibot";
import { isTopicName, LONGEST_TOPIC } from "../topics/names.ts";
import {
  HIGHEST_TOPIC_ID,
  isNodePattern,
  LONGEST_PATTERN,
  LOWEST_TOPIC_ID,
} from "../topics/predefined-topic.ts";
import { isMulticast } from "./addresses.ts";
import {
  choice,
  flag,
  integer,
  listenAddress,
  optionalInteger,
  path,
  port,
  text,
} from "./fields.ts";
import { GATEWAY_ADMISSION, LINK_ADMISSION } from "./node-sections.ts";
import { GATEWAY_UPSTREAM } from "./upstream-sections.ts";

export const GatewaySchema = v.pipe(
  v.object({
    enabled: v.optional(flag({ description: "Serve MQTT-SN nodes.", restart: true }), true),
    id: v.optional(
      integer(
        { min: 0, max: 255 },
        {
          description: "The gateway id, unlike that of any other gateway in reach.",
          restart: true,
        },
      ),
      1,
    ),
    advertise_interval: v.optional(
      integer(
        { min: 0, max: 65_535 },
        {
          description:
            "How often the gateway advertises itself on links that can broadcast; 0 is never. MQTT-SN 1.2 advises more than 15 minutes.",
          unit: "seconds",
          restart: true,
        },
      ),
      900,
    ),
    max_nodes: v.optional(
      integer(
        { min: 1, max: 1_000_000 },
        { description: "How many nodes may have a session at a time.", restart: true },
      ),
      10_000,
    ),
    max_topic_ids: v.optional(
      integer(
        { min: 1, max: 65_534 },
        { description: "How many topic ids one node may have registered.", restart: true },
      ),
      1000,
    ),
    strict_client_id: v.optional(
      flag({
        description: "Refuse client ids of more than 23 characters, as MQTT-SN 1.2 has it.",
        restart: true,
      }),
      false,
    ),
    queue_qos0: v.optional(
      flag({ description: "Keep QoS 0 messages for sleeping nodes.", restart: true }),
      true,
    ),
    qos_minus_one: v.optional(
      choice(["allow", "deny"], {
        description: "Whether messages of QoS -1, from nodes that never connect, are published.",
        restart: true,
      }),
      "allow",
    ),
    qos_minus_one_client_id: v.optional(
      text(
        {
          description: "The client id under which messages of QoS -1 are published.",
          restart: true,
        },
        { expected: "text that is not empty", allows: (id) => id !== "" },
      ),
      "midge-qos-minus-one",
    ),
    ...GATEWAY_ADMISSION,
    ...GATEWAY_UPSTREAM,
    predefined_topic_file: v.optional(
      path({
        description:
          "A file of topic ids that nodes know without registering them, one line `ClientId, topic name, topic id` each, as predefinedTopic.conf of other gateways; `*` is all nodes.",
      }),
      "",
    ),
    report_interval: v.optional(
      integer(
        { min: 0, max: 65_535 },
        {
          description: "How often $SYS/gateway/ is brought up to date; 0 turns it off.",
          unit: "seconds",
          restart: true,
        },
      ),
      10,
    ),
  }),
  v.metadata({ description: "The MQTT-SN gateway." }),
);

export const PredefinedTopicSchema = v.pipe(
  v.object({
    id: integer(
      { min: LOWEST_TOPIC_ID, max: HIGHEST_TOPIC_ID, what: "a topic id" },
      { description: "The topic id that nodes use.", example: 1 },
    ),
    name: text(
      { description: "The topic that it stands for.", example: "sensors/outdoor" },
      {
        expected: "a topic name without wildcards",
        allows: (name) => isTopicName(name, LONGEST_TOPIC),
      },
    ),
    node: v.optional(
      text(
        {
          description:
            'The client id of the only node that it holds for, or a pattern in which * stands for any characters; "" means all nodes. What is for fewer nodes goes first.',
        },
        {
          expected: `a client id, or a pattern of at most ${LONGEST_PATTERN} characters`,
          allows: isNodePattern,
        },
      ),
      "",
    ),
  }),
  v.metadata({
    description:
      "A topic id that nodes know without registering it, one section each. None by default.",
  }),
);

/** The longest payload of a UDP datagram over IPv4. */
const LONGEST_DATAGRAM = 65_507;

export const LinkSchema = v.pipe(
  v.object({
    name: v.optional(
      text({
        description: "What logs and pages call this link.",
        defaultText: 'the type and the port, such as "udp-1884"',
        example: "udp-1884",
        restart: true,
      }),
      "",
    ),
    type: v.optional(
      choice(["udp"], { description: "How nodes are reached: by UDP.", restart: true }),
      "udp",
    ),
    port: v.optional(port({ description: "The UDP port to receive on.", restart: true }), 1884),
    address: v.optional(
      listenAddress({
        description:
          'The address to receive on: "127.0.0.1" serves this machine only, "" every network that the machine is in, "0.0.0.0" and "::" the same for IPv4 or IPv6 alone.',
        restart: true,
      }),
      "127.0.0.1",
    ),
    multicast_group: v.optional(
      text(
        {
          description:
            'The multicast group for advertising and for nodes that search a gateway, such as "225.1.1.1"; "" means none.',
          restart: true,
        },
        {
          expected: 'a multicast address such as "225.1.1.1", or ""',
          allows: (group) => group === "" || isMulticast(group),
        },
      ),
      "",
    ),
    multicast_interface: v.optional(
      text({
        description:
          'The local address, or for IPv6 the interface such as "::%eth0", to use multicast on; "" lets the system choose.',
        restart: true,
      }),
      "",
    ),
    multicast_ttl: v.optional(
      integer(
        { min: 1, max: 255 },
        {
          description: "How many hops multicast goes; 1 stays in the local network.",
          unit: "hops",
          restart: true,
        },
      ),
      1,
    ),
    gateway_id: optionalInteger(
      { min: 0, max: 255 },
      {
        description: "The gateway id on this link.",
        defaultText: "that of `[gateway]`",
        example: 1,
        restart: true,
      },
    ),
    advertise_interval: optionalInteger(
      { min: 0, max: 65_535 },
      {
        description: "How often the gateway advertises itself on this link; 0 is never.",
        unit: "seconds",
        defaultText: "that of `[gateway]`",
        example: 900,
        restart: true,
      },
    ),
    retry_interval: v.optional(
      integer(
        { min: 1, max: 3600 },
        {
          description: "How long to wait for a node's answer before sending again (T_RETRY).",
          unit: "seconds",
          restart: true,
        },
      ),
      10,
    ),
    retry_limit: v.optional(
      integer(
        { min: 0, max: 100 },
        {
          description: "How often to send again before the node counts as lost (N_RETRY).",
          restart: true,
        },
      ),
      4,
    ),
    max_frame: v.optional(
      integer(
        { min: 32, max: LONGEST_DATAGRAM },
        {
          description: "The longest MQTT-SN message that is sent; longer ones are dropped.",
          unit: "bytes",
          restart: true,
        },
      ),
      1400,
    ),
    receive_buffer: v.optional(
      integer(
        { min: 0, max: 1_073_741_823 },
        {
          description:
            "The socket's receive buffer, within what the system allows; 0 leaves it as it is.",
          unit: "bytes",
          restart: true,
        },
      ),
      1_048_576,
    ),
    ...LINK_ADMISSION,
    optional: v.optional(
      flag({ description: "A port that is taken is only a warning.", hidden: true }),
      false,
    ),
  }),
  v.transform((link) => ({
    ...link,
    name: link.name === "" ? `${link.type}-${link.port}` : link.name,
  })),
  v.metadata({
    description:
      "A way to MQTT-SN nodes, one section each. Giving any replaces the default one, which is the one shown.",
  }),
);
