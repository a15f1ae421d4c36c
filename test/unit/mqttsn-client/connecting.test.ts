/** A node finds, joins and leaves its gateway. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Bench, outcomes, text } from "./bench.ts";

const WILL = { topic: "w", payload: text("gone"), qos: 1, retain: true } as const;

describe("connecting (§6.2, §6.3)", () => {
  it("sends CONNECT and is active on CONNACK", () => {
    const bench = new Bench();
    const { list, done } = outcomes();
    bench.client.connect({ cleanSession: true, duration: 60 }, done);
    assert.deepEqual(bench.one("connect"), {
      kind: "connect",
      clientId: "node",
      cleanSession: true,
      will: false,
      duration: 60,
      protocolId: 1,
    });
    bench.gateway({ kind: "connack", returnCode: 0 });
    assert.deepEqual(list, ["accepted"]);
    assert.deepEqual(bench.states, ["connecting", "active"]);
  });

  it("tells its will when asked, also when asked twice", () => {
    const bench = new Bench();
    bench.client.connect({ cleanSession: true, duration: 0, will: WILL });
    assert.equal(bench.one("connect").will, true);
    bench.gateway({ kind: "willtopicreq" });
    const topic = bench.one("willtopic");
    assert.deepEqual([topic.topic, topic.qos, topic.retain], ["w", 1, true]);
    bench.gateway({ kind: "willtopicreq" });
    bench.one("willtopic");
    bench.gateway({ kind: "willmsgreq" });
    assert.deepEqual(bench.one("willmsg").payload, text("gone"));
    bench.gateway({ kind: "connack", returnCode: 0 });
    assert.equal(bench.client.state, "active");
  });

  it("repeats the will's part that went unanswered", () => {
    const bench = new Bench();
    bench.client.connect({ cleanSession: true, duration: 0, will: WILL });
    bench.gateway({ kind: "willtopicreq" });
    bench.sent();
    bench.clock.advance(10_000);
    bench.one("willtopic");
  });

  it("deletes the will of a kept session by an empty WILLTOPIC", () => {
    const bench = new Bench();
    bench.client.connect({ cleanSession: false, duration: 0, will: "delete" });
    bench.sent();
    bench.gateway({ kind: "willtopicreq" });
    assert.equal(bench.one("willtopic").topic, undefined);
  });

  it("repeats CONNECT every T_RETRY, N_RETRY times, then gives up (§6.13)", () => {
    const bench = new Bench();
    const { list, done } = outcomes();
    bench.client.connect({ cleanSession: true, duration: 0 }, done);
    bench.one("connect");
    for (let repetition = 0; repetition < 4; repetition++) {
      bench.clock.advance(10_000);
      bench.one("connect");
    }
    assert.deepEqual(list, []);
    bench.clock.advance(10_000);
    assert.deepEqual(bench.sent(), []);
    assert.deepEqual(list, ["timeout"]);
    assert.equal(bench.client.state, "disconnected");
    assert.equal(bench.clock.scheduler.nextDeadline(), undefined);
  });

  it("waits T_WAIT on congestion and asks again", () => {
    const bench = new Bench();
    bench.client.connect({ cleanSession: true, duration: 0 });
    bench.gateway({ kind: "connack", returnCode: 1 });
    bench.sent();
    bench.clock.advance(299_999);
    assert.deepEqual(bench.sent(), []);
    bench.clock.advance(1);
    bench.one("connect");
  });

  it("a refusal ends it, and what waited behind", () => {
    const bench = new Bench();
    const { list, done } = outcomes();
    bench.client.connect({ cleanSession: true, duration: 0 }, done);
    bench.client.register("a", done);
    bench.gateway({ kind: "connack", returnCode: 3 });
    assert.deepEqual(list, ["disconnected", "notSupported"]);
    assert.equal(bench.client.backlog, 0);
  });

  it("what is asked while connecting follows CONNACK", () => {
    const bench = new Bench();
    bench.client.connect({ cleanSession: true, duration: 0 });
    bench.client.register("a");
    bench.one("connect");
    bench.gateway({ kind: "connack", returnCode: 0 });
    assert.equal(bench.one("register").topicName, "a");
  });

  it("nothing is asked without a connection", () => {
    const bench = new Bench();
    const { list, done } = outcomes();
    bench.client.register("a", done);
    bench.client.ping(done);
    bench.client.sleep(10, done);
    bench.client.wake(done);
    assert.deepEqual(list, ["disconnected", "disconnected", "disconnected", "disconnected"]);
    assert.deepEqual(bench.sent(), []);
  });
});

describe("leaving (§6.12)", () => {
  it("repeats DISCONNECT until it is answered", () => {
    const bench = new Bench().connected();
    const { list, done } = outcomes();
    bench.client.disconnect(done);
    assert.equal(bench.one("disconnect").duration, undefined);
    bench.clock.advance(10_000);
    bench.one("disconnect");
    bench.gateway({ kind: "disconnect", duration: undefined });
    assert.deepEqual(list, ["accepted"]);
    assert.equal(bench.client.state, "disconnected");
    assert.deepEqual(bench.lost, []);
  });

  it("abandons what is under way", () => {
    const bench = new Bench().connected();
    const { list, done } = outcomes();
    bench.client.register("a", done);
    bench.client.register("b", done);
    bench.sent();
    bench.client.disconnect();
    assert.deepEqual(list, ["disconnected", "disconnected"]);
    bench.one("disconnect");
  });

  it("an unanswered DISCONNECT ends in disconnected all the same", () => {
    const bench = new Bench().connected();
    const { list, done } = outcomes();
    bench.client.disconnect(done);
    bench.clock.advance(60_000);
    assert.deepEqual(list, ["timeout"]);
    assert.equal(bench.client.state, "disconnected");
  });

  it("the gateway's own DISCONNECT is told, and ends what waits", () => {
    const bench = new Bench().connected();
    const { list, done } = outcomes();
    bench.client.register("a", done);
    bench.gateway({ kind: "disconnect", duration: undefined });
    assert.deepEqual(list, ["disconnected"]);
    assert.deepEqual(bench.lost, ["gateway"]);
    assert.equal(bench.clock.scheduler.nextDeadline(), undefined);
  });

  it("a callback may connect again at once", () => {
    const bench = new Bench().connected();
    bench.client.register("a", () => bench.client.connect({ cleanSession: true, duration: 0 }));
    bench.sent();
    bench.gateway({ kind: "disconnect", duration: undefined });
    bench.one("connect");
    bench.gateway({ kind: "connack", returnCode: 0 });
    assert.equal(bench.client.state, "active");
  });
});

describe("keep alive (§6.11)", () => {
  it("pings before the keep alive runs out, from the last message sent", () => {
    const bench = new Bench().connected(true, 10);
    bench.clock.advance(5000);
    bench.client.publish({
      topic: { type: "predefined", topicId: 1 },
      payload: text(""),
      qos: 0,
      retain: false,
    });
    bench.one("publish");
    bench.clock.advance(7999);
    assert.deepEqual(bench.sent(), []);
    bench.clock.advance(1);
    bench.one("pingreq");
    bench.gateway({ kind: "pingresp" });
    bench.clock.advance(8000);
    bench.one("pingreq");
  });

  it("an unanswered ping loses the connection after N_RETRY repetitions", () => {
    const bench = new Bench().connected(true, 10);
    bench.clock.advance(8000 + 5 * 10_000);
    assert.deepEqual(bench.lost, ["timeout"]);
    assert.equal(bench.client.state, "disconnected");
    assert.equal(bench.clock.scheduler.nextDeadline(), undefined);
  });

  it("shows itself while another exchange goes unanswered", () => {
    const bench = new Bench().connected(true, 5);
    bench.client.register("a");
    bench.one("register");
    bench.clock.advance(4000);
    bench.one("pingreq");
    bench.gateway({ kind: "pingresp" });
    bench.clock.advance(6000);
    assert.deepEqual(
      bench.sent().map((message) => message.kind),
      ["pingreq", "register"],
    );
  });

  it("answers the gateway's PINGREQ", () => {
    const bench = new Bench().connected();
    bench.gateway({ kind: "pingreq", clientId: undefined });
    bench.one("pingresp");
  });

  it("does not answer one while not connected", () => {
    const bench = new Bench();
    bench.gateway({ kind: "pingreq", clientId: undefined });
    assert.deepEqual(bench.sent(), []);
  });
});

describe("searching (§6.1)", () => {
  it("asks after a random part of T_SEARCHGW, then ever more seldom, until a gateway is found", () => {
    const bench = new Bench(0.5);
    const { list, done } = outcomes();
    bench.client.search(1, done);
    bench.clock.advance(2499);
    assert.deepEqual(bench.sent(), []);
    bench.clock.advance(1);
    assert.equal(bench.one("searchgw").radius, 1);
    bench.clock.advance(5000);
    bench.one("searchgw");
    bench.clock.advance(9999);
    assert.deepEqual(bench.sent(), []);
    bench.clock.advance(1);
    bench.one("searchgw");
    bench.gateway({ kind: "gwinfo", gatewayId: 7, gatewayAddress: new Uint8Array(0) });
    assert.deepEqual(list, ["accepted"]);
    assert.deepEqual(bench.gateways, [7]);
    assert.equal(bench.clock.scheduler.nextDeadline(), undefined);
  });

  it("keeps still when another node asked the same meanwhile", () => {
    const bench = new Bench(0.5);
    bench.client.search(1);
    bench.gateway({ kind: "searchgw", radius: 1 });
    bench.clock.advance(4999);
    assert.deepEqual(bench.sent(), []);
    bench.clock.advance(1);
    bench.one("searchgw");
  });

  it("gives up in the end", () => {
    const bench = new Bench();
    const { list, done } = outcomes();
    bench.client.search(0, done);
    bench.clock.advance(1_000_000);
    assert.equal(bench.sent().length, 5);
    assert.deepEqual(list, ["timeout"]);
  });

  it("hears ADVERTISE too", () => {
    const bench = new Bench();
    bench.gateway({ kind: "advertise", gatewayId: 3, duration: 900 });
    assert.deepEqual(bench.gateways, [3]);
  });
});

describe("bad input", () => {
  it("malformed frames are counted and change nothing", () => {
    const bench = new Bench().connected();
    bench.client.receive(new Uint8Array(0));
    bench.client.receive(Uint8Array.of(9, 5, 0));
    assert.equal(bench.client.faults, 2);
    assert.equal(bench.client.state, "active");
  });

  it("messages only a node sends are ignored", () => {
    const bench = new Bench().connected();
    bench.gateway({
      kind: "subscribe",
      dup: false,
      qos: 0,
      messageId: 1,
      topic: { type: "name", name: "a" },
    });
    bench.gateway({ kind: "willmsg", payload: text("x") });
    bench.gateway({ kind: "regack", topicId: 1, messageId: 9, returnCode: 0 });
    assert.deepEqual(bench.sent(), []);
    assert.equal(bench.client.state, "active");
  });
});
