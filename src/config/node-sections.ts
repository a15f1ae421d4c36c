/** Which nodes may connect, what they may do, and how much: parts of `[gateway]` and `[[link]]`, and `[[node]]`. */
import * as v from "valibot";
import { choice, flag, integer, list, optionalInteger, path, text } from "./fields.ts";

const MODES = ["open", "known", "pairing"] as const;
const MOST_PER_SECOND = 1_000_000;
const MOST_BYTES = 1_073_741_824;

const ADMISSION =
  '"open" is everyone, "known" the nodes that have a [[node]] section, "pairing" these and the ones approved by `midge ctrl gateway` or while pairing is open.';
const USERNAME =
  "The user name of nodes for access rules: %c stands for the client id, %l for the link's name.";

function perSecond(what: string) {
  return integer(
    { min: 0, max: MOST_PER_SECOND },
    { description: `${what} 0 is no limit.`, unit: "a second", restart: true },
  );
}

function burst(what: string) {
  return integer(
    { min: 1, max: MOST_PER_SECOND },
    { description: `How many of these may come at once, ${what}.`, restart: true },
  );
}

/** Of `[gateway]`. */
export const GATEWAY_ADMISSION = {
  admission: v.optional(
    choice(MODES, { description: `Which nodes may connect: ${ADMISSION}`, restart: true }),
    "open",
  ),
  username: v.optional(
    text({ description: `${USERNAME} "" makes them anonymous.`, restart: true }),
    "",
  ),
  qos_minus_one_from: v.optional(
    list(
      {
        description:
          'Where messages of QoS -1 are taken from while not every node may connect: IP addresses, ranges such as "192.168.7.0/24", names of links.',
        restart: true,
      },
      { expected: "an address, a range or a link", allows: (entry) => entry !== "" },
    ),
    [],
  ),
  address_rate: v.optional(perSecond("How many frames one IP address may send."), 0),
  address_burst: v.optional(burst("before address_rate counts"), 1000),
  node_rate: v.optional(perSecond("How many messages one node may send."), 0),
  node_burst: v.optional(burst("before node_rate counts"), 100),
  connect_rate: v.optional(perSecond("How often one node may connect."), 10),
  connect_burst: v.optional(burst("before connect_rate counts"), 100),
  max_buffered_bytes: v.optional(
    integer(
      { min: 0, max: MOST_BYTES },
      {
        description:
          "How much may wait for one node, besides what [broker] allows for every client; 0 is no limit of its own.",
        unit: "bytes",
        restart: true,
      },
    ),
    0,
  ),
  max_buffered_bytes_total: v.optional(
    integer(
      { min: 0, max: 64 * MOST_BYTES },
      {
        description: "How much may wait for all nodes together; 0 is no limit.",
        unit: "bytes",
        restart: true,
      },
    ),
    268_435_456,
  ),
};

/** Of `[[link]]`. */
export const LINK_ADMISSION = {
  admission: v.optional(
    choice(MODES, {
      description: "Which nodes may connect here.",
      defaultText: "that of [gateway]",
      example: "open",
      restart: true,
    }),
  ),
  max_nodes: optionalInteger(
    { min: 1, max: 1_000_000 },
    {
      description: "How many nodes may be connected here at a time.",
      defaultText: "no limit but that of [gateway]",
      example: 1000,
      restart: true,
    },
  ),
  username: v.optional(
    text({
      description: "The user name of nodes here.",
      defaultText: "that of [gateway]",
      example: "",
      restart: true,
    }),
  ),
  acl_file: v.optional(
    path({
      description: "Access rules of the nodes here alone.",
      defaultText: "that of [access]",
      example: "",
    }),
    "",
  ),
  dynamic_security: v.optional(
    flag({
      description: "Whether dynamic security decides what nodes here may do.",
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
};

export const NodeSchema = v.pipe(
  v.object({
    client_id: text(
      {
        description: "The node's client id, or a pattern: * stands for any characters.",
        example: "sensor-*",
        restart: true,
      },
      { expected: "text that is not empty", allows: (id) => id !== "" },
    ),
    link: v.optional(
      text({
        description: 'The name of the only link that it may connect by; "" means any.',
        restart: true,
      }),
      "",
    ),
  }),
  v.metadata({
    description:
      'A node that may connect with admission "known" or "pairing", one section each. None by default.',
  }),
);
