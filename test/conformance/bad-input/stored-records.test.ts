/**
 * Damaged and crafted stores: whatever a record holds, the broker and the gateway start, serve, and
 * send nothing that breaks the protocol.
 */
import assert from "node:assert/strict";
import { before, test } from "node:test";
import fc from "fast-check";
import { isBrokerKey } from "../../../src/broker/records.ts";
import { isMqttText } from "../../../src/bytes/utf8.ts";
import { Gateway } from "../../../src/gateway/gateway.ts";
import { DEFAULT_GATEWAY_OPTIONS } from "../../../src/gateway/options.ts";
import type { Packet } from "../../../src/mqtt/packets.ts";
import type { StoredRecord } from "../../../src/seams/journal.ts";
import { isTopicName } from "../../../src/topics/names.ts";
import { assertAlive } from "../../kit/alive.ts";
import { connectPacket, TestBroker, type TestClient } from "../../kit/test-broker.ts";
import { bytes, FakeLink, Stand } from "../../unit/gateway/stand.ts";

/** A store with every kind of record in it, and every field of them in use. */
function fullStore(): StoredRecord[] {
  const broker = new TestBroker();
  const will = { topic: "c/w", payload: new Uint8Array([1]), qos: 1, retain: true } as const;
  const kept = { sessionExpiryInterval: 1_000_000 };
  const client = broker.connect5("ck", { ...kept, receiveMaximum: 3 }, { will });
  client.subscribe("c/k/#", 2, { noLocal: true, retainAsPublished: true }, 300);
  client.subscribe("+/k", 1, {}, 2);
  client.subscribe("$share/g/c/+", 2);
  client.publish("c/x", "unreleased", 2, 700);
  const old = broker.connect("old", { cleanStart: false });
  old.subscribe("c/#", 1);
  const publisher = broker.connect5("p");
  const properties = {
    payloadFormatIndicator: 1,
    messageExpiryInterval: 1000,
    contentType: "text",
    responseTopic: "c/r",
    correlationData: new Uint8Array([1, 2, 3]),
    userProperties: [["k", "v"]],
  } as const;
  for (let n = 1; n <= 6; n++) {
    publisher.publish("c/k", `${n}`, n % 2 === 0 ? 2 : 1, n, false, false, properties);
  }
  for (const packet of client.take()) {
    if (packet.kind === "publish" && packet.packetId === 2) {
      client.send({ kind: "pubrec", packetId: 2 });
    }
  }
  // From here on records of what waits tell since when.
  broker.broker.queueSweep.watch(1_000_000);
  publisher.publish("c/k", "retained", 2, 10, true, false, properties);
  publisher.publish("ck", "plain", 0, 0, true);
  const properties5 = { ...properties, willDelayInterval: 5000 };
  const late = { topic: "c/w", payload: new Uint8Array([2]), qos: 2, retain: true } as const;
  const leaver = { username: "ann", will: { ...late, properties: properties5 } };
  broker.connect5("leaver", kept, leaver).break();
  client.break();
  old.break();
  broker.clock.advance(1000);
  broker.disk.commit();
  return broker.disk.records();
}

function checkPacket(packet: Packet): void {
  if (packet.kind !== "publish") return;
  const { topic, qos, packetId, payload } = packet;
  assert.ok(isTopicName(topic, 65_536), `topic ${topic}`);
  assert.ok(isMqttText(topic), `topic ${topic}`);
  assert.equal(packetId > 0, qos > 0);
  assert.ok(payload.length < 1000);
}

/** Takes all that comes and answers it, up to a bound. */
function drain(client: TestClient): void {
  for (let round = 0; round < 50 && !client.closed; round++) {
    const packets = client.take();
    if (packets.length === 0) return;
    for (const packet of packets) {
      checkPacket(packet);
      if (packet.kind === "publish" && packet.qos > 0) {
        client.send({ kind: packet.qos === 1 ? "puback" : "pubrec", packetId: packet.packetId });
      } else if (packet.kind === "pubrel") {
        client.send({ kind: "pubcomp", packetId: packet.packetId });
      }
    }
  }
  assert.fail(
    client.closed ? "closed on a client that did nothing wrong" : "deliveries without end",
  );
}

/** Starts a broker on these records and has it do everything that touches what it has read. */
function live(records: readonly StoredRecord[]): void {
  const broker = new TestBroker();
  const damaged = broker.broker.restore(records);
  assert.ok(damaged >= 0 && damaged <= records.length);
  for (const clientId of [...broker.broker.sessions.keys()]) {
    // No client has such an identifier.
    if (!isMqttText(clientId) || clientId.length > 65_535) continue;
    const back = broker.dial(5);
    back.send(
      connectPacket(clientId, {
        level: 5,
        cleanStart: false,
        properties: { sessionExpiryInterval: 100 },
      }),
    );
    drain(back);
    back.break();
  }
  const watcher = broker.connect5("watcher");
  for (const filter of ["#", "c/#", "+/k", "$share/g/c/+"]) {
    watcher.subscribe(filter, 2);
    drain(watcher);
  }
  const publisher = broker.connect("publisher");
  for (const topic of ["c/k", "c/x", "ck"]) publisher.publish(topic, "new", 1, 1, true);
  drain(watcher);
  publisher.publish("c/k", "", 1, 1, true);
  assertAlive(broker);
  // Time passes; what expires, expires. Then a restart on what it has written itself.
  broker.clock.advance(2_000_000_000);
  const deadline = broker.clock.scheduler.nextDeadline();
  assert.ok(deadline === undefined || deadline > broker.clock.now());
  assertAlive(broker.restart());
}

let store: StoredRecord[] = [];
before(() => {
  store = fullStore();
});

test("the store of this test holds every kind of record, undamaged", () => {
  const kinds = new Set(store.map(({ key }) => key.slice(0, 2)));
  assert.deepEqual([...kinds].sort(), ["f/", "i/", "p/", "q/", "r/", "s/", "t/", "w/"]);
  assert.equal(new TestBroker().broker.restore(store), 0);
  live(store);
});

/** The store with one record's value changed; the clock of the test is not that of the writer. */
function withValue(index: number, value: Uint8Array): StoredRecord[] {
  return store.map((record, at) => (at === index ? { key: record.key, value } : record));
}

test("a broker's record cut off at any byte is left out or read, and never throws", () => {
  for (const [index, { value }] of store.entries()) {
    for (let length = 0; length < value.length; length++)
      live(withValue(index, value.slice(0, length)));
  }
});

test("a broker's record with any bit flipped is left out or read, and never throws", () => {
  for (const [index, { value }] of store.entries()) {
    for (let at = 0; at < value.length; at++) {
      for (const bit of [0x01, 0x02, 0x08, 0x40, 0x80, 0xff]) {
        const changed = value.slice();
        changed[at] = (changed[at] as number) ^ bit;
        live(withValue(index, changed));
      }
    }
  }
});

test("records with more behind them, or with keys that nobody writes, are survived", () => {
  for (const [index, { key, value }] of store.entries()) {
    const longer = new Uint8Array([...value, 0, 0xff, 0x41]);
    live(withValue(index, longer));
    const [head = "", tail = ""] = key.split("\0");
    for (const odd of [
      "",
      "s/",
      "f/",
      "p/",
      "q/",
      "i/",
      "r/",
      "w/",
      head,
      `${head}\0`,
      `${head}\0\0`,
      `${key}\0more`,
      `${head}\0${tail}x`,
      `${head}\0-1`,
      `${head}\x000`,
      `${head}\x0099999999`,
      `${head}\0NaN`,
      `${head}\0a/#/b`,
      `${head}\0c#`,
      `${head}\0$share/g`,
      `${head}\0$share/#/c`,
      `${head}\0${"/".repeat(70_000)}`,
      `${key.slice(0, 2)}\0${tail}`,
      `${key.slice(0, 2)}unknown\0${tail}`,
      `${key.slice(0, 2)}c/\ud800`,
      `${key.slice(0, 2)}${"x".repeat(70_000)}`,
      "s/ck",
      "i/ck\x00700",
      "t/",
      "t/queue",
    ]) {
      live(store.map((record, at) => (at === index ? { key: odd, value } : record)));
    }
  }
});

test("records at random, and true ones shuffled into each other, are survived", () => {
  fc.assert(
    fc.property(
      fc.array(
        fc.record({
          from: fc.nat(),
          key: fc.option(
            fc.oneof(
              fc.string({ maxLength: 12 }),
              fc.constantFrom(
                "s/ck",
                "q/ck\x00000000000001",
                "f/ck\0c/#",
                "i/ck\x0065536",
                "r/c/k",
                "w/ck",
              ),
            ),
            { nil: undefined },
          ),
          value: fc.option(fc.uint8Array({ maxLength: 40 }), { nil: undefined }),
        }),
        { maxLength: 12 },
      ),
      (changes) => {
        const records = [...store];
        for (const { from, key, value } of changes) {
          const source = store[from % store.length] as StoredRecord;
          records.push({ key: key ?? source.key, value: value?.slice() ?? source.value });
        }
        live(records);
      },
    ),
    { numRuns: 400 },
  );
});

/** A gateway's store with every kind of record. */
function gatewayStore(): StoredRecord[] {
  const stand = new Stand();
  const node = stand.node("ck", { clean: false });
  node.say({ kind: "willtopicupd", topic: "c/w", qos: 1, retain: true });
  node.say({ kind: "willmsgupd", payload: bytes("gone") });
  node.say({ kind: "register", topicId: 0, messageId: 7, topicName: "c/k" });
  stand.sleeper("sleeper", "c/k", 1, 600);
  stand.gateway.stop();
  return stand.journal.stored();
}

function liveGateway(records: readonly StoredRecord[]): void {
  const broker = new TestBroker();
  const gateway = new Gateway({
    door: broker.broker,
    clock: broker.clock,
    scheduler: broker.clock.scheduler,
    journal: broker.disk.open(),
    log: broker.log,
    options: DEFAULT_GATEWAY_OPTIONS,
  });
  const damaged = gateway.restore(records);
  assert.ok(damaged >= 0 && damaged <= records.length);
  const link = new FakeLink();
  gateway.attach(link);
  gateway.start();
  const watcher = broker.connect("watcher");
  watcher.subscribe("#", 1);
  drain(watcher);
  broker.connect("p").publish("c/k", "for the nodes", 1, 1);
  broker.clock.advance(10_000_000);
  drain(watcher);
  gateway.stop();
}

test("a gateway's record cut off, or with any bit flipped, is left out or read, and never throws", () => {
  const records = gatewayStore();
  const kinds = new Set(records.map(({ key }) => key.slice(0, 4)));
  assert.deepEqual([...kinds].sort(), ["g/n/", "g/t/"]);
  assert.equal(
    records.some(({ key }) => isBrokerKey(key)),
    false,
  );
  liveGateway(records);
  for (const [index, { value }] of records.entries()) {
    const change = (value: Uint8Array): void =>
      liveGateway(
        records.map((record, at) => (at === index ? { key: record.key, value } : record)),
      );
    for (let length = 0; length < value.length; length++) change(value.slice(0, length));
    for (let at = 0; at < value.length; at++) {
      for (const bit of [0x01, 0x04, 0x40, 0x80, 0xff]) {
        const changed = value.slice();
        changed[at] = (changed[at] as number) ^ bit;
        change(changed);
      }
    }
  }
});

test("a gateway's records under keys that nobody writes are survived", () => {
  const records = gatewayStore();
  for (const [index, { value }] of records.entries()) {
    for (const key of [
      "g/",
      "g/n/",
      "g/t/",
      "g/t/ck",
      "g/t/ck/",
      "g/t/ck/0",
      "g/t/ck/65535",
      "g/t/ck/99999",
      "g/t/ck/-1",
      "g/t/nobody/1",
      "g/t//1",
      `g/n/${"x".repeat(70_000)}`,
      "g/n/a\0b",
      "g/x/ck",
    ]) {
      liveGateway(records.map((record, at) => (at === index ? { key, value } : record)));
    }
  }
});
