/** Whether a broker still does its work, for tests that have mistreated it. */
import assert from "node:assert/strict";
import type { TestBroker } from "./test-broker.ts";

/** Two new clients, one of each version, reach each other at QoS 1. */
export function assertAlive(broker: TestBroker): void {
  const receiver = broker.connect("alive-receiver");
  const publisher = broker.connect5("alive-publisher");
  receiver.subscribe("alive", 1);
  publisher.publish("alive", "yes", 1, 1);
  assert.deepEqual(receiver.messages(), ["alive=yes q1"]);
  assert.deepEqual(publisher.take(), [{ kind: "puback", packetId: 1 }]);
  for (const client of [receiver, publisher]) {
    client.send({ kind: "disconnect" });
    client.break();
  }
}

/** Nothing is left of anyone: no session, subscription, timer or record but those of retained messages. */
export function assertEmpty(broker: TestBroker): void {
  const { sessions, subscriptions, connected } = broker.broker;
  assert.deepEqual([...sessions.keys()], []);
  assert.equal(subscriptions.count, 0);
  assert.equal(connected, 0);
  // Grace times, intervals of log lines and the like end by themselves.
  broker.clock.advance(120_000);
  assert.equal(broker.clock.scheduler.nextDeadline(), undefined);
  while (broker.disk.awaited) broker.disk.commit();
  broker.disk.commit();
  assert.deepEqual(
    broker.disk.records().filter(({ key }) => !key.startsWith("r/")),
    [],
  );
}
