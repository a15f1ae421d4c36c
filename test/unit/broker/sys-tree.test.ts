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
