/** A node publishes and subscribes. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { SnQoS } from "../../../src/mqttsn/packets.ts";
import { Bench, outcomes, text } from "./bench.ts";

function named(name: string, qos: SnQoS, payload = "x") {
  return { topic: { type: "name", name }, payload: text(payload), qos, retain: false } as const;
}

describe("publishing (§6.5, §6.6)", () => {
  it("registers a name once, then publishes by its id", () => {
    const bench = new Bench().connected();
    const { list, done } = outcomes();
    bench.client.publish(named("a/b", 0), done);
    const register = bench.one("register");
    assert.deepEqual([register.topicId, register.topicName], [0, "a/b"]);
    bench.gateway({ kind: "regack", topicId: 9, messageId: register.messageId, returnCode: 0 });
    const first = bench.one("publish");
    assert.deepEqual([first.topicIdType, first.topicId, first.messageId], ["normal", 9, 0]);
    bench.client.publish(named("a/b", 0), done);
    assert.equal(bench.one("publish").topicId, 9);
    assert.deepEqual(list, ["accepted", "accepted"]);
  });

  it("register() tells the id, and spares the registration later", () => {
    const bench = new Bench().connected();
    const told: unknown[] = [];
    bench.client.register("a", (outcome, topicId) => told.push(outcome, topicId));
    const { messageId } = bench.one("register");
    bench.gateway({ kind: "regack", topicId: 4, messageId, returnCode: 0 });
    assert.deepEqual(told, ["accepted", 4]);
    bench.client.publish(named("a", 0));
    assert.equal(bench.one("publish").topicId, 4);
  });

  it("a rejected REGISTER ends the publication", () => {
    const bench = new Bench().connected();
    const { list, done } = outcomes();
    bench.client.publish(named("a/#", 1), done);
    const { messageId } = bench.one("register");
    bench.gateway({ kind: "regack", topicId: 0, messageId, returnCode: 3 });
    assert.deepEqual(list, ["notSupported"]);
    assert.deepEqual(bench.sent(), []);
  });

  it("QoS 1 is repeated with DUP and the same MsgId until PUBACK", () => {
    const bench = new Bench().connected();
    const { list, done } = outcomes();
    const topic = { type: "predefined", topicId: 3 } as const;
    bench.client.publish({ topic, payload: text("x"), qos: 1, retain: true }, done);
    const first = bench.one("publish");
    assert.deepEqual([first.dup, first.retain, first.topicIdType], [false, true, "predefined"]);
    bench.clock.advance(10_000);
    const second = bench.one("publish");
    assert.deepEqual(second, { ...first, dup: true });
    bench.gateway({ kind: "puback", topicId: 3, messageId: first.messageId, returnCode: 0 });
    assert.deepEqual(list, ["accepted"]);
    assert.equal(bench.clock.scheduler.nextDeadline(), undefined);
  });

  it("QoS 2 goes PUBLISH, PUBREC, PUBREL, PUBCOMP, each repeated", () => {
    const bench = new Bench().connected();
    const { list, done } = outcomes();
    const topic = { type: "short", name: "ab" } as const;
    bench.client.publish({ topic, payload: text("x"), qos: 2, retain: false }, done);
    const { messageId, topicId } = bench.one("publish");
    assert.equal(topicId, 0x6162);
    bench.gateway({ kind: "pubrec", messageId });
    assert.deepEqual(bench.one("pubrel"), { kind: "pubrel", messageId });
    bench.clock.advance(10_000);
    bench.one("pubrel");
    bench.gateway({ kind: "pubrec", messageId });
    bench.one("pubrel");
    bench.gateway({ kind: "puback", topicId, messageId, returnCode: 0 });
    assert.deepEqual(list, []);
    bench.gateway({ kind: "pubcomp", messageId });
    assert.deepEqual(list, ["accepted"]);
  });

  it("has one confirmed exchange outstanding, the others behind it in order", () => {
    const bench = new Bench().connected();
    const topic = { type: "predefined", topicId: 3 } as const;
    bench.client.publish({ topic, payload: text("1"), qos: 1, retain: false });
    bench.client.publish({ topic, payload: text("2"), qos: 0, retain: false });
    bench.client.publish({ topic, payload: text("3"), qos: 1, retain: false });
    const { messageId } = bench.one("publish");
    bench.gateway({ kind: "puback", topicId: 3, messageId, returnCode: 0 });
    const next = bench.sent();
    assert.deepEqual(
      next.map(
        (message) => message.kind === "publish" && new TextDecoder().decode(message.payload),
      ),
      ["2", "3"],
    );
  });

  it("QoS -1 goes out unconnected, on predefined and short topics (§6.8)", () => {
    const bench = new Bench();
    const { list, done } = outcomes();
    const message = { payload: text("x"), qos: -1, retain: false } as const;
    bench.client.publish({ topic: { type: "predefined", topicId: 1 }, ...message }, done);
    assert.deepEqual(bench.one("publish").qos, -1);
    bench.client.publish({ topic: { type: "short", name: "ab" }, ...message }, done);
    assert.equal(bench.one("publish").topicIdType, "short");
    bench.client.publish({ topic: { type: "name", name: "a/b" }, ...message }, done);
    assert.deepEqual(bench.sent(), []);
    assert.deepEqual(list, ["accepted", "accepted", "notSupported"]);
  });

  it("a short name not of two octets is refused unsent", () => {
    const bench = new Bench().connected();
    const { list, done } = outcomes();
    const topic = { type: "short", name: "abc" } as const;
    bench.client.publish({ topic, payload: text("x"), qos: 1, retain: false }, done);
    assert.deepEqual(list, ["invalidTopicId"]);
    assert.deepEqual(bench.sent(), []);
  });

  it("PUBACK 0x02 registers the name anew and publishes again, once", () => {
    const bench = new Bench().connected();
    const { list, done } = outcomes();
    bench.client.publish(named("a", 1), done);
    bench.gateway({
      kind: "regack",
      topicId: 9,
      messageId: bench.one("register").messageId,
      returnCode: 0,
    });
    const { messageId } = bench.one("publish");
    bench.gateway({ kind: "puback", topicId: 9, messageId, returnCode: 2 });
    const again = bench.one("register");
    bench.gateway({ kind: "regack", topicId: 10, messageId: again.messageId, returnCode: 0 });
    const second = bench.one("publish");
    assert.deepEqual([second.topicId, second.dup], [10, false]);
    bench.gateway({ kind: "puback", topicId: 10, messageId: second.messageId, returnCode: 2 });
    assert.deepEqual(list, ["invalidTopicId"]);
  });

  it("PUBACK 0x02 to a QoS 0 PUBLISH has the name registered before the next", () => {
    const bench = new Bench().connected();
    bench.client.register("a");
    const { messageId } = bench.one("register");
    bench.gateway({ kind: "regack", topicId: 9, messageId, returnCode: 0 });
    bench.client.publish(named("a", 0));
    bench.sent();
    bench.gateway({ kind: "puback", topicId: 9, messageId: 0, returnCode: 2 });
    bench.client.publish(named("a", 0));
    bench.one("register");
  });

  it("congestion holds publishing back for T_WAIT", () => {
    const bench = new Bench().connected();
    const topic = { type: "predefined", topicId: 3 } as const;
    bench.client.publish({ topic, payload: text("1"), qos: 1, retain: false });
    const { messageId } = bench.one("publish");
    bench.gateway({ kind: "puback", topicId: 3, messageId, returnCode: 1 });
    bench.clock.advance(299_999);
    assert.deepEqual(bench.sent(), []);
    bench.clock.advance(1);
    assert.equal(bench.one("publish").messageId, messageId);
  });

  it("congestion told of a QoS 0 PUBLISH holds the next one back", () => {
    const bench = new Bench().connected();
    const topic = { type: "predefined", topicId: 3 } as const;
    bench.client.publish({ topic, payload: text("1"), qos: 0, retain: false });
    bench.sent();
    bench.gateway({ kind: "puback", topicId: 3, messageId: 0, returnCode: 1 });
    bench.client.publish({ topic, payload: text("2"), qos: 0, retain: false });
    assert.deepEqual(bench.sent(), []);
    bench.clock.advance(300_000);
    bench.one("publish");
  });

  it("an unanswered PUBLISH loses the connection, and ends what waits behind", () => {
    const bench = new Bench().connected();
    const { list, done } = outcomes();
    const topic = { type: "predefined", topicId: 3 } as const;
    bench.client.publish({ topic, payload: text("1"), qos: 1, retain: false }, done);
    bench.client.publish({ topic, payload: text("2"), qos: 1, retain: false }, done);
    bench.clock.advance(50_000);
    assert.deepEqual(list, ["timeout", "disconnected"]);
    assert.deepEqual(bench.lost, ["timeout"]);
  });

  it("what waits is bounded", () => {
    const bench = new Bench().connected();
    const { list, done } = outcomes();
    const topic = { type: "predefined", topicId: 3 } as const;
    for (let count = 0; count < 1002; count++) {
      bench.client.publish({ topic, payload: text(""), qos: 1, retain: false }, done);
    }
    assert.deepEqual(list, ["queueFull"]);
    assert.equal(bench.client.backlog, 1001);
  });

  it("publishing from within a callback does not nest", () => {
    const bench = new Bench().connected();
    const topic = { type: "predefined", topicId: 3 } as const;
    let left = 20_000;
    const next = () => {
      if (left-- > 0) {
        bench.client.publish({ topic, payload: text(""), qos: 0, retain: false }, next);
      }
    };
    next();
    assert.equal(bench.sent().length, 20_000);
  });
});

describe("a kept session outlasts its connection", () => {
  it("an unfinished QoS 1 publication goes on with DUP and the same MsgId", () => {
    const bench = new Bench().connected(false);
    const { list, done } = outcomes();
    const topic = { type: "predefined", topicId: 3 } as const;
    bench.client.publish({ topic, payload: text("1"), qos: 1, retain: false }, done);
    bench.client.publish({ topic, payload: text("2"), qos: 0, retain: false }, done);
    const { messageId } = bench.one("publish");
    bench.clock.advance(50_000);
    assert.deepEqual(list, ["disconnected"]);
    bench.client.publish({ topic, payload: text("3"), qos: 1, retain: false }, done);
    bench.sent();
    bench.client.connect({ cleanSession: false, duration: 0 });
    bench.gateway({ kind: "connack", returnCode: 0 });
    const again = bench.sent()[1];
    assert.ok(again?.kind === "publish" && again.dup && again.messageId === messageId);
    bench.gateway({ kind: "puback", topicId: 3, messageId, returnCode: 0 });
    assert.equal(new TextDecoder().decode(bench.one("publish").payload), "3");
  });

  it("a QoS 2 publication received by the gateway goes on with PUBREL", () => {
    const bench = new Bench().connected(false);
    const topic = { type: "predefined", topicId: 3 } as const;
    bench.client.publish({ topic, payload: text("1"), qos: 2, retain: false });
    const { messageId } = bench.one("publish");
    bench.gateway({ kind: "pubrec", messageId });
    bench.gateway({ kind: "disconnect", duration: undefined });
    bench.sent();
    bench.client.connect({ cleanSession: false, duration: 0 });
    bench.gateway({ kind: "connack", returnCode: 0 });
    assert.deepEqual(bench.sent()[1], { kind: "pubrel", messageId });
  });

  it("topic ids stay known, but not over a clean session", () => {
    const bench = new Bench().connected(false);
    bench.client.register("a");
    const { messageId } = bench.one("register");
    bench.gateway({ kind: "regack", topicId: 9, messageId, returnCode: 0 });
    bench.connected(false);
    bench.client.publish(named("a", 0));
    bench.one("publish");
    bench.connected(true);
    bench.client.publish(named("a", 0));
    bench.one("register");
  });

  it("a clean session ends what was left", () => {
    const bench = new Bench().connected(false);
    const { list, done } = outcomes();
    bench.client.publish(named("a", 1), done);
    bench.gateway({ kind: "disconnect", duration: undefined });
    assert.deepEqual(list, []);
    bench.connected(true);
    assert.deepEqual(list, ["disconnected"]);
    assert.equal(bench.client.backlog, 0);
  });
});

describe("subscribing (§6.9)", () => {
  it("learns the topic id and the granted QoS from SUBACK", () => {
    const bench = new Bench().connected();
    const told: unknown[] = [];
    bench.client.subscribe({ type: "name", name: "a" }, 2, (...args) => told.push(...args));
    const { messageId, dup, qos } = bench.one("subscribe");
    assert.deepEqual([dup, qos], [false, 2]);
    bench.clock.advance(10_000);
    assert.equal(bench.one("subscribe").dup, true);
    bench.gateway({ kind: "suback", qos: 1, topicId: 8, messageId, returnCode: 0 });
    assert.deepEqual(told, ["accepted", 1]);
    bench.client.publish(named("a", 0));
    assert.equal(bench.one("publish").topicId, 8);
  });

  it("a rejection is told without a QoS", () => {
    const bench = new Bench().connected();
    const told: unknown[] = [];
    bench.client.subscribe({ type: "predefined", topicId: 1 }, 0, (...args) => told.push(...args));
    const { messageId } = bench.one("subscribe");
    bench.gateway({ kind: "suback", qos: 0, topicId: 0, messageId, returnCode: 2 });
    assert.deepEqual(told, ["invalidTopicId", undefined]);
  });

  it("unsubscribes", () => {
    const bench = new Bench().connected();
    const { list, done } = outcomes();
    bench.client.unsubscribe({ type: "short", name: "ab" }, done);
    const { messageId, topic } = bench.one("unsubscribe");
    assert.deepEqual(topic, { type: "short", name: "ab" });
    bench.gateway({ kind: "unsuback", messageId: messageId + 1 });
    assert.deepEqual(list, []);
    bench.gateway({ kind: "unsuback", messageId });
    assert.deepEqual(list, ["accepted"]);
  });
});

describe("will updates (§6.4)", () => {
  it("each is answered on its own", () => {
    const bench = new Bench().connected();
    const { list, done } = outcomes();
    bench.client.updateWillTopic("w", 1, true, done);
    assert.deepEqual(bench.one("willtopicupd"), {
      kind: "willtopicupd",
      topic: "w",
      qos: 1,
      retain: true,
    });
    bench.client.updateWillMessage(text("m"), done);
    bench.client.updateWillTopic(undefined, 0, false, done);
    bench.gateway({ kind: "willtopicresp", returnCode: 0 });
    bench.one("willmsgupd");
    bench.gateway({ kind: "willmsgresp", returnCode: 3 });
    assert.equal(bench.one("willtopicupd").topic, undefined);
    bench.gateway({ kind: "willtopicresp", returnCode: 9 });
    assert.deepEqual(list, ["accepted", "notSupported", "refused"]);
  });
});
