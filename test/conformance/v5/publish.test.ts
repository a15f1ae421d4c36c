/** MQTT 5.0 chapter 3.3: PUBLISH, its flags, its properties, and who receives it how. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { encodeUtf8 } from "../../../src/bytes/utf8.ts";
import type { QoS } from "../../../src/mqtt/qos.ts";
import { hex } from "../../kit/hex.ts";
import { field, frame, properties } from "../../kit/raw-packets.ts";
import { TestBroker, type TestClient } from "../../kit/test-broker.ts";

const KEPT = { sessionExpiryInterval: 1000 };

/** A broker with one who receives by this filter and one who sends. */
function pair(
  filter: string,
  qos: QoS = 0,
): { broker: TestBroker; to: TestClient; from: TestClient } {
  const broker = new TestBroker();
  const to = broker.connect5("to");
  to.subscribe(filter, qos);
  return { broker, to, from: broker.connect5("from") };
}

function retainedIn(broker: TestBroker, filter = "#"): string[] {
  const late = broker.connect5("late");
  late.subscribe(filter, 2);
  const messages = late.messages().sort();
  late.send({ kind: "disconnect" });
  return messages;
}

test("[MQTT-3.3.1-1] [MQTT-3.3.1-3] DUP is set when the server sends again, and only then", () => {
  const broker = new TestBroker();
  const to = broker.connect5("to", KEPT);
  to.subscribe("t", 2);
  const from = broker.connect5("from");
  // DUP of what comes in says nothing about what goes out.
  from.publish("t", "1", 1, 1, false, true);
  from.publish("t", "2", 2, 2, false, true);
  assert.deepEqual(to.messages(), ["t=1 q1", "t=2 q2"]);
  to.break();
  from.publish("t", "3", 1, 3, false, true);
  const back = broker.connect5("to", KEPT, { cleanStart: false });
  assert.deepEqual(back.messages(), ["t=1 q1 dup", "t=2 q2 dup", "t=3 q1"]);
});

test("[MQTT-3.3.1-2] DUP with QoS 0 is malformed, and never sent", () => {
  const { to, from } = pair("t");
  from.publish("t", "x", 1, 1, false, true);
  assert.deepEqual(to.messages(), ["t=x"]);
  from.sendBytes(frame(0x38, field("t"), "00"));
  assert.equal(from.ending(), "0x81");
});

test("[MQTT-3.3.1-4] both QoS bits set are malformed", () => {
  const { from } = pair("t");
  from.sendBytes(frame(0x36, field("t"), "0001 00"));
  assert.equal(from.ending(), "0x81");
});

test("[MQTT-3.3.1-5] a PUBLISH with RETAIN replaces what was retained under its topic", () => {
  const { broker, from } = pair("t");
  from.publish("t", "1", 1, 1, true);
  from.publish("u", "other", 0, 0, true);
  from.publish("t", "2", 0, 0, true);
  assert.deepEqual(retainedIn(broker), ["t=2 retain", "u=other retain"]);
});

test("[MQTT-3.3.1-6] [MQTT-3.3.1-7] a retained message without payload is delivered, removes the one before, and is not kept", () => {
  const { broker, to, from } = pair("t");
  from.publish("t", "1", 0, 0, true);
  from.publish("t", "", 0, 0, true);
  assert.deepEqual(to.messages(), ["t=1", "t="]);
  assert.deepEqual(retainedIn(broker), []);
  assert.equal(broker.broker.retained.count, 0);
});

test("[MQTT-3.3.1-8] a PUBLISH without RETAIN neither replaces nor removes what is retained", () => {
  const { broker, from } = pair("t");
  from.publish("t", "kept", 0, 0, true);
  from.publish("t", "passing");
  from.publish("t", "");
  from.publish("u", "passing");
  assert.deepEqual(retainedIn(broker), ["t=kept retain"]);
});

test("[MQTT-3.3.1-9] Retain Handling 0 brings the retained messages with every SUBSCRIBE", () => {
  const { broker, from } = pair("x");
  from.publish("t/1", "a", 0, 0, true);
  from.publish("t/2", "b", 0, 0, true);
  const client = broker.connect5("client");
  for (let n = 0; n < 2; n++) {
    client.subscribe("t/#", 0, { retainHandling: 0 });
    assert.deepEqual(client.messages().sort(), ["t/1=a retain", "t/2=b retain"]);
  }
});

test("[MQTT-3.3.1-10] Retain Handling 1 brings them with a subscription that is new", () => {
  const { broker, from } = pair("x");
  from.publish("t", "a", 0, 0, true);
  const client = broker.connect5("client", KEPT);
  client.subscribe("t", 0, { retainHandling: 1 });
  assert.deepEqual(client.messages(), ["t=a retain"]);
  client.subscribe("t", 1, { retainHandling: 1 });
  assert.deepEqual(client.messages(), []);
  client.break();
  const back = broker.connect5("client", KEPT, { cleanStart: false });
  back.subscribe("t", 0, { retainHandling: 1 });
  assert.deepEqual(back.messages(), []);
  back.send({ kind: "unsubscribe", packetId: 2, filters: ["t"] });
  back.take();
  back.subscribe("t", 0, { retainHandling: 1 });
  assert.deepEqual(back.messages(), ["t=a retain"]);
});

test("[MQTT-3.3.1-11] Retain Handling 2 brings none", () => {
  const { broker, from } = pair("x");
  from.publish("t", "a", 0, 0, true);
  const client = broker.connect5("client");
  client.subscribe("t", 0, { retainHandling: 2 });
  from.publish("t", "b", 0, 0, true);
  assert.deepEqual(client.messages(), ["t=b"]);
});

test("[MQTT-3.3.1-12] [MQTT-3.3.1-13] RETAIN is passed on as published only where the subscription says so", () => {
  const { broker, from } = pair("x");
  const plain = broker.connect5("plain");
  const kept = broker.connect5("kept");
  plain.subscribe("t");
  kept.subscribe("t", 0, { retainAsPublished: true });
  from.publish("t", "1", 0, 0, true);
  from.publish("t", "2");
  assert.deepEqual(plain.messages(), ["t=1", "t=2"]);
  assert.deepEqual(kept.messages(), ["t=1 retain", "t=2"]);
  // What was retained before comes with RETAIN either way.
  plain.subscribe("t");
  assert.deepEqual(plain.messages(), ["t=1 retain"]);
});

test("[MQTT-3.3.2-1] a PUBLISH without a whole topic name is malformed", () => {
  for (const body of ["", "00", "0003 6161", "0001 ff 00"]) {
    const { from } = pair("t");
    from.sendBytes(frame(0x30, body));
    assert.equal(from.ending(), "0x81", body);
  }
});

test("[MQTT-3.3.2-2] a topic name with a wildcard is malformed", () => {
  for (const topic of ["#", "+", "a/+", "a/#", "a+b"]) {
    const { to, from } = pair("#");
    from.publish(topic, "x", 1, 1);
    assert.equal(from.ending(), "0x81", topic);
    assert.deepEqual(to.messages(), []);
  }
});

test("[MQTT-3.3.2-3] what a client receives matches its filter", () => {
  const { broker, from } = pair("x");
  const filters = ["a", "a/b", "a/+", "+/b", "a/#", "+", "+/+", "#", "/", "/+", "+/", "a//b"];
  const topics = ["a", "b", "a/b", "a/b/c", "/", "/a", "a/", "//", "a//b", "$x", "$x/b"];
  const expected: Readonly<Record<string, readonly string[]>> = {
    a: ["a"],
    "a/b": ["a/b"],
    "a/+": ["a/b", "a/"],
    "+/b": ["a/b"],
    "a/#": ["a", "a/b", "a/b/c", "a/", "a//b"],
    "+": ["a", "b"],
    "+/+": ["a/b", "/", "/a", "a/"],
    "#": ["a", "b", "a/b", "a/b/c", "/", "/a", "a/", "//", "a//b"],
    "/": ["/"],
    "/+": ["/", "/a"],
    "+/": ["/", "a/"],
    "a//b": ["a//b"],
  };
  for (const filter of filters) {
    const client = broker.connect5(`by ${filter}`);
    client.subscribe(filter);
    for (const topic of topics) from.publish(topic, "");
    assert.deepEqual(
      client.publishes().map(({ topic }) => topic),
      expected[filter],
      filter,
    );
  }
});

test("[MQTT-3.3.2-4] [MQTT-3.3.2-15] [MQTT-3.3.2-16] [MQTT-3.3.2-17] [MQTT-3.3.2-18] [MQTT-3.3.2-20] the properties of a message go unaltered and in order to all who receive it", () => {
  const given = {
    payloadFormatIndicator: 1,
    contentType: "text/plain; \u{1f600}",
    responseTopic: "answers/1",
    correlationData: hex("00ff0001"),
    userProperties: [
      ["b", "1"],
      ["a", "2"],
      ["b", "3"],
      ["b", "1"],
      ["", ""],
    ],
  } as const;
  const { broker, to, from } = pair("t", 2);
  const away = broker.connect5("away", KEPT);
  away.subscribe("t", 1);
  away.break();
  for (const qos of [0, 1, 2] as const) {
    from.publish("t", "x", qos, qos === 0 ? 0 : qos, qos === 1, false, given);
  }
  for (const message of to.publishes()) assert.deepEqual(message.properties, given);
  // From the queue, from the store, and as a retained message.
  const later = broker.restart();
  const back = later.connect5("away", KEPT, { cleanStart: false });
  assert.deepEqual(
    back.publishes().map((message) => message.properties),
    [given, given],
  );
  const late = later.connect5("late");
  late.subscribe("t");
  assert.deepEqual(
    late.publishes().map((message) => message.properties),
    [given],
  );
});

test("properties that a message has not, and those for the server alone, are not passed on", () => {
  const { broker, to, from } = pair("t");
  const { maxTopicAlias } = broker.broker.options;
  from.publishWith({ topicAlias: maxTopicAlias }, "t", "x");
  from.publishWith({ userProperties: [["a", "b"]], topicAlias: 1 }, "t", "x");
  from.publish("t", "x");
  assert.deepEqual(
    to.publishes().map((message) => message.properties),
    [undefined, { userProperties: [["a", "b"]] }, undefined],
  );
});

test("a client of 3.1.1 receives what one of 5.0 publishes, and the other way round", () => {
  const { broker, to, from } = pair("t", 1);
  const old = broker.connect("old");
  old.subscribe("t", 1);
  from.publish("t", "new", 1, 1, false, false, { contentType: "text", messageExpiryInterval: 5 });
  old.publish("t", "old", 1, 2);
  assert.deepEqual(old.messages(), ["t=new q1", "t=old q1"]);
  assert.deepEqual(to.messages(), ["t=new q1", "t=old q1"]);
});

test("[MQTT-3.3.2-5] a message whose expiry interval is over is not delivered", () => {
  const { broker, from } = pair("x");
  const away = broker.connect5("away", KEPT);
  away.subscribe("t", 1);
  away.break();
  const publish = (payload: string, seconds: number | undefined): void =>
    from.publish("t", payload, 1, 1, true, false, { messageExpiryInterval: seconds });
  publish("1", 10);
  publish("2", 20);
  publish("3", undefined);
  publish("4", 10);
  broker.clock.advance(10_000);
  const back = broker.connect5("away", KEPT, { cleanStart: false });
  assert.deepEqual(back.messages(), ["t=2 q1", "t=3 q1"]);
  assert.deepEqual(retainedIn(broker), []);
});

test("[MQTT-3.3.2-5] a message that waits for room in the window expires there, too", () => {
  const broker = new TestBroker();
  const to = broker.connect5("to", { receiveMaximum: 1 });
  to.subscribe("t", 1);
  const from = broker.connect5("from");
  from.publish("t", "1", 1, 1);
  from.publish("t", "2", 1, 2, false, false, { messageExpiryInterval: 1 });
  from.publish("t", "3", 1, 3);
  assert.deepEqual(to.messages(), ["t=1 q1"]);
  broker.clock.advance(1000);
  to.send({ kind: "puback", packetId: 1 });
  assert.deepEqual(to.messages(), ["t=3 q1"]);
});

test("[MQTT-3.3.2-6] the expiry interval that is sent on is what is left of it", () => {
  const { broker, to, from } = pair("t");
  const away = broker.connect5("away", KEPT);
  away.subscribe("t", 1);
  away.break();
  from.publish("t", "x", 1, 1, true, false, { messageExpiryInterval: 100 });
  assert.equal(to.publishes()[0]?.properties?.messageExpiryInterval, 100);
  broker.clock.advance(30_000);
  const back = broker.connect5("away", KEPT, { cleanStart: false });
  assert.equal(back.publishes()[0]?.properties?.messageExpiryInterval, 70);
  back.break();
  broker.clock.advance(500);
  const late = broker.connect5("late");
  late.subscribe("t");
  assert.equal(late.publishes()[0]?.properties?.messageExpiryInterval, 70);
  // Over a restart, too.
  broker.clock.advance(9_500);
  const later = broker.restart();
  const after = later.connect5("after");
  after.subscribe("t");
  assert.equal(after.publishes()[0]?.properties?.messageExpiryInterval, 60);
  // What has begun is sent again to its end, however little is left [MQTT-4.3.3-7].
  later.clock.advance(100_000);
  const again = later.connect5("away", KEPT, { cleanStart: false });
  assert.equal(again.publishes()[0]?.properties?.messageExpiryInterval, 0);
});

test("[MQTT-3.3.2-7] topic aliases are of one connection only, both ways", () => {
  const broker = new TestBroker();
  const to = broker.connect5("to", { topicAliasMaximum: 5, ...KEPT });
  to.subscribe("t", 1);
  const from = broker.connect5("from", KEPT);
  from.publishWith({ topicAlias: 1 }, "t", "1");
  assert.deepEqual(
    to.publishes().map((message) => [message.topic, message.properties?.topicAlias]),
    [["t", 1]],
  );
  to.break();
  const back = broker.connect5("to", { topicAliasMaximum: 5, ...KEPT }, { cleanStart: false });
  from.publish("t", "2");
  assert.deepEqual(
    back.publishes().map((message) => [message.topic, message.properties?.topicAlias]),
    [["t", 1]],
  );
  from.break();
  const again = broker.connect5("from", KEPT, { cleanStart: false });
  again.publishWith({ topicAlias: 1 }, "", "3");
  assert.equal(again.ending(), "0x82");
  assert.deepEqual(back.publishes(), []);
});

test("a topic alias stands for the topic it was last given, and for none before", () => {
  const { to, from } = pair("#");
  from.publishWith({ topicAlias: 1 }, "a", "1");
  from.publishWith({ topicAlias: 2 }, "b", "2");
  from.publishWith({ topicAlias: 1 }, "", "3");
  from.publishWith({ topicAlias: 1 }, "c", "4");
  from.publishWith({ topicAlias: 1 }, "", "5");
  from.publishWith({ topicAlias: 2 }, "", "6");
  assert.deepEqual(to.messages(), ["a=1", "b=2", "a=3", "c=4", "c=5", "b=6"]);
  from.publishWith({ topicAlias: 3 }, "", "7");
  assert.equal(from.ending(), "0x82");
});

test("an empty topic name without a topic alias is a protocol error", () => {
  const { from } = pair("#");
  from.publish("", "x");
  assert.equal(from.ending(), "0x82");
});

test("a message that is too long for its alias to be told of leaves all aliases as they are", () => {
  const broker = new TestBroker();
  const to = broker.connect5("to", { topicAliasMaximum: 4, maximumPacketSize: 40 });
  to.subscribe("#");
  const from = broker.connect5("from");
  const long = "x".repeat(100);
  from.publish("a", "1");
  from.publish("b", long);
  from.publish("c", "2");
  from.publish("a", long);
  from.publish("d", "3");
  from.publish("b", "4");
  from.publish("c", "5");
  const known = new Map<number, string>();
  const seen = to.publishes().map(({ topic, payload, properties }) => {
    const alias = properties?.topicAlias ?? 0;
    if (topic !== "") known.set(alias, topic);
    return `${known.get(alias)}=${new TextDecoder().decode(payload)}`;
  });
  assert.deepEqual(seen, ["a=1", "c=2", "d=3", "b=4", "c=5"]);
});

test("a message of QoS 2 has its topic with it: clients may keep it as it came until PUBREL", () => {
  const broker = new TestBroker();
  const to = broker.connect5("to", { topicAliasMaximum: 4 });
  to.subscribe("t", 2);
  const from = broker.connect5("from");
  for (const [n, qos] of ([0, 1, 2, 0] as const).entries()) from.publish("t", "x", qos, n);
  assert.deepEqual(
    to.publishes().map(({ topic, qos, properties }) => [qos, topic, properties?.topicAlias]),
    [
      [0, "t", 1],
      [1, "", 1],
      [2, "t", undefined],
      [0, "", 1],
    ],
  );
});

test("[MQTT-3.3.2-8] a topic alias of 0 ends the connection with 0x94, and is never sent", () => {
  const { from } = pair("t");
  from.publishWith({ topicAlias: 0 }, "t", "x");
  assert.equal(from.ending(), "0x94");
  const broker = new TestBroker();
  const to = broker.connect5("to", { topicAliasMaximum: 65_535 });
  to.subscribe("#");
  for (let n = 0; n < 50; n++) to.publish(`t/${n}`, "");
  assert.ok(to.publishes().every(({ properties }) => properties?.topicAlias !== 0));
});

test("[MQTT-3.3.2-9] a topic alias above the server's maximum ends the connection with 0x94", () => {
  const { to, from } = pair("t");
  from.publishWith({ topicAlias: 11 }, "t", "x");
  assert.equal(from.ending(), "0x94");
  assert.deepEqual(to.messages(), []);
});

test("[MQTT-3.3.2-11] the server's topic aliases are from 1 to the client's maximum, and to its own", () => {
  for (const [asked, used] of [
    [1, 1],
    [3, 3],
    [65_535, 10],
  ] as const) {
    const broker = new TestBroker();
    const to = broker.connect5("to", { topicAliasMaximum: asked });
    to.subscribe("#");
    for (let n = 0; n < 50; n++) to.publish(`t/${n % 25}`, "");
    const aliases = to.publishes().flatMap(({ properties }) => properties?.topicAlias ?? []);
    assert.equal(Math.max(...aliases), used);
    assert.equal(Math.min(...aliases), 1);
  }
});

test("[MQTT-3.3.2-12] every topic alias up to the server's maximum is taken", () => {
  const { to, from } = pair("#");
  for (let alias = 1; alias <= 10; alias++)
    from.publishWith({ topicAlias: alias }, `t/${alias}`, "");
  to.take();
  for (let alias = 10; alias >= 1; alias--) from.publishWith({ topicAlias: alias }, "", `${alias}`);
  assert.deepEqual(
    to.messages(),
    Array.from({ length: 10 }, (_, n) => `t/${10 - n}=${10 - n}`),
  );
});

test("[MQTT-3.3.2-13] a response topic is UTF-8", () => {
  for (const bad of ["ff", "00", "eda080"]) {
    const { from } = pair("t");
    from.sendBytes(frame(0x30, field("t"), properties("08", field(hex(bad)))));
    assert.equal(from.ending(), "0x81", bad);
  }
});

test("[MQTT-3.3.2-14] a response topic with a wildcard is a protocol error, and so is an empty one", () => {
  for (const responseTopic of ["a/#", "+", "a+", ""]) {
    const { to, from } = pair("t");
    from.publishWith({ responseTopic }, "t", "x");
    assert.equal(from.ending(), "0x82", responseTopic);
    assert.deepEqual(to.messages(), []);
  }
});

test("[MQTT-3.3.2-19] a content type is UTF-8", () => {
  for (const bad of ["ff", "00", "eda080"]) {
    const { from } = pair("t");
    from.sendBytes(frame(0x30, field("t"), properties("03", field(hex(bad)))));
    assert.equal(from.ending(), "0x81", bad);
  }
});

test("[MQTT-3.3.4-1] a PUBLISH is answered as its QoS wants it", () => {
  const { from } = pair("t");
  from.publish("t", "x");
  assert.deepEqual(from.take(), []);
  from.publish("t", "x", 1, 1);
  assert.deepEqual(from.take(), [{ kind: "puback", packetId: 1 }]);
  from.publish("t", "x", 2, 2);
  assert.deepEqual(from.take(), [{ kind: "pubrec", packetId: 2 }]);
});

test("[MQTT-3.3.4-2] [MQTT-3.3.4-3] [MQTT-3.3.4-4] overlapping subscriptions bring one copy, at their highest QoS, with all their identifiers", () => {
  const { broker, from } = pair("x");
  const to = broker.connect5("to");
  to.subscribe("t/#", 0, {}, 10);
  to.subscribe("t/+", 2, {}, 268_435_455);
  to.subscribe("t/a", 1);
  to.subscribe("+/a", 1, {}, 10);
  from.publish("t/a", "x", 2, 1);
  const messages = to.publishes();
  assert.equal(messages.length, 1);
  const [message] = messages;
  assert.equal(message?.qos, 2);
  const identifiers = [...(message?.properties?.subscriptionIdentifiers ?? [])].sort(
    (a, b) => a - b,
  );
  assert.deepEqual(identifiers, [10, 10, 268_435_455]);
  from.publish("t/b/c", "x", 2, 2);
  assert.deepEqual(to.publishes()[0]?.properties?.subscriptionIdentifiers, [10]);
  // One that is given anew without an identifier has none.
  to.subscribe("t/#", 1);
  from.publish("t/b/c", "x", 2, 3);
  assert.equal(to.publishes()[0]?.properties, undefined);
});

test("[MQTT-3.3.4-5] where each subscription brings a copy, each has its own identifier", () => {
  const broker = new TestBroker({ options: { allowDuplicateMessages: true } });
  const to = broker.connect5("to");
  to.subscribe("t/#", 0, {}, 10);
  to.subscribe("t/+", 2, {}, 20);
  to.subscribe("t/a", 1);
  broker.connect5("from").publish("t/a", "x", 2, 1);
  const seen = to
    .publishes()
    .map(({ qos, properties }) => [qos, properties?.subscriptionIdentifiers?.join() ?? ""]);
  assert.deepEqual(seen.sort(), [
    [0, "10"],
    [1, ""],
    [2, "20"],
  ]);
});

test("a retained message comes with the identifier of the subscription that brought it", () => {
  const { broker, from } = pair("x");
  from.publish("t", "x", 0, 0, true);
  const to = broker.connect5("to");
  to.subscribe("#", 0, {}, 1);
  assert.deepEqual(to.publishes()[0]?.properties?.subscriptionIdentifiers, [1]);
  to.subscribe("t", 0, {}, 2);
  assert.deepEqual(to.publishes()[0]?.properties?.subscriptionIdentifiers, [2]);
});

test("identifiers go with queued messages, and over a restart", () => {
  const broker = new TestBroker();
  const to = broker.connect5("to", KEPT);
  to.subscribe("t", 1, {}, 200_000);
  to.break();
  broker.connect5("from").publish("t", "x", 1, 1);
  const later = broker.restart();
  const back = later.connect5("to", KEPT, { cleanStart: false });
  assert.deepEqual(back.publishes()[0]?.properties?.subscriptionIdentifiers, [200_000]);
  later.connect5("from").publish("t", "y", 1, 1);
  assert.deepEqual(back.publishes()[0]?.properties?.subscriptionIdentifiers, [200_000]);
});

test("[MQTT-3.3.4-6] a PUBLISH of a client with a subscription identifier is a protocol error", () => {
  const { to, from } = pair("t");
  from.publishWith({ subscriptionIdentifiers: [1] }, "t", "x");
  assert.equal(from.ending(), "0x82");
  assert.deepEqual(to.messages(), []);
});

test("[MQTT-3.3.4-7] one PUBLISH more than the server's receive maximum ends the connection with 0x93", () => {
  const broker = new TestBroker({ options: { receiveMaximum: 3 } });
  const client = broker.connect5("client");
  for (let packetId = 1; packetId <= 3; packetId++) client.publish("t", "x", 2, packetId);
  // QoS 0 and what is sent again do not count.
  client.publish("t", "x");
  client.publish("t", "x", 2, 2, false, true);
  assert.equal(client.closed, false);
  // QoS 1 is acknowledged at once, and yet one more in between.
  client.publish("t", "x", 1, 4);
  assert.equal(client.ending(), "0x93");
});

test("[MQTT-3.3.4-7] PUBACK, PUBCOMP and a PUBREC of failure give the client room again", () => {
  const broker = new TestBroker({ options: { receiveMaximum: 1 } });
  const client = broker.connect5("client");
  for (let packetId = 1; packetId <= 5; packetId++) client.publish("t", "x", 1, packetId);
  for (let packetId = 6; packetId <= 10; packetId++) {
    client.publish("t", "x", 2, packetId);
    client.send({ kind: "pubrel", packetId });
  }
  for (let packetId = 11; packetId <= 15; packetId++) client.publish("$SYS/x", "x", 2, packetId);
  assert.equal(client.closed, false);
});

test("[MQTT-3.3.4-7] publishes that wait for the disk count until they are acknowledged", () => {
  const broker = new TestBroker({ options: { receiveMaximum: 2 }, autoCommit: false });
  const client = broker.connect5("client");
  client.publish("t", "1", 1, 1, true);
  client.publish("t", "2", 1, 2, true);
  broker.disk.commit();
  client.publish("t", "3", 1, 3, true);
  client.publish("t", "4", 1, 4, true);
  assert.equal(client.closed, false);
  client.publish("t", "5", 1, 5, true);
  assert.equal(client.ending(), "0x93");
});

test("[MQTT-3.3.4-7] exchanges of an earlier connection take no room on a new one (§4.9)", () => {
  const broker = new TestBroker({ options: { receiveMaximum: 2 } });
  const client = broker.connect5("client", KEPT);
  for (const packetId of [1, 2]) client.publish("t", "x", 2, packetId);
  client.break();
  const back = broker.connect5("client", KEPT, { cleanStart: false });
  for (const packetId of [3, 4]) back.publish("t", "x", 2, packetId);
  for (const packetId of [1, 2]) back.send({ kind: "pubrel", packetId });
  assert.equal(back.closed, false);
});

test("[MQTT-3.3.4-9] the server has no more PUBLISH on their way than the client's receive maximum", () => {
  const broker = new TestBroker();
  const to = broker.connect5("to", { receiveMaximum: 2 });
  to.subscribe("t", 2);
  const from = broker.connect5("from");
  for (let n = 1; n <= 5; n++) from.publish("t", `${n}`, n % 2 === 0 ? 2 : 1, n);
  assert.deepEqual(to.messages(), ["t=1 q1", "t=2 q2"]);
  to.send({ kind: "pubrec", packetId: 2 });
  assert.deepEqual(to.messages(), []);
  to.send({ kind: "puback", packetId: 1 });
  assert.deepEqual(to.messages(), ["t=3 q1"]);
  to.send({ kind: "pubcomp", packetId: 2 });
  const [message] = to.publishes();
  assert.deepEqual(message?.payload, encodeUtf8("4"));
  to.send({ kind: "pubrec", packetId: message?.packetId ?? 0, reasonCode: 0x80 });
  assert.deepEqual(to.messages(), ["t=5 q1"]);
});

test("[MQTT-3.3.4-9] a client that comes back may take fewer at a time than it did before", () => {
  const broker = new TestBroker();
  const to = broker.connect5("to", { receiveMaximum: 10, ...KEPT });
  to.subscribe("t", 2);
  const from = broker.connect5("from");
  for (let n = 1; n <= 6; n++) from.publish("t", `${n}`, n % 2 === 0 ? 2 : 1, n);
  to.send({ kind: "pubrec", packetId: 6 });
  to.break();
  const back = broker.connect5("to", { receiveMaximum: 2, ...KEPT }, { cleanStart: false });
  const first = back.take();
  assert.deepEqual(
    first.map((packet) => [packet.kind, "packetId" in packet && packet.packetId]),
    [
      ["publish", 1],
      ["pubrel", 6],
    ],
  );
  back.send({ kind: "pubcomp", packetId: 6 });
  assert.deepEqual(back.messages(), ["t=2 q2 dup"]);
  back.send({ kind: "puback", packetId: 1 });
  assert.deepEqual(back.messages(), ["t=3 q1 dup"]);
  back.send({ kind: "pubrec", packetId: 2 });
  back.send({ kind: "pubcomp", packetId: 2 });
  back.send({ kind: "puback", packetId: 3 });
  assert.deepEqual(back.messages(), ["t=4 q2 dup", "t=5 q1 dup"]);
});

test("[MQTT-3.3.4-10] a full window holds back nothing but PUBLISH of QoS 1 and 2", () => {
  const broker = new TestBroker();
  const to = broker.connect5("to", { receiveMaximum: 1 });
  to.subscribe("t", 1);
  const from = broker.connect5("from");
  from.publish("t", "1", 1, 1);
  from.publish("t", "2", 1, 2);
  to.take();
  to.send({ kind: "pingreq" });
  to.send({ kind: "subscribe", packetId: 7, subscriptions: [{ filter: "u", qos: 0 }] });
  to.publish("v", "x", 2, 8);
  to.send({ kind: "pubrel", packetId: 8 });
  assert.deepEqual(
    to.take().map(({ kind }) => kind),
    ["pingresp", "suback", "pubrec", "pubcomp"],
  );
});
