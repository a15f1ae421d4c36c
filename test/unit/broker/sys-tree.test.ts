/** `$SYS/broker/…`. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { SysTree } from "../../../src/broker/sys-tree.ts";
import { TestBroker } from "../../kit/test-broker.ts";

function values(broker: TestBroker): Map<string, string> {
  const reader = broker.connect("reader");
  reader.subscribe("$SYS/broker/#");
  const found = reader.messages().map((line): [string, string] => {
    const [topic = "", value = ""] = line.split("=");
    return [topic.slice("$SYS/broker/".length), value.replace(/ retain$/, "")];
  });
  reader.send({ kind: "disconnect" });
  return new Map(found);
}

test("counts clients, messages and bytes, and is retained", () => {
  const broker = new TestBroker({ options: { version: "1.2.3", sysInterval: 10_000 } });
  const sys = new SysTree(broker.broker);
  sys.start();
  const client = broker.connect("a");
  client.subscribe("t");
  client.publish("t", "12345");
  client.publish("r", "x", 0, 0, true);
  broker.connect("b", { cleanStart: false }).break();
  broker.clock.advance(20_000);
  const found = values(broker);
  assert.equal(found.get("version"), "midge version 1.2.3");
  assert.equal(found.get("uptime"), "20 seconds");
  assert.equal(found.get("clients/connected"), "1");
  assert.equal(found.get("clients/total"), "2");
  assert.equal(found.get("clients/disconnected"), "1");
  assert.equal(found.get("publish/messages/received"), "2");
  assert.equal(found.get("publish/messages/sent"), "1");
  assert.equal(found.get("publish/bytes/received"), "6");
  assert.equal(found.get("subscriptions/count"), "1");
  assert.equal(found.get("messages/received"), "5");
});

test("load averages approach the rate per minute and fade", () => {
  const broker = new TestBroker({ options: { sysInterval: 10_000 } });
  const sys = new SysTree(broker.broker);
  sys.start();
  const client = broker.connect("a");
  for (let tick = 0; tick < 120; tick++) {
    client.publish("t", "x");
    broker.clock.advance(10_000);
  }
  const busy = values(broker);
  assert.equal(Math.round(Number(busy.get("load/publish/received/1min"))), 6);
  broker.clock.advance(600_000);
  assert.equal(Math.round(Number(values(broker).get("load/publish/received/1min"))), 0);
});

test("an interval of 0 turns it off", () => {
  const broker = new TestBroker({ options: { sysInterval: 0 } });
  new SysTree(broker.broker).start();
  broker.clock.advance(60_000);
  assert.equal(values(broker).size, 0);
});

/** What Mosquitto has no topics for. */
const OWN = ["queue/dropped/age", "queue/dropped/full", "queue/refused"];
/** All that Mosquitto 2.1 publishes below `$SYS/broker/`, save what bridges and the log add. */
const TOPICS = [
  ...OWN,
  "bytes/received",
  "bytes/sent",
  "clients/active",
  "clients/connected",
  "clients/disconnected",
  "clients/expired",
  "clients/inactive",
  "clients/maximum",
  "clients/total",
  "connections/socket/count",
  "heap/current",
  "heap/maximum",
  ...[
    "bytes/received",
    "bytes/sent",
    "connections",
    "messages/received",
    "messages/sent",
    "publish/dropped",
    "publish/received",
    "publish/sent",
    "sockets",
  ].flatMap((what) => ["1min", "5min", "15min"].map((window) => `load/${what}/${window}`)),
  "messages/received",
  "messages/sent",
  "messages/stored",
  "packet/out/bytes",
  "packet/out/count",
  "publish/bytes/received",
  "publish/bytes/sent",
  "publish/messages/dropped",
  "publish/messages/received",
  "publish/messages/sent",
  "retained messages/count",
  "shared_subscriptions/count",
  "store/messages/bytes",
  "store/messages/count",
  "subscriptions/count",
  "uptime",
  "version",
];

test("every topic of Mosquitto's is there from the start", () => {
  const broker = new TestBroker();
  new SysTree(broker.broker, () => 1000).start();
  const found = values(broker);
  assert.deepEqual([...found.keys()].sort(), [...TOPICS].sort());
  assert.equal(found.get("load/sockets/1min"), "0.00");
  assert.equal(found.get("retained messages/count"), String(TOPICS.length));
});

test("what is held for those who are away is counted, and what waits for those who are slow", () => {
  const broker = new TestBroker({ options: { maxInflightMessages: 1 } });
  const sys = new SysTree(broker.broker);
  sys.start();
  const before = values(broker);
  const away = broker.connect("away", { cleanStart: false });
  away.subscribe("t", 1);
  away.break();
  const slow = broker.connect("slow");
  slow.subscribe("t", 1);
  const publisher = broker.connect("p");
  for (let packetId = 1; packetId <= 3; packetId++) publisher.publish("t", "12345", 1, packetId);
  publisher.publish("r", "1234567890", 0, 0, true);
  broker.clock.advance(10_000);
  const after = values(broker);
  const grown = (topic: string) => Number(after.get(topic)) - Number(before.get(topic));
  assert.equal(grown("retained messages/count"), 1);
  assert.equal(grown("store/messages/count"), 4);
  assert.equal(grown("messages/stored"), 4);
  assert.equal(after.get("packet/out/count"), "2");
  assert.equal(after.get("packet/out/bytes"), "10");
  // Three messages of five bytes wait; showing the figure itself may have made it longer.
  const waiting = Number(after.get("store/messages/bytes")) - broker.broker.retained.bytes;
  assert.ok(waiting <= 15 && waiting > 10, `${waiting}`);
  publisher.publish("r", "", 0, 0, true);
  broker.clock.advance(10_000);
  assert.equal(Number(values(broker).get("retained messages/count")), TOPICS.length - 2);
});

test("the heap's most is kept", () => {
  const broker = new TestBroker();
  let used = 500;
  new SysTree(broker.broker, () => used).start();
  used = 900;
  broker.clock.advance(10_000);
  used = 400;
  broker.clock.advance(10_000);
  const found = values(broker);
  assert.equal(found.get("heap/current"), "400");
  assert.equal(found.get("heap/maximum"), "900");
});

test("connections are counted whatever became of them, CONNECT packets apart", () => {
  const broker = new TestBroker();
  new SysTree(broker.broker).start();
  broker.dial().break();
  broker.connect("a");
  broker.clock.advance(10_000);
  const found = values(broker);
  assert.equal(found.get("connections/socket/count"), "2");
  // 6 and 12 a minute for ten seconds.
  assert.equal(found.get("load/connections/1min"), (6 * (1 - Math.exp(-1 / 6))).toFixed(2));
  assert.equal(found.get("load/sockets/1min"), (12 * (1 - Math.exp(-1 / 6))).toFixed(2));
});

test("a new interval holds at once; 0 takes away what is shown, and ends the updates", () => {
  const broker = new TestBroker();
  const sys = new SysTree(broker.broker);
  sys.start();
  const setInterval = (sysInterval: number) => {
    broker.broker.options = { ...broker.broker.options, sysInterval };
    sys.reload();
  };
  setInterval(60_000);
  broker.clock.advance(59_000);
  assert.equal(values(broker).get("uptime"), "0 seconds");
  broker.clock.advance(1000);
  assert.equal(values(broker).get("uptime"), "60 seconds");
  setInterval(0);
  broker.clock.advance(120_000);
  assert.equal(values(broker).size, 0);
  setInterval(1000);
  assert.equal(values(broker).get("uptime"), "180 seconds");
});

test("what bridges tell of their connection is retained, but not over a restart", () => {
  const broker = new TestBroker();
  const bridge = broker.connect("bridge");
  bridge.publish("$SYS/broker/connection/b/state", "1", 1, 1, true);
  assert.deepEqual(
    bridge.take().map(({ kind }) => kind),
    ["puback"],
  );
  assert.deepEqual([...values(broker)], [["connection/b/state", "1"]]);
  assert.equal(values(broker.restart()).size, 0);
});
