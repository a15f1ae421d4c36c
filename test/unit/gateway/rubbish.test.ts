/** Whatever comes in, in whatever order: nothing throws, and nothing is left half done. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { SnMessage, TopicReference } from "../../../src/mqttsn/packets.ts";
import { frameOf, Stand } from "./stand.ts";

const NAME_MEMORY = 200;
const OPTIONS = {
  maxNodes: 4,
  maxTopicIds: 3,
  maxNameMemory: NAME_MEMORY,
  awakeMessages: 3,
  maxPending: 2,
  waitInterval: 30,
  predefinedTopics: [
    { id: 1, name: "pre" },
    { id: 2, name: "own", node: "n1" },
  ],
};

const clientId = fc.constantFrom("n1", "n2", "n3", "n4", "n5", "");
const name = fc.constantFrom("t/1", "t/2", "t/3", "t/4", "pre", "own", "ab", "t/+", "#", "a#", "");
const id = fc.constantFrom(0, 1, 2, 3, 4, 5, 0x6162, 0xffff);
const returnCode = fc.constantFrom(0, 0, 0, 1, 2, 3, 200);
const qos = fc.constantFrom(0, 1, 2, -1) as fc.Arbitrary<0 | 1 | 2 | -1>;
const payload = fc.uint8Array({ maxLength: 80 });
const duration = fc.integer({ min: 1, max: 20 });
const topic: fc.Arbitrary<TopicReference> = fc.oneof(
  fc.record({ type: fc.constant("name" as const), name }),
  fc.record({ type: fc.constant("predefined" as const), topicId: id }),
  fc.record({ type: fc.constant("short" as const), name: fc.constantFrom("ab", "+/", "zz") }),
);

const plainMessage: fc.Arbitrary<SnMessage> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant("connect" as const),
      clientId,
      cleanSession: fc.boolean(),
      will: fc.constantFrom(false, false, false, true),
      duration,
      protocolId: fc.constantFrom(1, 1, 1, 1, 1, 2),
    }),
  },
  fc.record({
    kind: fc.constantFrom("willtopic" as const, "willtopicupd" as const),
    topic: fc.option(name, { nil: undefined }),
    qos,
    retain: fc.boolean(),
  }),
  fc.record({ kind: fc.constantFrom("willmsg" as const, "willmsgupd" as const), payload }),
  fc.record({
    kind: fc.constant("register" as const),
    topicId: id,
    messageId: id,
    topicName: name,
  }),
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constantFrom("regack" as const, "puback" as const),
      topicId: id,
      messageId: id,
      returnCode,
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant("publish" as const),
      dup: fc.boolean(),
      qos,
      retain: fc.boolean(),
      topicIdType: fc.constantFrom("normal" as const, "predefined" as const, "short" as const),
      topicId: id,
      messageId: id,
      payload,
    }),
  },
  fc.record({
    kind: fc.constantFrom("pubrec" as const, "pubrel" as const, "pubcomp" as const),
    messageId: id,
  }),
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant("subscribe" as const),
      dup: fc.boolean(),
      qos,
      messageId: id,
      topic,
    }),
  },
  fc.record({ kind: fc.constant("unsubscribe" as const), messageId: id, topic }),
  fc.record({
    kind: fc.constant("pingreq" as const),
    clientId: fc.option(clientId, { nil: undefined }),
  }),
  fc.record({
    kind: fc.constant("disconnect" as const),
    duration: fc.option(duration, { nil: undefined }),
  }),
  fc.record({ kind: fc.constant("searchgw" as const), radius: fc.nat(3) }),
  fc.constant<SnMessage>({ kind: "pingresp" }),
  fc.constant<SnMessage>({ kind: "willtopicreq" }),
  fc.record({ kind: fc.constant("connack" as const), returnCode }),
);

const frame = fc.oneof(
  { weight: 8, arbitrary: plainMessage.map(frameOf) },
  {
    weight: 2,
    arbitrary: fc
      .record({
        kind: fc.constant("encapsulated" as const),
        radius: fc.nat(3),
        wirelessNodeId: fc.uint8Array({ maxLength: 2 }),
        message: plainMessage.map(frameOf),
      })
      .map(frameOf),
  },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 40 }) },
);

type Step = (stand: Stand) => void;

/** Someone answers what was sent to an address, mostly as a node should. */
function answer(stand: Stand, key: string, returnCode: number): void {
  const node = stand.at(key);
  for (const message of node.take()) {
    switch (message.kind) {
      case "register":
        node.regack(message.messageId, returnCode, message.topicId);
        break;
      case "publish":
        if (message.qos === 2 && returnCode === 0) {
          node.say({ kind: "pubrec", messageId: message.messageId });
        } else if (message.qos > 0 || returnCode > 0) {
          node.puback(message.messageId, returnCode, message.topicId);
        }
        break;
      case "pubrel":
        node.say({ kind: "pubcomp", messageId: message.messageId });
        break;
      case "willtopicreq":
        node.say({ kind: "willtopic", topic: "will/topic", qos: 1, retain: false });
        break;
      case "willmsgreq":
        node.say({ kind: "willmsg", payload: new Uint8Array(3) });
        break;
      case "pingreq":
        node.say({ kind: "pingresp" });
        break;
      default:
    }
  }
}

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 10,
    arbitrary: fc.tuple(fc.constantFrom("a", "b", "c"), returnCode).map(
      ([key, code]) =>
        (stand: Stand) =>
          answer(stand, key, code),
    ),
  },
  {
    weight: 3,
    arbitrary: fc
      .tuple(fc.constantFrom("a", "b", "c"), fc.constantFrom("n1", "n2"), fc.boolean(), name, qos)
      .map(([key, who, clean, filter, level]) => (stand: Stand) => {
        const node = stand.at(key);
        node.connect(who, { clean, keepAlive: 20 });
        node.subscribe(filter, level);
      }),
  },
  {
    weight: 3,
    arbitrary: fc
      .tuple(fc.constantFrom("a", "b", "c"), name, qos, fc.constantFrom(5, 20, undefined))
      .map(([key, filter, level, sleep]) => (stand: Stand) => {
        const node = stand.at(key);
        node.subscribe(filter, level);
        node.disconnect(sleep ?? 10);
        stand.door.publish("t/1", "x", 1);
        if (sleep !== undefined) node.say({ kind: "pingreq", clientId: undefined });
      }),
  },
  {
    weight: 3,
    arbitrary: fc
      .tuple(fc.constantFrom("a", "b", "c"), name, qos, fc.boolean(), id)
      .map(([key, topicName, level, dup, messageId]) => (stand: Stand) => {
        const node = stand.at(key);
        const [regack] = node.register(topicName);
        const topicId = regack?.kind === "regack" ? regack.topicId : 1;
        node.publish(topicId, "x", level, { dup, messageId });
      }),
  },
  {
    weight: 12,
    arbitrary: fc.tuple(fc.constantFrom("a", "b", "c"), frame).map(
      ([key, bytes]) =>
        (stand: Stand) =>
          stand.at(key).sayRaw(bytes),
    ),
  },
  {
    weight: 4,
    arbitrary: fc
      .tuple(
        fc.constantFrom("t/1", "t/2", "t/9", "pre", "own", "ab"),
        fc.constantFrom(0, 1, 2) as fc.Arbitrary<0 | 1 | 2>,
        fc.boolean(),
        fc.constantFrom("x", "x".repeat(100)),
      )
      .map(
        ([to, level, retain, text]) =>
          (stand: Stand) =>
            stand.door.publish(to, text, level, retain),
      ),
  },
  {
    weight: 3,
    arbitrary: fc
      .integer({ min: 0, max: 30_000 })
      .map((ms) => (stand: Stand) => stand.clock.advance(ms)),
  },
  fc.boolean().map((pending) => (stand: Stand) => {
    stand.door.pending = pending;
    stand.door.settle();
  }),
  fc.boolean().map((slow) => (stand: Stand) => {
    stand.journal.slow = slow;
    stand.journal.commit();
  }),
  clientId.map((who) => (stand: Stand) => stand.door.evict(who, 0x8e)),
  clientId.map((who) => (stand: Stand) => void stand.gateway.forget(who)),
  fc
    .constantFrom(undefined, undefined, undefined, 0x87 as const, 0x97 as const)
    .map((reason) => (stand: Stand) => {
      stand.door.refuseEnter = reason;
      stand.door.refusePublish = reason;
      stand.door.refuseSubscribe = reason;
    }),
  fc.constant((stand: Stand) => {
    stand.gateway.detach(stand.link);
    stand.gateway.attach(stand.link);
  }),
);

const LIVE = new Set(["active", "asleep", "awake"]);

/** Sessions held, reports and records tell the same. */
function assertConsistent(stand: Stand): void {
  const held = [...stand.door.sessions.values()]
    .filter((session) => session.holder !== undefined && session.clientId !== "midge-qos-minus-one")
    .map((session) => session.clientId);
  const known = [...stand.door.announced]
    .filter(([to, text]) => to.startsWith("$SYS/gateway/nodes/") && text !== "")
    .map(([, text]) => JSON.parse(text));
  const live = known.filter((report) => LIVE.has(report.state)).map((report) => report.clientId);
  assert.deepEqual(live.sort(), held.sort());
  const recorded = [...stand.journal.records.keys()]
    .filter((key) => key.startsWith("g/n/"))
    .map((key) => key.slice(4));
  assert.deepEqual(recorded.sort(), known.map((report) => report.clientId).sort());
  for (const key of stand.journal.records.keys()) {
    if (key.startsWith("g/t/")) assert.ok(recorded.includes(key.split("/")[2] ?? ""));
  }
  assert.ok(known.length <= OPTIONS.maxNodes);
}

test("any sequence of messages, broker events and time leaves gateway and broker in agreement", () => {
  fc.assert(
    fc.property(
      fc.array(step, { minLength: 20, maxLength: 150, size: "max" }),
      fc.integer({ min: 40, max: 300 }),
      (steps, maximum) => {
        const stand = new Stand(OPTIONS);
        stand.link.maximumFrame = maximum;
        stand.link.retryLimit = 1;
        for (const take of steps) {
          take(stand);
          assertConsistent(stand);
        }
        // A restart finds everything as it was.
        stand.gateway.stop();
        stand.door.refuseEnter = undefined;
        const after = new Stand(OPTIONS, stand);
        assert.equal(after.restored, 0);
        after.clock.advance(1);
        assertConsistent(after);
        // Everyone falls silent, and nobody is left over.
        after.clock.advance(3_600_000);
        for (const session of after.door.sessions.values()) {
          assert.equal(
            session.holder === undefined || session.clientId === "midge-qos-minus-one",
            true,
          );
        }
        // What was kept for them was given back: there is room for all again.
        for (const who of ["n1", "n2", "n3", "n4", "n5"]) after.gateway.forget(who);
        assert.deepEqual([...after.journal.records.keys()], []);
        const full = "z".repeat(NAME_MEMORY);
        assert.deepEqual(after.at("z").connect(full), [{ kind: "connack", returnCode: 0 }]);
      },
    ),
    { numRuns: 200 },
  );
});

test("random bytes never throw and connect nobody by themselves", () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 64 }), { maxLength: 50 }), (frames) => {
      const stand = new Stand(OPTIONS);
      for (const bytes of frames) stand.at("a").sayRaw(bytes);
      assertConsistent(stand);
    }),
  );
});

test("every frame cut short, and every octet of it altered, is survived", () => {
  const good: SnMessage[] = [
    { kind: "connect", clientId: "n1", cleanSession: true, will: true, duration: 5, protocolId: 1 },
    { kind: "willtopic", topic: "w", qos: 1, retain: true },
    { kind: "willmsg", payload: new Uint8Array(3) },
    { kind: "register", topicId: 0, messageId: 1, topicName: "t/1" },
    { kind: "subscribe", dup: false, qos: 1, messageId: 2, topic: { type: "name", name: "t/#" } },
    {
      kind: "publish",
      dup: false,
      qos: 2,
      retain: false,
      topicIdType: "normal",
      topicId: 1,
      messageId: 3,
      payload: new Uint8Array(3),
    },
    { kind: "pubrel", messageId: 3 },
    { kind: "disconnect", duration: 5 },
    { kind: "pingreq", clientId: "n1" },
  ];
  const stand = new Stand(OPTIONS);
  const node = stand.at("a");
  for (const message of good) {
    const whole = frameOf(message);
    for (let length = 0; length < whole.length; length++) node.sayRaw(whole.subarray(0, length));
    for (let at = 0; at < whole.length; at++) {
      for (const octet of [0, 1, 2, 0x7f, 0x80, 0xfe, 0xff]) {
        const altered = whole.slice();
        altered[at] = octet;
        node.sayRaw(altered);
      }
    }
    node.sayRaw(whole);
    assertConsistent(stand);
  }
});
