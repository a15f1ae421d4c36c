/**
 * The 141 normative statements of MQTT 3.1.1 (Appendix B) by number, and which of them cannot be
 * tested from outside.
 */

/** How many statements each section has; they are numbered from 1. */
const SECTIONS: Readonly<Record<string, number>> = {
  "1.5.3": 3,
  "2.2.2": 2,
  "2.3.1": 7,
  "3.1.0": 2,
  "3.1.2": 24,
  "3.1.3": 11,
  "3.1.4": 5,
  "3.2.0": 1,
  "3.2.2": 6,
  "3.3.1": 12,
  "3.3.2": 3,
  "3.3.4": 1,
  "3.3.5": 2,
  "3.6.1": 1,
  "3.8.1": 1,
  "3.8.3": 4,
  "3.8.4": 6,
  "3.9.3": 2,
  "3.10.1": 1,
  "3.10.3": 2,
  "3.10.4": 6,
  "3.12.4": 1,
  "3.14.1": 1,
  "3.14.4": 3,
  "4.1.0": 2,
  "4.3.1": 1,
  "4.3.2": 2,
  "4.3.3": 2,
  "4.4.0": 1,
  "4.5.0": 2,
  "4.6.0": 6,
  "4.7.1": 3,
  "4.7.2": 1,
  "4.7.3": 4,
  "4.8.0": 2,
  "6.0.0": 4,
  "7.0.0": 2,
  "7.1.1": 1,
  "7.1.2": 1,
};

export const STATEMENTS: readonly string[] = Object.entries(SECTIONS).flatMap(([section, count]) =>
  Array.from({ length: count }, (_, index) => `MQTT-${section}-${index + 1}`),
);

/** Statements without a test here, and why. */
export const EXEMPT: Readonly<Record<string, string>> = {
  "MQTT-3.1.3-7":
    "A rule for clients only: with an empty client identifier they ask for a clean session. What the server does with one that does not is MQTT-3.1.3-8. Midge's own client, the bridge, always has an identifier.",
  "MQTT-7.0.0-2":
    "That no extension is needed to interoperate shows where clients and brokers that know nothing of Midge work with it: test/interop, with Mosquitto's and mqtt.js.",
  "MQTT-7.1.2-1":
    "A client's transport: that the bridge and the command line's clients reach other brokers over TCP shows in test/interop/bridge.test.ts and test/interop/pub-sub.test.ts.",
};
