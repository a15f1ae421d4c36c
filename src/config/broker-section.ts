/** The broker's own options: `[broker]`. */
import * as v from "valibot";
import { parseEndpoint } from "./addresses.ts";
import { choice, duration, flag, integer, optionalInteger, text } from "./fields.ts";

const NO_LIMIT = [-1, "no limit"] as const;
/** There are no more packet identifiers than this. */
const PROTOCOL_LIMIT = 65_535;
const LARGEST = 1_000_000_000;

/** In the form that MQTT 5.0 §4.11 asks for. */
function isServerReference(text: string): boolean {
  return text === "" || text.split(" ").every((one) => parseEndpoint(one, 1883) !== undefined);
}

export const BrokerSchema = v.pipe(
  v.object({
    max_inflight_messages: v.optional(
      v.pipe(
        integer(
          { min: 0, max: PROTOCOL_LIMIT },
          {
            description:
              "How many QoS 1 and 2 messages may be on their way to one client at a time; 0 means no limit but the protocol's own. 1 keeps all messages of a client in order.",
          },
        ),
        v.transform((count) => (count === 0 ? PROTOCOL_LIMIT : count)),
      ),
      20,
    ),
    max_inflight_bytes: v.optional(
      integer(
        { min: 0, max: LARGEST },
        {
          description:
            "How many bytes of QoS 1 and 2 messages may be on their way to one client at a time; 0 means no limit. One message always may.",
          unit: "bytes",
        },
      ),
      0,
    ),
    receive_maximum: optionalInteger(
      { min: 1, max: PROTOCOL_LIMIT },
      {
        description:
          "How many QoS 1 and 2 messages an MQTT 5.0 client may have on their way to Midge at a time.",
        defaultText: "the same as max_inflight_messages",
        example: 20,
      },
    ),
    max_queued_messages: v.optional(
      integer(
        { min: 0, max: LARGEST },
        {
          description:
            "How many messages wait for one client beyond those in flight before further ones are dropped; 0 means no limit.",
        },
      ),
      1000,
    ),
    max_queued_bytes: v.optional(
      integer(
        { min: 0, max: 1_000_000_000_000 },
        {
          description:
            "How many bytes of messages wait for one client beyond those in flight before further ones are dropped; 0 means no limit.",
          unit: "bytes",
        },
      ),
      0,
    ),
    max_queued_age: v.optional(
      duration({
        description:
          "How long a message may wait for one client before it is dropped, over restarts, too; 0 means no limit. Messages in flight are not concerned. Units are s, h, d, w, m (30 days) and y.",
      }),
      0,
    ),
    queue_policy: v.optional(
      choice(["drop-newest", "drop-oldest", "refuse"], {
        description:
          "What becomes of a QoS 1 or 2 message for a client for whom no more may wait: it is dropped; the message that has waited longest is dropped for it; or its publisher is refused, and nobody gets it: MQTT 5.0 clients with reason 0x97, MQTT-SN nodes as congested, older clients by closing the connection. Messages of QoS 0 give way first, and are never refused.",
      }),
      "drop-newest",
    ),
    queue_qos0_messages: v.optional(
      flag({ description: "Keep QoS 0 messages, too, for clients that are away." }),
      false,
    ),
    upgrade_outgoing_qos: v.optional(
      flag({
        description:
          "Deliver messages with the QoS of the subscription, even if they were published with a lower one.",
      }),
      false,
    ),
    allow_duplicate_messages: v.optional(
      flag({
        description:
          "Deliver a message once for each of a client's subscriptions that match it, instead of once.",
      }),
      false,
    ),
    memory_limit: v.optional(
      integer(
        { min: 0, max: 1_000_000_000_000 },
        {
          description:
            "How much memory Midge may take before it refuses further messages and clients; 0 means no limit.",
          unit: "bytes",
        },
      ),
      0,
    ),
    message_size_limit: v.optional(
      integer(
        { min: 0, max: 268_435_455 },
        {
          description:
            "The longest payload that is passed on; 0 means no limit. Longer messages are acknowledged and dropped.",
          unit: "bytes",
        },
      ),
      0,
    ),
    max_packet_size: v.optional(
      integer(
        { min: 20, max: 268_435_461 },
        {
          description:
            "The longest MQTT packet that is accepted. A client that sends a longer one is disconnected.",
          unit: "bytes",
        },
      ),
      2_000_000,
    ),
    max_keepalive: v.optional(
      integer(
        { min: 0, max: 65_535 },
        {
          description:
            "The longest keep alive that a client may ask for; 0 means any, or none. An MQTT 5.0 client that asks for more is told this one, an older client is refused.",
          unit: "seconds",
        },
      ),
      0,
    ),
    max_qos: v.optional(
      integer(
        { min: 0, max: 2 },
        { description: "The highest QoS that clients may publish with." },
      ),
      2,
    ),
    max_topic_alias: v.optional(
      integer(
        { min: 0, max: 65_535 },
        { description: "How many topic aliases an MQTT 5.0 client may use." },
      ),
      10,
    ),
    max_topic_alias_broker: v.optional(
      integer(
        { min: 0, max: 65_535 },
        {
          description:
            "How many topic aliases are used towards an MQTT 5.0 client, if it allows any.",
        },
      ),
      10,
    ),
    allow_zero_length_clientid: v.optional(
      flag({ description: "Make up a client id for clients that give none." }),
      true,
    ),
    auto_id_prefix: v.optional(
      text({ description: "What client ids that are made up begin with." }),
      "auto-",
    ),
    max_topic_levels: v.optional(
      integer(
        { min: 1, max: 65_535 },
        { description: "How many levels topic names and topic filters may have." },
      ),
      200,
    ),
    retain_available: v.optional(
      flag({
        description:
          "Allow retained messages. If false, a client that publishes one is disconnected.",
      }),
      true,
    ),
    retain_expiry_interval: v.optional(
      integer(
        { min: 0, max: 10_000_000 },
        {
          description:
            "How often retained messages that have expired are looked for and removed; 0 means when somebody comes upon them.",
          unit: "minutes",
        },
      ),
      0,
    ),
    persistent_client_expiration: v.optional(
      duration({
        description:
          'After how long away the session of a client is forgotten, even if it asked for longer; "" means never. Units are s, h, d, w, m (30 days) and y.',
      }),
      "",
    ),
    sys_interval: v.optional(
      integer(
        { min: 0, max: 65_535 },
        {
          description: "How often the $SYS topics are brought up to date; 0 turns them off.",
          unit: "seconds",
        },
      ),
      10,
    ),
    connect_timeout: v.optional(
      integer(
        { min: 1, max: 3600 },
        {
          description: "How long a new connection may take to send its CONNECT packet.",
          unit: "seconds",
        },
      ),
      10,
    ),
    global_max_connections: v.optional(
      integer(
        { min: 1, max: LARGEST, also: NO_LIMIT },
        { description: "How many clients may be connected at a time, over all listeners." },
      ),
      -1,
    ),
    server_reference: v.optional(
      text(
        {
          description:
            'Another broker that MQTT 5.0 clients are told to use when there is no room for them here, and when Midge stops; "" means none. Several are separated by spaces.',
        },
        {
          expected: '"host", "host:port" or "[IPv6 address]:port", several separated by one space',
          allows: isServerReference,
        },
      ),
      "",
    ),
    global_max_clients: v.optional(
      integer(
        { min: 1, max: LARGEST, also: NO_LIMIT },
        { description: "How many sessions there may be, those of clients that are away included." },
      ),
      -1,
    ),
  }),
  v.transform((broker) => ({
    ...broker,
    receive_maximum: broker.receive_maximum ?? broker.max_inflight_messages,
  })),
  v.metadata({ description: "The broker: what clients may do, and what is kept for them." }),
);
