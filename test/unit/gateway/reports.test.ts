/** What operators see under `$SYS/gateway/`. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { frameOf, Stand } from "./stand.ts";

test("a node is reported with all that is known of it", () => {
  const stand = new Stand();
  stand.link.retryInterval = 7000;
  const node = stand.at("10.0.0.7:5000");
  node.connect("n", { clean: false, keepAlive: 30 });
  node.register("t");
  node.subscribe({ type: "short", name: "ab" }, 1);
  node.publish(1, "x");
  stand.door.publish("ab", "y", 1);
  stand.pass(10);
  assert.deepEqual(stand.report("n"), {
    clientId: "n",
    state: "active",
    link: "udp",
    address: "10.0.0.7:5000",
    since: "2026-01-01T00:00:00.000Z",
    lastSeen: "2026-01-01T00:00:00.000Z",
    keepAlive: 30,
    sleepDuration: null,
    messagesIn: 1,
    messagesOut: 1,
    retries: 1,
    dropped: 0,
    buffered: 1,
    topicIds: 1,
  });
});

test("the report is retained", () => {
  const stand = new Stand();
  stand.node("n");
  assert.equal(stand.door.retained.has("$SYS/gateway/nodes/n"), true);
});

test("ClientIds are percent-encoded where they would part, match or break topic levels", () => {
  const stand = new Stand();
  stand.node("a/b+c#d%e f");
  assert.equal(stand.state("a%2Fb%2Bc%23d%25e f"), "active");
});

test("a change of state is reported at once, activity at most once per interval", () => {
  const stand = new Stand();
  const node = stand.node("n");
  const start = stand.door.announcements;
  for (let count = 0; count < 100; count++) {
    node.ping();
    stand.pass(0.05);
  }
  assert.equal(stand.door.announcements, start);
  stand.pass(5);
  const lastSeen = stand.report("n").lastSeen;
  assert.equal(lastSeen, "2026-01-01T00:00:04.950Z");
  node.disconnect(60);
  assert.equal(stand.state("n"), "asleep");
  assert.equal(stand.report("n").since, "2026-01-01T00:00:10.000Z");
});

test("a node that is silent is not reported again", () => {
  const stand = new Stand();
  stand.node("n", { keepAlive: 0 });
  stand.pass(20);
  const before = stand.door.announcements;
  stand.pass(600);
  assert.equal(stand.door.announcements, before);
});

test("a waking with nothing buffered is no change of state", () => {
  const stand = new Stand();
  const node = stand.sleeper("n", "t");
  const { since } = stand.report("n");
  stand.pass(20);
  node.ping("n");
  stand.pass(10);
  assert.equal(stand.report("n").since, since);
  assert.equal(stand.report("n").lastSeen, "2026-01-01T00:00:20.000Z");
});

test("the buffer of a sleeping node is brought up to date while it sleeps", () => {
  const stand = new Stand();
  stand.sleeper("n", "t");
  for (let count = 0; count < 3; count++) stand.door.publish("t", "x", 1);
  stand.pass(20);
  assert.equal(stand.report("n").buffered, 3);
});

test("a forgotten node leaves an empty retained message, and its session", () => {
  const stand = new Stand();
  const node = stand.node("n", { clean: false });
  node.register("t");
  assert.equal(stand.gateway.forget("n"), true);
  assert.equal(stand.door.announced.get("$SYS/gateway/nodes/n"), "");
  assert.equal(stand.door.sessions.has("n"), false);
  assert.deepEqual([...stand.journal.records.keys()], []);
  assert.deepEqual(node.kinds(), ["disconnect"]);
  stand.pass(100);
  assert.equal(stand.door.announced.get("$SYS/gateway/nodes/n"), "");
  assert.equal(stand.gateway.forget("n"), false);
});

test("totals are plain numbers, awake nodes counting as asleep", () => {
  const stand = new Stand();
  const total = (name: string) => stand.door.announced.get(`$SYS/gateway/count/${name}`);
  assert.equal(total("total"), "0");
  stand.node("active", { keepAlive: 0 });
  stand.sleeper("asleep", "t");
  const awake = stand.sleeper("awake", "t");
  stand.node("lost", { keepAlive: 1 });
  stand.node("disconnected").disconnect();
  stand.pass(9);
  stand.door.publish("t", "x", 1);
  awake.ping("awake");
  stand.pass(1);
  const names = ["active", "asleep", "lost", "total"];
  assert.deepEqual(names.map(total), ["1", "2", "1", "5"]);
  assert.equal(stand.state("awake"), "awake");
});

test("links are reported with their counters once per interval where these changed", () => {
  const stand = new Stand();
  stand.node("n", { keepAlive: 0 }).register("t");
  stand.pass(10);
  assert.deepEqual(stand.linkReport(), {
    open: true,
    nodes: 1,
    framesIn: 2,
    framesOut: 3,
    bytesIn: 14,
    bytesOut: 15,
    faults: 0,
    unknownSenders: 0,
    dropped: 0,
    refused: 0,
    throttled: 0,
    retransmissions: 0,
    faultsBy: {},
    gateways: [],
  });
  stand.pass(10);
  const before = stand.door.announcements;
  stand.pass(100);
  assert.equal(stand.door.announcements, before);
});

test("faults are counted by cause, retransmissions and drops by node and link", () => {
  const stand = new Stand();
  stand.link.retryInterval = 7000;
  const node = stand.node("n", { keepAlive: 0 });
  node.subscribe({ type: "short", name: "ab" }, 1);
  node.sayRaw(new Uint8Array([9, 0x18]));
  node.sayRaw(new Uint8Array([2, 0x03]));
  node.sayRaw(new Uint8Array([3, 0x05, 0]));
  node.sayRaw(new Uint8Array([7, 0x0c, 3, 0, 0, 0, 0]));
  node.sayRaw(new Uint8Array([3, 0x16, 0xff]));
  stand.door.publish("ab", "x".repeat(2000), 1);
  stand.door.publish("ab", "x", 1);
  stand.pass(20);
  const { faults, faultsBy, retransmissions, dropped } = stand.linkReport();
  assert.deepEqual(faultsBy, { length: 1, type: 1, direction: 1, flags: 1, text: 1 });
  assert.deepEqual([faults, retransmissions, dropped], [5, 2, 1]);
  stand.pass(5);
  const report = stand.report("n");
  assert.deepEqual([report.retries, report.dropped, report.droppedBy], [3, 1, { tooLong: 1 }]);
});

test("why messages for a node were dropped is told by reason", () => {
  const stand = new Stand({ maxTopicIds: 2 });
  const node = stand.node("n", { clean: false });
  node.subscribe("#", 1);
  stand.door.publish("taken", "x", 1);
  node.regack(1, 3);
  stand.door.publish("another", "x", 1);
  node.regack(2);
  node.puback(2);
  stand.door.publish("third", "x", 1);
  stand.pass(10);
  assert.deepEqual(stand.report("n").droppedBy, { refused: 1, noTopicId: 1 });
  assert.equal(stand.logged(/^message for node "n" at .* dropped: /, "info"), 2);
});

test("how a node was received is told where the link tells, of the node's own frames", () => {
  const stand = new Stand();
  const node = stand.at("a");
  const connect = frameOf({
    kind: "connect",
    clientId: "n",
    cleanSession: true,
    will: false,
    duration: 60,
    protocolId: 1,
  });
  node.sayRaw(connect, { rssi: -71, snr: 9.5 });
  stand.pass(10);
  assert.deepEqual([stand.report("n").rssi, stand.report("n").snr], [-71, 9.5]);
  node.sayRaw(new Uint8Array([2, 0x16]), { rssi: -80, battery: 3.1 });
  node.sayRaw(new Uint8Array([2, 0x16]));
  stand.pass(10);
  const { rssi, snr, battery } = stand.report("n");
  assert.deepEqual([rssi, snr, battery], [-80, undefined, 3.1]);
  const wrapped = new Uint8Array([4, 0xfe, 0, 7, ...connect]);
  stand.at("fwd").sayRaw(wrapped, { rssi: -20 });
  stand.pass(10);
  assert.equal(stand.report("n").rssi, -80);
});

test("a node that comes and goes does not fill the log", () => {
  const stand = new Stand();
  const node = stand.at("a");
  for (let count = 0; count < 50; count++) {
    node.connect("n");
    node.disconnect();
  }
  assert.equal(stand.logged(/^node "n"/, "info"), 10);
  assert.equal(stand.logged(/^node "n"/, "debug"), 90);
  stand.pass(60);
  node.connect("n");
  assert.equal(stand.logged(/^node "n"/, "info"), 11);
});

test("a link that is gone is told to be closed", () => {
  const stand = new Stand();
  stand.gateway.detach(stand.link);
  stand.pass(10);
  assert.equal(stand.linkReport().open, false);
});

test("a report interval of 0 turns reports off", () => {
  const stand = new Stand({ reportInterval: 0 });
  stand.node("n").disconnect();
  stand.pass(100);
  assert.equal(stand.door.announcements, 0);
});

test("thousands of nodes that speak at once are reported in portions", () => {
  const stand = new Stand();
  for (let count = 0; count < 1000; count++) stand.node(`n${count}`, { keepAlive: 0 }).ping();
  const before = stand.door.announcements;
  stand.pass(10);
  const first = stand.door.announcements - before;
  assert.ok(first < 300, `${first} at once`);
  stand.pass(1);
  assert.ok(stand.door.announcements - before >= 1000);
});

test("a ClientId too long for a topic is not reported, and serves as any", () => {
  const stand = new Stand();
  const clientId = "/".repeat(30_000);
  assert.deepEqual(stand.at("a").connect(clientId), [{ kind: "connack", returnCode: 0 }]);
  for (const topic of stand.door.announced.keys()) assert.ok(topic.length <= 65_535);
});

test("a node that is lost is logged with the cause", () => {
  const stand = new Stand();
  const node = stand.node("n", { keepAlive: 0 });
  node.subscribe({ type: "short", name: "ab" }, 1);
  stand.door.publish("ab", "x", 1);
  stand.pass(50);
  assert.equal(stand.logged(/^node "n" at udp\/at-n lost: does not answer$/, "warn"), 1);
});
