/** The format of every message (MQTT-SN 1.2 §5), octet by octet. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { hexOf, octets, Wire } from "./wire.ts";

test("MQTT-SN 1.2 §5.2.1: Length is of one octet, or of three that begin with 0x01, both ways", () => {
  const wire = new Wire().connect();
  assert.deepEqual(wire.say("02 16"), ["02 17"]);
  assert.deepEqual(wire.say("01 00 04 16"), ["02 17"], "three octets for a short message");
  wire.say("07 12 02 00 01 'ab'");
  const payload = "y".repeat(300);
  wire.stand.door.publish("ab", payload);
  const [long = ""] = wire.take();
  assert.equal(long.slice(0, 11), "01 01 35 0c");
  assert.equal(octets(long).length, 309);
  wire.stand.door.publish("ab", "y".repeat(248));
  assert.equal(wire.take()[0]?.slice(0, 5), "ff 0c", "255 octets need one octet of length");
  wire.stand.door.publish("ab", "y".repeat(249));
  assert.equal(wire.take()[0]?.slice(0, 11), "01 01 02 0c");
  const up = `01 01 35 0c 02 'ab' 00 00 '${payload}'`;
  wire.say(up);
  assert.equal(wire.stand.door.published[0]?.payload, payload);
});

test("MQTT-SN 1.2 §5.2.2: reserved message types are dropped and counted, nothing is answered", () => {
  const wire = new Wire().connect();
  const reserved = [0x03, 0x11, 0x19, 0xff];
  for (let type = 0x1e; type <= 0xfd; type++) reserved.push(type);
  for (const type of reserved) {
    assert.deepEqual(wire.say(hexOf(new Uint8Array([2, type]))), [], type.toString(16));
  }
  assert.equal(wire.faults(), reserved.length);
  assert.deepEqual(wire.say("02 16"), ["02 17"]);
});

test("MQTT-SN 1.2 §5.3.1: a ClientId is a text of 1 to 23 characters", () => {
  const wire = new Wire({ strictClientId: true });
  assert.deepEqual(wire.say("07 04 04 01 00 3c 'n'", "one"), ["03 05 00"]);
  assert.deepEqual(wire.say(`1d 04 04 01 00 3c '${"n".repeat(23)}'`, "two"), ["03 05 00"]);
  assert.deepEqual(wire.say(`1e 04 04 01 00 3c '${"n".repeat(24)}'`, "three"), ["03 05 03"]);
  assert.deepEqual(wire.say("06 04 04 01 00 3c", "four"), ["03 05 03"]);
  assert.deepEqual(wire.say("07 04 04 01 00 3c ff", "five"), [], "no UTF-8");
  assert.equal(wire.faults(), 1);
});

test("MQTT-SN 1.2 §5.3.2: Data is the payload, octet by octet, and may be empty", () => {
  const wire = new Wire().connect();
  wire.say("07 12 02 00 01 'ab'");
  wire.say("0b 0c 02 'ab' 00 00 00 ff 0c 01");
  assert.deepEqual(wire.say("07 0c 02 'ab' 00 00"), ["07 0c 02 61 62 00 00"]);
  assert.equal(wire.stand.door.published.length, 2);
  assert.equal(wire.stand.door.published[0]?.payload.length, 4);
});

test("MQTT-SN 1.2 §5.3.3: Duration is of two octets, seconds, the most significant first", () => {
  const wire = new Wire().connect();
  assert.deepEqual(wire.say("04 18 ff fe"), ["02 18"]);
  assert.equal(wire.stand.report("n").sleepDuration, 0xfffe);
  wire.say("07 04 00 01 01 00 'n'");
  assert.equal(wire.stand.report("n").keepAlive, 256);
});

test("MQTT-SN 1.2 §5.3.4: Flags are DUP, QoS, Retain, Will, CleanSession and TopicIdType", () => {
  const wire = new Wire({ predefinedTopics: [{ id: 7, name: "seven" }] }).connect();
  wire.say("07 0a 00 00 00 01 't'");
  const { published } = wire.stand.door;
  const last = () => [published.at(-1)?.topic, published.at(-1)?.qos, published.at(-1)?.retain];
  assert.deepEqual(wire.say("07 0c 00 00 01 00 00"), []);
  assert.deepEqual(last(), ["t", 0, false]);
  assert.deepEqual(wire.say("07 0c 30 00 01 00 02"), ["07 0d 00 01 00 02 00"]);
  assert.deepEqual(last(), ["t", 1, true]);
  assert.deepEqual(wire.say("07 0c 41 00 07 00 03"), ["04 0f 00 03"]);
  assert.deepEqual(last(), ["seven", 2, false]);
  assert.deepEqual(wire.say("07 0c c1 00 07 00 03"), ["04 0f 00 03"], "DUP");
  assert.equal(published.length, 3);
  assert.deepEqual(wire.say("07 0c 62 'ab' 00 00"), [], "QoS -1");
  assert.deepEqual(last(), ["ab", 0, false]);
  assert.deepEqual(wire.say("07 0c 03 00 01 00 00"), [], "the reserved TopicIdType");
  assert.equal(wire.faults(), 1);
  assert.deepEqual(wire.say("07 04 0c 01 00 00 'n'"), ["02 06"], "Will and CleanSession");
});

test("MQTT-SN 1.2 §5.3.5: GwAdd is of any length, as the network has it", () => {
  const wire = new Wire();
  wire.say("03 02 05");
  wire.say("05 02 06 ab cd");
  wire.stand.pass(10);
  const gateways = wire.stand.linkReport("wire").gateways as { id: number; address: string }[];
  assert.deepEqual(
    gateways.map(({ id, address }) => [id, address]),
    [
      [5, "node"],
      [6, "abcd"],
    ],
  );
});

test("MQTT-SN 1.2 §5.3.6: GwId is of one octet, and the gateway's own", () => {
  for (const gatewayId of [0, 1, 255]) {
    const wire = new Wire({ gatewayId });
    assert.deepEqual(wire.say("03 01 00"), [hexOf(new Uint8Array([3, 2, gatewayId]))]);
  }
});

test("MQTT-SN 1.2 §5.3.7: MsgId comes back in the acknowledgement as it came", () => {
  const wire = new Wire().connect();
  assert.deepEqual(wire.say("07 0a 00 00 ab cd 't'"), ["07 0b 00 01 ab cd 00"]);
  assert.deepEqual(wire.say("06 12 00 ff ff 't'"), ["08 13 00 00 01 ff ff 00"]);
  assert.deepEqual(wire.say("06 14 00 00 00 't'"), ["04 15 00 00"]);
  assert.deepEqual(wire.say("07 0c 20 00 01 12 34"), ["07 0d 00 01 12 34 00"]);
});

test("MQTT-SN 1.2 §5.3.8: ProtocolId is 0x01; others are not supported", () => {
  const wire = new Wire();
  for (const id of ["00", "02", "ff"]) {
    assert.deepEqual(wire.say(`07 04 04 ${id} 00 3c 'n'`), ["03 05 03"]);
  }
  assert.deepEqual(wire.say("07 04 04 01 00 3c 'n'"), ["03 05 00"]);
});

test("MQTT-SN 1.2 §5.3.9: Radius is passed on to the network, 0 being all of it", () => {
  const wire = new Wire();
  wire.radii.length = 0;
  for (const radius of ["00", "01", "ff"]) wire.say(`03 01 ${radius}`);
  assert.deepEqual(wire.radii, [0, 1, 255]);
});

test("MQTT-SN 1.2 §5.3.10: ReturnCode is accepted, congestion, invalid topic id or not supported", () => {
  const wire = new Wire({ maxTopicIds: 1 }).connect();
  const code = (answers: string[]) => answers.map((answer) => answer.slice(-2));
  assert.deepEqual(code(wire.say("07 0a 00 00 00 01 't'")), ["00"]);
  assert.deepEqual(code(wire.say("07 0a 00 00 00 02 'u'")), ["01"]);
  assert.deepEqual(code(wire.say("07 0c 20 00 09 00 03")), ["02"]);
  assert.deepEqual(code(wire.say("07 0a 00 00 00 04 '#'")), ["03"]);
});

test("MQTT-SN 1.2 §5.3.10: a reserved code from a node is a refusal for good", () => {
  const wire = new Wire().connect();
  wire.say("06 12 20 00 01 '#'");
  wire.stand.door.publish("topic", "x", 1);
  assert.deepEqual(wire.take(), ["0b 0a 00 01 00 01 74 6f 70 69 63"]);
  wire.say("07 0b 00 01 00 01 7f");
  wire.stand.pass(600);
  assert.deepEqual(wire.take(), []);
  assert.deepEqual(wire.stand.report("n").droppedBy, { refused: 1 });
});

test("MQTT-SN 1.2 §5.3.11: 0x0000 and 0xFFFF are never given as topic ids, and stand for nothing", () => {
  const wire = new Wire({ maxTopicIds: 65_535 }).connect();
  assert.deepEqual(wire.say("07 0a 00 00 00 01 't'"), ["07 0b 00 01 00 01 00"]);
  for (const id of ["00 00", "ff ff"]) {
    assert.deepEqual(wire.say(`07 0c 00 ${id} 00 00`), [`07 0d ${id} 00 00 02`]);
    assert.deepEqual(wire.say(`07 0c 01 ${id} 00 00`), [`07 0d ${id} 00 00 02`]);
  }
});

test("MQTT-SN 1.2 §5.3.12: TopicName is UTF-8; what is none is dropped and counted", () => {
  const wire = new Wire().connect();
  assert.deepEqual(wire.say("0a 0a 00 00 00 01 'tür'"), ["07 0b 00 01 00 01 00"]);
  wire.say("07 0c 00 00 01 00 00");
  assert.equal(wire.stand.door.published[0]?.topic, "tür");
  assert.deepEqual(wire.say("08 0a 00 00 00 01 c3 28"), []);
  assert.deepEqual(wire.say("07 12 00 00 01 c3 28"), []);
  assert.equal(wire.faults(), 2);
});

test("MQTT-SN 1.2 §5.3.13: WillMsg is octets of any kind, none included", () => {
  const wire = new Wire();
  wire.say("07 04 0c 01 00 3c 'n'");
  wire.say("04 07 00 'w'");
  assert.deepEqual(wire.say("05 09 00 ff 09"), ["03 05 00"]);
  wire.stand.pass(100);
  assert.deepEqual(wire.stand.door.wills[0]?.payload, new Uint8Array([0, 0xff, 9]));
  const empty = new Wire();
  empty.say("07 04 0c 01 00 3c 'n'");
  empty.say("04 07 00 'w'");
  assert.deepEqual(empty.say("02 09"), ["03 05 00"]);
});

test("MQTT-SN 1.2 §5.3.14: WillTopic is a topic name; what is no UTF-8 is dropped", () => {
  const wire = new Wire();
  wire.say("07 04 0c 01 00 3c 'n'");
  assert.deepEqual(wire.say("04 07 00 ff"), []);
  assert.equal(wire.faults(), 1);
  assert.deepEqual(wire.take(), ["02 06"], "asked again");
  assert.deepEqual(wire.say("06 07 00 'a/b'"), ["02 08"]);
});

test("MQTT-SN 1.2 §5.4.1: ADVERTISE tells GwId and Duration", () => {
  const wire = new Wire({ gatewayId: 0x2a, advertiseInterval: 900 });
  assert.deepEqual(wire.takeBroadcasts(), ["05 00 2a 03 84"]);
});

test("MQTT-SN 1.2 §5.4.2: SEARCHGW has a Radius and nothing else", () => {
  const wire = new Wire();
  assert.deepEqual(wire.say("03 01 01"), ["03 02 01"]);
  assert.deepEqual(wire.say("02 01"), []);
  assert.deepEqual(wire.say("04 01 01 01"), []);
  assert.equal(wire.faults(), 2);
});

test("MQTT-SN 1.2 §5.4.3: GWINFO of a gateway has its id alone", () => {
  const wire = new Wire({ gatewayId: 0x2a });
  wire.takeBroadcasts();
  assert.deepEqual(wire.say("03 01 00"), ["03 02 2a"]);
  assert.deepEqual(wire.takeBroadcasts(), ["03 02 2a"]);
});

test("MQTT-SN 1.2 §5.4.4: CONNECT has Flags, ProtocolId, Duration and ClientId", () => {
  const wire = new Wire();
  assert.deepEqual(wire.say("0a 04 00 01 00 1e 'node'"), ["03 05 00"]);
  const { clientId, keepAlive, state } = wire.stand.report("node");
  assert.deepEqual([clientId, keepAlive, state], ["node", 30, "active"]);
  assert.deepEqual(wire.say("05 04 00 01 00"), [], "too short");
  assert.equal(wire.faults(), 1);
});

test("MQTT-SN 1.2 §5.4.5: CONNACK has a ReturnCode", () => {
  const wire = new Wire({ maxNodes: 1 });
  assert.deepEqual(wire.say("07 04 00 01 00 00 'n'"), ["03 05 00"]);
  assert.deepEqual(wire.say("07 04 00 01 00 00 'm'", "other"), ["03 05 01"]);
  assert.deepEqual(wire.say("07 04 00 09 00 00 'm'", "other"), ["03 05 03"]);
});

test("MQTT-SN 1.2 §5.4.6: WILLTOPICREQ is a header alone", () => {
  assert.deepEqual(new Wire().say("07 04 0c 01 00 3c 'n'"), ["02 06"]);
});

test("MQTT-SN 1.2 §5.4.7: WILLTOPIC has Flags with QoS and Retain, and WillTopic; empty it deletes the will", () => {
  const wire = new Wire();
  wire.say("07 04 0c 01 00 3c 'n'");
  assert.deepEqual(wire.say("04 07 30 'w'"), ["02 08"]);
  wire.say("03 09 'x'");
  wire.stand.pass(100);
  const { topic, qos, retain } = wire.stand.door.wills[0] ?? {};
  assert.deepEqual([topic, qos, retain], ["w", 1, true]);
  wire.say("07 04 08 01 00 3c 'n'");
  assert.deepEqual(wire.say("02 07"), ["03 05 00"]);
  wire.stand.pass(100);
  assert.equal(wire.stand.door.wills.length, 1);
});

test("MQTT-SN 1.2 §5.4.8: WILLMSGREQ is a header alone", () => {
  const wire = new Wire();
  wire.say("07 04 0c 01 00 3c 'n'");
  assert.deepEqual(wire.say("04 07 00 'w'"), ["02 08"]);
});

test("MQTT-SN 1.2 §5.4.9: WILLMSG has the will message", () => {
  const wire = new Wire();
  wire.say("07 04 0c 01 00 3c 'n'");
  wire.say("04 07 00 'w'");
  assert.deepEqual(wire.say("07 09 'dead!'"), ["03 05 00"]);
  wire.stand.pass(100);
  assert.deepEqual(wire.stand.door.wills[0]?.payload, octets("'dead!'"));
});

test("MQTT-SN 1.2 §5.4.10: REGISTER has TopicId, MsgId and TopicName; a client's TopicId says nothing", () => {
  const wire = new Wire().connect();
  assert.deepEqual(wire.say("07 0a 00 00 00 01 'a'"), ["07 0b 00 01 00 01 00"]);
  assert.deepEqual(wire.say("07 0a 12 34 00 02 'b'"), ["07 0b 00 02 00 02 00"]);
  wire.say("06 12 00 00 03 '#'");
  wire.stand.door.publish("xyz", "1");
  assert.deepEqual(wire.take(), ["09 0a 00 03 00 01 78 79 7a"]);
});

test("MQTT-SN 1.2 §5.4.11: REGACK has TopicId, the MsgId of REGISTER and ReturnCode", () => {
  const wire = new Wire().connect();
  assert.deepEqual(wire.say("07 0a 00 00 be ef 'a'"), ["07 0b 00 01 be ef 00"]);
  wire.say("06 12 00 00 03 '#'");
  wire.stand.door.publish("xyz", "1");
  wire.take();
  assert.deepEqual(wire.say("07 0b 00 02 00 07 00"), [], "another MsgId");
  assert.deepEqual(wire.say("07 0b 00 02 00 01 00"), ["08 0c 00 00 02 00 00 31"]);
});

test("MQTT-SN 1.2 §5.4.12: PUBLISH has Flags, TopicId, MsgId and Data; MsgId is 0 for QoS 0", () => {
  const wire = new Wire().connect();
  wire.say("06 12 40 00 01 't'");
  wire.stand.door.publish("t", "x", 0);
  assert.deepEqual(wire.take(), ["08 0c 00 00 01 00 00 78"]);
  wire.stand.door.publish("t", "y", 1, true);
  assert.deepEqual(wire.take(), ["08 0c 20 00 01 00 01 79"]);
  wire.stand.pass(10);
  assert.deepEqual(wire.take(), ["08 0c a0 00 01 00 01 79"], "DUP");
  wire.say("07 0d 00 01 00 01 00");
  wire.stand.door.publish("t", "z", 2);
  assert.deepEqual(wire.take(), ["08 0c 40 00 01 00 02 7a"]);
});

test("MQTT-SN 1.2 §5.4.13: PUBACK has the TopicId and MsgId of PUBLISH, and ReturnCode", () => {
  const wire = new Wire().connect();
  wire.say("07 0a 00 00 00 01 't'");
  assert.deepEqual(wire.say("08 0c 20 00 01 56 78 'x'"), ["07 0d 00 01 56 78 00"]);
  assert.deepEqual(wire.say("08 0c 40 00 63 56 79 'x'"), ["07 0d 00 63 56 79 02"]);
  assert.deepEqual(wire.say("06 0d 00 01 56 78"), [], "too short");
  assert.equal(wire.faults(), 1);
});

test("MQTT-SN 1.2 §5.4.14: PUBREC, PUBREL and PUBCOMP have the MsgId of PUBLISH", () => {
  const wire = new Wire().connect();
  wire.say("06 12 40 00 01 't'");
  assert.deepEqual(wire.say("08 0c 40 00 01 56 78 'x'"), [
    "08 0c 40 00 01 00 01 78",
    "04 0f 56 78",
  ]);
  assert.deepEqual(wire.say("04 10 56 78"), ["04 0e 56 78"]);
  assert.deepEqual(wire.say("04 0f 00 01"), ["04 10 00 01"]);
  assert.deepEqual(wire.say("04 0e 00 01"), []);
  wire.stand.pass(600);
  assert.deepEqual(wire.take(), []);
});

test("MQTT-SN 1.2 §5.4.15: SUBSCRIBE has Flags, MsgId, and TopicName, TopicId or a short name", () => {
  const wire = new Wire({ predefinedTopics: [{ id: 7, name: "seven" }] }).connect();
  assert.deepEqual(wire.say("08 12 20 00 01 'a/b'"), ["08 13 20 00 01 00 01 00"]);
  assert.deepEqual(wire.say("07 12 41 00 02 00 07"), ["08 13 40 00 07 00 02 00"]);
  assert.deepEqual(wire.say("07 12 02 00 03 'ab'"), ["08 13 00 00 00 00 03 00"]);
  assert.deepEqual(
    [...(wire.stand.door.sessions.get("n")?.subscriptions ?? [])],
    [
      ["a/b", 1],
      ["seven", 2],
      ["ab", 0],
    ],
  );
  assert.deepEqual(wire.say("06 12 02 00 03 'a'"), [], "a short name of one octet");
  assert.deepEqual(wire.say("08 12 01 00 03 00 00 07"), [], "a topic id of three octets");
  assert.deepEqual(wire.say("07 12 03 00 03 'ab'"), [], "the reserved TopicIdType");
  assert.equal(wire.faults(), 3);
});

test("MQTT-SN 1.2 §5.4.16: SUBACK has the granted QoS in Flags and no other flag, TopicId, MsgId, ReturnCode", () => {
  const wire = new Wire().connect();
  assert.deepEqual(wire.say("06 12 d0 00 01 't'"), ["08 13 40 00 01 00 01 00"]);
  assert.deepEqual(wire.say("06 12 20 00 02 '#'"), ["08 13 20 00 00 00 02 00"]);
  assert.deepEqual(wire.say("07 12 21 00 03 00 63"), ["08 13 00 00 63 00 03 02"]);
});

test("MQTT-SN 1.2 §5.4.17: UNSUBSCRIBE has Flags, MsgId, and TopicName, TopicId or a short name", () => {
  const wire = new Wire({ predefinedTopics: [{ id: 7, name: "seven" }] }).connect();
  wire.say("08 12 20 00 01 'a/b'");
  wire.say("07 12 41 00 02 00 07");
  wire.say("07 12 02 00 03 'ab'");
  assert.deepEqual(wire.say("08 14 00 00 04 'a/b'"), ["04 15 00 04"]);
  assert.deepEqual(wire.say("07 14 01 00 05 00 07"), ["04 15 00 05"]);
  assert.deepEqual(wire.say("07 14 02 00 06 'ab'"), ["04 15 00 06"]);
  assert.equal(wire.stand.door.sessions.get("n")?.subscriptions.size, 0);
});

test("MQTT-SN 1.2 §5.4.18: UNSUBACK has the MsgId of UNSUBSCRIBE", () => {
  const wire = new Wire().connect();
  assert.deepEqual(wire.say("06 14 00 ca fe 't'"), ["04 15 ca fe"]);
});

test("MQTT-SN 1.2 §5.4.19: PINGREQ has a ClientId of a sleeping client, or none", () => {
  const wire = new Wire().connect();
  assert.deepEqual(wire.say("02 16"), ["02 17"]);
  wire.say("04 18 00 3c");
  assert.deepEqual(wire.say("03 16 'n'", "elsewhere"), ["02 17"]);
  wire.stand.pass(10);
  assert.equal(wire.stand.report("n").address, "elsewhere");
});

test("MQTT-SN 1.2 §5.4.20: PINGRESP is a header alone, either way", () => {
  const wire = new Wire();
  wire.say("07 04 00 01 00 3c 'n'");
  assert.deepEqual(wire.say("02 16"), ["02 17"]);
  wire.stand.pass(60);
  assert.deepEqual(wire.take(), ["02 16"]);
  assert.deepEqual(wire.say("02 17"), []);
  wire.stand.pass(50);
  assert.equal(wire.stand.state("n"), "active");
});

test("MQTT-SN 1.2 §5.4.21: DISCONNECT has a Duration from those who sleep, none from the gateway", () => {
  const wire = new Wire().connect();
  assert.deepEqual(wire.say("04 18 01 2c"), ["02 18"]);
  assert.deepEqual([wire.stand.state("n"), wire.stand.report("n").sleepDuration], ["asleep", 300]);
  assert.deepEqual(wire.say("02 18"), ["02 18"]);
  assert.equal(wire.stand.state("n"), "disconnected");
  assert.deepEqual(wire.say("03 18 01"), [], "half a Duration");
  assert.equal(wire.faults(), 1);
});

test("MQTT-SN 1.2 §5.4.22: WILLTOPICUPD has Flags and WillTopic; empty it deletes the will", () => {
  const wire = new Wire();
  wire.say("07 04 04 01 00 3c 'n'");
  assert.deepEqual(wire.say("04 1a 50 'w'"), ["03 1b 00"]);
  assert.equal(wire.stand.door.sessions.get("n")?.holder?.will?.qos, 2);
  assert.deepEqual(wire.say("02 1a"), ["03 1b 00"]);
  assert.equal(wire.stand.door.sessions.get("n")?.holder?.will, undefined);
});

test("MQTT-SN 1.2 §5.4.23: WILLMSGUPD has the will message", () => {
  const wire = new Wire();
  wire.say("07 04 04 01 00 3c 'n'");
  wire.say("04 1a 00 'w'");
  assert.deepEqual(wire.say("05 1c 'new'"), ["03 1d 00"]);
  wire.stand.pass(100);
  assert.deepEqual(wire.stand.door.wills[0]?.payload, octets("'new'"));
});

test("MQTT-SN 1.2 §5.4.24: WILLTOPICRESP has a ReturnCode", () => {
  const wire = new Wire().connect();
  assert.deepEqual(wire.say("04 1a 00 'w'"), ["03 1b 00"]);
  assert.deepEqual(wire.say("04 1a 00 '#'"), ["03 1b 03"]);
});

test("MQTT-SN 1.2 §5.4.25: WILLMSGRESP has a ReturnCode", () => {
  const wire = new Wire().connect();
  assert.deepEqual(wire.say("03 1c 'x'"), ["03 1d 03"], "no will to update");
  wire.say("04 1a 00 'w'");
  assert.deepEqual(wire.say("03 1c 'x'"), ["03 1d 00"]);
});

test("MQTT-SN 1.2 §5.5: a forwarder's frame has Length up to the wireless node id, Ctrl and the message", () => {
  const wire = new Wire();
  assert.deepEqual(wire.say("05 fe 00 12 34 07 04 00 01 00 00 'n'"), ["05 fe 00 12 34 03 05 00"]);
  assert.deepEqual(wire.say("05 fe ff 12 34 02 16"), ["05 fe 00 12 34 02 17"], "reserved bits");
  assert.deepEqual(wire.say("03 fe 00 02 16"), ["03 fe 00 02 18"], "an id of no octets");
  for (const broken of ["02 fe", "01 fe 00 02 16", "05 fe 00 12 34", "09 fe 00 12 34 02 16"]) {
    assert.deepEqual(wire.say(broken), []);
  }
  assert.equal(wire.faults(), 4);
});

test("MQTT-SN 1.2 §5.5: the radius goes to the forwarder in the two lowest bits of Ctrl", () => {
  const wire = new Wire({ gatewayId: 9 });
  assert.deepEqual(wire.say("05 fe 00 12 34 03 01 02"), ["05 fe 02 12 34 03 02 09"]);
  assert.deepEqual(wire.say("05 fe 00 12 34 03 01 ff"), ["05 fe 03 12 34 03 02 09"]);
});
