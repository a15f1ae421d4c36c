/** `queue_policy`: what becomes of a message for a session in which no more may wait. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { BrokerDirectedDoor } from "../../../src/broker/directed-door.ts";
import type { BrokerOptions } from "../../../src/broker/options.ts";
import { Reason } from "../../../src/mqtt/reason-codes.ts";
import type { Client, Opening, Peer, SessionTerms, WaitingRoom } from "../../../src/seams/door.ts";
import { Message } from "../../../src/seams/message.ts";
import { TestBroker, type TestClient } from "../../kit/test-broker.ts";

const kept = { cleanStart: false };
const POLICIES = ["drop-newest", "drop-oldest", "refuse"] as const;

/** A broker where "away" wants "t" and has three messages already, as many as may wait. */
function full(
  queuePolicy: BrokerOptions["queuePolicy"],
  more: Partial<BrokerOptions> = {},
): TestBroker {
  const broker = new TestBroker({ options: { queuePolicy, maxQueuedMessages: 3, ...more } });
  leave(broker, "away");
  const publisher = broker.connect("first");
  for (let n = 1; n <= 3; n++) publisher.publish("t", `${n}`, 1, n);
  return broker;
}

function leave(broker: TestBroker, clientId: string, filter = "t", qos: 0 | 1 | 2 = 2): void {
  const away = broker.connect(clientId, kept);
  away.subscribe(filter, qos);
  away.break();
}

const payloadsOf = (client: TestClient) =>
  client.publishes().map(({ payload }) => new TextDecoder().decode(payload));

const waitsFor = (broker: TestBroker, clientId: string) =>
  payloadsOf(broker.connect(clientId, { ...kept }));

function answersOf(client: TestClient): (number | string)[] {
  const answers = client.take().flatMap((packet) => {
    if (packet.kind !== "puback" && packet.kind !== "pubrec") return [];
    return [packet.reasonCode ?? 0];
  });
  return client.closed ? [...answers, "closed"] : answers;
}

const counted = ({ broker: { counters } }: TestBroker) => ({
  full: counters.queueDroppedFull,
  refused: counters.queueRefused,
  dropped: counters.publishDropped,
});

for (const level of [4, 5] as const) {
  for (const qos of [1, 2] as const) {
    const from = `MQTT ${level === 5 ? "5.0" : "3.1.1"} QoS ${qos}`;

    test(`${from}, drop-newest: the publisher is acknowledged, the message dropped`, () => {
      const broker = full("drop-newest");
      const publisher = broker.connect("p", { level });
      publisher.publish("t", "4", qos, 1);
      assert.deepEqual(answersOf(publisher), [0]);
      assert.deepEqual(counted(broker), { full: 1, refused: 0, dropped: 1 });
      assert.deepEqual(waitsFor(broker, "away"), ["1", "2", "3"]);
    });

    test(`${from}, drop-oldest: the oldest gives way, in the store, too`, () => {
      const broker = full("drop-oldest");
      const publisher = broker.connect("p", { level });
      publisher.publish("t", "4", qos, 1);
      publisher.publish("t", "5", qos, 2);
      assert.deepEqual(answersOf(publisher), [0, 0]);
      assert.deepEqual(counted(broker), { full: 2, refused: 0, dropped: 2 });
      const after = broker.restart();
      assert.deepEqual(waitsFor(after, "away"), ["3", "4", "5"]);
    });

    test(`${from}, refuse: the publisher is told, and nobody gets the message`, () => {
      const broker = full("refuse");
      const other = broker.connect("other");
      other.subscribe("t", 2);
      const publisher = broker.connect("p", { level, properties: level === 5 ? {} : undefined });
      publisher.publish("t", "4", qos, 1, true);
      assert.deepEqual(answersOf(publisher), level === 5 ? [Reason.quotaExceeded] : ["closed"]);
      assert.deepEqual(payloadsOf(other), []);
      assert.equal(broker.broker.retained.count, 0);
      assert.deepEqual(counted(broker), { full: 0, refused: 1, dropped: 0 });
      assert.deepEqual(waitsFor(broker, "away"), ["1", "2", "3"]);
    });
  }
}

test("refuse: what comes again once there is room comes once, to everybody", () => {
  const broker = full("refuse");
  const other = broker.connect("other");
  other.subscribe("t", 2);
  const publisher = broker.connect5("p");
  publisher.publish("t", "4", 2, 1);
  assert.deepEqual(answersOf(publisher), [Reason.quotaExceeded]);
  const back = broker.connect("away", kept);
  for (const { packetId } of back.publishes()) back.send({ kind: "puback", packetId });
  // The packet identifier is free again after a PUBREC that refuses.
  publisher.publish("t", "4", 2, 1);
  assert.deepEqual(answersOf(publisher), [0]);
  assert.deepEqual(payloadsOf(back), ["4"]);
  assert.deepEqual(payloadsOf(other), ["4"]);
});

test("refuse: a client of MQTT 5.0 is told in words, and is not kept from publishing elsewhere", () => {
  const broker = full("refuse");
  const publisher = broker.connect5("p", { requestProblemInformation: 1 });
  publisher.publish("t", "4", 1, 1);
  const [refusal] = publisher.take();
  assert.ok(refusal?.kind === "puback");
  assert.equal(refusal.properties?.reasonString, "The server has no room for the message.");
  const reader = broker.connect("reader");
  reader.subscribe("u", 1);
  publisher.publish("u", "x", 1, 2);
  assert.deepEqual(payloadsOf(reader), ["x"]);
  for (let id = 3; id < 100; id++) publisher.publish("t", "4", 1, id);
  assert.equal(publisher.ending(), "open", "its receive maximum is not used up");
});

test("refuse: QoS 0 is dropped for who has no room, counted, and goes to everybody else", () => {
  const broker = full("refuse", { queueQos0Messages: true });
  const other = broker.connect("other");
  other.subscribe("t", 0);
  const publisher = broker.connect("p");
  publisher.publish("t", "4");
  assert.equal(publisher.ending(), "open");
  assert.deepEqual(payloadsOf(other), ["4"]);
  assert.deepEqual(counted(broker), { full: 1, refused: 0, dropped: 1 });
});

test("refuse: not for who takes the message at QoS 0, or whose session ends with the connection", () => {
  const broker = new TestBroker({
    options: { queuePolicy: "refuse", maxQueuedMessages: 1, maxInflightMessages: 1 },
  });
  leave(broker, "away", "t", 0);
  const slow = broker.connect("slow");
  slow.subscribe("t", 1);
  const publisher = broker.connect5("p");
  for (let id = 1; id <= 4; id++) publisher.publish("t", "x", 1, id);
  assert.deepEqual(answersOf(publisher), [0, 0, 0, 0]);
  assert.deepEqual(counted(broker), { full: 2, refused: 0, dropped: 2 });
});

test("refuse: a durable client that can be sent the message at once is no reason", () => {
  const broker = full("refuse");
  const back = broker.connect("away", kept);
  for (const { packetId } of back.publishes()) back.send({ kind: "puback", packetId });
  const publisher = broker.connect5("p");
  for (let id = 1; id <= 15; id++) publisher.publish("t", "x", 1, id);
  assert.equal(payloadsOf(back).length, 15);
  assert.equal(broker.broker.counters.queueRefused, 0);
});

test("refuse: wills and retained messages are never refused", () => {
  const broker = full("refuse");
  const mortal = broker.connect("mortal", {
    will: { topic: "t", payload: new Uint8Array(1), qos: 1, retain: false },
  });
  mortal.break();
  assert.deepEqual(counted(broker), { full: 1, refused: 0, dropped: 1 });
  broker.connect("r").publish("r", "retained", 1, 1, true);
  const away = broker.connect("away", kept);
  away.publishes();
  away.subscribe("r", 1);
  assert.deepEqual(away.messages(), ["r=retained q1 retain"]);
});

test("refuse: a session that gets a message twice has it twice, though it had room for one", () => {
  const broker = full("refuse", { allowDuplicateMessages: true, maxQueuedMessages: 4 });
  const away = broker.connect("away", kept);
  away.subscribe("+", 1);
  away.publishes();
  away.break();
  const publisher = broker.connect5("p");
  publisher.publish("t", "4", 1, 1);
  publisher.publish("t", "5", 1, 2);
  publisher.publish("t", "6", 1, 3);
  assert.deepEqual(answersOf(publisher), [0, 0, Reason.quotaExceeded]);
  assert.deepEqual(counted(broker).full, 0);
});

test("refuse: what would not fit into an empty queue is dropped, as it would be refused for ever", () => {
  const broker = full("refuse", { maxQueuedMessages: 0, maxQueuedBytes: 5 });
  const publisher = broker.connect5("p");
  publisher.publish("t", "longer than five", 1, 1);
  publisher.publish("t", "456", 1, 2);
  assert.deepEqual(answersOf(publisher), [0, Reason.quotaExceeded]);
  assert.deepEqual(counted(broker), { full: 1, refused: 1, dropped: 1 });
});

test("refuse: of a shared subscription one member with room is enough", () => {
  const broker = new TestBroker({ options: { queuePolicy: "refuse", maxQueuedMessages: 1 } });
  for (const name of ["a", "b"]) leave(broker, name, "$share/g/t", 1);
  const publisher = broker.connect5("p");
  for (let id = 1; id <= 3; id++) publisher.publish("t", `${id}`, 1, id);
  assert.deepEqual(answersOf(publisher), [0, 0, Reason.quotaExceeded]);
  assert.deepEqual(counted(broker), { full: 0, refused: 1, dropped: 0 });
});

test("refuse: who may not receive the message is no reason to refuse it", () => {
  const broker = full("refuse");
  const session = broker.broker.sessions.get("away");
  assert.ok(session !== undefined);
  session.rights = {
    mayPublish: () => true,
    maySubscribe: () => true,
    mayUnsubscribe: () => true,
    mayReceive: () => false,
  };
  const publisher = broker.connect5("p");
  publisher.publish("t", "4", 1, 1);
  assert.deepEqual(answersOf(publisher), [0]);
});

test("refuse: bridges that come in are not refused, since they would not come out again", () => {
  const broker = full("refuse");
  const bridge = broker.connect("bridge", { bridge: true });
  bridge.publish("t", "4", 1, 1);
  assert.deepEqual(answersOf(bridge), [0]);
  assert.deepEqual(counted(broker), { full: 1, refused: 0, dropped: 1 });
});

test("refuse: a message to named recipients, too", () => {
  const broker = full("refuse");
  const door = new BrokerDirectedDoor(broker.broker);
  const peer = { published: () => {}, evicted: () => {} } as never;
  const opening = {
    clientId: "from",
    origin: "mqtt",
    cleanStart: true,
    persistent: false,
    receiveMaximum: 10,
    queueQos0: false,
  } as never;
  const entry = door.enter(opening, peer);
  assert.ok(entry.ok);
  const publish = (qos: 0 | 1) =>
    door.publishTo(entry.client, peer, new Message("t", new Uint8Array(1), qos, false), 1, false, [
      { clientId: "away", qos: 1, retain: false },
    ]);
  assert.equal(publish(1), Reason.quotaExceeded);
  assert.equal(publish(0), Reason.success);
  assert.equal(broker.broker.counters.queueRefused, 1);
});

test("refuse: who has the publishers refused is told once a minute", () => {
  const broker = full("refuse");
  const publisher = broker.connect5("p");
  for (let id = 1; id <= 3; id++) publisher.publish("t", "x", 1, id);
  broker.clock.advance(60_000);
  const line = "warn: Publishers are being refused, as no more messages may wait for client away.";
  assert.deepEqual(
    broker.log.lines.filter((one) => one.includes("refused")),
    [line, `${line} (2 messages)`],
  );
});

for (const queuePolicy of POLICIES) {
  test(`${queuePolicy}: QoS 0 gives way to QoS 1 first, and pushes no QoS 1 out`, () => {
    const broker = new TestBroker({
      options: { queuePolicy, maxQueuedMessages: 3, queueQos0Messages: true },
    });
    leave(broker, "away");
    const publisher = broker.connect("p");
    for (const [payload, qos] of [
      ["a", 1],
      ["b", 0],
      ["c", 0],
      ["d", 1],
      ["e", 1],
    ] as const) {
      publisher.publish("t", payload, qos, qos === 0 ? 0 : 1);
    }
    publisher.publish("t", "f");
    assert.deepEqual(waitsFor(broker, "away"), ["a", "d", "e"]);
    assert.deepEqual(counted(broker), { full: 3, refused: 0, dropped: 3 });
  });

  test(`${queuePolicy}: a message that cannot fit empties no queue`, () => {
    const broker = new TestBroker({
      options: { queuePolicy, maxQueuedMessages: 0, maxQueuedBytes: 5, queueQos0Messages: true },
    });
    leave(broker, "away");
    const publisher = broker.connect("p");
    publisher.publish("t", "12", 1, 1);
    publisher.publish("t", "34");
    publisher.publish("t", "123456", 1, 2);
    assert.deepEqual(waitsFor(broker, "away"), ["12", "34"]);
  });

  test(`${queuePolicy}: a new policy holds at once for sessions that there are`, () => {
    const broker = full("drop-newest");
    const publisher = broker.connect5("p");
    broker.broker.options = { ...broker.broker.options, queuePolicy };
    publisher.publish("t", "4", 1, 1);
    assert.deepEqual(answersOf(publisher), [queuePolicy === "refuse" ? Reason.quotaExceeded : 0]);
    const expected = queuePolicy === "drop-oldest" ? ["2", "3", "4"] : ["1", "2", "3"];
    assert.deepEqual(waitsFor(broker, "away"), expected);
  });
}

test("drop-oldest: as many go as the new one needs, and a lower limit holds with the next", () => {
  const broker = new TestBroker({
    options: { queuePolicy: "drop-oldest", maxQueuedMessages: 0, maxQueuedBytes: 10 },
  });
  leave(broker, "away");
  const publisher = broker.connect("p");
  for (const [index, payload] of ["12", "34", "56", "78", "12345"].entries()) {
    publisher.publish("t", payload, 1, index + 1);
  }
  const outgoing = broker.broker.sessions.get("away")?.outgoing;
  assert.equal(outgoing?.queuedBytes, 9);
  broker.broker.options = { ...broker.broker.options, maxQueuedMessages: 2 };
  publisher.publish("t", "1", 1, 6);
  assert.deepEqual(waitsFor(broker, "away"), ["12345", "1"]);
});

test("drop-oldest: the publisher of what gives way before it is safe is acknowledged then", () => {
  const broker = full("drop-oldest").restart({
    autoCommit: false,
    options: { queuePolicy: "drop-oldest", maxQueuedMessages: 1 },
  });
  const publisher = broker.connect("p");
  publisher.publish("t", "4", 1, 1);
  publisher.publish("t", "5", 1, 2);
  assert.deepEqual(publisher.take(), [{ kind: "puback", packetId: 1 }]);
  broker.disk.commit();
  assert.deepEqual(publisher.take(), [{ kind: "puback", packetId: 2 }]);
  assert.deepEqual(broker.disk.records().filter(({ key }) => key.startsWith("q/")).length, 1);
});

test("drop-oldest: of a long queue the newest stay, though the oldest have to be read first", () => {
  for (const slow of [false, true]) {
    const options = { queuePolicy: "drop-oldest", maxQueuedMessages: 1000 } as const;
    const broker = new TestBroker({ options });
    leave(broker, "away");
    const publisher = broker.connect("p");
    for (let n = 0; n < 1500; n++) publisher.publish("t", `${n}`, 1, 1 + n);
    broker.disk.slow = slow;
    for (let n = 1500; n < 4000; n++) {
      publisher.publish("t", `${n}`, 1, 1 + n);
      if (n % 600 === 0) broker.disk.serve();
    }
    while (broker.disk.serve());
    broker.disk.commit();
    const outgoing = broker.broker.sessions.get("away")?.outgoing;
    assert.equal(outgoing?.queueLength, 1000);
    assert.equal(outgoing?.queuedBytes, 4000);
    assert.equal(broker.broker.counters.queueDroppedFull, 3000);
    assert.equal(broker.disk.records().filter(({ key }) => key.startsWith("q/")).length, 1000);
    broker.disk.slow = false;
    const after = broker.restart({ options: { ...options, maxInflightMessages: 1000 } });
    assert.deepEqual(
      waitsFor(after, "away"),
      Array.from({ length: 1000 }, (_, index) => `${3000 + index}`),
    );
  }
});

/** Takes what comes, and acknowledges nothing. */
class Node implements Peer {
  readonly got: string[] = [];
  client: Client | undefined;

  deliver({ payload }: Message): void {
    this.got.push(new TextDecoder().decode(payload));
  }

  release(): void {}
  published(): void {}
  completed(): void {}
  evicted(): void {}
}

function enter(
  { broker }: TestBroker,
  clientId: string,
  room?: WaitingRoom,
  terms?: SessionTerms,
): Node {
  const opening: Opening = {
    clientId,
    cleanStart: false,
    persistent: true,
    origin: "mqtt-sn",
    remote: "here",
    receiveMaximum: 1,
    queueQos0: true,
    room,
    terms,
  };
  const node = new Node();
  const entry = broker.enter(opening, node);
  assert.ok(entry.ok);
  node.client = entry.client;
  return node;
}

test("drop-oldest: in a room that others have filled nobody loses what waits in vain", () => {
  const broker = new TestBroker({ options: { queuePolicy: "drop-oldest" } });
  const room = { each: 0, total: 100, used: 0 };
  const [a, b] = [enter(broker, "a", room), enter(broker, "b", room)];
  a.client?.subscribe("a", 1);
  b.client?.subscribe("b", 1);
  const say = (topic: string, text: string) =>
    broker.broker.insert(new Message(topic, new TextEncoder().encode(text), 1, false));
  say("a", "x".repeat(80));
  say("b", "1234567890");
  say("b", "x".repeat(25));
  assert.equal(room.used, 90);
  say("b", "12345678901234567890");
  assert.equal(room.used, 100);
  assert.equal(broker.broker.counters.queueDroppedFull, 2);
  for (const node of [a, b]) {
    node.client?.redeliver();
    node.client?.leave("normal");
    broker.broker.forget(node.client?.clientId ?? "");
  }
  assert.deepEqual(b.got, ["12345678901234567890"]);
  assert.equal(room.used, 0);
});

test("terms go before the broker's options, and tell of what is not kept", () => {
  const broker = new TestBroker({ options: { maxQueuedMessages: 100 } });
  const losses: string[] = [];
  const wanted = new Set(["t", "u"]);
  const terms = {
    maxQueuedMessages: 1,
    maxQueuedBytes: 0,
    maxQueuedAge: 100,
    queuePolicy: "refuse",
    interleave: false,
    wants: ({ topic }: Message) => wanted.has(topic),
    arriving: (message: Message) => (wanted.has(message.topic) ? message : undefined),
    notKept: (why: string) => void losses.push(why),
  } as const;
  enter(broker, "bridge", undefined, terms).client?.subscribe("#", 1);
  const publisher = broker.connect5("p");
  for (const [index, topic] of ["t", "u", "v"].entries())
    publisher.publish(topic, "x", 1, index + 1);
  assert.deepEqual(answersOf(publisher), [0, Reason.quotaExceeded, 0]);
  publisher.publish("t", "x");
  broker.clock.advance(130_000);
  assert.deepEqual(losses, ["refused", "full", "age"]);
});
