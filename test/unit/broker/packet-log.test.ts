/** With debug lines on, the log tells every packet of a conversation as Mosquitto does. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { TestBroker } from "../../kit/test-broker.ts";

/** The debug lines of a conversation. */
function talk(debugging: boolean): string[] {
  const broker = new TestBroker();
  broker.log.debugging = debugging;
  const client = broker.connect("c");
  client.subscribe("a/#", 2);
  for (const qos of [0, 1, 2] as const) client.publish("a/b", "hi", qos, qos);
  client.send({ kind: "pubrel", packetId: 2 });
  client.send({ kind: "puback", packetId: 1 });
  client.send({ kind: "pubrec", packetId: 2 });
  client.send({ kind: "pubcomp", packetId: 2 });
  client.send({ kind: "pingreq" });
  client.send({ kind: "unsubscribe", packetId: 9, filters: ["a/#"] });
  client.send({ kind: "disconnect" });
  const mark = "debug: ";
  const lines = broker.log.lines.filter((line) => line.startsWith(mark));
  return lines.map((line) => line.slice(mark.length));
}

test("packets are told in Mosquitto's words", () => {
  assert.deepEqual(talk(true), [
    "No will message specified.",
    "Sending CONNACK to c (0, 0)",
    "Received SUBSCRIBE from c",
    "\ta/# (QoS 2)",
    "Sending SUBACK to c",
    "Received PUBLISH from c (d0, q0, r0, m0, 'a/b', ... (2 bytes))",
    "Sending PUBLISH to c (d0, q0, r0, m0, 'a/b', ... (2 bytes))",
    "Received PUBLISH from c (d0, q1, r0, m1, 'a/b', ... (2 bytes))",
    "Sending PUBLISH to c (d0, q1, r0, m1, 'a/b', ... (2 bytes))",
    "Sending PUBACK to c (m1, rc0)",
    "Received PUBLISH from c (d0, q2, r0, m2, 'a/b', ... (2 bytes))",
    "Sending PUBLISH to c (d0, q2, r0, m2, 'a/b', ... (2 bytes))",
    "Sending PUBREC to c (m2, rc0)",
    "Received PUBREL from c (Mid: 2)",
    "Sending PUBCOMP to c (m2)",
    "Received PUBACK from c (Mid: 1, RC:0)",
    "Received PUBREC from c (Mid: 2)",
    "Sending PUBREL to c (m2)",
    "Received PUBCOMP from c (Mid: 2, RC:0)",
    "Received PINGREQ from c",
    "Sending PINGRESP to c",
    "Received UNSUBSCRIBE from c",
    "\ta/#",
    "Sending UNSUBACK to c",
    "Received DISCONNECT from c",
  ]);
});

test("no packet is told where debug lines go nowhere", () => {
  assert.deepEqual(talk(false), []);
});
