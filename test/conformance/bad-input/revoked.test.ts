/** Rights that are taken away: what was subscribed, queued, retained or begun under them ends with them. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { ScriptedAccess } from "../../kit/scripted-access.ts";
import { TestBroker, type TestClient } from "../../kit/test-broker.ts";

const KEPT = { cleanStart: false } as const;
const NOTHING = { mayReceive: (topic: string) => topic !== "secret" };
const SILENT = { mayPublish: (topic: string) => topic !== "secret" };

/** A reader of "secret" and "open", and who publishes there. */
function setUp(): {
  access: ScriptedAccess;
  broker: TestBroker;
  reader: TestClient;
  writer: TestClient;
} {
  const access = new ScriptedAccess();
  const broker = new TestBroker({ access, options: { maxInflightMessages: 2 } });
  const reader = broker.connect("reader", KEPT);
  reader.subscribe("secret", 2);
  reader.subscribe("open", 2);
  return { access, broker, reader, writer: broker.connect("writer", KEPT) };
}

test("an existing subscription brings nothing more once its right is gone, connected or after coming back (CVE-2021-34434)", () => {
  const { access, broker, reader, writer } = setUp();
  access.change(NOTHING);
  writer.publish("secret", "1", 1, 1);
  writer.publish("open", "2", 1, 2);
  assert.deepEqual(reader.messages(), ["open=2 q1"]);
  reader.send({ kind: "puback", packetId: 1 });
  reader.break();
  writer.publish("secret", "3", 1, 3);
  const back = broker.connect("reader", KEPT);
  writer.publish("secret", "4", 1, 4);
  assert.deepEqual(back.messages(), []);
});

test("what is queued is dropped, for who is connected and for who is away", () => {
  for (const away of [true, false]) {
    const { access, broker, reader, writer } = setUp();
    if (away) reader.break();
    for (let n = 1; n <= 6; n++) writer.publish(n % 2 === 0 ? "secret" : "open", `${n}`, 1, n);
    access.change(NOTHING);
    const client = away ? broker.connect("reader", KEPT) : reader;
    const got: string[] = [];
    for (let packets = client.take(); packets.length > 0; packets = client.take()) {
      for (const packet of packets) {
        if (packet.kind !== "publish") continue;
        got.push(packet.topic);
        client.send({ kind: "puback", packetId: packet.packetId });
      }
    }
    // To who is connected, the first two had left before.
    assert.deepEqual(got, away ? ["open", "open", "open"] : ["open", "secret", "open", "open"]);
    assert.deepEqual(
      broker.disk.records().filter(({ key }) => key.startsWith("q/")),
      [],
    );
  }
});

test("what was on its way to a client that comes back without the right is not sent again", () => {
  const { access, broker, reader, writer } = setUp();
  writer.publish("secret", "1", 1, 1);
  writer.publish("secret", "2", 2, 2);
  assert.equal(reader.take().length, 2);
  reader.break();
  access.change(NOTHING);
  const back = broker.connect("reader", KEPT);
  assert.deepEqual(back.messages(), []);
  writer.publish("open", "3", 1, 3);
  writer.publish("open", "4", 1, 4);
  assert.deepEqual(back.messages(), ["open=3 q1", "open=4 q1"]);
});

test("retained messages do not reach who may not receive them (CVE-2018-12546)", () => {
  const { access, broker, writer } = setUp();
  writer.publish("secret", "kept", 1, 1, true);
  access.change(NOTHING);
  const late = broker.connect("late");
  late.subscribe("#", 1);
  late.subscribe("secret", 1);
  assert.deepEqual(late.messages(), []);
  access.change({});
  late.subscribe("secret", 1);
  assert.deepEqual(late.messages(), ["secret=kept q1 retain"]);
});

test("a retained message is not delivered once its publisher may not publish there any more (CVE-2018-12546)", () => {
  for (const checkRetainSource of [true, false]) {
    const access = new ScriptedAccess();
    const broker = new TestBroker({ access, options: { checkRetainSource } });
    const writer = broker.connect("writer");
    writer.publish("secret", "kept", 1, 1, true);
    const will = {
      topic: "secret/will",
      payload: new Uint8Array([0x78]),
      qos: 0,
      retain: true,
    } as const;
    broker.connect("dying", { will }).break();
    access.change({ mayPublish: (topic) => !topic.startsWith("secret") });
    const late = broker.connect("late");
    late.subscribe("#", 1);
    const kept = ["secret/will=x retain", "secret=kept q1 retain"];
    assert.deepEqual(late.messages().sort(), checkRetainSource ? [] : kept);
  }
});

test("a QoS 2 exchange begun with the right and gone on without it publishes nothing more", () => {
  const { access, broker, reader, writer } = setUp();
  writer.publish("secret", "1", 2, 1);
  writer.break();
  access.change(SILENT);
  reader.take();
  const back = broker.connect("writer", KEPT);
  back.publish("secret", "1", 2, 1, false, true);
  back.send({ kind: "pubrel", packetId: 1 });
  // A new message under the same identifier needs the right again.
  back.publish("secret", "2", 2, 1);
  back.send({ kind: "pubrel", packetId: 1 });
  assert.deepEqual(
    back.take().map(({ kind }) => kind),
    ["pubrec", "pubcomp", "pubrec", "pubcomp"],
  );
  assert.deepEqual(reader.messages(), []);
});

test("a will needs the right to publish it when it is published", () => {
  for (const how of ["never had it", "lost it meanwhile", "lost it during the delay"]) {
    const { access, broker, reader } = setUp();
    if (how === "never had it") access.change(SILENT);
    const will = {
      topic: "secret",
      payload: new Uint8Array([0x78]),
      qos: 1,
      retain: true,
      properties: { willDelayInterval: 5 },
    } as const;
    const dying = broker.connect5("dying", { sessionExpiryInterval: 60 }, { will });
    if (how === "lost it meanwhile") access.change(SILENT);
    dying.break();
    broker.clock.advance(1000);
    access.change(SILENT);
    broker.clock.advance(100_000);
    assert.deepEqual(reader.messages(), [], how);
    assert.equal(broker.broker.retained.count, 0, how);
  }
});

test("a response to a request, and a message of a shared subscription, go only to who may receive them", () => {
  const { access, broker, writer } = setUp();
  const allowed = broker.connect("allowed");
  const barred = broker.connect("barred");
  for (const client of [allowed, barred]) client.subscribe("$share/g/+", 1);
  access.change(NOTHING);
  for (let n = 1; n <= 4; n++) writer.publish("secret", `${n}`, 1, n);
  assert.deepEqual(allowed.messages(), []);
  assert.deepEqual(barred.messages(), []);
});

test("whoever would not be let in any more is sent away when the rules change, and nobody else", () => {
  const access = new ScriptedAccess();
  const broker = new TestBroker({ access });
  const gone = new Set<string>();
  access.admitted = (username) => !gone.has(username ?? "");
  const clients = ["ann", "bob"].map((username) => broker.connect5(username, {}, { username }));
  access.change({});
  assert.deepEqual(
    clients.map(({ closed }) => closed),
    [false, false],
  );
  gone.add("bob");
  access.change({});
  assert.deepEqual(
    clients.map(({ closed }) => closed),
    [false, true],
  );
});
