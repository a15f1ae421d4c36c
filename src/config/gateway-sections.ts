/** The MQTT-SN side: `[gateway]` and `[[predefined_topic]]`. */
import * as v from "valibot";
import { isTopicName, LONGEST_TOPIC } from "../topics/names.ts";
import {
  HIGHEST_TOPIC_ID,
  isNodePattern,
  LONGEST_PATTERN,
  LOWEST_TOPIC_ID,
} from "../topics/predefined-topic.ts";
import { choice, flag, integer, path, text } from "./fields.ts";
import { GATEWAY_ADMISSION } from "./node-sections.ts";
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
