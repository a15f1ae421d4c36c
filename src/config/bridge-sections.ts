/** Connections to other brokers: `[[bridge]]` and `[[bridge.topic]]`. */
import { isIP } from "node:net";
import * as v from "valibot";
import { isTopicFilter, isTopicName, LONGEST_TOPIC } from "../topics/names.ts";
import { BRIDGE_LIMITS, PREFIX_RULE } from "./bridge-limits.ts";
import { PRESETS } from "./bridge-presets.ts";
import { BRIDGE_TLS } from "./bridge-tls.ts";
import { choice, endpoints, flag, integer, text } from "./fields.ts";

export const BridgeTopicSchema = v.pipe(
  v.object({
    pattern: text(
      {
        description:
          'The topics to share, as a topic filter, without the prefixes. "" maps the one topic local_prefix to the one topic remote_prefix.',
        example: "sensors/#",
      },
      {
        expected: 'a topic filter, or ""',
        allows: (pattern) => pattern === "" || isTopicFilter(pattern, LONGEST_TOPIC),
      },
    ),
    direction: v.optional(
      choice(["out", "in", "both"], {
        description: "To the other broker, from it, or both ways.",
      }),
      "out",
    ),
    qos: v.optional(choice([0, 1, 2], { description: "The highest QoS that messages keep." }), 0),
    local_prefix: v.optional(
      text({ description: "What stands before the pattern here." }, PREFIX_RULE),
      "",
    ),
    remote_prefix: v.optional(
      text({ description: "What stands before the pattern at the other broker." }, PREFIX_RULE),
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
      },
      {
        expected: "text that is not empty, without +, # and spaces",
        allows: (name) => /^[^+#\s]+$/.test(name),
      },
    ),
    preset: v.optional(
      choice(PRESETS, {
        description:
          'What the other broker is: fills in what that asks for, as README tells, where this section does not say otherwise. "none" fills in nothing.',
      }),
      "none",
    ),
    address: endpoints(1883, {
      description:
        "The other broker, or a list of brokers of which the first that answers is used. The port is 1883 if not given, 8883 with TLS, 80 with WebSocket, 443 with both.",
      example: "broker.example:1883",
    }),
    client_id: v.optional(
      text({
        description: "The client id at the other broker.",
        defaultText: "this machine's host name, a dot and the bridge's name",
        example: "",
      }),
      "",
    ),
    username: v.optional(
      text({ description: 'The user name at the other broker; "" means none.' }),
      "",
    ),
    password: v.optional(
      text({
        description:
          'The password at the other broker; "" means none. Keep this file from being read by others.',
        secret: true,
      }),
      "",
    ),
    local_client_id: v.optional(
      text({
        description: "The client id at this broker, where the bridge is a client, too.",
        defaultText: '"local." and the client id',
        example: "",
      }),
      "",
    ),
    local_username: v.optional(
      text({
        description:
          "The user name of the bridge at this broker, which plugins see. Its rights do not depend on it.",
      }),
      "",
    ),
    protocol: v.optional(
      choice(["mqttv311", "mqttv31", "mqttv50"], {
        description: "The version of MQTT to speak with the other broker.",
      }),
      "mqttv311",
    ),
    keepalive: v.optional(
      integer(
        { min: 5, max: 65_535 },
        {
          description: "After how long without traffic the bridge sends a ping.",
          unit: "seconds",
        },
      ),
      60,
    ),
    clean_session: v.optional(
      flag({
        description:
          "Have the other broker forget subscriptions and messages whenever the connection drops.",
      }),
      false,
    ),
    local_clean_session: v.optional(
      flag({
        description: "Drop what waits here for the other broker whenever the connection drops.",
        defaultText: "the same as clean_session",
        example: false,
      }),
    ),
    round_robin: v.optional(
      flag({
        description:
          "Take all brokers of the list as equal, and stay with the one that answers, instead of going back to the first.",
      }),
      false,
    ),
    attempt_unsubscribe: v.optional(
      flag({
        description:
          "Unsubscribe at the other broker from topics that only go out, in case they came in before.",
      }),
      true,
    ),
    try_private: v.optional(
      flag({
        description:
          "Tell the other broker that this is a bridge, so that it sends nothing back. Set to false if it refuses the connection.",
      }),
      true,
    ),
    notifications: v.optional(
      flag({
        description:
          "Publish whether the bridge is connected, as 1 or 0, retained, here and at the other broker.",
      }),
      true,
    ),
    notifications_local_only: v.optional(flag({ description: "Publish that here only." }), false),
    notification_topic: v.optional(
      text(
        {
          description: "The topic to publish that on.",
          defaultText: "$SYS/broker/connection/ and the client id and /state",
          example: "",
        },
        {
          expected: 'a topic name without wildcards, or ""',
          allows: (name) => name === "" || isTopicName(name, LONGEST_TOPIC),
        },
      ),
      "",
    ),
    start_type: v.optional(
      choice(["automatic", "lazy", "once"], {
        description:
          "When to connect: at start, and again whenever the connection drops; when threshold messages wait; or once, at start.",
      }),
      "automatic",
    ),
    threshold: v.optional(
      integer(
        { min: 1, max: 2_147_483_647 },
        { description: "How many messages have to wait until a lazy bridge connects." },
      ),
      10,
    ),
    idle_timeout: v.optional(
      integer(
        { min: 1, max: 2_147_483 },
        {
          description: "How long a lazy bridge stays connected with nothing to carry.",
          unit: "seconds",
        },
      ),
      60,
    ),
    restart_timeout: v.optional(
      integer(
        { min: 1, max: 3600 },
        {
          description: "How long to wait at least before connecting again.",
          unit: "seconds",
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
        },
      ),
    ),
    restart_timeout_stable: v.optional(
      integer(
        { min: 0, max: 86_400 },
        {
          description:
            "How long a connection has to stand for the next wait to be a short one again.",
          unit: "seconds",
        },
      ),
      10,
    ),
    reload_type: v.optional(
      choice(["lazy", "immediate"], {
        description:
          "When a configuration that was changed and read again takes effect: with the next connection, or at once.",
      }),
      "lazy",
    ),
    tcp_keepalive: v.optional(
      integer(
        { min: 0, max: 32_767 },
        {
          description:
            "After how long without traffic the system begins to probe the connection, ten times, each second; 0 means never.",
          unit: "seconds",
        },
      ),
      60,
    ),
    bind_address: v.optional(
      text(
        { description: 'The IP address of this machine to connect from; "" means any.' },
        {
          expected: 'an IP address, or ""',
          allows: (address) => address === "" || isIP(address) !== 0,
        },
      ),
      "",
    ),
    ...BRIDGE_TLS,
    ...BRIDGE_LIMITS,
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
