/** Who is where: ClientIds, addresses, and senders that nobody knows. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Stand, text } from "../../unit/gateway/stand.ts";

const disconnect = [{ kind: "disconnect", duration: undefined }];

test("decisions: Identity: CONNECT from a new address moves the node there", () => {
  const stand = new Stand();
  const old = stand.node("n", { clean: false });
  old.subscribe({ type: "short", name: "ab" }, 0);
  const node = stand.at("elsewhere");
  node.connect("n", { clean: false });
  stand.door.publish("ab", "x");
  assert.equal(node.kinds().length, 1);
  assert.deepEqual(old.take(), []);
  assert.deepEqual(old.register("t"), disconnect, "the old address has no node");
  assert.equal(stand.logged(/^node "n" moved from udp\/at-n to udp\/elsewhere$/, "info"), 1);
});

test("decisions: Identity: PINGREQ with ClientId from a new address moves the node there", () => {
  const stand = new Stand();
  const old = stand.sleeper("n", "t");
  stand.door.publish("t", "1", 1);
  const [publish] = stand.at("elsewhere").ping("n");
  assert.equal(publish?.kind === "publish" && text(publish.payload), "1");
  assert.deepEqual(old.ping(), disconnect);
  assert.equal(stand.report("n").address, "elsewhere");
});

test("a node moves between links", () => {
  const stand = new Stand();
  stand.node("n", { clean: false });
  const serial = new (stand.link.constructor as new (name: string) => typeof stand.link)("serial");
  stand.gateway.attach(serial);
  const node = stand.at("stick", serial);
  assert.deepEqual(node.ping("n"), [{ kind: "pingresp" }]);
  assert.equal(stand.report("n").link, "udp", "reported at the next interval");
  stand.pass(10);
  assert.equal(stand.report("n").link, "serial");
});

test("decisions: Identity: another ClientId from a known address is another node", () => {
  const stand = new Stand();
  const place = stand.at("place");
  place.connect("one", { clean: false });
  place.subscribe({ type: "short", name: "ab" }, 1);
  place.connect("two", { clean: false });
  place.register("t");
  place.publish(1, "x");
  assert.equal(stand.door.published[0]?.clientId, "two");
  stand.door.publish("ab", "for one", 1);
  assert.deepEqual(place.take(), [], "what is for the one does not reach the other");
  const moved = stand.at("new place");
  assert.deepEqual(moved.ping("one")[1]?.kind, "publish");
});

test("the node that was at an address is supervised on", () => {
  const stand = new Stand();
  const place = stand.at("place");
  place.connect("one");
  stand.pass(10);
  place.connect("two", { keepAlive: 0 });
  stand.pass(90);
  assert.equal(stand.state("one"), "lost");
  assert.equal(stand.state("two"), "active");
  assert.deepEqual(place.ping(), [{ kind: "pingresp" }]);
});

test("MQTT-SN 1.2 §6.12: messages from an address with no node are answered by DISCONNECT", () => {
  const stand = new Stand();
  const messages = [
    () => stand.at("1").register("t"),
    () => stand.at("2").publish(1, "x", 1),
    () => stand.at("3").subscribe("t"),
    () => stand.at("4").puback(1),
    () => stand.at("5").regack(1),
    () => stand.at("6").ping(),
  ];
  for (const message of messages) assert.deepEqual(message(), disconnect);
  stand.pass(10);
  assert.match(stand.door.announced.get("$SYS/gateway/links/udp") ?? "", /"unknownSenders":6/);
});

test("decisions: Unknown sender: DISCONNECTs to unknown senders are limited per address", () => {
  const stand = new Stand({ unknownSenderRate: 2 });
  const one = stand.at("one");
  for (let count = 0; count < 10; count++) one.say({ kind: "pingresp" });
  assert.equal(one.take().length, 2);
  assert.deepEqual(stand.at("other").register("t"), disconnect);
  stand.pass(10);
  assert.deepEqual(one.register("t"), disconnect);
});

test("two gateways do not answer each other forever", () => {
  const stand = new Stand();
  const other = stand.at("another gateway");
  let exchanged = 0;
  for (let round = 0; round < 100; round++) exchanged += other.disconnect().length;
  assert.ok(exchanged <= 5);
});

test("what only gateways send is not answered", () => {
  const stand = new Stand();
  const other = stand.at("another gateway");
  other.say({ kind: "advertise", gatewayId: 2, duration: 900 });
  other.say({ kind: "gwinfo", gatewayId: 2, gatewayAddress: new Uint8Array(0) });
  other.say({ kind: "connack", returnCode: 0 });
  other.say({ kind: "suback", qos: 0, topicId: 1, messageId: 1, returnCode: 0 });
  other.say({ kind: "willtopicreq" });
  assert.deepEqual(other.take(), []);
  stand.pass(10);
  assert.match(stand.door.announced.get("$SYS/gateway/links/udp") ?? "", /"faults":3/);
});

test("decisions: Header: a broken frame is dropped, counted, and logged once per address and minute", () => {
  const stand = new Stand();
  const node = stand.node("n");
  for (let count = 0; count < 5; count++) node.sayRaw(new Uint8Array([9, 0x16]));
  assert.deepEqual(node.take(), []);
  assert.equal(stand.logged(/^dropped a frame from udp\/at-n \(node "n"\): /, "warn"), 1);
  stand.pass(59);
  node.sayRaw(new Uint8Array([9, 0x16]));
  assert.equal(stand.logged(/^dropped a frame/), 1);
  stand.pass(1);
  node.sayRaw(new Uint8Array([9, 0x16]));
  assert.equal(stand.logged(/^dropped a frame/), 2);
  stand.pass(10);
  assert.match(stand.door.announced.get("$SYS/gateway/links/udp") ?? "", /"faults":7/);
});

test("frames of a link that is not attached are ignored", () => {
  const stand = new Stand();
  const node = stand.node("n", { clean: false });
  stand.gateway.detach(stand.link);
  assert.deepEqual(node.ping(), []);
  assert.deepEqual(stand.at("x").connect("m"), []);
});

test("a link that comes back finds its nodes", () => {
  const stand = new Stand();
  const node = stand.node("n", { clean: false, keepAlive: 600 });
  node.subscribe({ type: "short", name: "ab" }, 1);
  stand.gateway.detach(stand.link);
  stand.door.publish("ab", "x", 1);
  stand.gateway.attach(stand.link);
  assert.deepEqual(node.take(), []);
  assert.deepEqual(
    node.ping().map((message) => message.kind),
    ["pingresp", "publish"],
  );
});
