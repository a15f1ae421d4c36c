/** MQTT 5.0 chapters 1.5 and 2: data representation, fixed header, packet identifiers, properties. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { hex, toHex } from "../../kit/hex.ts";
import { cutFrames, field, frame, properties } from "../../kit/raw-packets.ts";
import { connectPacket, TestBroker } from "../../kit/test-broker.ts";

/** How a client fares that has come in properly and then sends these bytes. */
function afterSending(bytes: Uint8Array): string {
  const client = new TestBroker().connect5("bad");
  client.sendBytes(bytes);
  return client.ending();
}

test("[MQTT-1.5.4-1] a string that is not well-formed UTF-8, or holds a surrogate, is malformed", () => {
  for (const bad of ["ff", "c0af", "e282", "f4908080", "eda080", "edbfbf"]) {
    const text = field(hex(bad));
    assert.equal(afterSending(frame(0x30, text, "00")), "0x81", `topic ${bad}`);
    assert.equal(afterSending(frame(0x82, "0001 00", text, "00")), "0x81", `filter ${bad}`);
    const contentType = properties("03", text);
    assert.equal(afterSending(frame(0x30, field("t"), contentType)), "0x81", `property ${bad}`);
  }
});

test("[MQTT-1.5.4-2] a string with U+0000 is malformed", () => {
  assert.equal(afterSending(frame(0x30, field("a\0b"), "00")), "0x81");
  assert.equal(afterSending(frame(0xa2, "0001 00", field("a\0b"))), "0x81");
});

test("[MQTT-1.5.4-3] EF BB BF is U+FEFF wherever it stands, and is passed on", () => {
  const broker = new TestBroker();
  const receiver = broker.connect5("receiver");
  receiver.subscribe("#");
  const sender = broker.connect5("sender");
  const topic = "\ufeffa/\ufeff";
  sender.publishWith({ contentType: "\ufeffx" }, topic, "1");
  const [message] = receiver.publishes();
  assert.equal(message?.topic, topic);
  assert.equal(message?.properties?.contentType, "\ufeffx");
  // It is part of the topic: what has it is not what has it not.
  const without = broker.connect5("without");
  without.subscribe("a/#");
  sender.publish(topic, "2");
  assert.deepEqual(without.messages(), []);
});

test("[MQTT-1.5.5-1] variable byte integers have the fewest bytes that hold the value", () => {
  // Remaining length, property length, and a subscription identifier.
  assert.equal(afterSending(hex("c0 8000")), "0x81");
  assert.equal(afterSending(frame(0x30, field("t"), "8000")), "0x81");
  assert.equal(afterSending(frame(0x82, "0001", properties("0b 8100"), field("t"), "00")), "0x81");

  const broker = new TestBroker();
  const client = broker.connect5("client");
  for (const identifier of [127, 128, 16_383, 16_384, 268_435_455]) {
    client.subscribe("t", 0, {}, identifier);
    client.wire.take();
    client.publish("t", "x");
    const bytes = client.wire.take();
    const digits = identifier < 128 ? 1 : identifier < 16_384 ? 2 : identifier < 2_097_152 ? 3 : 4;
    // Topic, property length, property identifier, the value, payload.
    assert.equal(bytes.length, 2 + 3 + 1 + 1 + digits + 1);
  }
});

test("[MQTT-1.5.7-1] both strings of a pair are UTF-8", () => {
  const pair = (name: Uint8Array, value: Uint8Array) =>
    frame(0x30, field("t"), properties("26", field(name), field(value)));
  const good = hex("61");
  for (const bad of [hex("ff"), hex("00"), hex("eda080")]) {
    assert.equal(afterSending(pair(bad, good)), "0x81");
    assert.equal(afterSending(pair(good, bad)), "0x81");
  }
});

test("[MQTT-2.1.3-1] reserved bits of the fixed header have the value that they must have", () => {
  // A packet of every type that a client sends, with the bits as they have to be.
  const packets: Readonly<Record<string, Uint8Array>> = {
    puback: frame(0x40, "0001"),
    pubrec: frame(0x50, "0001"),
    pubrel: frame(0x62, "0001"),
    pubcomp: frame(0x70, "0001"),
    subscribe: frame(0x82, "0001 00", field("t"), "00"),
    unsubscribe: frame(0xa2, "0001 00", field("t")),
    pingreq: frame(0xc0),
    disconnect: frame(0xe0),
    auth: frame(0xf0, "18"),
  };
  for (const [kind, packet] of Object.entries(packets)) {
    const right = (packet[0] as number) & 15;
    for (let bits = 0; bits < 16; bits++) {
      if (bits === right) continue;
      const wrong = packet.slice();
      wrong[0] = ((packet[0] as number) & 0xf0) | bits;
      assert.equal(afterSending(wrong), "0x81", `${kind} with ${bits}`);
    }
  }
});

test("[MQTT-2.2.1-2] a PUBLISH of QoS 0 has no packet identifier", () => {
  const broker = new TestBroker();
  const client = broker.connect5("client");
  client.subscribe("t", 2);
  client.wire.take();
  client.publish("t", "xy");
  assert.equal(toHex(client.wire.take()), toHex(frame(0x30, field("t"), "00", "7879")));
});

test("[MQTT-2.2.1-3] SUBSCRIBE, UNSUBSCRIBE and PUBLISH with packet identifier 0 are protocol errors", () => {
  assert.equal(afterSending(frame(0x82, "0000 00", field("t"), "00")), "0x82");
  assert.equal(afterSending(frame(0xa2, "0000 00", field("t"))), "0x82");
  assert.equal(afterSending(frame(0x32, field("t"), "0000 00")), "0x82");
  assert.equal(afterSending(frame(0x34, field("t"), "0000 00")), "0x82");
});

test("[MQTT-2.2.1-4] the server numbers its PUBLISH packets from 1 with what is not in use", () => {
  const broker = new TestBroker({ options: { maxInflightMessages: 10 } });
  const client = broker.connect5("client");
  client.subscribe("t", 2);
  const sender = broker.connect5("sender");
  for (let n = 1; n <= 4; n++) sender.publish("t", `${n}`, n % 2 === 0 ? 2 : 1, n);
  assert.deepEqual(
    client.publishes().map(({ packetId }) => packetId),
    [1, 2, 3, 4],
  );
  // Once around the identifiers, with 2 still in use.
  for (const packetId of [1, 3]) client.send({ kind: "puback", packetId });
  client.send({ kind: "pubrec", packetId: 4 });
  client.send({ kind: "pubcomp", packetId: 4 });
  client.take();
  const seen = new Set<number>();
  for (let n = 0; n < 65_536; n++) {
    sender.publish("t", "", 1, 1);
    const [message] = client.publishes();
    if (message === undefined) assert.fail(`nothing came after ${n} messages`);
    seen.add(message.packetId);
    client.send({ kind: "puback", packetId: message.packetId });
    sender.take();
  }
  assert.equal(seen.has(0), false);
  assert.equal(seen.has(2), false);
  // It may pass by some more than those in use, but comes round to most of them.
  assert.ok(seen.size > 50_000, `${seen.size} identifiers`);
});

test("[MQTT-2.2.1-4] after a restart the server's identifiers begin with 1 again, save those still in use", () => {
  const kept = { sessionExpiryInterval: 1000 };
  const broker = new TestBroker();
  const names = ["idle", "busy"];
  const clients = names.map((name) => broker.connect5(name, kept));
  for (const client of clients) client.subscribe("t", 1);
  broker.connect5("sender").publish("t", "1", 1, 1);
  broker.connect5("sender").publish("t", "2", 1, 2);
  for (const packetId of [1, 2]) clients[0]?.send({ kind: "puback", packetId });
  clients[1]?.send({ kind: "puback", packetId: 2 });
  for (const client of clients) client.break();
  const later = broker.restart();
  const back = names.map((name) => later.connect5(name, kept, { cleanStart: false }));
  later.connect5("sender").publish("t", "3", 1, 1);
  assert.deepEqual(
    back.map((client) =>
      client.publishes().map(({ packetId, dup }) => `${packetId}${dup ? " dup" : ""}`),
    ),
    [["1"], ["1 dup", "2"]],
  );
});

test("[MQTT-2.2.1-5] acknowledgements have the identifier of the PUBLISH that they are for", () => {
  const client = new TestBroker().connect5("client");
  client.publish("t", "x", 1, 0x1234);
  client.publish("t", "x", 2, 0xffff);
  client.send({ kind: "pubrel", packetId: 0xffff });
  assert.deepEqual(
    client.take().map((packet) => [packet.kind, "packetId" in packet && packet.packetId]),
    [
      ["puback", 0x1234],
      ["pubrec", 0xffff],
      ["pubcomp", 0xffff],
    ],
  );
  client.subscribe("t", 2);
  client.publish("t", "x", 2, 7);
  const [message] = client.publishes();
  client.send({ kind: "pubrec", packetId: message?.packetId ?? 0 });
  assert.deepEqual(client.take(), [{ kind: "pubrel", packetId: message?.packetId }]);
});

test("[MQTT-2.2.1-6] SUBACK and UNSUBACK have the identifier of what they answer", () => {
  const client = new TestBroker().connect5("client");
  client.send({ kind: "subscribe", packetId: 0xabcd, subscriptions: [{ filter: "t", qos: 1 }] });
  client.send({ kind: "unsubscribe", packetId: 0xdcba, filters: ["t"] });
  assert.deepEqual(client.take(), [
    { kind: "suback", packetId: 0xabcd, codes: [1] },
    { kind: "unsuback", packetId: 0xdcba, codes: [0] },
  ]);
});

test("[MQTT-2.2.2-1] a packet without properties says so with a property length of 0", () => {
  // Those of clients that leave the length out are malformed ...
  assert.equal(afterSending(frame(0x30, field("t"))), "0x81");
  assert.equal(afterSending(frame(0x82, "0001")), "0x81");
  assert.equal(afterSending(frame(0xa2, "0001")), "0x81");
  // ... and those of the server have it.
  const broker = new TestBroker();
  const client = broker.dial(5);
  client.send(connectPacket("client", { level: 5 }));
  client.wire.take();
  client.send({ kind: "subscribe", packetId: 1, subscriptions: [{ filter: "t", qos: 0 }] });
  client.publish("t", "x");
  client.send({ kind: "unsubscribe", packetId: 1, filters: ["t"] });
  const bodies = cutFrames(client.wire.take()).map(({ body }) => toHex(body));
  assert.deepEqual(bodies, ["00010000", "0001740078", "00010000"]);
});
