/** Wills over restarts: kept in the store, published late and once, and not for who comes back. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { shutDown } from "../../../src/broker/shut-down.ts";
import { encodeUtf8 } from "../../../src/bytes/utf8.ts";
import type { ConnectPacket, WillFields } from "../../../src/mqtt/packets.ts";
import type { Properties } from "../../../src/mqtt/properties.ts";
import type { Publisher } from "../../../src/seams/access.ts";
import { MemoryDisk } from "../../kit/memory-disk.ts";
import { EVERYTHING, ScriptedAccess } from "../../kit/scripted-access.ts";
import { TestBroker, type TestBrokerSettings, type TestClient } from "../../kit/test-broker.ts";
import { VirtualClock } from "../../kit/virtual-clock.ts";

const KEPT = { sessionExpiryInterval: 1_000_000 };
const START = Date.UTC(2026, 0, 1);
/** Longer than anything waits here, ms. */
const LONG = 1e8;

function willOf(properties: Properties = {}, fields: Partial<WillFields> = {}): WillFields {
  return { topic: "will", payload: encodeUtf8("x"), qos: 1, retain: false, properties, ...fields };
}

/** A broker, and a session whose client is away that is to get all wills. */
function watched(settings: TestBrokerSettings = {}): TestBroker {
  const broker = new TestBroker(settings);
  subscribe(broker, broker.connect5("watcher", KEPT), "will/#").break();
  return broker;
}

/** Subscribes, whether SUBACK comes at once or once that is on the disk. */
function subscribe(broker: TestBroker, client: TestClient, filter: string): TestClient {
  client.send({ kind: "subscribe", packetId: 1, subscriptions: [{ filter, qos: 2 }] });
  broker.disk.commit();
  assert.deepEqual(client.takeSuback().codes, [2]);
  return client;
}

/** What has come for that session since. */
function told(broker: TestBroker): string[] {
  const watcher = broker.connect5("watcher", KEPT, { cleanStart: false });
  const messages: string[] = [];
  for (let round = 0; round < 20; round++) {
    for (const packet of watcher.take()) {
      if (packet.kind === "publish") {
        messages.push(new TextDecoder().decode(packet.payload));
        const kind = packet.qos === 1 ? "puback" : "pubrec";
        if (packet.qos > 0) watcher.send({ kind, packetId: packet.packetId });
      } else if (packet.kind === "pubrel") {
        watcher.send({ kind: "pubcomp", packetId: packet.packetId });
      }
    }
  }
  watcher.break();
  return messages;
}

/** A client of MQTT 3.1.1 with a kept session and a will. */
function old(broker: TestBroker, fields: Partial<ConnectPacket> = {}): TestClient {
  const { topic, payload, qos, retain } = willOf();
  const will = { topic, payload, qos, retain };
  return broker.connect("client", { cleanStart: false, keepAlive: 10, will, ...fields });
}

function wills({ disk }: TestBroker): string[] {
  return disk.records().flatMap(({ key }) => (key.startsWith("w/") ? [key.slice(2)] : []));
}

function aboutWills({ log }: TestBroker): string[] {
  return log.lines.filter((line) => line.includes("the will of"));
}

/** The power goes and comes back after so long, with the wall clock where it should be. */
function powerCut(broker: TestBroker, outage = 0): TestBroker {
  const clock = new VirtualClock(broker.clock.wall() + outage);
  return broker.restart({ clock });
}

test("[MQTT-3.1.2-8] the will of a client that was connected is published when the broker would have found it gone", () => {
  const broker = watched();
  old(broker);
  const later = powerCut(broker);
  later.clock.advance(14_999);
  assert.deepEqual(told(later), []);
  later.clock.advance(1);
  assert.deepEqual(told(later), ["x"]);
  assert.deepEqual(wills(later), []);
  const last = powerCut(later);
  last.clock.advance(LONG);
  assert.deepEqual(told(last), []);
});

test("without keep alive, the client has a minute to come back", () => {
  const broker = watched();
  old(broker, { keepAlive: 0 });
  const later = powerCut(broker);
  later.clock.advance(59_999);
  assert.deepEqual(told(later), []);
  later.clock.advance(1);
  assert.deepEqual(told(later), ["x"]);
});

test("[MQTT-3.1.3-9] a client that was connected has at least the delay of its will to come back", () => {
  const broker = watched();
  broker.connect5("client", KEPT, { keepAlive: 10, will: willOf({ willDelayInterval: 100 }) });
  const later = powerCut(broker);
  later.clock.advance(99_999);
  assert.deepEqual(told(later), []);
  later.clock.advance(1);
  assert.deepEqual(told(later), ["x"]);
});

test("the keep alive that the server has set counts", () => {
  const broker = watched({ options: { maxKeepAlive: 4 } });
  broker.connect5("client", KEPT, { keepAlive: 1000, will: willOf() });
  const later = powerCut(broker);
  later.clock.advance(6000);
  assert.deepEqual(told(later), ["x"]);
});

test("[MQTT-3.1.3-9] who comes back in time has not died, whether it begins anew or not", () => {
  for (const cleanStart of [false, true]) {
    const broker = watched();
    old(broker);
    const later = powerCut(broker);
    later.clock.advance(14_999);
    later.connect("client", { cleanStart });
    later.clock.advance(LONG);
    assert.deepEqual(told(later), []);
    assert.deepEqual(wills(later), []);
  }
});

test("another process that ends does not prolong the time to come back, and one more does not forget it", () => {
  let broker = watched();
  old(broker);
  for (let n = 0; n < 3; n++) {
    broker = powerCut(broker);
    broker.clock.advance(4000);
    assert.deepEqual(told(broker), []);
  }
  broker = powerCut(broker, 2999);
  assert.deepEqual(told(broker), []);
  broker.clock.advance(1);
  assert.deepEqual(told(broker), ["x"]);
  // In time once more, after restarts in between.
  old(broker);
  broker = powerCut(powerCut(broker));
  old(broker).send({ kind: "disconnect" });
  broker.clock.advance(LONG);
  assert.deepEqual(told(broker), []);
});

test("[MQTT-3.1.3-9] a delay goes on over a restart, and the time that the power was off counts", () => {
  for (const outage of [0, 5_000, 7_000, 1_000_000]) {
    const broker = watched();
    const client = broker.connect5("client", KEPT, { will: willOf({ willDelayInterval: 10 }) });
    client.break();
    broker.clock.advance(3_000);
    const later = powerCut(broker, outage);
    const left = Math.max(0, 7_000 - outage);
    if (left > 0) later.clock.advance(left - 1);
    if (left > 0) assert.deepEqual(told(later), [], `${outage}`);
    later.clock.advance(left > 0 ? 1 : 0);
    assert.deepEqual(told(later), ["x"], `${outage}`);
  }
});

test("a wall clock that is years behind after the restart prolongs no delay beyond itself", () => {
  const broker = watched({ clock: new VirtualClock(START) });
  const client = broker.connect5("client", KEPT, { will: willOf({ willDelayInterval: 10 }) });
  client.break();
  broker.clock.advance(9_000);
  const behind = broker.restart({ clock: new VirtualClock(0) });
  behind.clock.advance(6_000);
  assert.deepEqual(told(behind), []);
  // Nor does it begin anew when the power goes again.
  const again = powerCut(behind);
  again.clock.advance(3_999);
  assert.deepEqual(told(again), []);
  again.clock.advance(1);
  assert.deepEqual(told(again), ["x"]);
});

test("[MQTT-3.1.3-9] who comes back during a delay stops the will after a restart, too", () => {
  const broker = watched();
  broker.connect5("client", KEPT, { will: willOf({ willDelayInterval: 10 }) }).break();
  const later = powerCut(broker);
  later.clock.advance(9_000);
  later.connect5("client", KEPT, { cleanStart: false });
  later.clock.advance(LONG);
  assert.deepEqual(told(later), []);
});

test("[MQTT-3.1.2-8] a clean start ends the session and the delay that it had begun before the restart", () => {
  const broker = watched();
  broker.connect5("client", KEPT, { will: willOf({ willDelayInterval: 10 }) }).break();
  const later = powerCut(broker);
  later.connect5("client", KEPT, { cleanStart: true });
  assert.deepEqual(told(later), ["x"]);
});

test("[MQTT-3.1.2-8] the end of the session ends the wait, also while the power was off", () => {
  const will = willOf({ willDelayInterval: 1000 });
  for (const [outage, wait] of [
    [0, 20_000],
    [15_000, 5_000],
    [30_000, 0],
  ] as const) {
    const broker = watched();
    broker.connect5("client", { sessionExpiryInterval: 20 }, { will }).break();
    const later = powerCut(broker, outage);
    if (wait > 0) later.clock.advance(wait - 1);
    if (wait > 0) assert.deepEqual(told(later), []);
    later.clock.advance(wait > 0 ? 1 : 0);
    assert.deepEqual(told(later), ["x"], `${outage}`);
    assert.deepEqual(wills(later), []);
  }
  const broker = watched();
  broker.connect5("client", { sessionExpiryInterval: 20 }, { will });
  const later = powerCut(broker);
  later.clock.advance(20_000);
  assert.deepEqual(told(later), ["x"]);
});

test("[MQTT-3.1.2-10] DISCONNECT takes the will out of the store, and 0x04 publishes it once", () => {
  const broker = watched();
  old(broker).send({ kind: "disconnect" });
  const later = powerCut(broker);
  later.clock.advance(LONG);
  assert.deepEqual(told(later), []);
  const client = later.connect5("client", KEPT, { will: willOf() });
  client.send({ kind: "disconnect", reasonCode: 0x04 });
  const last = powerCut(later);
  last.clock.advance(LONG);
  assert.deepEqual(told(last), ["x"]);
});

test("a will that is published is in the queue of who is away with the commit that takes its record", () => {
  for (const isCommitted of [false, true]) {
    const broker = watched({ autoCommit: false });
    const client = old(broker);
    broker.disk.commit();
    assert.deepEqual(wills(broker), ["client"]);
    client.break();
    assert.deepEqual(wills(broker), ["client"]);
    if (isCommitted) broker.disk.commit();
    const later = powerCut(broker);
    const keys = later.disk.records().map(({ key }) => key.slice(0, 2));
    assert.deepEqual([keys.includes("w/"), keys.includes("q/")], [!isCommitted, isCommitted]);
    later.clock.advance(LONG);
    later.disk.commit();
    const last = powerCut(later);
    last.clock.advance(LONG);
    assert.deepEqual(told(last), ["x"], `${isCommitted}`);
  }
});

test("so it is for who is connected and has not acknowledged it, at QoS 1 and 2", () => {
  for (const qos of [1, 2] as const) {
    const broker = new TestBroker({ autoCommit: false, options: { custodyGrace: 1000 } });
    const watcher = subscribe(broker, broker.connect5("watcher", KEPT), "will");
    const client = broker.connect5("client", KEPT, { will: willOf({}, { qos }) });
    broker.disk.commit();
    client.break();
    broker.disk.commit();
    assert.deepEqual(watcher.messages(), [`will=x q${qos}`]);
    const later = powerCut(broker);
    assert.deepEqual(wills(later), []);
    assert.deepEqual(told(later), ["x"], `QoS ${qos}`);
  }
});

test("the message is a publication like any other: retained, with its properties and its expiry", () => {
  const properties = {
    payloadFormatIndicator: 1,
    contentType: "text",
    responseTopic: "answers",
    correlationData: encodeUtf8("c"),
    userProperties: [
      ["z", "1"],
      ["a", "2"],
    ],
  } as const;
  const broker = watched();
  const will = willOf(
    { ...properties, willDelayInterval: 10, messageExpiryInterval: 20 },
    { qos: 2, retain: true },
  );
  broker.connect5("client", KEPT, { will });
  const later = powerCut(powerCut(broker));
  const here = later.connect5("here");
  here.subscribe("will", 2);
  later.clock.advance(LONG);
  const [message] = here.publishes();
  assert.deepEqual(message?.properties, { ...properties, messageExpiryInterval: 20 });
  assert.deepEqual([message?.qos, message?.payload], [2, encodeUtf8("x")]);
  const late = broker.restart({ clock: later.clock }).connect5("late");
  late.subscribe("will", 2);
  assert.deepEqual(late.messages(), []);
  const retained = watched();
  old(retained, { will: { ...willOf({}, { retain: true }), properties: undefined } });
  const after = powerCut(retained);
  after.clock.advance(LONG);
  after.disk.commit();
  const reader = powerCut(after).connect("reader");
  reader.subscribe("will");
  assert.deepEqual(reader.messages(), ["will=x retain"]);
});

test("a will whose owner may not publish it any more is not published, and asked is for who he was", () => {
  const broker = watched({ access: new ScriptedAccess() });
  const password = encodeUtf8("p");
  old(broker, { username: "ann", password });
  const access = new ScriptedAccess();
  const asked: Publisher[] = [];
  access.ofPublisher = (publisher) => {
    asked.push(publisher);
    return { ...EVERYTHING, mayPublish: () => false };
  };
  const later = broker.restart({ access, clock: new VirtualClock(broker.clock.wall()) });
  later.clock.advance(LONG);
  assert.deepEqual(told(later), []);
  assert.deepEqual(asked, [
    { clientId: "client", username: "ann", listener: "main", origin: "mqtt" },
  ]);
  assert.deepEqual(wills(later), []);
  assert.deepEqual(aboutWills(later), ["debug: Denied the will of client ('will')"]);
});

test("rights are those of the moment when it is published, also after two restarts", () => {
  for (const isAllowed of [false, true]) {
    const broker = watched({ access: new ScriptedAccess() });
    old(broker);
    const first = broker.restart({ access: new ScriptedAccess() });
    const access = new ScriptedAccess({ mayPublish: () => !isAllowed });
    const later = first.restart({ access });
    later.clock.advance(5000);
    access.change({ mayPublish: () => isAllowed });
    later.clock.advance(LONG);
    assert.deepEqual(told(later), isAllowed ? ["x"] : []);
  }
});

test("hooks see whose will it is, and a retained will stays its owner's", () => {
  const broker = watched({ access: new ScriptedAccess() });
  old(broker, { username: "ann", will: willOf({}, { retain: true }) });
  const seen: unknown[] = [];
  const access = new ScriptedAccess();
  const later = broker.restart({
    access,
    hooks: {
      published: (message, { clientId, username }, isWill) => {
        seen.push([message.topic, clientId, username, isWill]);
        return message;
      },
    },
  });
  later.clock.advance(LONG);
  assert.deepEqual(seen, [["will", "client", "ann", true]]);
  access.ofPublisher = ({ username }) => ({ ...EVERYTHING, mayPublish: () => username !== "ann" });
  access.change({});
  const reader = later.connect("reader");
  reader.subscribe("will");
  assert.deepEqual(reader.messages(), []);
});

test("the log tells of a will that comes late", () => {
  const broker = watched();
  old(broker);
  const later = powerCut(broker);
  later.clock.advance(15_000);
  const line = "info: Publishing the will of client ('will'), not back since the restart.";
  assert.deepEqual(aboutWills(later), [line]);
  old(later).break();
  assert.deepEqual(aboutWills(later), [line]);
});

test("what is published or put off when the broker stops is neither lost nor doubled", () => {
  const broker = watched();
  old(broker);
  const will = willOf({ willDelayInterval: 10 }, { payload: encodeUtf8("late") });
  broker.connect5("second", KEPT, { will });
  const third = willOf({ willDelayInterval: 10 }, { payload: encodeUtf8("never") });
  broker.connect5("third", KEPT, { will: third });
  shutDown(broker.broker);
  broker.disk.commit();
  const later = powerCut(broker, 4000);
  assert.deepEqual(told(later), ["x"]);
  later.connect5("third", KEPT, { cleanStart: false });
  later.clock.advance(5_999);
  assert.deepEqual(told(later), []);
  later.clock.advance(1);
  assert.deepEqual(told(later), ["late"]);
  const last = powerCut(later);
  last.clock.advance(LONG);
  assert.deepEqual(told(last), []);
});

test("nothing is written for a session that ends with its connection, and nobody waits for a commit", () => {
  const broker = new TestBroker({ autoCommit: false });
  broker.connect("clean", { will: willOf() });
  broker.connect5("short", {}, { will: willOf({ willDelayInterval: 10 }) });
  broker.disk.commit();
  assert.deepEqual(broker.disk.records(), []);
  const client = old(broker);
  assert.equal(broker.disk.awaited, false);
  broker.disk.commit();
  client.send({ kind: "disconnect" });
  assert.equal(broker.disk.awaited, false);
});

test("a will that a session no longer has, or that ends with its connection now, leaves the store", () => {
  const broker = watched();
  old(broker);
  assert.deepEqual(wills(broker), ["client"]);
  // Taken over, it is published, and there is no other.
  broker.connect("client", { cleanStart: false });
  assert.deepEqual(wills(broker), []);
  old(broker);
  broker.connect("client", { cleanStart: true, will: willOf() });
  assert.deepEqual(wills(broker), []);
  old(broker);
  broker.disk.commit();
  const later = powerCut(broker);
  later.connect("client", { cleanStart: true, will: willOf() });
  assert.deepEqual(wills(later), []);
});

test("whoever keeps wills himself has none in the store; one that is set anew is replaced", () => {
  const broker = watched();
  const opening = {
    clientId: "client",
    cleanStart: false,
    persistent: true,
    origin: "mqtt-sn",
    remote: "here",
    receiveMaximum: 1,
    queueQos0: false,
  } as const;
  const peer = {
    deliver() {},
    release() {},
    published() {},
    completed() {},
    evicted() {},
  };
  const will = { topic: "will", payload: encodeUtf8("1"), qos: 1, retain: false } as const;
  const entry = broker.broker.enter({ ...opening, will }, peer);
  assert.ok(entry.ok);
  broker.disk.commit();
  assert.deepEqual(wills(broker), []);
  entry.client.setWill({ ...will, payload: encodeUtf8("2"), keepAlive: 10 });
  broker.disk.commit();
  assert.deepEqual(wills(broker), ["client"]);
  entry.client.setWill(undefined);
  broker.disk.commit();
  assert.deepEqual(wills(broker), []);
  entry.client.setWill({ ...will, payload: encodeUtf8("3"), keepAlive: 10 });
  broker.disk.commit();
  const later = powerCut(broker);
  later.clock.advance(15_000);
  assert.deepEqual(told(later), ["3"]);
});

test("a will whose session was damaged is published all the same, unless its client comes", () => {
  for (const comes of [false, true]) {
    const broker = watched();
    old(broker);
    const disk = new MemoryDisk();
    for (const { key, value } of broker.disk.records()) {
      if (key !== "s/client") disk.damage(key, value);
    }
    const later = new TestBroker({ disk });
    if (comes) later.connect("client", { cleanStart: true });
    later.clock.advance(LONG);
    assert.deepEqual(told(later), comes ? [] : ["x"]);
  }
});
