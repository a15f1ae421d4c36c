/** Properties that a packet cannot have, or has twice, and what of them goes on to subscribers. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { UserProperty } from "../../../src/mqtt/properties.ts";
import { assertAlive } from "../../kit/alive.ts";
import { cutFrames, field, frame, joined, properties } from "../../kit/raw-packets.ts";
import { TestBroker } from "../../kit/test-broker.ts";

/** MQTT 5.0 table 2-4: identifier, a value, and the packets that a client may have it in. */
const TABLE: readonly (readonly [id: number, value: string, packets: string])[] = [
  [1, "01", "publish"],
  [2, "00000064", "publish"],
  [3, "0001 61", "publish"],
  [8, "0001 61", "publish"],
  [9, "0001 61", "publish"],
  [11, "05", "subscribe"],
  [17, "00000000", "disconnect"],
  [18, "0001 61", ""],
  [19, "0001", ""],
  [21, "0001 61", ""],
  [22, "0001 61", ""],
  [23, "01", ""],
  [24, "00000001", ""],
  [25, "01", ""],
  [26, "0001 61", ""],
  // A server's only: a client that sends a server reference in DISCONNECT breaks the protocol, but
  // not one that anybody is harmed by.
  [31, "0001 61", "puback pubrec pubrel pubcomp disconnect"],
  [33, "0001", ""],
  [34, "0001", ""],
  [35, "0001", "publish"],
  [36, "01", ""],
  [37, "01", ""],
  [38, "0001 61 0001 62", "publish puback pubrec pubrel pubcomp subscribe unsubscribe disconnect"],
  [39, "00000100", ""],
  [40, "01", ""],
  [41, "01", ""],
  [42, "01", ""],
];
const NOBODYS = [0, 4, 5, 6, 7, 10, 12, 16, 20, 27, 29, 30, 32, 43, 44, 63, 100, 127];

/** Packets with properties, of a client that has connected. */
const PACKETS: Readonly<Record<string, (list: Uint8Array) => Uint8Array>> = {
  publish: (list) => frame(0x30, field("t"), list, "78"),
  puback: (list) => frame(0x40, "0001", "00", list),
  pubrec: (list) => frame(0x50, "0001", "00", list),
  pubrel: (list) => frame(0x62, "0001", "00", list),
  pubcomp: (list) => frame(0x70, "0001", "00", list),
  subscribe: (list) => frame(0x82, "0001", list, field("s"), "00"),
  unsubscribe: (list) => frame(0xa2, "0001", list, field("s")),
  disconnect: (list) => frame(0xe0, "04", list),
};

function id(value: number): Uint8Array {
  return new Uint8Array([value]);
}

for (const [kind, build] of Object.entries(PACKETS)) {
  test(`${kind} with a property that is not its own closes the connection, and is passed on to nobody (vernemq#1883)`, () => {
    const cases = [
      ...TABLE.map(
        ([number, value, packets]) => [number, value, packets.split(" ").includes(kind)] as const,
      ),
      ...NOBODYS.map((number) => [number, "0001 61", false] as const),
    ];
    for (const [number, value, allowed] of cases) {
      if (kind === "disconnect" && number === 28) continue;
      const broker = new TestBroker();
      const watcher = broker.connect5("w");
      watcher.subscribe("t");
      const client = broker.connect5("c");
      client.sendBytes(build(properties(id(number), value)));
      if (kind !== "disconnect") assert.equal(client.closed, !allowed, `property ${number}`);
      const reason = client.take().find((packet) => packet.kind === "disconnect");
      assert.equal(reason !== undefined, !allowed, `property ${number}`);
      if (!allowed) assert.deepEqual(watcher.take(), [], `property ${number}`);
      client.break();
      assertAlive(broker);
    }
  });

  test(`${kind} with a property twice closes the connection, save user properties`, () => {
    for (const [number, value, packets] of TABLE) {
      if (!packets.split(" ").includes(kind)) continue;
      const broker = new TestBroker();
      const watcher = broker.connect5("w");
      watcher.subscribe("t");
      const client = broker.connect5("c");
      client.sendBytes(build(properties(id(number), value, id(number), value)));
      const reason = client.take().find((packet) => packet.kind === "disconnect");
      assert.equal(
        reason?.kind === "disconnect" ? reason.reasonCode : 0,
        number === 38 ? 0 : 0x82,
        `property ${number}`,
      );
      assert.equal(watcher.take().length, number === 38 && kind === "publish" ? 1 : 0);
    }
  });
}

test("subscribers get the properties of the message as they were sent, and nothing that was meant for the server", () => {
  const broker = new TestBroker();
  const old = broker.connect("old");
  old.subscribe("t");
  const watcher = broker.connect5("w");
  watcher.subscribe("t", 0, {}, 77);
  const pairs: readonly UserProperty[] = [
    ["z", "1"],
    ["a", "2"],
    ["z", "1"],
    ["", ""],
  ];
  broker.connect5("c").publishWith(
    {
      payloadFormatIndicator: 1,
      messageExpiryInterval: 100,
      contentType: "text",
      responseTopic: "r",
      correlationData: new Uint8Array([0, 1]),
      topicAlias: 4,
      userProperties: pairs,
    },
    "t",
    "x",
  );
  const [message] = watcher.take();
  assert.deepEqual(message?.kind === "publish" && message.properties, {
    payloadFormatIndicator: 1,
    messageExpiryInterval: 100,
    contentType: "text",
    responseTopic: "r",
    correlationData: new Uint8Array([0, 1]),
    subscriptionIdentifiers: [77],
    userProperties: pairs,
  });
  // Who speaks 3.1.1 gets none of it.
  assert.deepEqual(cutFrames(old.wire.take()), [{ header: 0x30, body: joined(field("t"), "78") }]);
});

test("a subscription identifier that a client publishes with is refused, not passed on", () => {
  const broker = new TestBroker();
  const watcher = broker.connect5("w");
  watcher.subscribe("t");
  const client = broker.connect5("c");
  client.sendBytes(frame(0x30, field("t"), properties("0b 05"), "78"));
  assert.equal(client.closed, true);
  assert.deepEqual(watcher.take(), []);
});

test("topic aliases over the maximum, 0, or without a topic are refused", () => {
  for (const bytes of [
    frame(0x30, field("t"), properties("23 0000"), "78"),
    frame(0x30, field("t"), properties("23 000b"), "78"),
    frame(0x30, field("t"), properties("23 ffff"), "78"),
    frame(0x30, field(""), properties("23 0001"), "78"),
    frame(0x30, field(""), "00", "78"),
  ]) {
    const broker = new TestBroker({ options: { maxTopicAlias: 10 } });
    const watcher = broker.connect("w");
    watcher.subscribe("#");
    const client = broker.connect5("c");
    client.sendBytes(bytes);
    assert.equal(client.closed, true);
    assert.deepEqual(watcher.messages(), []);
  }
});

test("reason codes that a packet cannot have close the connection", () => {
  for (let code = 0; code < 256; code++) {
    for (const [header, allowed] of [
      [0x40, [0x00, 0x10, 0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99]],
      [0x50, [0x00, 0x10, 0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99]],
      [0x62, [0x00, 0x92]],
      [0x70, [0x00, 0x92]],
    ] as const) {
      const client = new TestBroker().connect5("c");
      client.sendBytes(frame(header, "0001", id(code)));
      assert.equal(
        client.closed,
        !(allowed as readonly number[]).includes(code),
        `${header.toString(16)} ${code}`,
      );
    }
  }
});
