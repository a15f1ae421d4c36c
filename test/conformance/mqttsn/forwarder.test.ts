/** Nodes behind a forwarder (MQTT-SN 1.2 §5.5). */
import assert from "node:assert/strict";
import { test } from "node:test";
import { forwardedKey } from "../../../src/gateway/forwarder.ts";
import type { SnMessage } from "../../../src/mqttsn/packets.ts";
import { frameOf, messageOf, type Speaker, Stand, text } from "../../unit/gateway/stand.ts";

function wrap(id: number[], message: SnMessage): SnMessage {
  const wirelessNodeId = new Uint8Array(id);
  return { kind: "encapsulated", radius: 0, wirelessNodeId, message: frameOf(message) };
}

/** What came for the wireless nodes: their ids and the messages inside. */
function unwrapped(forwarder: Speaker): [number[], SnMessage][] {
  return forwarder.take().map((message) => {
    assert.equal(message.kind, "encapsulated");
    if (message.kind !== "encapsulated") throw new Error("not wrapped");
    return [[...message.wirelessNodeId], messageOf(message.message)];
  });
}

function connect(clientId: string): SnMessage {
  return {
    kind: "connect",
    clientId,
    cleanSession: false,
    will: false,
    duration: 60,
    protocolId: 1,
  };
}

test("MQTT-SN 1.2 §5.5: a node behind a forwarder is answered through it", () => {
  const stand = new Stand();
  const forwarder = stand.at("fwd");
  forwarder.say(wrap([1, 2], connect("n")));
  assert.deepEqual(unwrapped(forwarder), [[[1, 2], { kind: "connack", returnCode: 0 }]]);
  assert.equal(stand.report("n").address, forwardedKey({ key: "fwd" }, new Uint8Array([1, 2])));
});

test("decisions: Forwarder encapsulation: nodes behind one forwarder are kept apart by their wireless node ids, of any length", () => {
  const stand = new Stand();
  const forwarder = stand.at("fwd");
  const ids = [[], [1], [1, 0], new Array(200).fill(7)];
  for (const [index, id] of ids.entries()) {
    forwarder.say(wrap(id, connect(`n${index}`)));
    assert.deepEqual(unwrapped(forwarder), [[id, { kind: "connack", returnCode: 0 }]]);
  }
  for (const [index, id] of ids.entries()) {
    forwarder.say(wrap(id, { kind: "register", topicId: 0, messageId: 1, topicName: `t${index}` }));
    forwarder.say(
      wrap(id, {
        kind: "publish",
        dup: false,
        qos: 0,
        retain: false,
        topicIdType: "normal",
        topicId: 1,
        messageId: 0,
        payload: new Uint8Array(0),
      }),
    );
  }
  assert.deepEqual(
    stand.door.published.map(({ clientId, topic }) => [clientId, topic]),
    [0, 1, 2, 3].map((index) => [`n${index}`, `t${index}`]),
  );
});

test("messages to a node behind a forwarder are wrapped, repetitions too", () => {
  const stand = new Stand();
  const forwarder = stand.at("fwd");
  forwarder.say(wrap([9], connect("n")));
  forwarder.say(
    wrap([9], {
      kind: "subscribe",
      dup: false,
      qos: 1,
      messageId: 1,
      topic: { type: "short", name: "ab" },
    }),
  );
  forwarder.take();
  stand.door.publish("ab", "x", 1);
  stand.pass(10);
  const messages = unwrapped(forwarder);
  assert.equal(messages.length, 2);
  for (const [id, message] of messages) {
    assert.deepEqual(id, [9]);
    assert.equal(message.kind === "publish" && text(message.payload), "x");
  }
});

test("the forwarder itself may be a node at the same address", () => {
  const stand = new Stand();
  const forwarder = stand.at("fwd");
  forwarder.connect("forwarder");
  forwarder.say(wrap([1], connect("n")));
  assert.equal(unwrapped(forwarder).length, 1);
  assert.deepEqual(forwarder.ping(), [{ kind: "pingresp" }]);
});

test("a node moves from one forwarder to another", () => {
  const stand = new Stand();
  const one = stand.at("one");
  const other = stand.at("other");
  one.say(wrap([1], connect("n")));
  one.take();
  other.say(wrap([5], { kind: "pingreq", clientId: "n" }));
  assert.deepEqual(unwrapped(other), [[[5], { kind: "pingresp" }]]);
});

test("unknown wireless nodes are told so through the forwarder", () => {
  const stand = new Stand();
  const forwarder = stand.at("fwd");
  forwarder.say(wrap([1], { kind: "pingreq", clientId: undefined }));
  assert.deepEqual(unwrapped(forwarder), [[[1], { kind: "disconnect", duration: undefined }]]);
});

test("SEARCHGW through a forwarder is answered through it", () => {
  const stand = new Stand();
  const forwarder = stand.at("fwd");
  forwarder.say(wrap([1], { kind: "searchgw", radius: 1 }));
  assert.equal(unwrapped(forwarder)[0]?.[1].kind, "gwinfo");
});

test("decisions: Forwarder encapsulation: nested forwarders are refused", () => {
  const stand = new Stand();
  const forwarder = stand.at("fwd");
  forwarder.say(wrap([1], wrap([2], connect("n"))));
  assert.deepEqual(forwarder.take(), []);
  assert.equal(stand.logged(/encapsulated message in an encapsulated message/, "warn"), 1);
});

test("a broken message in a wrapping is dropped", () => {
  const stand = new Stand();
  const forwarder = stand.at("fwd");
  forwarder.sayRaw(new Uint8Array([4, 0xfe, 0, 1, 9, 0x16]));
  assert.deepEqual(forwarder.take(), []);
  assert.equal(stand.logged(/^dropped a frame from udp\/fwd>01: /, "warn"), 1);
});

test("decisions: Too long for the link: what the wrapping takes counts for the longest message", () => {
  const stand = new Stand();
  stand.link.maximumFrame = 60;
  const forwarder = stand.at("fwd");
  forwarder.say(wrap([1, 2], connect("n")));
  forwarder.say(
    wrap([1, 2], {
      kind: "subscribe",
      dup: false,
      qos: 0,
      messageId: 1,
      topic: { type: "short", name: "ab" },
    }),
  );
  forwarder.take();
  stand.door.publish("ab", "x".repeat(49));
  assert.deepEqual(forwarder.take(), []);
  stand.door.publish("ab", "x".repeat(48));
  assert.equal(forwarder.take().length, 1);
});
