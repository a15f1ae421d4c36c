/** Retained messages. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { TestBroker } from "../../kit/test-broker.ts";

test("[MQTT-3.3.1-6] a new subscription gets the last retained message of each topic, after SUBACK", () => {
  const broker = new TestBroker();
  const publisher = broker.connect("p");
  publisher.publish("a/1", "old", 0, 0, true);
  publisher.publish("a/1", "new", 1, 1, true);
  publisher.publish("a/2", "two", 0, 0, true);
  publisher.publish("b", "other", 0, 0, true);
  const client = broker.connect("c");
  client.send({ kind: "subscribe", packetId: 4, subscriptions: [{ filter: "a/+", qos: 1 }] });
  const [first, ...rest] = client.take();
  assert.equal(first?.kind, "suback");
  assert.equal(rest.length, 2);
  const again = broker.connect("d");
  again.subscribe("a/+", 1);
  assert.deepEqual(again.messages().sort(), ["a/1=new q1 retain", "a/2=two retain"]);
});

test("[MQTT-3.3.1-9] subscribers who are there already get it without RETAIN", () => {
  const broker = new TestBroker();
  const client = broker.connect("c");
  client.subscribe("a");
  client.publish("a", "x", 0, 0, true);
  assert.deepEqual(client.messages(), ["a=x"]);
});

test("[MQTT-3.3.1-10] an empty retained message is passed on and removes the one kept", () => {
  const broker = new TestBroker();
  const client = broker.connect("c");
  client.publish("a", "x", 0, 0, true);
  client.subscribe("a");
  client.messages();
  client.publish("a", "", 0, 0, true);
  assert.deepEqual(client.messages(), ["a="]);
  assert.equal(broker.broker.retained.count, 0);
  client.subscribe("a");
  assert.deepEqual(client.messages(), []);
});

test("a subscription gets all retained messages even where they are more than its queue holds", () => {
  const broker = new TestBroker({ options: { maxInflightMessages: 1, maxQueuedMessages: 5 } });
  const publisher = broker.connect("p");
  for (let n = 0; n < 50; n++) publisher.publish(`a/${n}`, `${n}`, 1, n + 1, true);
  const client = broker.connect("c");
  client.subscribe("a/#", 1);
  let count = 0;
  for (let got = client.take(); got.length > 0; got = client.take()) {
    for (const packet of got) {
      count++;
      if (packet.kind === "publish") client.send({ kind: "puback", packetId: packet.packetId });
    }
  }
  assert.equal(count, 50);
});

test("retained messages survive a restart", () => {
  const broker = new TestBroker();
  const publisher = broker.connect("p");
  publisher.publish("a", "kept", 1, 1, true);
  publisher.publish("b", "removed", 1, 2, true);
  publisher.publish("b", "", 1, 3, true);
  const client = broker.restart().connect("c");
  client.subscribe("#");
  assert.deepEqual(client.messages(), ["a=kept retain"]);
});

test("a QoS 1 message that is retained is acknowledged only when it is on the disk", () => {
  const broker = new TestBroker({ autoCommit: false });
  const client = broker.connect("c");
  client.publish("a", "x", 1, 1, true);
  assert.deepEqual(client.take(), []);
  broker.disk.commit();
  assert.deepEqual(client.take(), [{ kind: "puback", packetId: 1 }]);
});

test("without retain_available a retained PUBLISH closes the connection", () => {
  const broker = new TestBroker({ options: { retainAvailable: false } });
  const client = broker.connect("c");
  client.publish("a", "x", 0, 0, true);
  assert.equal(client.closed, true);
  assert.equal(broker.broker.retained.count, 0);
});
