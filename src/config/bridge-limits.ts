/** What a bridge may keep, and what the other broker can be sent: parts of `[[bridge]]`. */
import * as v from "valibot";
import { isTopicFilter, isTopicName, LONGEST_TOPIC } from "../topics/names.ts";
import { choice, duration, flag, integer, list, text } from "./fields.ts";

const LARGEST = 2_147_483_647;
const LARGEST_PACKET = 268_435_460;

export const BRIDGE_LIMITS = {
  session_expiry_interval: v.optional(
    integer(
      { min: 0, max: 4_294_967_295 },
      {
        description:
          "How long the other broker keeps subscriptions and messages while the connection is down, with mqttv50; 4294967295 means for good. clean_session goes before it.",
        unit: "seconds",
      },
    ),
    4_294_967_295,
  ),
  max_inflight_messages: v.optional(
    integer(
      { min: 0, max: 65_535 },
      {
        description:
          "How many QoS 1 and 2 messages may be on their way to the other broker at a time, if it takes as many. 0 means as many as it takes, which it tells with mqttv50; otherwise 100, of which 19 at QoS 2.",
      },
    ),
    0,
  ),
  receive_maximum: v.optional(
    integer(
      { min: 1, max: 65_535 },
      { description: "The same from the other broker, which is told so with mqttv50." },
    ),
    1000,
  ),
  max_topic_alias: v.optional(
    integer(
      { min: 0, max: 65_535 },
      { description: "Topic aliases that the other broker may use with mqttv50." },
    ),
    10,
  ),
  max_queued_messages: v.optional(
    integer(
      { min: 0, max: LARGEST },
      {
        description:
          "Messages that may wait for the other broker; 0 means no limit. Those of [broker] do not hold for bridges.",
      },
    ),
    1_000_000,
  ),
  max_queued_bytes: v.optional(
    integer(
      { min: 0, max: Number.MAX_SAFE_INTEGER },
      {
        description: "Payload bytes that may wait for the other broker; 0 means no limit.",
        unit: "bytes",
      },
    ),
    0,
  ),
  max_queued_age: v.optional(
    duration({
      description:
        "How long a message may wait for the other broker before it is dropped, over restarts, too; 0 means no limit. Units are s, h, d, w, m (30 days) and y.",
    }),
    0,
  ),
  queue_policy: v.optional(
    choice(["drop-newest", "drop-oldest", "refuse"], {
      description:
        "What becomes of a QoS 1 or 2 message for which there is no room: it is dropped, the message that has waited longest is dropped for it, or its publisher is refused, see [broker].",
    }),
    "drop-newest",
  ),
  backlog: v.optional(
    choice(["order", "interleave"], {
      description:
        "Whether what has waited goes before what comes now, or takes turns with it, so that what is new is not late.",
    }),
    "order",
  ),
  max_packet_size: v.optional(
    integer(
      { min: 0, max: LARGEST_PACKET },
      {
        description:
          "Longest message sent to the other broker, with topic and headers; 0 means no limit. What is longer is dropped, counted and logged.",
        unit: "bytes",
      },
    ),
    0,
  ),
  max_topic_length: v.optional(
    integer(
      { min: 0, max: 65_535 },
      {
        description:
          "Longest topic that the other broker takes; 0 means no limit. Messages on longer ones are dropped, counted and logged.",
        unit: "bytes",
      },
    ),
    0,
  ),
  max_topic_levels: v.optional(
    integer(
      { min: 0, max: 65_535 },
      { description: "The same for the levels of a topic; 0 means no limit." },
    ),
    0,
  ),
  max_qos: v.optional(
    choice([0, 1, 2], {
      description:
        "The highest QoS that the other broker takes. It tells by itself with mqttv50. What is higher is lowered.",
    }),
    2,
  ),
  max_rate: v.optional(
    integer(
      { min: 0, max: 1_000_000 },
      {
        description: "How many messages are sent in a second at most; 0 means no limit.",
        unit: "messages per second",
      },
    ),
    0,
  ),
  outgoing_retain: v.optional(
    flag({
      description:
        "Send messages with their RETAIN flag. false takes it off, for brokers that do not know retained messages.",
    }),
    true,
  ),
  age_property: v.optional(
    text({
      description:
        'A user property to send with each message with mqttv50, such as "age": how many seconds it has waited here. "" means none.',
    }),
    "",
  ),
  loop_mark: v.optional(
    flag({
      description:
        'Mark messages with where they have been, with mqttv50 (the user property "midge-via"), and stop those that come round.',
    }),
    true,
  ),
  exclude: v.optional(
    list(
      {
        description:
          "Topic filters of what the bridge carries neither way, by the names that the topics have here.",
      },
      {
        expected: "a topic filter",
        allows: (filter) => isTopicFilter(filter, LONGEST_TOPIC),
      },
    ),
    [],
  ),
};

/** A prefix of topics; "" is none. */
export const PREFIX_RULE = {
  expected: 'a topic prefix without wildcards, or ""',
  allows: (prefix: string) => prefix === "" || isTopicName(prefix, LONGEST_TOPIC),
};
