/** A node receives what the gateway publishes, awake or from sleep. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Bench, outcomes, publish, text } from "./bench.ts";

describe("receiving (§6.10)", () => {
  it("REGISTER tells the name that a PUBLISH then goes by", () => {
    const bench = new Bench().connected();
    bench.gateway({ kind: "register", topicId: 5, messageId: 1, topicName: "a/b" });
    assert.deepEqual(bench.one("regack"), {
      kind: "regack",
      topicId: 5,
      messageId: 1,
      returnCode: 0,
    });
    bench.gateway(publish({ payload: text("hi"), retain: true }));
    assert.deepEqual(bench.received, [
      { topic: { type: "name", name: "a/b" }, text: "hi", qos: 0, retain: true },
    ]);
    assert.deepEqual(bench.sent(), []);
  });

  it("an id registered anew means the new name", () => {
    const bench = new Bench().connected();
    bench.gateway({ kind: "register", topicId: 5, messageId: 1, topicName: "a" });
    bench.gateway({ kind: "register", topicId: 5, messageId: 2, topicName: "b" });
    bench.gateway(publish({}));
    assert.deepEqual(bench.received[0]?.topic, { type: "name", name: "b" });
  });

  it("a REGISTER with a reserved id or no name is rejected", () => {
    const bench = new Bench().connected();
    for (const [topicId, topicName] of [
      [0, "a"],
      [0xffff, "a"],
      [5, ""],
    ] as const) {
      bench.gateway({ kind: "register", topicId, messageId: 1, topicName });
      assert.equal(bench.one("regack").returnCode, 3);
    }
  });

  it("an unknown id is answered with PUBACK 0x02 at every QoS", () => {
    const bench = new Bench().connected();
    for (const qos of [0, 1, 2] as const) {
      bench.gateway(publish({ qos, topicId: 99, messageId: 7 }));
      assert.deepEqual(bench.one("puback"), {
        kind: "puback",
        topicId: 99,
        messageId: 7,
        returnCode: 2,
      });
    }
    assert.deepEqual(bench.received, []);
  });

  it("QoS 1 is acknowledged each time it comes", () => {
    const bench = new Bench().connected();
    const message = publish({ qos: 1, topicIdType: "short", topicId: 0x6162, messageId: 3 });
    bench.gateway(message);
    assert.equal(bench.one("puback").returnCode, 0);
    bench.gateway({ ...message, dup: true });
    bench.one("puback");
    assert.equal(bench.received.length, 2);
    assert.deepEqual(bench.received[0]?.topic, { type: "short", name: "ab" });
  });

  it("QoS 2 is delivered once however often it is repeated before PUBREL", () => {
    const bench = new Bench().connected();
    const message = publish({ qos: 2, topicIdType: "predefined", topicId: 4, messageId: 3 });
    bench.gateway(message);
    bench.one("pubrec");
    bench.gateway({ ...message, dup: true });
    bench.one("pubrec");
    bench.gateway({ kind: "pubrel", messageId: 3 });
    bench.one("pubcomp");
    bench.gateway({ kind: "pubrel", messageId: 3 });
    bench.one("pubcomp");
    assert.equal(bench.received.length, 1);
    bench.gateway(message);
    assert.equal(bench.received.length, 2);
  });

  it("a QoS 2 delivery is still known after reconnecting to a kept session", () => {
    const bench = new Bench().connected(false);
    const message = publish({ qos: 2, topicIdType: "predefined", topicId: 4, messageId: 3 });
    bench.gateway(message);
    bench.connected(false);
    bench.gateway({ ...message, dup: true });
    assert.equal(bench.received.length, 1);
    bench.connected(true);
    bench.gateway(message);
    assert.equal(bench.received.length, 2);
  });

  it("messages are taken in while an exchange is under way", () => {
    const bench = new Bench().connected();
    bench.client.register("a");
    bench.sent();
    bench.gateway(publish({ topicIdType: "predefined" }));
    assert.equal(bench.received.length, 1);
  });

  it("nothing is taken in while not connected", () => {
    const bench = new Bench();
    const message = publish({ qos: 1, topicIdType: "predefined", messageId: 1 });
    bench.gateway(message);
    bench.client.connect({ cleanSession: true, duration: 0 });
    bench.sent();
    bench.gateway(message);
    assert.deepEqual(bench.received, []);
    assert.deepEqual(bench.sent(), []);
  });
});

describe("sleeping (§6.14)", () => {
  it("DISCONNECT with Duration, answered, is sleep", () => {
    const bench = new Bench().connected(false, 10);
    const { list, done } = outcomes();
    bench.client.sleep(600, done);
    assert.equal(bench.one("disconnect").duration, 600);
    assert.equal(bench.client.state, "active");
    bench.gateway({ kind: "disconnect", duration: undefined });
    assert.deepEqual(list, ["accepted"]);
    assert.equal(bench.client.state, "asleep");
    assert.equal(bench.clock.scheduler.nextDeadline(), undefined, "no keep alive while asleep");
  });

  it("goes to sleep only after what was asked before", () => {
    const bench = new Bench().connected(false);
    const topic = { type: "predefined", topicId: 3 } as const;
    bench.client.publish({ topic, payload: text("1"), qos: 1, retain: false });
    bench.client.sleep(60);
    const { messageId } = bench.one("publish");
    bench.gateway({ kind: "puback", topicId: 3, messageId, returnCode: 0 });
    bench.one("disconnect");
  });

  it("a leave to sleep that comes twice does not end what is asked next", () => {
    const bench = new Bench().asleep();
    bench.client.publish({
      topic: { type: "short", name: "ab" },
      payload: text("x"),
      qos: 1,
      retain: false,
    });
    bench.clock.advance(100);
    bench.gateway({ kind: "disconnect", duration: undefined });
    assert.deepEqual([bench.client.state, bench.lost], ["asleep", []]);
    bench.clock.advance(10_000);
    bench.gateway({ kind: "disconnect", duration: undefined });
    assert.deepEqual([bench.client.state, bench.lost], ["disconnected", ["gateway"]]);
  });

  it("hears nothing while asleep", () => {
    const bench = new Bench().asleep();
    bench.gateway(publish({ qos: 1, topicIdType: "predefined", messageId: 1 }));
    bench.gateway({ kind: "disconnect", duration: undefined });
    assert.deepEqual(bench.received, []);
    assert.deepEqual(bench.sent(), []);
    assert.equal(bench.client.state, "asleep");
  });

  it("waking fetches what is buffered, until PINGRESP", () => {
    const bench = new Bench().asleep();
    const { list, done } = outcomes();
    bench.client.wake(done);
    assert.equal(bench.one("pingreq").clientId, "node");
    assert.equal(bench.client.state, "awake");
    bench.gateway({ kind: "register", topicId: 5, messageId: 1, topicName: "a" });
    bench.gateway(publish({ qos: 1, messageId: 2 }));
    bench.gateway(publish({ qos: 2, messageId: 3 }));
    bench.gateway({ kind: "pubrel", messageId: 3 });
    assert.deepEqual(
      bench.sent().map((message) => message.kind),
      ["regack", "puback", "pubrec", "pubcomp"],
    );
    assert.deepEqual(list, []);
    bench.gateway({ kind: "pingresp" });
    assert.deepEqual(list, ["accepted"]);
    assert.equal(bench.client.state, "asleep");
    assert.equal(bench.received.length, 2);
    assert.equal(bench.clock.scheduler.nextDeadline(), undefined);
  });

  it("each message that comes restarts the retry timer of PINGREQ", () => {
    const bench = new Bench().asleep();
    bench.client.wake();
    bench.sent();
    bench.clock.advance(9000);
    bench.gateway(publish({ topicIdType: "predefined" }));
    bench.clock.advance(9999);
    assert.deepEqual(bench.sent(), []);
    bench.clock.advance(1);
    bench.one("pingreq");
  });

  it("sleeps on when no PINGRESP comes, to spare the battery", () => {
    const bench = new Bench().asleep();
    const { list, done } = outcomes();
    bench.client.wake(done);
    bench.clock.advance(50_000);
    assert.equal(bench.sent().length, 5);
    assert.deepEqual(list, ["timeout"]);
    assert.equal(bench.client.state, "asleep");
    assert.deepEqual(bench.lost, []);
  });

  it("DISCONNECT in answer to waking means that the gateway does not know the node", () => {
    const bench = new Bench().asleep();
    const { list, done } = outcomes();
    bench.client.wake(done);
    bench.gateway({ kind: "disconnect", duration: undefined });
    assert.deepEqual(list, ["disconnected"]);
    assert.deepEqual(bench.lost, ["gateway"]);
    assert.equal(bench.client.state, "disconnected");
  });

  it("CONNECT makes it active again, keeping what it knew", () => {
    const bench = new Bench().asleep();
    bench.client.connect({ cleanSession: false, duration: 30 });
    bench.one("connect");
    bench.gateway({ kind: "connack", returnCode: 0 });
    assert.equal(bench.client.state, "active");
  });

  it("may publish from sleep and sleep on", () => {
    const bench = new Bench().asleep();
    const { list, done } = outcomes();
    const topic = { type: "predefined", topicId: 3 } as const;
    bench.client.publish({ topic, payload: text("1"), qos: 1, retain: false }, done);
    const { messageId } = bench.one("publish");
    bench.gateway({ kind: "puback", topicId: 3, messageId, returnCode: 0 });
    assert.deepEqual(list, ["accepted"]);
    assert.equal(bench.client.state, "asleep");
  });

  it("what is published while awake waits for PINGRESP", () => {
    const bench = new Bench().asleep();
    bench.client.wake();
    bench.sent();
    const topic = { type: "predefined", topicId: 3 } as const;
    bench.client.publish({ topic, payload: text("1"), qos: 0, retain: false });
    assert.deepEqual(bench.sent(), []);
    bench.gateway({ kind: "pingresp" });
    bench.one("publish");
  });
});
