/** CONNECT (MQTT-SN 1.2 §6.2, §6.3). */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Reason } from "../../../src/mqtt/reason-codes.ts";
import { Stand } from "./stand.ts";

const accepted = [{ kind: "connack", returnCode: 0 }];
const notSupported = [{ kind: "connack", returnCode: 3 }];
const congestion = [{ kind: "connack", returnCode: 1 }];

test("MQTT-SN 1.2 §6.2: CONNECT without Will is answered by CONNACK directly", () => {
  const stand = new Stand();
  assert.deepEqual(stand.at("a").connect("n"), accepted);
  assert.equal(stand.state("n"), "active");
});

test("a node enters the broker as a durable session of one message at a time", () => {
  const stand = new Stand();
  stand.at("10.0.0.7:5000").connect("n", { clean: false });
  const [opening] = stand.door.openings;
  assert.deepEqual(opening, {
    clientId: "n",
    cleanStart: false,
    persistent: true,
    clean: false,
    origin: "mqtt-sn",
    remote: "udp/10.0.0.7:5000",
    link: "udp",
    username: undefined,
    rights: undefined,
    will: undefined,
    receiveMaximum: 1,
    queueQos0: true,
    room: { each: 0, total: 256 * 1024 * 1024, used: 0 },
  });
});

test("decisions: ProtocolId: ProtocolId other than 1 is rejected as not supported, and leaves nothing behind", () => {
  const stand = new Stand();
  assert.deepEqual(stand.at("a").connect("n", { protocolId: 2 }), notSupported);
  assert.equal(stand.door.openings.length, 0);
  assert.equal(stand.logged(/refused: unknown ProtocolId 2/, "warn"), 1);
});

test("decisions: Empty ClientId: an empty ClientId is rejected as not supported", () => {
  const stand = new Stand();
  assert.deepEqual(stand.at("a").connect(""), notSupported);
  assert.equal(stand.logged(/refused: empty ClientId/, "warn"), 1);
});

test("decisions: Empty ClientId: ClientIds of more than 23 octets are accepted unless strict", () => {
  const long = "n".repeat(24);
  assert.deepEqual(new Stand().at("a").connect(long), accepted);
  assert.deepEqual(new Stand().at("a").connect("n".repeat(2000)), accepted);
  const strict = new Stand({ strictClientId: true });
  assert.deepEqual(strict.at("a").connect(long), notSupported);
  assert.deepEqual(strict.at("a").connect("n".repeat(23)), accepted);
});

test("strict counts octets, not characters", () => {
  const strict = new Stand({ strictClientId: true });
  assert.deepEqual(strict.at("a").connect("ä".repeat(12)), notSupported);
  assert.deepEqual(strict.at("a").connect("ä".repeat(11)), accepted);
});

test("decisions: CONNECT while connected: CONNECT while connected is accepted and the session goes on", () => {
  const stand = new Stand();
  const node = stand.node("n", { clean: false });
  node.subscribe("t", 1);
  assert.deepEqual(node.connect("n", { clean: false }), accepted);
  stand.door.publish("t", "x", 1);
  assert.deepEqual(node.kinds(), ["register"]);
});

test("CONNECT while connected does not publish the will of the former connection", () => {
  const stand = new Stand();
  const node = stand.node("n", { clean: false });
  node.say({ kind: "willtopicupd", topic: "w", qos: 0, retain: false });
  node.connect("n", { clean: false });
  assert.deepEqual(stand.door.wills, []);
});

test("decisions: CONNECT while connected: CONNECT while connected with clean session begins anew", () => {
  const stand = new Stand();
  const node = stand.node("n", { clean: false });
  node.subscribe("t", 1);
  assert.deepEqual(node.connect("n", { clean: true }), accepted);
  stand.door.publish("t", "x", 1);
  assert.deepEqual(node.take(), []);
});

test("decisions: CONNECT while connected: a repeated CONNECT whose CONNACK was lost is idempotent", () => {
  const stand = new Stand();
  const node = stand.at("a");
  assert.deepEqual(node.connect("n"), accepted);
  assert.deepEqual(node.connect("n"), accepted);
  assert.equal(stand.door.openings.length, 1);
});

test("the same CONNECT after other messages is a new connection", () => {
  const stand = new Stand();
  const node = stand.node("n");
  node.register("t");
  node.connect("n");
  assert.equal(stand.door.openings.length, 2);
  assert.equal(node.publish(1, "x", 1)[0]?.kind, "puback");
  assert.deepEqual(stand.door.published, []);
});

test("MQTT-SN 1.2 §6.3: clean session deletes subscriptions, topic ids and will data", () => {
  const stand = new Stand();
  const node = stand.node("n", { clean: false });
  node.subscribe("t", 1);
  node.register("up");
  node.say({ kind: "willtopicupd", topic: "w", qos: 0, retain: false });
  node.disconnect();
  node.connect("n", { clean: true });
  stand.door.publish("t", "x", 1);
  assert.deepEqual(node.take(), []);
  assert.deepEqual(node.publish(2, "x"), [
    { kind: "puback", topicId: 2, messageId: 0, returnCode: 2 },
  ]);
  stand.pass(100);
  assert.equal(stand.state("n"), "lost");
  assert.deepEqual(stand.door.wills, []);
});

test("MQTT-SN 1.2 §6.3: without clean session, what was stored is kept", () => {
  const stand = new Stand();
  const node = stand.node("n", { clean: false });
  node.subscribe("t", 1);
  node.register("up");
  node.say({ kind: "willtopicupd", topic: "w", qos: 0, retain: false });
  node.disconnect();
  stand.door.publish("t", "meanwhile", 1);
  assert.deepEqual(node.connect("n", { clean: false }), [
    { kind: "connack", returnCode: 0 },
    { kind: "register", topicId: 1, messageId: 1, topicName: "t" },
  ]);
  node.publish(2, "x");
  assert.equal(stand.door.published[0]?.topic, "up");
  stand.pass(100);
  assert.equal(stand.door.wills[0]?.topic, "w");
});

test("CONNACK comes before anything the broker delivers", () => {
  const stand = new Stand();
  const node = stand.node("n", { clean: false });
  node.subscribe({ type: "short", name: "ab" }, 1);
  node.disconnect();
  stand.door.publish("ab", "x", 1);
  const [first, second] = node.connect("n", { clean: false });
  assert.equal(first?.kind, "connack");
  assert.equal(second?.kind, "publish");
});

test("a broker that refuses is answered as CONNACK not supported, or congestion where waiting helps", () => {
  const stand = new Stand();
  stand.door.refuseEnter = Reason.notAuthorized;
  assert.deepEqual(stand.at("a").connect("n"), notSupported);
  stand.door.refuseEnter = Reason.quotaExceeded;
  assert.deepEqual(stand.at("a").connect("n"), congestion);
  assert.equal(stand.logged(/node "n" at udp\/a refused: the broker refuses it/, "warn"), 1);
  assert.equal(stand.report("n").state, undefined);
  assert.deepEqual(stand.journal.stored(), []);
  // Nothing of it is left: its address is no node's.
  assert.deepEqual(stand.at("a").register("t"), [{ kind: "disconnect", duration: undefined }]);
});

test("another client that takes the session is told to the node by DISCONNECT", () => {
  const stand = new Stand();
  const node = stand.node("n");
  stand.door.evict("n", Reason.sessionTakenOver);
  assert.deepEqual(node.take(), [{ kind: "disconnect", duration: undefined }]);
  assert.equal(stand.state("n"), "disconnected");
  assert.deepEqual(node.ping(), [{ kind: "disconnect", duration: undefined }]);
});

test("joining is logged with place, session and keep alive", () => {
  const stand = new Stand();
  stand.at("10.0.0.7:5000").connect("bme280", { clean: false, keepAlive: 30 });
  assert.equal(
    stand.logged(
      /^node "bme280" joined at udp\/10\.0\.0\.7:5000, kept session, keep alive 30 s$/,
      "info",
    ),
    1,
  );
});
