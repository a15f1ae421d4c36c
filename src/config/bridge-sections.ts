/** Connections to other brokers: `[[bridge]]` and `[[bridge.topic]]`. */
import * as v from "valibot";
import { isTopicFilter, isTopicName, LONGEST_TOPIC } from "../topics/names.ts";
import { choice, endpoints, flag, integer, text } from "./fields.ts";

const PREFIX_RULE = {
  expected: 'a topic prefix without wildcards, or ""',
  allows: (prefix: string) => prefix === "" || isTopicName(prefix, LONGEST_TOPIC),
};

export const BridgeTopicSchema = v.pipe(
  v.object({
    pattern: text(
      {
        description:
          'The topics to share, as a topic filter, without the prefixes. "" maps the one topic local_prefix to the one topic remote_prefix.',
        example: "sensors/#",
        restart: true,
      },
      {
        expected: 'a topic filter, or ""',
        allows: (pattern) => pattern === "" || isTopicFilter(pattern, LONGEST_TOPIC),
      },
    ),
    direction: v.optional(
      choice(["out", "in", "both"], {
        description: "To the other broker, from it, or both ways.",
        restart: true,
      }),
      "out",
    ),
    qos: v.optional(
      choice([0, 1, 2], { description: "The highest QoS that messages keep.", restart: true }),
      0,
    ),
    local_prefix: v.optional(
      text({ description: "What stands before the pattern here.", restart: true }, PREFIX_RULE),
      "",
    ),
    remote_prefix: v.optional(
      text(
        { description: "What stands before the pattern at the other broker.", restart: true },
        PREFIX_RULE,
      ),
      "",
    ),
  }),
  v.metadata({
    description:
      "Topics that the bridge above shares, one section each; a bridge may have several.",
  }),
);

const DEFAULT_CAP = 30;

export const BridgeSchema = v.pipe(
  v.object({
    name: text(
      {
        description: "The bridge's name; client ids are made from it.",
        example: "cloud",
        restart: true,
      },
      {
        expected: "text that is not empty, without +, # and spaces",
        allows: (name) => /^[^+#\s]+$/.test(name),
      },
    ),
    address: endpoints(1883, {
      description:
        "The other broker, or a list of brokers of which the first that answers is used. The port is 1883 if not given.",
      example: "broker.example:1883",
      restart: true,
    }),
    client_id: v.optional(
      text({
        description: "The client id at the other broker.",
        defaultText: "this machine's host name, a dot and the bridge's name",
        example: "",
        restart: true,
      }),
      "",
    ),
    username: v.optional(
      text({ description: 'The user name at the other broker; "" means none.', restart: true }),
      "",
    ),
    password: v.optional(
      text({
        description:
          'The password at the other broker; "" means none. Keep this file from being read by others.',
        secret: true,
        restart: true,
      }),
      "",
    ),
    local_client_id: v.optional(
      text({
        description: "The client id at this broker, where the bridge is a client, too.",
        defaultText: '"local." and the client id',
        example: "",
        restart: true,
      }),
      "",
    ),
    local_username: v.optional(
      text({
        description:
          "The user name of the bridge at this broker, which plugins see. Its rights do not depend on it.",
        restart: true,
      }),
      "",
    ),
    protocol: v.optional(
      choice(["mqttv311", "mqttv31"], {
        description: "The version of MQTT to speak with the other broker.",
        restart: true,
      }),
      "mqttv311",
    ),
    keepalive: v.optional(
      integer(
        { min: 5, max: 65_535 },
        {
          description: "After how long without traffic the bridge sends a ping.",
          unit: "seconds",
          restart: true,
        },
      ),
      60,
    ),
    clean_session: v.optional(
      flag({
        description:
          "Have the other broker forget subscriptions and messages whenever the connection drops.",
        restart: true,
      }),
      false,
    ),
    local_clean_session: v.optional(
      flag({
        description: "Drop what waits here for the other broker whenever the connection drops.",
        defaultText: "the same as clean_session",
        example: false,
        restart: true,
      }),
    ),
    max_inflight_messages: v.optional(
      integer(
        { min: 1, max: 65_535 },
        {
          description:
            "How many QoS 1 and 2 messages may be on their way to the other broker at a time.",
          restart: true,
        },
      ),
      20,
    ),
    round_robin: v.optional(
      flag({
        description:
          "Take all brokers of the list as equal, and stay with the one that answers, instead of going back to the first.",
        restart: true,
      }),
      false,
    ),
    attempt_unsubscribe: v.optional(
      flag({
        description:
          "Unsubscribe at the other broker from topics that only go out, in case they came in before.",
        restart: true,
      }),
      true,
    ),
    try_private: v.optional(
      flag({
        description:
          "Tell the other broker that this is a bridge, so that it sends nothing back. Set to false if it refuses the connection.",
        restart: true,
      }),
      true,
    ),
    notifications: v.optional(
      flag({
        description:
          "Publish whether the bridge is connected, as 1 or 0, retained, here and at the other broker.",
        restart: true,
      }),
      true,
    ),
    notifications_local_only: v.optional(
      flag({ description: "Publish that here only.", restart: true }),
      false,
    ),
    notification_topic: v.optional(
      text(
        {
          description: "The topic to publish that on.",
          defaultText: "$SYS/broker/connection/ and the client id and /state",
          example: "",
          restart: true,
        },
        {
          expected: 'a topic name without wildcards, or ""',
          allows: (name) => name === "" || isTopicName(name, LONGEST_TOPIC),
        },
      ),
      "",
    ),
    start_type: v.optional(
      choice(["automatic"], {
        description: "When to connect: at start, and again whenever the connection drops.",
        restart: true,
      }),
      "automatic",
    ),
    restart_timeout: v.optional(
      integer(
        { min: 1, max: 3600 },
        {
          description: "How long to wait at least before connecting again.",
          unit: "seconds",
          restart: true,
        },
      ),
      5,
    ),
    restart_timeout_cap: v.optional(
      integer(
        { min: 1, max: 7200 },
        {
          description:
            "How long to wait at most; the wait grows up to it. The same as restart_timeout makes it constant.",
          unit: "seconds",
          defaultText: "30, or restart_timeout if that is longer",
          example: DEFAULT_CAP,
          restart: true,
        },
      ),
    ),
    topic: v.optional(v.array(BridgeTopicSchema), []),
  }),
  v.transform((bridge) => ({
    ...bridge,
    local_clean_session: bridge.local_clean_session ?? bridge.clean_session,
    restart_timeout_cap:
      bridge.restart_timeout_cap ?? Math.max(DEFAULT_CAP, bridge.restart_timeout),
  })),
  v.metadata({
    description: "A connection to another broker, one section each. None by default.",
  }),
);
