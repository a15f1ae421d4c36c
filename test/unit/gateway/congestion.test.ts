/** Congestion: the bounds on nodes, topic ids and memory. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { SnMessage } from "../../../src/mqttsn/packets.ts";
import { bytes, Stand } from "./stand.ts";

/** Of the first message of an answer. */
function returnCode([message]: SnMessage[]): number | undefined {
  return message !== undefined && "returnCode" in message ? message.returnCode : undefined;
}

test("decisions: Congestion: more nodes than allowed are answered by CONNACK congestion", () => {
  const stand = new Stand({ maxNodes: 2 });
  stand.node("a");
  stand.node("b");
  assert.deepEqual(stand.at("x").connect("c"), [{ kind: "connack", returnCode: 1 }]);
  assert.equal(stand.logged(/refused: no room for another node/, "warn"), 1);
  assert.equal(returnCode(stand.at("y").connect("a")), 0, "a known node is let in");
});

test("a node that went without leaving a session makes room for another, the oldest first", () => {
  const stand = new Stand({ maxNodes: 2 });
  stand.node("a").disconnect();
  stand.node("b").disconnect();
  assert.equal(returnCode(stand.at("x").connect("c")), 0);
  assert.equal(stand.door.announced.get("$SYS/gateway/nodes/a"), "");
  assert.equal(stand.state("b"), "disconnected");
  assert.equal(stand.journal.records.has("g/n/a"), false);
});

test("a node whose session is kept does not make room", () => {
  const stand = new Stand({ maxNodes: 1 });
  stand.node("a", { clean: false }).disconnect();
  assert.equal(returnCode(stand.at("x").connect("b")), 1);
});

test("a connecting node counts, and is no more once it gave up", () => {
  const stand = new Stand({ maxNodes: 1 });
  stand.at("x").connect("a", { will: true });
  assert.equal(returnCode(stand.at("y").connect("b")), 1);
  stand.pass(50);
  assert.equal(returnCode(stand.at("y").connect("b")), 0);
});

test("decisions: Congestion: a node's quota of topic ids: REGACK and SUBACK congestion", () => {
  const stand = new Stand({ maxTopicIds: 2 });
  const node = stand.node("n");
  node.register("a");
  node.subscribe("b");
  assert.equal(returnCode(node.register("c")), 1);
  assert.equal(returnCode(node.subscribe("d")), 1);
  assert.equal(returnCode(node.register("b")), 0, "a name that has an id goes on");
  assert.equal(returnCode(node.subscribe("d/#")), 0, "wildcards take no id");
  assert.equal(stand.logged(/gets no topic id for "c": it has 2/, "warn"), 1);
});

test("a message whose name gets no id any more is dropped for that node and counted", () => {
  const stand = new Stand({ maxTopicIds: 1 });
  const node = stand.node("n");
  node.subscribe("#", 1);
  node.register("a");
  stand.door.publish("long/name", "x", 1);
  assert.deepEqual(node.take(), []);
  assert.equal(stand.door.discarded, 1);
  stand.pass(10);
  assert.equal(stand.report("n").dropped, 1);
});

test("decisions: Congestion: the memory for names of all nodes is bounded: CONNACK, REGACK and SUBACK congestion", () => {
  const stand = new Stand({ maxNameMemory: 20 });
  const node = stand.node("n");
  assert.equal(returnCode(node.register("a".repeat(10))), 0);
  assert.equal(returnCode(node.register("b".repeat(10))), 1);
  assert.equal(returnCode(node.subscribe("b".repeat(10))), 1);
  assert.equal(returnCode(stand.at("x").connect("m".repeat(10))), 1);
  node.connect("n");
  assert.equal(returnCode(node.register("b".repeat(10))), 0, "a clean session gave it back");
});

test("wills count for the memory as well", () => {
  const stand = new Stand({ maxNameMemory: 20 });
  const node = stand.at("a");
  node.connect("n", { will: true });
  node.say({ kind: "willtopic", topic: "w", qos: 0, retain: false });
  node.say({ kind: "willmsg", payload: bytes("x".repeat(20)) });
  assert.deepEqual(node.take().at(-1), { kind: "connack", returnCode: 1 });
  assert.deepEqual(stand.report("n"), {});
  node.connect("n");
  node.say({ kind: "willtopicupd", topic: "w".repeat(20), qos: 0, retain: false });
  assert.deepEqual(node.take(), [{ kind: "willtopicresp", returnCode: 1 }]);
});

test("refusals from one address are logged once per minute", () => {
  const stand = new Stand({ maxNodes: 1 });
  stand.node("a");
  for (let count = 0; count < 100; count++) stand.at("x").connect(`c${count}`);
  assert.equal(stand.logged(/refused/), 1);
});
