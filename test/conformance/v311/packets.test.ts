/** MQTT 3.1.1 chapters 1 and 2: strings, header flags, packet identifiers. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { hex } from "../../kit/hex.ts";
import { cutFrames, field, frame, rawConnect } from "../../kit/raw-packets.ts";
import { TestBroker, type TestClient } from "../../kit/test-broker.ts";
import { STRING_FIELDS } from "./string-fields.ts";

const ILL_FORMED: Readonly<Record<string, string>> = {
  "a lone continuation byte": "80",
  "an overlong slash": "c0af",
  "an overlong NUL": "c080",
  "a three-byte form of what fits in two": "e0809f",
  "the high surrogate U+D800": "eda080",
  "the low surrogate U+DFFF": "edbfbf",
  "a pair of surrogates (CESU-8)": "eda0bdedb882",
  "a cut-off sequence": "e282",
  "a cut-off sequence in the middle": "61e28261",
  "a code point above U+10FFFF": "f4908080",
  "a five-byte sequence": "f888808080",
  "0xFF": "ff",
};

test("[MQTT-1.5.3-1] ill-formed UTF-8 in any string closes the connection", () => {
  for (const [name, send] of Object.entries(STRING_FIELDS)) {
    for (const [what, bytes] of Object.entries(ILL_FORMED)) {
      const broker = new TestBroker();
      assert.equal(send(broker, hex(bytes)).closed, true, `${what} in ${name}`);
      assert.equal(broker.broker.connected, 0);
    }
  }
});

test("[MQTT-1.5.3-2] U+0000 in any string closes the connection", () => {
  for (const [name, send] of Object.entries(STRING_FIELDS)) {
    for (const bytes of ["00", "6100", "0061", "610062"]) {
      assert.equal(send(new TestBroker(), hex(bytes)).closed, true, `${bytes} in ${name}`);
    }
  }
});

test("[MQTT-1.5.3-3] 0xEF 0xBB 0xBF is U+FEFF wherever it stands, and is not left out", () => {
  const broker = new TestBroker();
  const all = broker.connect("all");
  all.subscribe("#");
  const plain = broker.connect("plain");
  plain.subscribe("a/b");
  const marked = broker.connect("marked");
  marked.subscribe("\ufeffa/b");
  const publisher = broker.connect("p");
  for (const topic of ["efbbbf612f62", "612fefbbbf62", "612f62efbbbf"]) {
    publisher.sendBytes(frame(0x30, field(hex(topic)), "78"));
    const [received] = cutFrames(all.wire.take());
    assert.deepEqual(received?.body, new Uint8Array([0, 6, ...hex(topic), 0x78]), topic);
  }
  assert.deepEqual(plain.messages(), []);
  assert.deepEqual(marked.messages(), ["\ufeffa/b=x"]);
});

/** Every kind of packet that a server sends, by the first byte that it must have. */
test("[MQTT-2.2.2-1] reserved header bits of packets from the server are as the table has them", () => {
  const broker = new TestBroker();
  const client = broker.dial();
  const headers = new Set<number>();
  const note = (): void => {
    for (const { header } of cutFrames(client.wire.take())) headers.add(header);
  };
  client.sendBytes(rawConnect());
  client.send({ kind: "subscribe", packetId: 1, subscriptions: [{ filter: "t", qos: 2 }] });
  client.publish("t", "x");
  client.publish("t", "x", 1, 1);
  client.publish("t", "x", 2, 2);
  note();
  client.send({ kind: "pubrec", packetId: 2 });
  client.send({ kind: "pubrel", packetId: 2 });
  client.send({ kind: "pingreq" });
  client.send({ kind: "unsubscribe", packetId: 1, filters: ["t"] });
  note();
  const expected = [0x20, 0x30, 0x32, 0x34, 0x40, 0x50, 0x62, 0x70, 0x90, 0xb0, 0xd0];
  assert.deepEqual(
    [...headers].sort((a, b) => a - b),
    expected,
  );
});

const BODIES: Readonly<Record<number, string>> = {
  4: "0001",
  5: "0001",
  6: "0001",
  7: "0001",
  8: "0001 0001 61 00",
  10: "0001 0001 61",
  12: "",
  14: "",
};

test("[MQTT-2.2.2-2] any other value of reserved header bits closes the connection", () => {
  for (const [type, body] of Object.entries(BODIES)) {
    const right = type === "6" || type === "8" || type === "10" ? 2 : 0;
    for (let flags = 0; flags < 16; flags++) {
      const client = new TestBroker().connect("c");
      client.sendBytes(frame((Number(type) << 4) | flags, body));
      // DISCONNECT closes in any case; what it shows by its will is [MQTT-3.14.1-1].
      if (type !== "14") assert.equal(client.closed, flags !== right, `type ${type}, ${flags}`);
    }
  }
  for (let flags = 1; flags < 16; flags++) {
    const client = new TestBroker().dial();
    const connect = rawConnect();
    connect[0] = 0x10 | flags;
    client.sendBytes(connect);
    assert.equal(client.closed, true, `CONNECT, ${flags}`);
    assert.deepEqual(client.take(), []);
  }
});

test("[MQTT-2.3.1-1] SUBSCRIBE, UNSUBSCRIBE and PUBLISH above QoS 0 with identifier 0 close the connection", () => {
  for (const bytes of [
    "82 06 0000 0001 61 00",
    "a2 05 0000 0001 61",
    "32 05 0001 61 0000",
    "34 05 0001 61 0000",
  ]) {
    const client = new TestBroker().connect("c");
    client.sendBytes(hex(bytes));
    assert.equal(client.closed, true, bytes);
  }
});

function idsOf(client: TestClient): number[] {
  return client.take().flatMap((packet) => (packet.kind === "publish" ? [packet.packetId] : []));
}

test("[MQTT-2.3.1-4] the server gives a new PUBLISH an identifier that nothing in flight has", () => {
  const broker = new TestBroker({ options: { maxInflightMessages: 3 } });
  const client = broker.connect("c");
  client.subscribe("t", 1);
  const publisher = broker.connect("p");
  const publish = (): number[] => {
    publisher.publish("t", "x", 1, 1);
    publisher.take();
    return idsOf(client);
  };
  // The first stays unacknowledged while the others go once around.
  const [kept] = publish();
  assert.equal(kept, 1);
  let before = 1;
  for (let count = 0; count < 65_600; count++) {
    const [id = 0] = publish();
    if (id === 0 || id === kept || id === before) assert.fail(`identifier ${id} after ${before}`);
    client.send({ kind: "puback", packetId: id });
    before = id;
  }
  client.send({ kind: "puback", packetId: 1 });
  const open = new Set([...publish(), ...publish(), ...publish()]);
  assert.equal(open.size, 3);
});

test("[MQTT-2.3.1-5] a PUBLISH of QoS 0 has no packet identifier, either way", () => {
  const broker = new TestBroker();
  const client = broker.connect("c");
  client.subscribe("t", 2);
  client.sendBytes(hex("30 05 0001 74 0102"));
  assert.deepEqual(client.wire.take(), hex("30 05 0001 74 0102"));
});

test("[MQTT-2.3.1-6] PUBACK, PUBREC, PUBREL and PUBCOMP have the identifier of their PUBLISH", () => {
  const broker = new TestBroker();
  const client = broker.connect("c");
  client.publish("t", "x", 1, 0x1234);
  client.publish("t", "x", 2, 0xffff);
  client.send({ kind: "pubrel", packetId: 0xffff });
  assert.deepEqual(client.wire.take(), hex("4002 1234 5002 ffff 7002 ffff"));
  client.subscribe("t", 2);
  broker.connect("p").publish("t", "x", 2, 7);
  const [id] = idsOf(client);
  client.send({ kind: "pubrec", packetId: id ?? 0 });
  assert.deepEqual(client.take(), [{ kind: "pubrel", packetId: id }]);
});

test("[MQTT-2.3.1-7] SUBACK and UNSUBACK have the identifier of what they answer", () => {
  const client = new TestBroker().connect("c");
  client.sendBytes(hex("82 06 abcd 0001 61 00  a2 05 0001 0001 61"));
  assert.deepEqual(client.wire.take(), hex("9003 abcd 00  b002 0001"));
});
