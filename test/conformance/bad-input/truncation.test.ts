/** Packets that end too early, at every byte, and lengths inside a packet that run over its end. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { ByteWriter } from "../../../src/bytes/byte-writer.ts";
import { encodePacket } from "../../../src/mqtt/encode.ts";
import type { Packet } from "../../../src/mqtt/packets.ts";
import type { Properties } from "../../../src/mqtt/properties.ts";
import { assertAlive } from "../../kit/alive.ts";
import { hex } from "../../kit/hex.ts";
import { cutFrames, field, frame, joined, properties } from "../../kit/raw-packets.ts";
import { TestBroker } from "../../kit/test-broker.ts";

const EVERY_PUBLISH_PROPERTY: Properties = {
  payloadFormatIndicator: 1,
  messageExpiryInterval: 100,
  contentType: "text/plain",
  responseTopic: "answers",
  correlationData: new Uint8Array([1, 2, 3]),
  topicAlias: 3,
  userProperties: [
    ["a", "b"],
    ["", ""],
  ],
};
const REASONS: Properties = { reasonString: "why", userProperties: [["k", "v"]] };

const payload = new Uint8Array([1, 2, 3]);
const message = { kind: "publish", topic: "t/x", payload, retain: false, dup: false } as const;

/** Whole packets of a client, and the lengths of their body at which they are whole, too, or fewer. */
const WHOLE: readonly {
  readonly name: string;
  readonly packet: Packet;
  readonly levels: readonly (4 | 5)[];
  readonly alsoWhole?: (length: number, level: 4 | 5, full: number) => boolean;
}[] = [
  {
    name: "PUBLISH of QoS 0",
    packet: { ...message, qos: 0, packetId: 0 },
    levels: [4, 5],
    // Any payload is one, none included; in 5.0 the property length comes before it.
    alsoWhole: (length, level) => length >= (level === 5 ? 6 : 5),
  },
  {
    name: "PUBLISH of QoS 1",
    packet: { ...message, qos: 1, packetId: 9 },
    levels: [4, 5],
    alsoWhole: (length, level) => length >= (level === 5 ? 8 : 7),
  },
  {
    name: "PUBLISH of QoS 2 with every property",
    packet: { ...message, qos: 2, packetId: 9, properties: EVERY_PUBLISH_PROPERTY },
    levels: [5],
    alsoWhole: (length, _level, full) => length >= full - payload.length,
  },
  ...(["puback", "pubrec", "pubrel", "pubcomp"] as const).map((kind) => ({
    name: kind,
    packet: {
      kind,
      packetId: 9,
      reasonCode: kind === "puback" || kind === "pubrec" ? 0x10 : 0x92,
      properties: REASONS,
    },
    levels: [5] as const,
    // An identifier alone, and one with a reason code [MQTT-3.4.2-1 and its like].
    alsoWhole: (length: number) => length === 2 || length === 3,
  })),
  { name: "PUBACK", packet: { kind: "puback", packetId: 9 }, levels: [4] },
  {
    name: "SUBSCRIBE to two filters",
    packet: {
      kind: "subscribe",
      packetId: 9,
      subscriptions: [
        { filter: "a/b", qos: 1 },
        { filter: "c", qos: 2 },
      ],
    },
    levels: [4, 5],
    alsoWhole: (length, level) => length === (level === 5 ? 9 : 8),
  },
  {
    name: "SUBSCRIBE with properties",
    packet: {
      kind: "subscribe",
      packetId: 9,
      subscriptions: [{ filter: "a/b", qos: 1 }],
      properties: { subscriptionIdentifiers: [300], userProperties: [["k", "v"]] },
    },
    levels: [5],
  },
  {
    name: "UNSUBSCRIBE from two filters",
    packet: { kind: "unsubscribe", packetId: 9, filters: ["a/b", "c"] },
    levels: [4, 5],
    alsoWhole: (length, level) => length === (level === 5 ? 8 : 7),
  },
  {
    name: "DISCONNECT with everything",
    packet: {
      kind: "disconnect",
      reasonCode: 4,
      properties: { sessionExpiryInterval: 0, ...REASONS },
    },
    levels: [5],
    alsoWhole: (length) => length <= 1,
  },
];

/** Packets that must not have an empty list. */
const LISTS: ReadonlySet<string> = new Set(["subscribe", "unsubscribe"]);

function bodyOf(packet: Packet, level: 4 | 5): { header: number; body: Uint8Array } {
  const writer = new ByteWriter();
  encodePacket(writer, packet, level);
  const [whole] = cutFrames(writer.copy());
  assert.ok(whole);
  return whole;
}

for (const { name, packet, levels, alsoWhole } of WHOLE) {
  for (const level of levels) {
    test(`${name} at level ${level}, cut off at every byte of its body, is refused (nanomq#2268, nanomq#2270)`, () => {
      const { header, body } = bodyOf(packet, level);
      for (let length = 0; length <= body.length; length++) {
        const broker = new TestBroker();
        const watcher = broker.connect("w");
        watcher.subscribe("t/#");
        const client = broker.connect("c", { level });
        client.sendBytes(frame(header, body.subarray(0, length)));
        const whole = length === body.length || alsoWhole?.(length, level, body.length) === true;
        if (packet.kind !== "disconnect") {
          assert.equal(client.closed, !whole, `${length} of ${body.length} bytes`);
        }
        if (!whole) {
          assert.deepEqual(watcher.messages(), []);
          assert.equal(broker.broker.subscriptions.count, 1);
          const answer = client.take();
          if (level === 5) {
            const [goodbye] = answer;
            const reason = goodbye?.kind === "disconnect" ? goodbye.reasonCode : undefined;
            // Where nothing but the filters is missing, it is a protocol error.
            assert.ok(reason === 0x81 || (reason === 0x82 && LISTS.has(packet.kind)));
            assert.equal(answer.length, 1);
          } else {
            assert.deepEqual(answer, []);
          }
        }
        client.break();
      }
    });

    test(`${name} at level ${level} with bytes behind its end is refused, or they are its payload`, () => {
      const { header, body } = bodyOf(packet, level);
      for (const more of ["00", "0000", "ff", "0001 61 00"]) {
        const broker = new TestBroker();
        const client = broker.connect("c", { level });
        client.sendBytes(frame(header, body, more));
        const goesOn =
          packet.kind === "publish" ||
          ((packet.kind === "subscribe" || packet.kind === "unsubscribe") && more.length > 4);
        if (!goesOn) assert.equal(client.closed, true, more);
        client.break();
        assertAlive(broker);
      }
    });
  }
}

test("a property length that runs over the packet's end is refused (nanomq#1042, nanomq#1169, nanomq#1722, nanomq#1181)", () => {
  for (const length of ["01", "05", "7f", "80 01", "ff ff ff 7f"]) {
    const packets = [
      frame(0x30, field("t"), length),
      frame(0x32, field("t"), "0001", length),
      frame(0x82, "0001", length),
      frame(0xa2, "0001", length),
      frame(0x40, "0001", "00", length),
      frame(0x62, "0001", "00", length),
      frame(0xe0, "00", length),
    ];
    for (const bytes of packets) {
      const broker = new TestBroker();
      const client = broker.connect5("c");
      client.sendBytes(bytes);
      const [answer] = client.take();
      assert.equal(answer?.kind === "disconnect" && answer.reasonCode, 0x81, length);
      assertAlive(broker);
    }
  }
});

test("a length inside the properties that runs over their end is refused, though the packet goes on", () => {
  const payload = new Uint8Array(100);
  for (const inner of [
    "03 0010 61",
    "08 ffff",
    "09 0002 61",
    "26 0001 61 0005 62",
    "26 0001 61",
    "02 000000",
    "23 00",
    "01",
    "26",
    "0b",
  ]) {
    const client = new TestBroker().connect5("c");
    client.sendBytes(frame(0x30, field("t"), properties(inner), payload));
    assert.equal(client.closed, true, inner);
  }
});

test("variable byte integers of five bytes are refused wherever they stand (CVE-2026-21888)", () => {
  const FIVE = ["80 80 80 80 01", "ff ff ff ff 7f", "80 80 80 80 80 80 80 00", "ff ff ff ff ff"];
  for (const five of FIVE) {
    for (const header of ["30", "32", "82", "a2", "c0", "e0", "40"]) {
      const broker = new TestBroker();
      for (const level of [4, 5] as const) {
        const client = broker.connect("c", { level });
        client.sendBytes(hex(`${header} ${five}`));
        assert.equal(client.closed, true, `${header} ${five}`);
      }
      assertAlive(broker);
    }
    for (const bytes of [
      frame(0x30, field("t"), five, "00"),
      frame(0x82, "0001", properties("0b", five), field("t"), "00"),
      frame(0x30, field("t"), properties(five, "00")),
    ]) {
      const client = new TestBroker().connect5("c");
      client.sendBytes(bytes);
      assert.equal(client.closed, true, five);
    }
  }
});

test("a header that comes byte by byte is refused at the byte that is too much", () => {
  const client = new TestBroker().connect("c");
  for (const byte of [0x30, 0xff, 0xff, 0xff]) {
    client.sendBytes(new Uint8Array([byte]));
    assert.equal(client.closed, false);
  }
  client.sendBytes(hex("ff"));
  assert.equal(client.closed, true);
});

test("every packet with any one byte changed is survived", () => {
  const broker = new TestBroker();
  for (const { packet, levels } of WHOLE) {
    for (const level of levels) {
      const { header, body } = bodyOf(packet, level);
      const bytes = frame(header, body);
      for (let at = 0; at < bytes.length; at++) {
        for (let bit = 0; bit < 8; bit++) {
          const changed = bytes.slice();
          changed[at] = (changed[at] as number) ^ (1 << bit);
          const client = broker.connect("c", { level });
          // What is behind it must not be taken for a part of it where it is complete.
          client.sendBytes(joined(changed, "c000"));
          client.take();
          client.break();
        }
      }
    }
  }
  assertAlive(broker);
});
