/**
 * What there is to be shown of MQTT-SN 1.2: its clauses on formats (§5), procedures (§6) and
 * implementation (§7), and what Midge decides where they are silent.
 */

/** `§5.4.1` to `§5.4.25` and the like: the section, and how many clauses it has. */
const SECTIONS: readonly (readonly [string, number])[] = [
  ["5.2", 2],
  ["5.3", 14],
  ["5.4", 25],
  ["6", 14],
  ["7", 4],
];

/** §5.1 says what the others say, and §5.5 has no clauses of its own. */
export const CLAUSES: readonly string[] = [
  ...SECTIONS.flatMap(([section, count]) =>
    Array.from({ length: count }, (_, index) => `${section}.${index + 1}`),
  ),
  "5.5",
];

/** Clauses without a test, and why. */
export const EXEMPT: Readonly<Record<string, string>> = {
  "7.4":
    "where in a ZigBee network a gateway stands, and how long frames are there: its link's maximum frame",
};

export const DECISIONS: readonly string[] = [
  "Header",
  "Identity",
  "CONNECT while connected",
  "Empty ClientId",
  "ProtocolId",
  "Will handshake",
  "Topic ids",
  "REGISTER of a wildcard",
  "PUBLISH with unknown id",
  "QoS -1",
  "MsgId 0",
  "Duplicates",
  "Acknowledgement to the node",
  "Gateway to node",
  "Too long for the link",
  "SUBSCRIBE",
  "Sleeping",
  "PINGREQ asleep",
  "Other message while asleep",
  "DISCONNECT",
  "Unknown sender",
  "SEARCHGW",
  "Forwarder encapsulation",
  "Congestion",
  "Keep alive",
];
