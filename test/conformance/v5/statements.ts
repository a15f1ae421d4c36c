/**
 * The 251 normative statements of MQTT 5.0 (Appendix B) by number, and which of them have no test here.
 */

/** The statements of each section: how many, numbered from 1, or the first and the last number. */
const SECTIONS: Readonly<Record<string, number | readonly [first: number, last: number]>> = {
  "1.5.4": 3,
  "1.5.5": 1,
  "1.5.7": 1,
  "2.1.3": 1,
  "2.2.1": [2, 6],
  "2.2.2": 1,
  "3.1.0": 2,
  "3.1.2": 30,
  "3.1.3": 12,
  "3.1.4": 6,
  "3.2.0": 2,
  "3.2.2": 22,
  "3.3.1": 13,
  "3.3.2": 20,
  "3.3.4": 10,
  "3.4.2": 3,
  "3.5.2": 3,
  "3.6.1": 1,
  "3.6.2": 3,
  "3.7.2": 3,
  "3.8.1": 1,
  "3.8.3": 5,
  "3.8.4": 8,
  "3.9.2": 2,
  "3.9.3": 2,
  "3.10.1": 1,
  "3.10.3": 2,
  "3.10.4": 6,
  "3.11.2": 2,
  "3.11.3": 2,
  "3.12.4": 1,
  "3.14.0": 1,
  "3.14.1": 1,
  "3.14.2": 4,
  "3.14.4": 3,
  "3.15.1": 1,
  "3.15.2": 3,
  "4.1.0": 2,
  "4.2.0": 1,
  "4.3.1": 1,
  "4.3.2": 5,
  "4.3.3": 13,
  "4.4.0": 2,
  "4.5.0": 2,
  "4.6.0": 6,
  "4.7.0": 1,
  "4.7.1": 2,
  "4.7.2": 1,
  "4.7.3": 4,
  "4.8.2": 6,
  "4.9.0": 3,
  "4.12.0": 7,
  "4.12.1": 2,
  "4.13.1": 1,
  "4.13.2": 1,
  "6.0.0": 4,
};

function numbers(count: number | readonly [first: number, last: number]): number[] {
  const [first, last] = typeof count === "number" ? [1, count] : count;
  return Array.from({ length: last - first + 1 }, (_, index) => first + index);
}

export const STATEMENTS: readonly string[] = Object.entries(SECTIONS).flatMap(([section, count]) =>
  numbers(count).map((number) => `MQTT-${section}-${number}`),
);

/** Statements without a test here, and why. */
export const EXEMPT: Readonly<Record<string, string>> = {
  "MQTT-3.1.2-20": "A rule for clients: when they have to send PINGREQ.",
  "MQTT-3.1.2-21": "A rule for clients: they keep to the Server Keep Alive.",
  "MQTT-3.2.2-4": "A rule for clients: what they do about a session that they do not have.",
  "MQTT-3.2.2-5": "A rule for clients: what they do about a session that the server does not have.",
  "MQTT-3.2.2-21": "A rule for clients: they keep to the Server Keep Alive.",
  "MQTT-3.3.2-10": "A rule for clients: which topic aliases they take.",
  "MQTT-3.3.4-8": "A rule for clients: what they may not hold back.",
  "MQTT-4.5.0-2": "A rule for clients: they acknowledge what they receive.",
  "MQTT-4.6.0-1": "A rule for clients: the order in which they send PUBLISH again.",
  "MQTT-4.6.0-2": "A rule for clients: the order of their PUBACK packets.",
  "MQTT-4.6.0-3": "A rule for clients: the order of their PUBREC packets.",
  "MQTT-4.6.0-4": "A rule for clients: the order of their PUBREL packets.",
};
