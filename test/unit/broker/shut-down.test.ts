/** How the broker takes leave of its clients when it stops. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { shutDown } from "../../../src/broker/shut-down.ts";
import { hex } from "../../kit/hex.ts";
import { connectPacket, TestBroker } from "../../kit/test-broker.ts";

const KEPT = { sessionExpiryInterval: 100 };

test("a client of MQTT 5.0 is told that the server shuts down, an older one nothing", () => {
  const broker = new TestBroker();
  const client = broker.connect5("new");
  const asking = broker.connect5("asking", { requestProblemInformation: 1 });
  const old = broker.connect("old");
  shutDown(broker.broker);
  assert.deepEqual(client.take(), [{ kind: "disconnect", reasonCode: 0x8b }]);
  const properties = { reasonString: "The server is shutting down." };
  assert.deepEqual(asking.take(), [{ kind: "disconnect", reasonCode: 0x8b, properties }]);
  assert.deepEqual(old.take(), []);
  assert.equal(broker.broker.connected, 0);
});

test("the wires are left to whoever owns them, and what still comes over them does nothing", () => {
  const broker = new TestBroker();
  const client = broker.connect5("client", KEPT);
  shutDown(broker.broker);
  assert.equal(client.closed, false);
  client.send({ kind: "subscribe", packetId: 1, subscriptions: [{ filter: "t", qos: 0 }] });
  client.send({ kind: "pingreq" });
  client.break();
  assert.deepEqual(
    client.take().map(({ kind }) => kind),
    ["disconnect"],
  );
  assert.equal(broker.broker.subscriptions.count, 0);
});

test("clients are sent to another server where there is one", () => {
  const serverReference = "[2001:db8::1]:1883 other.example.org";
  const broker = new TestBroker({ options: { serverReference } });
  const client = broker.connect5("client");
  const tight = broker.connect5("tight", { maximumPacketSize: 20 });
  shutDown(broker.broker);
  assert.deepEqual(client.take(), [
    { kind: "disconnect", reasonCode: 0x9c, properties: { serverReference } },
  ]);
  assert.deepEqual(tight.take(), [{ kind: "disconnect", reasonCode: 0x9c }]);
});

test("there is no DISCONNECT for a client that has not come in [MQTT-3.14.0-1]", () => {
  const broker = new TestBroker();
  const silent = broker.dial(5);
  const half = broker.dial(5);
  half.sendBytes(hex("10 0e 0004"));
  shutDown(broker.broker);
  assert.deepEqual([...silent.take(), ...half.take()], []);
});

test("wills are published, and reach those who are still there", () => {
  const broker = new TestBroker();
  const first = broker.connect5("first");
  first.subscribe("will");
  const will = { topic: "will", payload: hex("78"), qos: 0, retain: false } as const;
  broker.connect5("second", {}, { will });
  const third = broker.connect("third");
  third.subscribe("will");
  shutDown(broker.broker);
  assert.deepEqual(
    first.take().map(({ kind }) => kind),
    ["publish", "disconnect"],
  );
  assert.deepEqual(third.messages(), ["will=x"]);
});

test("sessions that are to be kept are, with what waits in them, over the restart that follows", () => {
  const broker = new TestBroker();
  const client = broker.connect5("client", KEPT);
  client.subscribe("t", 1);
  broker.connect5("other").publish("t", "x", 1, 1);
  shutDown(broker.broker);
  broker.disk.commit();
  const later = broker.restart();
  const again = later.dial(5);
  again.send(connectPacket("client", { level: 5, cleanStart: false, properties: KEPT }));
  assert.deepEqual(
    again.take().map(({ kind }) => kind),
    ["connack", "publish"],
  );
  assert.equal(later.broker.sessions.has("other"), false);
});
