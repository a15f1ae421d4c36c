/** What waits for somebody who is away leaves memory for the store, and comes back in order. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { TestBroker, type TestClient } from "../../kit/test-broker.ts";

const MANY = 1500;
const kept = { cleanStart: false };
const options = { maxQueuedMessages: 0 };

function payloads(client: TestClient): string[] {
  const all: string[] = [];
  for (;;) {
    const messages = client.publishes();
    if (messages.length === 0) return all;
    for (const { payload, packetId, qos } of messages) {
      all.push(new TextDecoder().decode(payload));
      if (qos === 1) client.send({ kind: "puback", packetId });
    }
  }
}

/** A broker with so many messages for a client that is away. */
function backlogged(count = MANY, filter = "t"): TestBroker {
  const broker = new TestBroker({ options });
  const away = broker.connect("away", kept);
  away.subscribe(filter, 1);
  away.break();
  const publisher = broker.connect("publisher");
  for (let n = 0; n < count; n++) publisher.publish("t", `${n}`, 1, (n % 1000) + 1);
  broker.disk.commit();
  return broker;
}

const numbers = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, index) => `${from + index}`);

test("a long queue is delivered in order, with a fraction of it in memory meanwhile", () => {
  const broker = backlogged();
  const session = broker.broker.sessions.get("away");
  assert.equal(session?.outgoing.queueLength, MANY);
  assert.equal(session?.outgoing.queuedBytes, numbers(0, MANY).join("").length);
  assert.ok(
    (session?.outgoing.queueInMemory ?? MANY) < 400,
    `${session?.outgoing.queueInMemory} in memory`,
  );
  const back = broker.connect("away", kept);
  assert.deepEqual(payloads(back), numbers(0, MANY));
  assert.equal(session?.outgoing.backlog, 0);
  assert.equal(session?.outgoing.queuedBytes, 0);
  broker.disk.commit();
  assert.deepEqual(
    broker.disk.records().filter(({ key }) => key.startsWith("q/")),
    [],
  );
});

test("what comes while a slow disk is read goes behind it", () => {
  const broker = backlogged();
  broker.disk.slow = true;
  const back = broker.connect("away", kept);
  const publisher = broker.connect("later");
  const got: string[] = [];
  for (let n = MANY; n < MANY + 700; n++) {
    publisher.publish("t", `${n}`, 1, 1);
    if (n % 7 === 0) got.push(...payloads(back));
    if (n % 50 === 0) broker.disk.serve();
  }
  do got.push(...payloads(back));
  while (broker.disk.serve());
  got.push(...payloads(back));
  assert.deepEqual(got, numbers(0, MANY + 700));
});

test("a long queue outlives a power cut, and little of it is read at start", () => {
  const broker = backlogged().restart({ options });
  const session = broker.broker.sessions.get("away");
  assert.equal(session?.outgoing.queueLength, MANY);
  assert.ok((session?.outgoing.queueInMemory ?? MANY) < 400);
  const publisher = broker.connect("publisher");
  for (let n = MANY; n < MANY + 100; n++) publisher.publish("t", `${n}`, 1, 1);
  assert.deepEqual(payloads(broker.connect("away", kept)), numbers(0, MANY + 100));
  assert.equal(session?.outgoing.queuedBytes, 0);
});

test("a long queue of a session that ends leaves nothing in the store", () => {
  for (const end of ["clean start", "restart first"]) {
    let broker = backlogged();
    if (end === "restart first") broker = broker.restart({ options });
    broker.connect("away", { cleanStart: true });
    broker.disk.commit();
    assert.deepEqual(
      broker.disk.records().filter(({ key }) => key.startsWith("q/")),
      [],
    );
  }
});

test("a session does not get what the store still holds of one that had its name before", () => {
  const broker = backlogged();
  broker.disk.slow = true;
  broker.connect("away", { cleanStart: true }).break();
  const again = broker.connect("away", kept);
  again.subscribe("t", 1);
  again.break();
  broker.connect("publisher").publish("t", "new", 1, 1);
  broker.disk.commit();
  // The power goes before the old messages are deleted.
  broker.disk.slow = false;
  const later = broker.restart({ options });
  assert.deepEqual(payloads(later.connect("away", kept)), ["new"]);
  later.disk.commit();
  assert.deepEqual(
    later.disk.records().filter(({ key }) => key.startsWith("q/")),
    [],
  );
});

test("another member of a shared subscription gets what was left to the store, too", () => {
  const broker = backlogged(MANY, "$share/g/t");
  const other = broker.connect("other", kept);
  other.subscribe("$share/g/t", 1);
  broker.connect("away", { cleanStart: true });
  assert.deepEqual(payloads(other).sort(), numbers(0, MANY).sort());
});

test("records that are damaged are passed by, told of, and do not stop the rest", () => {
  const broker = backlogged();
  const damaged = broker.disk.records().filter(({ key }) => key.startsWith("q/"));
  for (const { key } of damaged.slice(600, 1000)) {
    broker.disk.damage(key, new Uint8Array([0]));
  }
  const back = broker.connect("away", kept);
  assert.deepEqual(payloads(back), [...numbers(0, 600), ...numbers(1000, MANY)]);
  assert.equal(broker.broker.sessions.get("away")?.outgoing.backlog, 0);
  assert.ok(broker.log.lines.some((line) => line.includes("400 messages that waited")));
});

test("a message that may not be received any more is not, though it has left memory meanwhile", () => {
  const broker = backlogged();
  const back = broker.connect("away", kept);
  const session = broker.broker.sessions.get("away");
  assert.ok(session !== undefined);
  const first = back.publishes();
  session.rights = {
    mayPublish: () => true,
    maySubscribe: () => true,
    mayUnsubscribe: () => true,
    mayReceive: () => false,
  };
  session.outgoing.dropForbidden(false);
  for (const { packetId } of first) back.send({ kind: "puback", packetId });
  assert.deepEqual(payloads(back), []);
  assert.equal(session.outgoing.backlog, 0);
});

test("a long queue of a client that wants QoS 0 kept has it in its place, over a restart too", () => {
  const broker = new TestBroker({ options: { ...options, queueQos0Messages: true } });
  const away = broker.connect("away", kept);
  away.subscribe("t", 1);
  away.break();
  const publisher = broker.connect("publisher");
  for (let n = 0; n < MANY; n++)
    publisher.publish("t", `${n}`, n % 2 === 0 ? 1 : 0, n % 2 === 0 ? 1 : 0);
  broker.disk.commit();
  assert.ok((broker.broker.sessions.get("away")?.outgoing.queueInMemory ?? MANY) < 400);
  assert.deepEqual(payloads(broker.connect("away", kept)), numbers(0, MANY));
});
