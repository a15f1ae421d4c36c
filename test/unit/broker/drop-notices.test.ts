/** Dropped messages: by what policy, how they are counted, and what the log says. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { DROPPED, DropNotices } from "../../../src/broker/drop-notices.ts";
import { KeptLog } from "../../kit/kept-log.ts";
import { TestBroker } from "../../kit/test-broker.ts";
import { VirtualClock } from "../../kit/virtual-clock.ts";

const MINUTE = 60_000;

function stand() {
  const clock = new VirtualClock();
  const log = new KeptLog();
  return { clock, log, notices: new DropNotices(clock.scheduler, log, DROPPED) };
}

test("the first is told at once, those after it once a minute, the last of them too", () => {
  const { clock, log, notices } = stand();
  for (let count = 0; count < 5; count++) notices.note("c");
  assert.deepEqual(log.lines.splice(0), [
    "warn: Outgoing messages are being dropped for client c.",
  ]);
  clock.advance(MINUTE);
  assert.deepEqual(log.lines.splice(0), [
    "warn: Outgoing messages are being dropped for client c. (4 messages)",
  ]);
  notices.note("c");
  clock.advance(MINUTE);
  assert.deepEqual(log.lines.splice(0), [
    "warn: Outgoing messages are being dropped for client c.",
  ]);
  clock.advance(MINUTE);
  notices.note("c");
  assert.equal(log.lines.length, 1);
});

test("more clients than anybody wants to read of have one line together", () => {
  const { clock, log, notices } = stand();
  for (let round = 0; round < 3; round++) {
    for (let index = 0; index < 5000; index++) notices.note(`c${index}`);
  }
  assert.equal(log.lines.splice(0).length, 100);
  clock.advance(MINUTE);
  assert.equal(log.lines.length, 101);
  assert.ok(
    log.lines.includes(
      "warn: Outgoing messages are being dropped for other clients. (14700 messages)",
    ),
  );
  clock.advance(MINUTE);
  assert.equal(clock.scheduler.nextDeadline(), undefined);
});

test("every policy that drops is counted and told", () => {
  const broker = new TestBroker({ options: { maxQueuedMessages: 2, messageSizeLimit: 100 } });
  const dropped = () => broker.broker.counters.publishDropped;
  const away = broker.connect("away", { cleanStart: false });
  away.subscribe("t", 1);
  away.break();
  const narrow = broker.connect5("narrow", { maximumPacketSize: 40 });
  narrow.subscribe("n/#", 1);
  const publisher = broker.connect("p");
  for (let packetId = 1; packetId <= 3; packetId++) publisher.publish("t", "x", 1, packetId);
  assert.equal(dropped(), 1, "a full queue");
  publisher.publish("n/0", "x".repeat(50));
  publisher.publish("n/1", "x".repeat(50), 1, 9);
  assert.equal(dropped(), 3, "longer than the client takes");
  publisher.publish("t", "x".repeat(101), 1, 10);
  assert.equal(dropped(), 4, "longer than message_size_limit");
  const told = broker.log.lines.filter((line) => line.includes("ropped"));
  assert.deepEqual(told, [
    "warn: Outgoing messages are being dropped for client away.",
    "warn: Outgoing messages are being dropped for client narrow.",
    "debug: Dropped too large PUBLISH from p (d0, q1, r0, m10, 't', ... (101 bytes))",
  ]);
});
