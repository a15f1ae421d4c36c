/** MQTT 5.0 chapter 4.8.2: shared subscriptions. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Properties } from "../../../src/mqtt/properties.ts";
import type { QoS } from "../../../src/mqtt/qos.ts";
import { TestBroker, type TestBrokerSettings, type TestClient } from "../../kit/test-broker.ts";

const KEPT = { sessionExpiryInterval: 1000 };

interface Group {
  readonly broker: TestBroker;
  readonly members: readonly TestClient[];
  readonly from: TestClient;
}

/** Members "0", "1" and so on of `$share/g/t`, and one who publishes. */
function group(
  size: number,
  qos: QoS = 1,
  properties: Properties = KEPT,
  settings: TestBrokerSettings = {},
): Group {
  const broker = new TestBroker(settings);
  const members = Array.from({ length: size }, (_, n) => {
    const member = broker.connect5(`${n}`, properties);
    member.subscribe("$share/g/t", qos);
    return member;
  });
  return { broker, members, from: broker.connect5("from") };
}

/** What each has received since, "1,2". */
function received(members: readonly TestClient[]): string[] {
  return members.map((member) =>
    member
      .publishes()
      .map(({ payload }) => new TextDecoder().decode(payload))
      .join(),
  );
}

function publish(from: TestClient, first: number, last: number, qos: QoS = 1): void {
  for (let n = first; n <= last; n++) {
    from.publish("t", `${n}`, qos, qos === 0 ? 0 : n);
    if (qos === 2) from.send({ kind: "pubrel", packetId: n });
  }
}

/** How a client fares that subscribes to this. */
function afterSubscribing(filter: string): string {
  const client = new TestBroker().connect5("client");
  client.send({ kind: "subscribe", packetId: 1, subscriptions: [{ filter, qos: 0 }] });
  return client.ending();
}

test("[MQTT-4.8.2-1] a share name has at least one character", () => {
  for (const filter of ["$share", "$share/", "$share//t", "$share//"]) {
    assert.equal(afterSubscribing(filter), "0x81", filter);
  }
  assert.equal(afterSubscribing("$share/x/t"), "open");
  // Without the slash it is a filter like any other.
  assert.equal(afterSubscribing("$shared/x/t"), "open");
});

test("[MQTT-4.8.2-2] a share name holds no wildcard, and a topic filter follows it", () => {
  for (const filter of [
    "$share/g",
    "$share/g/",
    "$share/+/t",
    "$share/#",
    "$share/a#/t",
    "$share/g+/t",
    "$share/g/a#",
  ]) {
    assert.equal(afterSubscribing(filter), "0x81", filter);
  }
  for (const filter of ["$share/g/#", "$share/g/+", "$share/g//", "$share/g/$share/g/t"]) {
    assert.equal(afterSubscribing(filter), "open", filter);
  }
});

test("each message goes to one member of the group, in turn", () => {
  const { members, from } = group(3);
  publish(from, 1, 9);
  assert.deepEqual(received(members), ["1,4,7", "2,5,8", "3,6,9"]);
});

test("groups of other names, and subscriptions of one's own, get their own copies", () => {
  const { broker, members, from } = group(2);
  const other = broker.connect5("other");
  other.subscribe("$share/h/t", 1);
  const plain = broker.connect5("plain");
  plain.subscribe("t", 1);
  members[0]?.subscribe("#", 0);
  publish(from, 1, 2);
  assert.deepEqual(received([other, plain]), ["1,2", "1,2"]);
  assert.deepEqual(received(members), ["1,1,2", "2"]);
});

test("groups of the same name on other filters are others", () => {
  const broker = new TestBroker();
  const members = ["t", "t/#", "+"].map((filter, n) => {
    const member = broker.connect5(`${n}`);
    member.subscribe(`$share/g/${filter}`);
    return member;
  });
  broker.connect5("from").publish("t", "1");
  assert.deepEqual(received(members), ["1", "1", "1"]);
});

test("retained messages are not sent for a shared subscription", () => {
  const { broker, from } = group(0);
  from.publish("t", "x", 0, 0, true);
  const member = broker.connect5("member");
  member.subscribe("$share/g/t");
  assert.deepEqual(member.take(), []);
  assert.deepEqual(member.subscribe("$share/g/t", 0, { retainHandling: 0 }), [0]);
  assert.deepEqual(member.take(), []);
});

test("[MQTT-4.8.2-3] a member gets a message at the QoS that was granted to it", () => {
  const broker = new TestBroker();
  const members = ([0, 1, 2] as const).map((qos) => {
    const member = broker.connect5(`${qos}`);
    member.subscribe("$share/g/t", qos, { retainAsPublished: qos === 1 }, qos + 1);
    return member;
  });
  const from = broker.connect5("from");
  for (let n = 1; n <= 3; n++) from.publish("t", `${n}`, 2, n, true);
  const seen = members.map((member) =>
    member
      .publishes()
      .map(({ qos, retain, properties }) => [qos, retain, properties?.subscriptionIdentifiers]),
  );
  assert.deepEqual(seen, [[[0, false, [1]]], [[1, true, [2]]], [[2, false, [3]]]]);
});

test("members that are away are passed over as long as others are there", () => {
  const { broker, members, from } = group(3);
  members[1]?.break();
  publish(from, 1, 4);
  assert.deepEqual(received(members), ["1,3", "", "2,4"]);
  for (const member of members) member.break();
  publish(from, 5, 7);
  const back = members.map((_, n) => broker.connect5(`${n}`, KEPT, { cleanStart: false }));
  // What was in flight comes again; what came meanwhile went round.
  const again = received(back).map((line) => line.split(","));
  assert.deepEqual(again.flat().sort(), ["1", "2", "3", "4", "5", "6", "7"]);
  assert.deepEqual(
    again.map((list) => list.filter((n) => Number(n) > 4).length),
    [1, 1, 1],
  );
});

test("members whose window is full are passed over as long as others have room", () => {
  const { members, from } = group(2, 1, { receiveMaximum: 2, ...KEPT });
  const [first, second] = members;
  publish(from, 1, 4);
  assert.deepEqual(received(members), ["1,3", "2,4"]);
  second?.send({ kind: "puback", packetId: 1 });
  second?.send({ kind: "puback", packetId: 2 });
  publish(from, 5, 6);
  assert.deepEqual(received(members), ["", "5,6"]);
  // Nobody has room now: they wait, and come to whom they were given.
  publish(from, 7, 8);
  assert.deepEqual(received(members), ["", ""]);
  for (const member of members) {
    for (const packetId of [1, 2, 3, 4]) member.send({ kind: "puback", packetId });
  }
  assert.deepEqual(received([first, second] as TestClient[]).join(), "7,8");
});

test("a message of QoS 0 goes to a member that is there, be its window full, and not to one that is away", () => {
  const { members, from } = group(2, 1, { receiveMaximum: 1, ...KEPT });
  members[1]?.break();
  publish(from, 1, 1);
  publish(from, 2, 5, 0);
  assert.deepEqual(received(members), ["1,2,3,4,5", ""]);
});

test("a message of QoS 0 does not go to a member that is there but asleep, and would lose it", () => {
  const { broker, members, from } = group(1, 0, { receiveMaximum: 1 });
  members[0]?.subscribe("own", 1);
  const peer = {
    deliver: () => assert.fail("it sleeps"),
    release: () => {},
    published: () => {},
    completed: () => {},
    evicted: () => {},
  };
  const entry = broker.broker.enter(
    {
      clientId: "sleeper",
      cleanStart: true,
      persistent: true,
      origin: "mqtt-sn",
      remote: "node",
      receiveMaximum: 1,
      queueQos0: false,
    },
    peer,
  );
  assert.equal(entry.ok && entry.client.subscribe("$share/g/t", 0), 0);
  // The one that is awake is held up: it keeps them all the same.
  const [awake] = members as [TestClient];
  awake.wire.stuck = 1_000_000;
  from.publish("own", "a", 1, 1);
  publish(from, 1, 4, 0);
  awake.wire.drain();
  assert.deepEqual(received([awake]), ["a,1,2,3,4"]);
});

test("members whose queue is full are passed over as long as others have room", () => {
  const settings = { options: { maxQueuedMessages: 2 } };
  const { broker, members, from } = group(2, 1, KEPT, settings);
  for (const member of members) member.break();
  // Fills the first one's queue by a subscription of its own.
  const alone = broker.connect5("0", KEPT, { cleanStart: false });
  alone.subscribe("own", 1);
  alone.break();
  from.publish("own", "a", 1, 100);
  from.publish("own", "b", 1, 101);
  publish(from, 1, 2);
  const back = members.map((_, n) => broker.connect5(`${n}`, KEPT, { cleanStart: false }));
  assert.deepEqual(received(back), ["a,b", "1,2"]);
});

test("[MQTT-4.8.2-4] a message of QoS 2 that was being sent is completed with the member that it was sent to", () => {
  const { broker, members, from } = group(2, 2);
  publish(from, 1, 2, 2);
  assert.deepEqual(received(members), ["1", "2"]);
  members[0]?.break();
  assert.deepEqual(received(members), ["", ""]);
  const back = broker.connect5("0", KEPT, { cleanStart: false });
  assert.deepEqual(back.messages(), ["t=1 q2 dup"]);
});

test("[MQTT-4.8.2-5] when that member's session ends, nobody else gets the message of QoS 2", () => {
  const { broker, members, from } = group(2, 2, { sessionExpiryInterval: 10 });
  publish(from, 1, 2, 2);
  assert.deepEqual(received(members), ["1", "2"]);
  members[0]?.break();
  broker.clock.advance(10_000);
  assert.deepEqual(received(members), ["", ""]);
  // Nor if it had come back, and could not be sent the message once more.
  const one = { sessionExpiryInterval: 10, receiveMaximum: 1 };
  const third = broker.connect5("2", one);
  third.subscribe("$share/g/t", 2);
  publish(from, 3, 6, 2);
  third.break();
  const back = broker.connect5("2", one, { cleanStart: false });
  back.send({ kind: "disconnect", properties: { sessionExpiryInterval: 0 } });
  const started = received([back])[0] ?? "";
  assert.equal(
    received([members[1] as TestClient])[0]
      ?.split(",")
      .includes(started),
    false,
  );
});

test("when a session ends, messages of QoS 1 that it had not acknowledged, and all that waited, go to others", () => {
  const { broker, members, from } = group(2, 2, { receiveMaximum: 1, sessionExpiryInterval: 10 });
  const [first, second] = members as [TestClient, TestClient];
  publish(from, 1, 1);
  publish(from, 2, 2, 2);
  publish(from, 3, 6);
  assert.deepEqual(received(members), ["1", "2"]);
  first.break();
  broker.clock.advance(10_000);
  const seen: string[] = [];
  for (let n = 1; n < 20; n++) {
    const kind = n === 1 ? "pubrec" : "puback";
    second.send({ kind, packetId: n });
    if (n === 1) second.send({ kind: "pubcomp", packetId: n });
    seen.push(...received([second]).filter((line) => line !== ""));
  }
  assert.deepEqual(seen.sort(), ["1", "3", "4", "5", "6"]);
});

test("custody goes with a message that is given to another member", () => {
  const settings = { autoCommit: false, options: { custodyGrace: 1000 } };
  const { broker, members, from } = group(2, 1, { sessionExpiryInterval: 1 }, settings);
  broker.disk.commit();
  publish(from, 1, 1);
  assert.deepEqual(from.take(), []);
  members[0]?.send({ kind: "disconnect", properties: { sessionExpiryInterval: 0 } });
  assert.deepEqual(from.take(), []);
  assert.deepEqual(received(members), ["1", "1"]);
  members[1]?.send({ kind: "puback", packetId: 1 });
  assert.deepEqual(from.take(), [{ kind: "puback", packetId: 1 }]);
});

test("[MQTT-4.8.2-6] a message that a member refuses with a failure is sent to nobody else", () => {
  const { members, from } = group(2, 2);
  from.publish("t", "1", 1, 1);
  from.publish("t", "2", 2, 2);
  assert.deepEqual(received(members), ["1", "2"]);
  members[0]?.send({ kind: "puback", packetId: 1, reasonCode: 0x80 });
  members[1]?.send({ kind: "pubrec", packetId: 1, reasonCode: 0x80 });
  assert.deepEqual(received(members), ["", ""]);
  for (const member of members)
    member.send({ kind: "disconnect", properties: { sessionExpiryInterval: 0 } });
  assert.deepEqual(received(members), ["", ""]);
});

test("a member that unsubscribes gets no more, and keeps what it has", () => {
  const { members, from } = group(2);
  publish(from, 1, 2);
  members[0]?.send({ kind: "unsubscribe", packetId: 1, filters: ["$share/g/t"] });
  publish(from, 3, 4);
  assert.deepEqual(received(members), ["1", "2,3,4"]);
  members[1]?.send({ kind: "unsubscribe", packetId: 1, filters: ["$share/g/t"] });
  publish(from, 5, 5);
  assert.deepEqual(received(members), ["", ""]);
});

test("shared subscriptions are kept over a restart", () => {
  const { broker, members } = group(2);
  for (const member of members) member.break();
  const later = broker.restart();
  publish(later.connect5("from"), 1, 4);
  const back = members.map((_, n) => later.connect5(`${n}`, KEPT, { cleanStart: false }));
  assert.deepEqual(received(back).join().split(",").sort(), ["1", "2", "3", "4"]);
  assert.equal(later.broker.subscriptions.sharedCount, 2);
});

test("a publisher that is a member gets its turn", () => {
  const { members } = group(2);
  for (let n = 1; n <= 4; n++) members[0]?.publish("t", `${n}`, 1, n);
  assert.deepEqual(received(members), ["1,3", "2,4"]);
});
