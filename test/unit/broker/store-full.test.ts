/** While the disk is full: what would have to be kept is refused, and everything else goes on. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { BrokerDirectedDoor } from "../../../src/broker/directed-door.ts";
import { Reason } from "../../../src/mqtt/reason-codes.ts";
import { connectPacket, TestBroker, type TestClient } from "../../kit/test-broker.ts";

const KEPT = { sessionExpiryInterval: 1000 };

function reasonOf(client: TestClient): number | undefined {
  const [answer] = client.take();
  if (answer?.kind !== "puback" && answer?.kind !== "pubrec") return undefined;
  return answer.reasonCode ?? Reason.success;
}

/** A broker with somebody who is away and whose messages would be written. */
function stand(): { broker: TestBroker; young: TestClient; old: TestClient } {
  const broker = new TestBroker();
  const away = broker.connect5("away", KEPT);
  away.subscribe("kept/#", 2);
  away.break();
  const young = broker.connect5("young");
  const old = broker.connect("old");
  broker.disk.full = true;
  return { broker, young, old };
}

test("QoS 1 and 2 for somebody who is away is refused with 0x97, and before 5.0 by closing", () => {
  const { broker, young, old } = stand();
  young.publish("kept/x", "1", 1, 1);
  assert.equal(reasonOf(young), Reason.quotaExceeded);
  young.publish("kept/x", "2", 2, 2);
  assert.equal(reasonOf(young), Reason.quotaExceeded);
  old.publish("kept/x", "3", 1, 1);
  assert.equal(old.ending(), "closed");
  broker.disk.full = false;
  young.publish("kept/x", "4", 1, 3);
  assert.equal(reasonOf(young), Reason.success);
  const back = broker.dial(5);
  back.send(connectPacket("away", { level: 5, cleanStart: false, properties: KEPT }));
  back.takeConnack();
  assert.deepEqual(back.messages(), ["kept/x=4 q1"]);
});

test("retained messages of QoS 1 and 2 are refused, those of QoS 0 are passed on", () => {
  const { broker, young } = stand();
  const reader = broker.connect("reader");
  reader.subscribe("other/#", 0);
  young.publish("other/x", "1", 1, 1, true);
  assert.equal(reasonOf(young), Reason.quotaExceeded);
  young.publish("other/x", "2", 0, 0, true);
  assert.deepEqual(reader.messages(), ["other/x=2"]);
});

test("what nobody has to keep goes on: QoS 0, subscribers without a session, nobody at all", () => {
  const { broker, young } = stand();
  const reader = broker.connect("reader");
  reader.subscribe("#", 2);
  young.publish("kept/x", "0", 0);
  young.publish("other/x", "1", 1, 1);
  assert.equal(reasonOf(young), Reason.success);
  young.publish("other/x", "2", 2, 2);
  assert.equal(reasonOf(young), Reason.success);
  assert.deepEqual(reader.messages(), ["kept/x=0", "other/x=1 q1", "other/x=2 q2"]);
});

test("a durable subscriber who takes QoS 1 at once acknowledges for himself; one who cannot has it refused", () => {
  const { broker, young } = stand();
  const uplink = broker.connect5("uplink", { ...KEPT, receiveMaximum: 1 });
  uplink.subscribe("up/#", 1);
  young.publish("up/x", "1", 1, 1);
  assert.deepEqual(young.take(), []);
  young.publish("up/x", "2", 1, 2);
  assert.equal(reasonOf(young), Reason.quotaExceeded, "its window is full");
  const [publish] = uplink.take();
  assert.equal(publish?.kind, "publish");
  uplink.send({ kind: "puback", packetId: 1 });
  assert.equal(reasonOf(young), Reason.success);
  young.publish("up/x", "3", 1, 3);
  assert.equal(uplink.take().length, 1);
});

test("of a shared subscription one member who can take it is enough", () => {
  const { broker, young } = stand();
  for (const name of ["one", "two"]) {
    const member = broker.connect5(name, KEPT);
    member.subscribe("$share/g/work", 1);
    if (name === "one") member.break();
  }
  young.publish("work", "1", 1, 1);
  assert.equal(young.take().length, 0, "it waits for the member's own acknowledgement");
});

test("queues go on being delivered, subscriptions and sessions are made", () => {
  const broker = new TestBroker();
  const away = broker.connect5("away", KEPT);
  away.subscribe("kept/#", 1);
  away.break();
  broker.connect("p").publish("kept/x", "before", 1, 1);
  broker.disk.full = true;
  const back = broker.dial(5);
  back.send(connectPacket("away", { level: 5, cleanStart: false, properties: KEPT }));
  back.takeConnack();
  assert.deepEqual(back.messages(), ["kept/x=before q1"]);
  back.subscribe("more", 1);
});

test("a message to named recipients is refused where one of them would have to have it kept", () => {
  const broker = new TestBroker();
  const away = broker.connect5("away", KEPT);
  away.break();
  const door = new BrokerDirectedDoor(broker.broker);
  broker.disk.full = true;
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
  const message = { topic: "t", payload: new Uint8Array(1), qos: 1, retain: false } as never;
  const to = [{ clientId: "away", qos: 1, retain: false } as const];
  assert.equal(door.publishTo(entry.client, peer, message, 1, false, to), Reason.quotaExceeded);
});
