/** Procedures of MQTT-SN 1.2 that concern more than one message. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { frameOf, Stand } from "../../unit/gateway/stand.ts";
import { Wire } from "./wire.ts";

test("MQTT-SN 1.2 §6.2: a CONNECT that cannot be accepted is answered by CONNACK with the reason", () => {
  const wire = new Wire({ maxNodes: 1 });
  wire.connect();
  assert.deepEqual(wire.say("07 04 04 01 00 00 'm'", "other"), ["03 05 01"]);
  assert.deepEqual(wire.say("07 04 04 02 00 00 'm'", "other"), ["03 05 03"]);
});

test("MQTT-SN 1.2 §6.3: CleanSession=false, Will=false keeps subscriptions and will data", () => {
  const stand = new Stand();
  const node = stand.node("n", { clean: false });
  node.subscribe("t", 1);
  node.say({ kind: "willtopicupd", topic: "w", qos: 0, retain: false });
  node.disconnect();
  assert.deepEqual(node.connect("n", { clean: false }), [{ kind: "connack", returnCode: 0 }]);
  const session = stand.door.sessions.get("n");
  assert.deepEqual([...(session?.subscriptions.keys() ?? [])], ["t"]);
  assert.equal(session?.holder?.will?.topic, "w");
});

test("MQTT-SN 1.2 §6.3: CleanSession=true, Will=false deletes subscriptions and will data", () => {
  const stand = new Stand();
  const node = stand.node("n", { clean: false });
  node.subscribe("t", 1);
  node.say({ kind: "willtopicupd", topic: "w", qos: 0, retain: false });
  node.take();
  assert.deepEqual(node.connect("n", { clean: true }), [{ kind: "connack", returnCode: 0 }]);
  const session = stand.door.sessions.get("n");
  assert.equal(session?.subscriptions.size, 0);
  assert.equal(session?.holder?.will, undefined);
});

test("MQTT-SN 1.2 §6.5: a gateway tells the id of a name by REGISTER after a reconnect without clean session", () => {
  const wire = new Wire().connect();
  wire.say("06 12 20 00 01 't'");
  wire.stand.door.publish("t", "x", 1);
  assert.deepEqual(wire.take(), ["08 0c 20 00 01 00 01 78"], "SUBACK has told the id");
  wire.say("07 0d 00 01 00 01 00");
  wire.say("02 18");
  wire.connect();
  wire.stand.door.publish("t", "y", 1);
  assert.deepEqual(wire.take(), ["07 0a 00 01 00 01 74"]);
  assert.deepEqual(wire.say("07 0b 00 01 00 01 00"), ["08 0c 20 00 01 00 02 79"]);
});

test("MQTT-SN 1.2 §6.13: whatever a node sends again, as the reply was lost, is replied to again", () => {
  const wire = new Wire();
  const twice = (frame: string, reply: string) => {
    assert.deepEqual(wire.say(frame), [reply], frame);
    assert.deepEqual(wire.say(frame), [reply], `${frame} again`);
  };
  twice("07 04 00 01 00 3c 'n'", "03 05 00");
  twice("07 0a 00 00 00 01 't'", "07 0b 00 01 00 01 00");
  twice("06 12 20 00 02 's'", "08 13 20 00 02 00 02 00");
  twice("06 14 00 00 03 's'", "04 15 00 03");
  assert.deepEqual(wire.say("08 0c 20 00 01 00 04 'x'"), ["07 0d 00 01 00 04 00"]);
  assert.deepEqual(wire.say("08 0c a0 00 01 00 04 'x'"), ["07 0d 00 01 00 04 00"]);
  assert.deepEqual(wire.say("08 0c 40 00 01 00 05 'x'"), ["04 0f 00 05"]);
  assert.deepEqual(wire.say("08 0c c0 00 01 00 05 'x'"), ["04 0f 00 05"]);
  twice("04 10 00 05", "04 0e 00 05");
  twice("04 1a 00 'w'", "03 1b 00");
  twice("03 1c 'x'", "03 1d 00");
  twice("02 16", "02 17");
  twice("04 18 00 3c", "02 18");
  twice("03 16 'n'", "02 17");
  twice("02 18", "02 18");
  twice("03 01 00", "03 02 01");
});

test("MQTT-SN 1.2 §6.13: in the will dialogue a repeated message is answered by what comes next", () => {
  const wire = new Wire();
  const twice = (frame: string, reply: string) => {
    assert.deepEqual(wire.say(frame), [reply]);
    assert.deepEqual(wire.say(frame), [reply]);
  };
  twice("07 04 0c 01 00 3c 'n'", "02 06");
  twice("04 07 00 'w'", "02 08");
  twice("03 09 'x'", "03 05 00");
});

test("MQTT-SN 1.2 §7.1: QoS -1 is published by one connection of its own", () => {
  const stand = new Stand({ qosMinusOneClientId: "minus-one" });
  const stranger = stand.at("stranger");
  stranger.publish(0x6162, "x", -1, { topicIdType: "short" });
  stranger.publish(0x6162, "y", -1, { topicIdType: "short" });
  assert.deepEqual(
    stand.door.published.map(({ clientId, payload }) => [clientId, payload]),
    [
      ["minus-one", "x"],
      ["minus-one", "y"],
    ],
  );
  assert.equal(stand.door.openings.length, 1);
  assert.deepEqual(stranger.take(), []);
});

test("decisions: Header: a length that differs from the frame's is never guessed at", () => {
  const wire = new Wire().connect();
  const ping = frameOf({ kind: "pingreq", clientId: undefined });
  for (const broken of [
    "03 16",
    "01 16",
    "00 16",
    "01 00 02 16",
    "01 00 05 16",
    "ff 16",
    "02",
    "",
  ]) {
    assert.deepEqual(wire.say(broken), [], broken);
  }
  assert.equal(wire.faults(), 8);
  wire.stand.gateway.receive(wire, { key: "node" }, ping);
  assert.deepEqual(wire.take(), ["02 17"]);
});

test("decisions: Gateway to node: what is lost is sent again under the same MsgId, in order", () => {
  const wire = new Wire().connect();
  wire.say("06 12 20 00 01 't'");
  for (const payload of ["1", "2"]) wire.stand.door.publish("t", payload, 1);
  assert.deepEqual(wire.take(), ["08 0c 20 00 01 00 01 31"]);
  wire.stand.pass(20);
  assert.deepEqual(wire.take(), ["08 0c a0 00 01 00 01 31", "08 0c a0 00 01 00 01 31"]);
  assert.deepEqual(wire.say("07 0d 00 01 00 01 00"), ["08 0c 20 00 01 00 02 32"]);
});

test("decisions: SEARCHGW: the asker is answered alone, and the group with it", () => {
  const wire = new Wire();
  wire.takeBroadcasts();
  assert.deepEqual(wire.say("03 01 00"), ["03 02 01"]);
  assert.deepEqual(wire.takeBroadcasts(), ["03 02 01"]);
});
