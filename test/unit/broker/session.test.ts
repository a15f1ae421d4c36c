/** Sessions that outlive connections and restarts, and custody of what was acknowledged. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { connectPacket, TestBroker } from "../../kit/test-broker.ts";

const KEPT = { cleanStart: false } as const;

test("[MQTT-3.1.2-4] a session without clean session is resumed, with session present [MQTT-3.2.2-2]", () => {
  const broker = new TestBroker();
  const client = broker.connect("a", KEPT);
  client.subscribe("t", 1);
  client.break();
  broker.connect("p").publish("t", "while away", 1, 1);
  const back = broker.connect("a", KEPT);
  assert.deepEqual(back.connack, { kind: "connack", sessionPresent: true, returnCode: 0 });
  assert.deepEqual(back.messages(), ["t=while away q1"]);
});

test("[MQTT-3.1.2-6] clean session discards what was there before", () => {
  const broker = new TestBroker();
  const client = broker.connect("a", KEPT);
  client.subscribe("t", 1);
  client.send({ kind: "disconnect" });
  broker.connect("p").publish("t", "x", 1, 1);
  const clean = broker.connect("a");
  assert.deepEqual(clean.connack, { kind: "connack", sessionPresent: false, returnCode: 0 });
  assert.deepEqual(clean.messages(), []);
  clean.break();
  const later = broker.connect("a", KEPT);
  assert.deepEqual(later.connack, { kind: "connack", sessionPresent: false, returnCode: 0 });
});

test("[MQTT-4.4.0-1] what was not acknowledged is sent again with DUP and the same identifier, in order", () => {
  const broker = new TestBroker();
  const client = broker.connect("a", KEPT);
  client.subscribe("t", 2);
  const publisher = broker.connect("p");
  publisher.publish("t", "1", 1, 1);
  publisher.publish("t", "2", 2, 2);
  publisher.publish("t", "3", 2, 3);
  publisher.publish("t", "4", 1, 4);
  const ids = client.take().map((packet) => packet.kind === "publish" && packet.packetId);
  assert.deepEqual(ids, [1, 2, 3, 4]);
  client.send({ kind: "pubrec", packetId: 2 });
  client.send({ kind: "puback", packetId: 1 });
  client.break();
  const again = broker.connect("a", KEPT).take();
  assert.deepEqual(
    again.map((packet) => ("packetId" in packet ? [packet.kind, packet.packetId] : packet.kind)),
    [
      ["pubrel", 2],
      ["publish", 3],
      ["publish", 4],
    ],
  );
  assert.equal(
    again.every((packet) => packet.kind !== "publish" || packet.dup),
    true,
  );
});

test("QoS 0 is not kept for who is away, unless queue_qos0_messages says so", () => {
  for (const queueQos0Messages of [false, true]) {
    const broker = new TestBroker({ options: { queueQos0Messages } });
    const client = broker.connect("a", KEPT);
    client.subscribe("t", 1);
    client.break();
    broker.connect("p").publish("t", "x");
    assert.deepEqual(broker.connect("a", KEPT).messages(), queueQos0Messages ? ["t=x"] : []);
  }
});

test("subscriptions and queued messages survive a restart, in order", () => {
  const broker = new TestBroker();
  const client = broker.connect("a", KEPT);
  client.subscribe("t/#", 2);
  client.break();
  const publisher = broker.connect("p");
  for (let n = 1; n <= 300; n++) publisher.publish(`t/${n}`, `${n}`, n % 2 === 0 ? 2 : 1, n);
  const back = broker.restart().connect("a", KEPT);
  const got: string[] = [];
  for (let packets = back.take(); packets.length > 0; packets = back.take()) {
    for (const packet of packets) {
      if (packet.kind === "publish") got.push(packet.topic);
      if (packet.kind === "publish" && packet.qos === 1)
        back.send({ kind: "puback", packetId: packet.packetId });
      if (packet.kind === "publish" && packet.qos === 2)
        back.send({ kind: "pubrec", packetId: packet.packetId });
      if (packet.kind === "pubrel") back.send({ kind: "pubcomp", packetId: packet.packetId });
    }
  }
  assert.deepEqual(
    got,
    Array.from({ length: 300 }, (_, n) => `t/${n + 1}`),
  );
});

test("custody: QoS 1 for a session whose client is away is acknowledged only when it is on the disk", () => {
  const broker = new TestBroker({ autoCommit: false });
  const client = broker.connect("a", KEPT);
  client.subscribe("t", 1);
  client.break();
  broker.disk.commit();
  const publisher = broker.connect("p");
  publisher.publish("t", "x", 1, 9);
  assert.deepEqual(publisher.take(), []);
  broker.disk.commit();
  assert.deepEqual(publisher.take(), [{ kind: "puback", packetId: 9 }]);
});

test("custody: a recipient that acknowledges within the grace time keeps the message off the disk", () => {
  const broker = new TestBroker({ autoCommit: false, options: { custodyGrace: 50 } });
  const client = broker.connect("a", KEPT);
  client.subscribe("t", 1);
  broker.disk.commit();
  const publisher = broker.connect("p");
  publisher.publish("t", "x", 1, 9);
  assert.deepEqual(publisher.take(), []);
  assert.deepEqual(client.messages(), ["t=x q1"]);
  client.send({ kind: "puback", packetId: 1 });
  assert.deepEqual(publisher.take(), [{ kind: "puback", packetId: 9 }]);
  broker.clock.advance(1000);
  broker.disk.commit();
  assert.deepEqual(
    broker.disk.records().filter(({ key }) => key.startsWith("q/")),
    [],
  );
});

test("custody: a recipient that takes longer gets the message from the disk after a power cut", () => {
  const broker = new TestBroker({ autoCommit: false, options: { custodyGrace: 50 } });
  const client = broker.connect("a", KEPT);
  client.subscribe("t", 1);
  const before = broker.disk.records();
  const publisher = broker.connect("p");
  publisher.publish("t", "x", 1, 9);
  broker.clock.advance(49);
  assert.deepEqual(broker.disk.records(), before);
  broker.clock.advance(1);
  assert.deepEqual(publisher.take(), []);
  broker.disk.commit();
  assert.deepEqual(publisher.take(), [{ kind: "puback", packetId: 9 }]);
  assert.deepEqual(broker.restart().connect("a", KEPT).messages(), ["t=x q1 dup"]);
});

test("[MQTT-4.6.0-6] a power cut within the grace time does not have a later message overtake", () => {
  const options = { custodyGrace: 50, maxInflightMessages: 1 };
  const broker = new TestBroker({ autoCommit: false, options });
  const client = broker.connect("a", KEPT);
  client.subscribe("t", 1);
  const publisher = broker.connect("p");
  publisher.publish("t", "1", 1, 1);
  broker.clock.advance(30);
  publisher.publish("t", "2", 1, 2);
  broker.clock.advance(20);
  broker.disk.commit();
  const after = broker.restart();
  assert.deepEqual(after.connect("a", KEPT).messages(), ["t=1 q1 dup", "t=2 q1"]);
});

test("custody: what waits for a client that takes it within the grace time never reaches the disk", () => {
  const options = { custodyGrace: 50, maxInflightMessages: 1 };
  const broker = new TestBroker({ autoCommit: false, options });
  const client = broker.connect("a", KEPT);
  client.subscribe("t", 1);
  broker.disk.commit();
  const publisher = broker.connect("p");
  for (let n = 1; n <= 3; n++) publisher.publish("t", `${n}`, 1, n);
  broker.clock.advance(40);
  assert.deepEqual(publisher.take(), []);
  for (let n = 1; n <= 3; n++) {
    assert.deepEqual(client.messages(), [`t=${n} q1`]);
    client.send({ kind: "puback", packetId: n });
    assert.deepEqual(publisher.take(), [{ kind: "puback", packetId: n }]);
  }
  broker.clock.advance(50);
  broker.disk.commit();
  assert.deepEqual(broker.restart().connect("a", KEPT).messages(), []);
});

test("custody: once a client is slower than the grace time, what comes is stored without it until nothing waits", () => {
  const options = { custodyGrace: 50, maxInflightMessages: 1 };
  const broker = new TestBroker({ autoCommit: false, options });
  const client = broker.connect("a", KEPT);
  client.subscribe("t", 1);
  const publisher = broker.connect("p");
  const acknowledged = (...packetIds: number[]) =>
    assert.deepEqual(
      publisher.take(),
      packetIds.map((packetId) => ({ kind: "puback", packetId })),
    );
  publisher.publish("t", "1", 1, 1);
  publisher.publish("t", "2", 1, 2);
  broker.clock.advance(50);
  broker.disk.commit();
  acknowledged(1, 2);
  publisher.publish("t", "3", 1, 3);
  broker.disk.commit();
  acknowledged(3);
  for (let n = 1; n <= 3; n++) client.send({ kind: "puback", packetId: n });
  publisher.publish("t", "4", 1, 4);
  publisher.publish("t", "5", 1, 5);
  broker.disk.commit();
  acknowledged();
});

test("custody: a client that is quick again gets what comes within the grace time without the disk, though others wait", () => {
  const options = { custodyGrace: 50, maxInflightMessages: 1 };
  const broker = new TestBroker({ autoCommit: false, options });
  const client = broker.connect("a", KEPT);
  client.subscribe("t", 1);
  const publisher = broker.connect("p");
  let packetId = 0;
  const publish = () => publisher.publish("t", "x", 1, ++packetId);
  let taken = 0;
  const take = () => client.send({ kind: "puback", packetId: ++taken });
  publish();
  publish();
  broker.clock.advance(50);
  publish();
  broker.disk.commit();
  assert.equal(publisher.take().length, 3);
  // Two always wait, none for as long as the grace time.
  for (let n = 0; n < 6; n++) {
    broker.clock.advance(10);
    take();
    publish();
    broker.disk.commit();
  }
  publisher.take();
  publish();
  broker.disk.commit();
  assert.deepEqual(publisher.take(), []);
  for (let n = 0; n < 4; n++) take();
  assert.deepEqual(publisher.take().at(-1), { kind: "puback", packetId });
});

test("custody: so it is where what waits had to leave memory", () => {
  const options = { custodyGrace: 50, maxInflightMessages: 10, maxQueuedMessages: 0 };
  const broker = new TestBroker({ options });
  const client = broker.connect("a", KEPT);
  client.subscribe("t", 1);
  const publisher = broker.connect("p");
  const publish = (count: number) => {
    for (let n = 0; n < count; n++) publisher.publish("t", "x", 1, 1);
  };
  const take = (count: number) => {
    for (let taken = 0; taken < count; ) {
      const packets = client.publishes();
      assert.notEqual(packets.length, 0);
      for (const { packetId } of packets) client.send({ kind: "puback", packetId });
      taken += packets.length;
    }
  };
  publish(600);
  broker.clock.advance(50);
  const stored = () => broker.disk.records().filter(({ key }) => key.startsWith("q/")).length;
  publish(1);
  assert.equal(stored(), 591);
  assert.ok((broker.broker.sessions.get("a")?.outgoing.queueInMemory ?? 0) < 601);
  for (let n = 0; n < 12; n++) {
    broker.clock.advance(5);
    publish(100);
    take(100);
  }
  const before = stored();
  publish(100);
  assert.equal(stored(), before);
});

test("custody: a power cut within the grace time does not lose a QoS 2 message whose repetition is known", () => {
  const options = { custodyGrace: 50, maxInflightMessages: 1 };
  const broker = new TestBroker({ autoCommit: false, options });
  const client = broker.connect("a", KEPT);
  client.subscribe("t", 1);
  const publisher = broker.connect("p", KEPT);
  for (const packetId of [1, 2]) publisher.publish("t", `${packetId}`, 2, packetId);
  broker.disk.commit();
  const after = broker.restart();
  const back = after.connect("p", KEPT);
  for (const packetId of [1, 2]) back.publish("t", `${packetId}`, 2, packetId, false, true);
  assert.deepEqual(
    back.take().map(({ kind }) => kind),
    ["pubrec", "pubrec"],
  );
  const [first, second] = [after.connect("a", KEPT)].flatMap((one) => {
    const got = one.messages();
    one.send({ kind: "puback", packetId: 1 });
    return [...got, ...one.messages()];
  });
  assert.deepEqual([first, second], ["t=1 q1 dup", "t=2 q1"]);
});

test("SUBACK and UNSUBACK of a kept session come when they are on the disk, and retained messages then", () => {
  const broker = new TestBroker({ autoCommit: false });
  broker.connect("p").publish("t", "x", 0, 0, true);
  const client = broker.connect("a", KEPT);
  const subscriptions = [{ filter: "t", qos: 1 as const }];
  client.send({ kind: "subscribe", packetId: 1, subscriptions });
  assert.deepEqual(client.take(), []);
  broker.disk.commit();
  assert.deepEqual(
    client.take().map(({ kind }) => kind),
    ["suback", "publish"],
  );
  client.send({ kind: "unsubscribe", packetId: 2, filters: ["t"] });
  assert.deepEqual(client.take(), []);
  broker.disk.commit();
  assert.deepEqual(client.take(), [{ kind: "unsuback", packetId: 2 }]);
  const clean = broker.connect("b");
  clean.send({ kind: "subscribe", packetId: 1, subscriptions });
  assert.equal(clean.take()[0]?.kind, "suback");
});

test("custody: with several recipients the slowest decides", () => {
  const broker = new TestBroker({ autoCommit: false });
  const quick = broker.connect("quick", KEPT);
  const away = broker.connect("away", KEPT);
  quick.subscribe("t", 1);
  away.subscribe("t", 1);
  away.break();
  broker.disk.commit();
  const publisher = broker.connect("p");
  publisher.publish("t", "x", 1, 9);
  quick.send({ kind: "puback", packetId: 1 });
  assert.deepEqual(publisher.take(), []);
  broker.disk.commit();
  assert.deepEqual(publisher.take(), [{ kind: "puback", packetId: 9 }]);
});

test("custody: recipients without a kept session are not waited for", () => {
  const broker = new TestBroker({ autoCommit: false });
  broker.connect("a").subscribe("t", 1);
  const publisher = broker.connect("p");
  publisher.publish("t", "x", 1, 9);
  assert.deepEqual(publisher.take(), [{ kind: "puback", packetId: 9 }]);
});

test("custody: a session that ends no longer holds up the publisher", () => {
  const broker = new TestBroker({ autoCommit: false });
  const client = broker.connect("a", KEPT);
  client.subscribe("t", 1);
  const publisher = broker.connect("p");
  publisher.publish("t", "x", 1, 9);
  assert.deepEqual(publisher.take(), []);
  broker.connect("a", { cleanStart: true });
  assert.deepEqual(publisher.take(), [{ kind: "puback", packetId: 9 }]);
});

test("a publisher that comes back before its QoS 2 message is safe is acknowledged once it is", () => {
  const broker = new TestBroker({ autoCommit: false });
  const away = broker.connect("away", KEPT);
  away.subscribe("t", 2);
  away.break();
  const publisher = broker.connect("p", KEPT);
  publisher.publish("t", "x", 2, 9);
  publisher.break();
  const back = broker.connect("p", KEPT);
  back.publish("t", "x", 2, 9, false, true);
  assert.deepEqual(back.take(), []);
  broker.disk.commit();
  assert.deepEqual(back.take(), [{ kind: "pubrec", packetId: 9 }]);
  assert.equal(broker.broker.sessions.get("away")?.outgoing.backlog, 1);
});

test("QoS 2 identifiers survive a restart: a repeated PUBLISH is not published again", () => {
  const broker = new TestBroker();
  const publisher = broker.connect("p", KEPT);
  publisher.publish("t", "x", 2, 9);
  assert.deepEqual(publisher.take(), [{ kind: "pubrec", packetId: 9 }]);
  const after = broker.restart();
  const watcher = after.connect("w");
  watcher.subscribe("t");
  const back = after.connect("p", KEPT);
  back.publish("t", "x", 2, 9, false, true);
  assert.deepEqual(back.take(), [{ kind: "pubrec", packetId: 9 }]);
  assert.deepEqual(watcher.messages(), []);
});

test("a QoS 2 delivery in flight keeps its identifier over a restart, before and after PUBREC", () => {
  const broker = new TestBroker();
  const client = broker.connect("a", KEPT);
  client.subscribe("t", 2);
  const publisher = broker.connect("p");
  publisher.publish("t", "1", 2, 1);
  publisher.publish("t", "2", 2, 2);
  client.take();
  client.send({ kind: "pubrec", packetId: 1 });
  const back = broker.restart().connect("a", KEPT);
  assert.deepEqual(
    back.take().map((packet) => ("packetId" in packet ? [packet.kind, packet.packetId] : [])),
    [
      ["pubrel", 1],
      ["publish", 2],
    ],
  );
});

test("nothing of a session is left on the disk once it has ended", () => {
  const broker = new TestBroker();
  const client = broker.connect("a", KEPT);
  client.subscribe("t", 2);
  client.publish("t", "x", 2, 5);
  client.break();
  assert.notDeepEqual(broker.disk.records(), []);
  broker.connect("a", { cleanStart: true }).break();
  broker.disk.commit();
  assert.deepEqual(broker.disk.records(), []);
});

test("a session whose client stays away longer than allowed is ended", () => {
  const broker = new TestBroker({ options: { sessionExpiry: 1000 } });
  const client = broker.connect("a", KEPT);
  client.break();
  broker.clock.advance(999);
  assert.equal(broker.broker.sessions.has("a"), true);
  broker.clock.advance(1);
  assert.equal(broker.broker.sessions.has("a"), false);
});

test("damaged and orphaned records are left out and counted, and the rest is restored", () => {
  const broker = new TestBroker();
  const client = broker.connect("a", KEPT);
  client.subscribe("t", 1);
  client.publish("r", "kept", 1, 1, true);
  const records = broker.disk.records();
  const away = broker.connect("away", KEPT);
  away.subscribe("q", 1);
  away.break();
  client.publish("q", "x", 1, 2);
  const orphan = broker.disk.records().find(({ key }) => key.startsWith("q/away"))?.value;
  assert.ok(orphan);
  const damaged = [
    ...records,
    { key: "r/cut", value: new Uint8Array([1, 0, 0, 9, 65]) },
    { key: "r/later-format", value: new Uint8Array([99]) },
    { key: "q/nobody\x00000000000001", value: orphan },
    { key: "s/empty", value: new Uint8Array(0) },
    { key: "f/a\x00x", value: new Uint8Array(0) },
  ];
  const fresh = new TestBroker();
  // What a session left that has ended is no damage.
  assert.equal(fresh.broker.restore(damaged), 4);
  assert.equal(fresh.broker.retained.count, 1);
  assert.deepEqual(
    Array.from(fresh.broker.sessions.get("a")?.subscriptions ?? [], ([filter]) => filter),
    ["t"],
  );
});

test("sending again goes on where a slow client had to pause, and loses nothing", () => {
  const broker = new TestBroker();
  const client = broker.connect("a", KEPT);
  client.subscribe("t", 1);
  const publisher = broker.connect("p");
  for (let n = 1; n <= 3; n++) publisher.publish("t", `${n}`, 1, n);
  client.break();
  const back = broker.dial();
  back.wire.stuck = 10_000_000;
  back.send(connectPacket("a", KEPT));
  assert.deepEqual(back.messages(), ["t=1 q1 dup"]);
  back.wire.drain();
  assert.deepEqual(back.messages(), ["t=2 q1 dup", "t=3 q1 dup"]);
});

test("slow clients that have one QoS 0 message queued each get its own bytes, not what took their place", () => {
  const broker = new TestBroker();
  const slow = ["a", "b"].map((clientId) => {
    const client = broker.connect(clientId);
    client.subscribe("t/#", 0);
    client.wire.stuck = 10_000_000;
    return client;
  });
  const publisher = broker.connect("p");
  for (const topic of ["t/1", "t/2"]) publisher.publish(topic, `${topic} payload`, 0);
  for (const client of slow) {
    client.wire.drain();
    assert.deepEqual(client.messages(), ["t/1=t/1 payload", "t/2=t/2 payload"]);
    // The buffer is used again for others.
    client.wire.output.bytes.fill(0);
  }
});

test("what comes after a restart is kept over the next one, though nothing was waiting in between", () => {
  let broker = new TestBroker();
  const early = broker.connect("early", { cleanStart: false });
  early.subscribe("t", 1);
  for (let n = 1; n <= 20; n++) broker.connect("p").publish("t", `${n}`, 1, 1);
  for (const { packetId } of early.publishes()) early.send({ kind: "puback", packetId });
  const late = broker.connect("late", { cleanStart: false });
  late.subscribe("t", 1);
  broker.disk.commit();
  broker = broker.restart();
  broker.connect("p").publish("t", "kept", 1, 1);
  broker.disk.commit();
  broker = broker.restart();
  assert.deepEqual(broker.connect("late", { cleanStart: false }).messages(), ["t=kept q1"]);
});
