/** What a member of a shared subscription has not got when its session ends, with a restart in between. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { readRecord } from "../../../src/broker/records.ts";
import type { Properties } from "../../../src/mqtt/properties.ts";
import type { QoS } from "../../../src/mqtt/qos.ts";
import { ScriptedAccess } from "../../kit/scripted-access.ts";
import { TestBroker, type TestBrokerSettings, type TestClient } from "../../kit/test-broker.ts";
import { VirtualClock } from "../../kit/virtual-clock.ts";

const FOR_TEN = { sessionExpiryInterval: 10 };
const FOR_LONG = { sessionExpiryInterval: 100_000 };
const BACK = { cleanStart: false } as const;

function member(
  broker: TestBroker,
  clientId: string,
  filter = "$share/g/t",
  qos: QoS = 2,
  properties: Properties = FOR_TEN,
): TestClient {
  const client = broker.connect5(clientId, properties);
  client.subscribe(filter, qos);
  return client;
}

/** One member that is away, for whom "1" and "2" were in flight and "3" waits; then a restart. */
function restartedWith(qos: QoS, settings: TestBrokerSettings = {}): TestBroker {
  const options = { maxInflightMessages: 2 };
  const before = new TestBroker({ options });
  const first = member(before, "first");
  const from = before.connect("from");
  for (let n = 1; n <= 3; n++) from.publish("t", `${n}`, qos, n);
  assert.equal(first.take().length, 2);
  first.break();
  before.disk.commit();
  return before.restart({ options, ...settings });
}

function messages(client: TestClient): string[] {
  const seen: string[] = [];
  for (let turn = 0; turn < 10; turn++) {
    for (const { payload, packetId, qos } of client.publishes()) {
      seen.push(new TextDecoder().decode(payload));
      client.send({ kind: qos === 2 ? "pubrec" : "puback", packetId });
      if (qos === 2) client.send({ kind: "pubcomp", packetId });
    }
  }
  return seen.sort();
}

const ENDS: [string, (broker: TestBroker) => void][] = [
  ["it expires", (broker) => broker.clock.advance(10_000)],
  ["its client begins anew", (broker) => broker.connect5("first", {}).break()],
  [
    "its client gives it up",
    (broker) =>
      broker
        .connect5("first", FOR_TEN, BACK)
        .send({ kind: "disconnect", properties: { sessionExpiryInterval: 0 } }),
  ],
  ["it is removed", (broker) => broker.broker.forget("first")],
];

for (const [how, end] of ENDS) {
  test(`after a restart, what a session had not acknowledged at QoS 1 goes to another member when ${how}`, () => {
    const broker = restartedWith(1);
    const second = member(broker, "second");
    end(broker);
    broker.disk.commit();
    assert.equal(broker.broker.sessions.has("first"), false);
    assert.deepEqual(messages(second), ["1", "2", "3"]);
    assert.deepEqual(
      broker.disk.records().filter(({ key }) => key.startsWith("q/first")),
      [],
    );
  });

  test(`[MQTT-4.8.2-5] after a restart, of QoS 2 only what was not sent goes to another member when ${how}`, () => {
    const broker = restartedWith(2);
    const second = member(broker, "second");
    end(broker);
    broker.disk.commit();
    // A client that comes back is sent again what was in flight, and then no more than that.
    assert.deepEqual(messages(second), ["3"]);
  });
}

test("members that were there before the restart get it, too, and over a second restart", () => {
  const before = new TestBroker();
  const first = member(before, "first");
  const second = member(before, "second");
  const from = before.connect("from");
  from.publish("t", "1", 1, 1);
  first.break();
  second.break();
  from.publish("t", "2", 1, 2);
  before.disk.commit();
  const later = before.restart().restart();
  later.broker.forget("first");
  later.broker.forget("second");
  const third = member(later, "third");
  assert.deepEqual(messages(third), []);
  const again = new TestBroker();
  const away = member(again, "away");
  member(again, "here").break();
  again.connect("from").publish("t", "1", 1, 1);
  away.break();
  again.disk.commit();
  const last = again.restart().restart();
  last.broker.forget("away");
  assert.deepEqual(messages(last.connect5("here", FOR_TEN, BACK)), ["1"]);
});

test("custody: no power cut comes between the end of one session and the next one's record", () => {
  const settings = { options: { custodyGrace: 1000 }, autoCommit: false };
  for (const state of ["stored before", "stored when its client left"]) {
    const broker = new TestBroker(settings);
    const first = member(broker, "first", "$share/g/t", 1);
    broker.connect("from").publish("t", "1", 1, 1);
    if (state === "stored before") broker.clock.advance(1000);
    first.break();
    broker.disk.commit();
    const second = member(broker, "second", "$share/g/t", 1);
    broker.disk.commit();
    broker.broker.forget("first");
    // It is on its way to the second, who has not said that it came.
    assert.deepEqual(second.messages(), ["t=1 q1"], state);
    broker.disk.commit();
    const later = broker.restart();
    const back = later.connect5("second", FOR_TEN, BACK);
    assert.deepEqual(back.messages(), ["t=1 q1 dup"], state);
  }
});

for (const [how, end] of ENDS) {
  test(`a power cut at any commit leaves a message with one member or the other when ${how}`, () => {
    for (const isCommitted of [false, true]) {
      const broker = restartedWith(1);
      member(broker, "second", "$share/g/t", 1, FOR_LONG).break();
      broker.disk.commit();
      const cut = broker.restart({ autoCommit: false });
      end(cut);
      if (isCommitted) cut.disk.commit();
      const later = cut.restart({ autoCommit: true });
      const owners = ["first", "second"].filter((name) => later.broker.sessions.has(name));
      const seen = owners.flatMap((name) => messages(later.connect5(name, FOR_TEN, BACK)));
      assert.deepEqual(seen, ["1", "2", "3"], isCommitted ? "after it" : "before it");
    }
  });
}

/** More than a session has in memory. */
const MANY = 1500;
const UNLIMITED = { options: { maxQueuedMessages: 0 } };

/** Members that are away; most of what the first has is in the store alone. */
function backlogged(members: readonly string[]): TestBroker {
  const broker = new TestBroker(UNLIMITED);
  member(broker, "first", "$share/g/t", 1).break();
  const from = broker.connect("from");
  for (let n = 1; n <= MANY; n++) from.publish("t", `${n}`, 1, 1);
  for (const name of members) member(broker, name, "$share/g/t", 1, FOR_LONG).break();
  broker.disk.commit();
  const { queueInMemory = MANY } = broker.broker.sessions.get("first")?.outgoing ?? {};
  assert.ok(queueInMemory < MANY / 2);
  return broker;
}

/** All that a client gets which has to be read page by page. */
function drain(broker: TestBroker, clientId: string): string[] {
  const client = broker.connect5(clientId, FOR_TEN, BACK);
  const seen: string[] = [];
  for (let turn = 0; turn < MANY; turn++) {
    const packets = client.publishes();
    for (const { payload, packetId } of packets) {
      seen.push(new TextDecoder().decode(payload));
      client.send({ kind: "puback", packetId });
    }
    if (packets.length === 0) break;
  }
  client.break();
  return seen;
}

const ALL = Array.from({ length: MANY }, (_, n) => `${n + 1}`);

/** As `restart`, but the disk takes its time to be read. */
function slowRestart(broker: TestBroker): TestBroker {
  broker.disk.slow = true;
  return broker.restart(UNLIMITED);
}

for (const [how, end] of ENDS) {
  test(`what is in the store alone reaches another member over any number of power cuts when ${how}`, () => {
    for (let pages = 0; pages < 5; pages++) {
      let broker = slowRestart(backlogged(["second"]));
      end(broker);
      broker.disk.commit();
      // It ends, and the power goes, again and again, before all of it is handed on.
      for (let cuts = 0; cuts < 3; cuts++) {
        for (let page = 0; page < pages; page++) broker.disk.serve();
        if (cuts === 1) broker.disk.commit();
        broker = slowRestart(broker);
        broker.disk.commit();
      }
      broker.disk.slow = false;
      broker.disk.serve();
      broker.disk.commit();
      assert.equal(broker.broker.sessions.has("first"), false);
      assert.deepEqual(drain(broker, "second"), ALL, `${pages} pages`);
      broker.broker.forget("second");
      broker.disk.commit();
      assert.deepEqual(broker.disk.records(), []);
    }
  });
}

test("a client that begins anew under its name and shares again gets its part of what it left", () => {
  const before = slowRestart(backlogged([]));
  const anew = before.connect5("first", FOR_TEN, { cleanStart: true });
  anew.subscribe("$share/g/t", 1);
  anew.break();
  before.disk.commit();
  const later = before.restart(UNLIMITED);
  later.disk.slow = false;
  later.disk.serve();
  later.disk.commit();
  // What was in memory had nobody to go to when the session ended.
  const seen = drain(later, "first");
  assert.deepEqual(seen, ALL.slice(-seen.length));
  assert.ok(seen.length > MANY / 2);
});

test("where nobody shares any more, what was left goes, and is not called damaged", () => {
  const before = slowRestart(backlogged([]));
  before.broker.forget("first");
  before.disk.commit();
  assert.ok(before.disk.records().length > MANY / 2);
  before.disk.slow = false;
  before.disk.crash();
  const store = before.disk.records();
  const fresh = new TestBroker(UNLIMITED);
  assert.equal(fresh.broker.restore(store), 0);
  const later = before.restart(UNLIMITED);
  later.disk.commit();
  assert.deepEqual(later.disk.records(), []);
});

test("[MQTT-4.8.2-5] of a session whose record is lost, others get what may not have been received", () => {
  for (const qos of [1, 2] as const) {
    const before = restartedWith(qos);
    const keys = before.disk.records().map(({ key }) => key);
    assert.ok(keys.some((key) => key.startsWith("p/first")));
    member(before, "second").break();
    const damaged = before.disk.records().filter(({ key }) => key !== "s/first");
    const later = new TestBroker();
    later.broker.restore(damaged);
    const second = later.connect5("second", FOR_TEN, BACK);
    assert.deepEqual(messages(second), qos === 1 ? ["1", "2", "3"] : ["3"]);
  }
});

test("a message that came by a subscription of the session's own goes to nobody else", () => {
  const before = new TestBroker();
  const first = member(before, "first", "t");
  first.subscribe("$share/g/other", 1);
  first.break();
  before.connect("from").publish("t", "1", 1, 1);
  before.disk.commit();
  const later = before.restart();
  const second = member(later, "second");
  later.broker.forget("first");
  assert.deepEqual(messages(second), []);
});

test("groups that differ in name or filter keep to themselves over a restart", () => {
  const before = new TestBroker();
  for (const group of ["g", "h"]) member(before, group, `$share/${group}/t`).break();
  before.connect("from").publish("t", "1", 1, 1);
  before.disk.commit();
  const later = before.restart();
  const members = ["$share/g/t", "$share/h/t", "$share/g/+"].map((filter, n) =>
    member(later, `${n}`, filter),
  );
  later.broker.forget("g");
  assert.deepEqual(members.map(messages), [["1"], [], []]);
  later.broker.forget("h");
  assert.deepEqual(members.map(messages), [[], ["1"], []]);
});

test("of another member's rights those count that it has now", () => {
  const access = new ScriptedAccess();
  const broker = restartedWith(1, { access });
  const second = member(broker, "second");
  access.change({ mayReceive: () => false });
  broker.broker.forget("first");
  assert.deepEqual(messages(second), []);
});

test("a session that is the last of its group takes what it had with it", () => {
  const broker = restartedWith(1);
  broker.broker.forget("first");
  broker.disk.commit();
  assert.deepEqual(broker.disk.records(), []);
  assert.deepEqual(messages(member(broker, "second")), []);
});

test("a delivery's record of before, without a group, is read as it is; one cut off is damaged", () => {
  const broker = new TestBroker();
  member(broker, "first").break();
  broker.connect("from").publish("t", "1", 1, 1);
  broker.disk.commit();
  const record = broker.disk.records().find(({ key }) => key.startsWith("q/"));
  assert.ok(record !== undefined);
  const { key, value } = record;
  const clock = new VirtualClock();
  const read = readRecord(record, clock);
  assert.ok(read?.kind === "delivery");
  assert.equal(read.group, "g/t");
  for (let end = 0; end < value.length - 1; end++) {
    assert.equal(readRecord({ key, value: value.slice(0, end) }, clock), undefined, `${end}`);
  }
  // Version, flags, packet identifier, count of identifiers; then the group.
  const start = 1 + 1 + 2 + 2;
  const old = new Uint8Array([...value.slice(0, start), ...value.slice(start + 2 + "g/t".length)]);
  old[0] = 2;
  old[1] = (old[1] as number) & ~16;
  const before = readRecord({ key, value: old }, clock);
  assert.ok(before?.kind === "delivery");
  assert.equal(before.group, undefined);
  assert.equal(new TextDecoder().decode(before.delivery.message?.payload), "1");
});
