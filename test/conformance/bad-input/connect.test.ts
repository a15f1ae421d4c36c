/** Before and with CONNECT: memory for strangers, crafted CONNECTs, wills, keep alive. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { WillFields } from "../../../src/mqtt/packets.ts";
import type { UserProperty } from "../../../src/mqtt/properties.ts";
import { assertAlive, assertEmpty } from "../../kit/alive.ts";
import { hex } from "../../kit/hex.ts";
import { keptBufferBytes } from "../../kit/kept-memory.ts";
import { field, frame, joined, properties, rawConnect } from "../../kit/raw-packets.ts";
import { connectPacket, TestBroker, type TestClient } from "../../kit/test-broker.ts";

test("a first packet that is not CONNECT ends at its first byte, before its length is known (CVE-2023-0809)", () => {
  const broker = new TestBroker();
  for (let header = 0; header < 256; header++) {
    const client = broker.dial();
    client.sendBytes(new Uint8Array([header]));
    assert.equal(client.closed, header >>> 4 !== 1, header.toString(16));
    client.break();
  }
  assertAlive(broker);
});

test("a CONNECT that claims more than real ones have ends at its header (CVE-2017-7651)", () => {
  const broker = new TestBroker();
  for (const length of [
    "ff ff ff 7f",
    "80 80 80 01",
    "e1 c5 08",
    "ff ff ff ff 01",
    "ff ff ff ff",
  ]) {
    const client = broker.dial();
    client.sendBytes(hex(`10 ${length}`));
    assert.equal(client.closed, true, length);
    assert.deepEqual(client.take(), []);
    client.break();
  }
  assertAlive(broker);
});

test("strangers that announce long CONNECTs and send little take little memory (CVE-2017-7651)", () => {
  const broker = new TestBroker();
  const before = keptBufferBytes();
  const clients: TestClient[] = [];
  for (let count = 0; count < 2000; count++) {
    const client = broker.dial();
    client.sendBytes(hex("10 e0 f7 07 0004 4d515454 04 02"));
    clients.push(client);
  }
  const taken = keptBufferBytes() - before;
  // What they announce is 260 MB.
  assert.ok(taken < 20_000_000, `${taken} bytes`);
  for (const client of clients) client.break();
});

test("a CONNECT that never ends is given up, however steadily its bytes come", () => {
  const broker = new TestBroker({ options: { connectTimeout: 10_000 } });
  const client = broker.dial();
  client.sendBytes(hex("10 e0 f7 07"));
  for (let second = 1; second < 10; second++) {
    broker.clock.advance(1000);
    client.sendBytes(hex("00"));
    assert.equal(client.closed, false);
  }
  broker.clock.advance(1000);
  assert.equal(client.closed, true);
});

const CRAFTED: Readonly<Record<string, Uint8Array>> = {
  "a user name cut off": rawConnect({ flags: 0x82, payload: [field("a"), "0009 61"] }),
  "a password cut off": rawConnect({ flags: 0xc2, payload: [field("a"), field("u"), "0009 61"] }),
  "a will cut off": rawConnect({ flags: 0x06, payload: [field("a"), field("w"), "0009 61"] }),
  "a will without a topic": rawConnect({
    flags: 0x06,
    payload: [field("a"), field(""), field("")],
  }),
  "a will to a wildcard": rawConnect({ flags: 0x06, payload: [field("a"), field("#"), field("")] }),
  "bytes left over": rawConnect({ payload: [field("a"), "00"] }),
  "an empty identifier to be kept": rawConnect({ flags: 0, payload: [field("")] }),
  "an unknown level": rawConnect({ level: 9 }),
  "a method of authentication nobody knows": rawConnect({
    level: 5,
    payload: [properties("15", field("GUESS"), "16", field("x")), field("a")],
  }),
  "a will property cut off": rawConnect({
    level: 5,
    flags: 0x06,
    payload: ["00", field("a"), "05 18 0000", field("w"), field("")],
  }),
  "properties of 256 MB": rawConnect({ level: 5, payload: ["ff ff ff 7f", field("a")] }),
  "a property length of five bytes": rawConnect({
    level: 5,
    payload: ["ff ff ff ff 01", field("a")],
  }),
};

test("crafted CONNECTs leave nothing behind (CVE-2017-7654, CVE-2021-34431)", () => {
  const broker = new TestBroker();
  for (let round = 0; round < 50; round++) {
    for (const [what, bytes] of Object.entries(CRAFTED)) {
      const client = broker.dial();
      client.sendBytes(bytes);
      assert.equal(client.closed, true, what);
      client.break();
    }
  }
  assertEmpty(broker);
  assertAlive(broker);
});

test("a CONNECT of every length short of itself is refused, and nobody is let in", () => {
  const broker = new TestBroker();
  const whole = [
    rawConnect({ flags: 0xc6, payload: ["i", "w", "m", "u", "p"].map((text) => field(text)) }),
    rawConnect({
      level: 5,
      flags: 0xc6,
      payload: [
        properties("11 00000010", "21 0005", "26", field("k"), field("v")),
        field("i"),
        properties("18 00000005", "01 01", "08", field("r"), "09", field("c")),
        ...["w", "m", "u", "p"].map((text) => field(text)),
      ],
    }),
  ];
  for (const bytes of whole) {
    const body = bytes.subarray(2);
    for (let length = 0; length < body.length; length++) {
      const client = broker.dial();
      client.sendBytes(frame(0x10, body.subarray(0, length)));
      assert.equal(client.closed, true, `${length} of ${body.length} bytes`);
      client.break();
    }
    const client = broker.dial();
    client.sendBytes(bytes);
    assert.equal(client.closed, false);
    client.send({ kind: "disconnect" });
    client.break();
  }
  broker.clock.advance(16_000);
  assertEmpty(broker);
});

/** Every property identifier with a value that fits its type. */
const PROPERTIES: Readonly<Record<number, string>> = {
  1: "01",
  2: "00000001",
  3: "0001 61",
  8: "0001 61",
  9: "0001 61",
  11: "01",
  17: "00000001",
  18: "0001 61",
  19: "0001",
  21: "0001 61",
  22: "0001 61",
  23: "01",
  24: "00000001",
  25: "01",
  26: "0001 61",
  28: "0001 61",
  31: "0001 61",
  33: "0001",
  34: "0001",
  35: "0001",
  36: "01",
  37: "01",
  38: "0001 61 0001 62",
  39: "00000100",
  40: "01",
  41: "01",
  42: "01",
};
const OF_WILLS = new Set([1, 2, 3, 8, 9, 24, 38]);

test("properties that a will cannot have are refused, and published with no will (CVE-2023-3592)", () => {
  const broker = new TestBroker();
  const watcher = broker.connect5("w");
  watcher.subscribe("#");
  for (let id = 0; id < 128; id++) {
    const value = PROPERTIES[id] ?? "0001 61";
    const client = broker.dial(5);
    client.sendBytes(
      rawConnect({
        level: 5,
        flags: 0x06,
        payload: [
          "00",
          field("a"),
          properties(new Uint8Array([id]), value),
          field("will"),
          field(`${id}`),
        ],
      }),
    );
    assert.equal(client.closed, !OF_WILLS.has(id), `property ${id}`);
    if (id === 24) client.send({ kind: "disconnect" });
    client.break();
    assert.equal(
      watcher.messages().length,
      OF_WILLS.has(id) && id !== 24 ? 1 : 0,
      `property ${id}`,
    );
  }
});

const MANY = 25_000;
const MANY_USER_PROPERTIES: readonly UserProperty[] = Array.from(
  { length: MANY },
  (_, index): UserProperty => ["", String(index % 10)],
);

test("user properties by the ten thousands take time in proportion, in every packet (CVE-2021-41039)", () => {
  const broker = new TestBroker({ options: { maxPacketSize: 20_000_000 } });
  const userProperties = MANY_USER_PROPERTIES;
  const watcher = broker.connect5("w");
  watcher.subscribe("#", 1);
  // As many as the longest packets hold; what would be quadratic in them would not end in time.
  for (let round = 0; round < 10; round++) {
    const client = broker.dial(5);
    client.send(
      connectPacket("many", {
        level: 5,
        properties: { userProperties: userProperties.slice(0, 20_000) },
      }),
    );
    assert.equal(client.closed, false);
    client.send({
      kind: "subscribe",
      packetId: 1,
      subscriptions: [{ filter: "t", qos: 0 }],
      properties: { userProperties },
    });
    client.send({
      kind: "unsubscribe",
      packetId: 1,
      filters: ["t"],
      properties: { userProperties },
    });
    client.publish("t", "x", 1, 1, false, false, { userProperties });
    client.send({ kind: "pubrel", packetId: 9, reasonCode: 0x92, properties: { userProperties } });
    client.send({ kind: "disconnect", reasonCode: 0, properties: { userProperties } });
    assert.equal(client.closed, true);
    const [message] = watcher.take();
    assert.equal(message?.kind, "publish");
    assert.deepEqual(
      message?.kind === "publish" && message.properties?.userProperties,
      userProperties,
    );
    watcher.send({ kind: "puback", packetId: message?.kind === "publish" ? message.packetId : 0 });
  }
  assertAlive(broker);
});

const DELAYED: WillFields = {
  topic: "will",
  payload: new TextEncoder().encode("gone"),
  qos: 1,
  retain: false,
  properties: { willDelayInterval: 100 },
};

test("a will delay longer than the session's expiry ends with the session, and coming back is harmless (CVE-2019-11778)", () => {
  const broker = new TestBroker();
  const watcher = broker.connect("w");
  watcher.subscribe("will", 1);
  const take = (): string[] => {
    const messages = watcher.take();
    for (const packet of messages) {
      if (packet.kind === "publish") watcher.send({ kind: "puback", packetId: packet.packetId });
    }
    return messages.map(({ kind }) => kind);
  };
  for (const interval of [0, 10, 99, 100, 101]) {
    const connect = (cleanStart: boolean): TestClient =>
      broker.connect5("a", { sessionExpiryInterval: interval }, { cleanStart, will: DELAYED });
    // Lost, and never back: once, at the earlier of both.
    connect(true).break();
    broker.clock.advance(Math.min(interval, 100) * 1000);
    assert.deepEqual(take(), ["publish"], `expiry ${interval}`);
    broker.clock.advance(300_000);
    assert.deepEqual(take(), []);
    // Lost, back in time, lost again: nothing for the first loss.
    if (interval > 1) {
      connect(true).break();
      broker.clock.advance(interval * 500);
      connect(false).break();
      broker.clock.advance(1);
      assert.deepEqual(take(), []);
      broker.clock.advance(Math.min(interval, 100) * 1000);
      assert.deepEqual(take(), ["publish"]);
    }
    broker.clock.advance(300_000);
    // Back with a clean start while the will waits: the old session ends, its will with it, once.
    connect(true).break();
    broker.clock.advance(1);
    const back = connect(true);
    broker.clock.advance(300_000);
    assert.deepEqual(take(), ["publish"]);
    back.send({ kind: "disconnect" });
    back.break();
    broker.clock.advance(300_000);
    assert.deepEqual(take(), []);
  }
  watcher.send({ kind: "disconnect" });
  watcher.break();
  assertEmpty(broker);
});

test("a client without keep alive, or with a long one, is held to max_keepalive (CVE-2020-13849)", () => {
  const broker = new TestBroker({ options: { maxKeepAlive: 100 } });
  for (const keepAlive of [0, 101, 65535]) {
    const client = broker.dial();
    client.send(connectPacket("a", { keepAlive }));
    assert.deepEqual(client.wire.take(), hex("2002 0002"));
    assert.equal(client.closed, true);
    const newer = broker.connect5("b", {}, { keepAlive });
    const { connack } = newer;
    assert.equal(connack?.kind === "connack" && connack.properties?.serverKeepAlive, 100);
    broker.clock.advance(149_999);
    assert.equal(newer.closed, false);
    broker.clock.advance(1);
    assert.equal(newer.closed, true);
  }
});

test("keep alive is not met by bytes of a packet that never becomes whole, beyond all measure", () => {
  const broker = new TestBroker({ options: { maxPacketSize: 1000 } });
  const client = broker.connect("a", { keepAlive: 10 });
  client.sendBytes(hex("30 e4 07"));
  let bytes = 0;
  while (!client.closed && bytes < 2000) {
    broker.clock.advance(14_000);
    client.sendBytes(hex("00"));
    bytes++;
  }
  // The packet is whole at the latest when its length has come, which is bounded.
  assert.ok(bytes <= 1000, `${bytes} bytes`);
});

test("what follows CONNECT before it is known whether the client may come in is bounded", () => {
  let letIn: (() => void) | undefined;
  const rights = {
    mayPublish: () => true,
    maySubscribe: () => true,
    mayUnsubscribe: () => true,
    mayReceive: () => true,
  };
  const broker = new TestBroker({
    options: { maxPacketSize: 10_000 },
    access: {
      onChange: undefined,
      admit: (_credentials, answer) => {
        letIn = () => answer({ ok: true, username: undefined, rights });
      },
    },
  });
  const flood = broker.dial();
  flood.send(connectPacket("flood"));
  const ping = frame(0xc0);
  const pings = joined(...Array.from({ length: 1000 }, () => ping));
  for (let count = 0; count < 100 && !flood.closed; count++) flood.sendBytes(pings);
  assert.equal(flood.closed, true);
  letIn?.();
  assert.equal(broker.broker.connected, 0);
  // One that goes away meanwhile is not let in afterwards.
  const gone = broker.dial();
  gone.send(connectPacket("gone"));
  gone.break();
  letIn?.();
  assert.equal(broker.broker.sessions.size, 0);
});
