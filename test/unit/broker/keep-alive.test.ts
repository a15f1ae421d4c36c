/** Keep alive: what counts as a sign of life, and how long a long packet may take. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { field, frame } from "../../kit/raw-packets.ts";
import { TestBroker, type TestClient } from "../../kit/test-broker.ts";

/** One and a half times the keep alive of the clients here, ms. */
const SPAN = 15_000;

interface Stand {
  readonly broker: TestBroker;
  readonly client: TestClient;
  readonly watcher: TestClient;
}

function stand(): Stand {
  const broker = new TestBroker();
  const watcher = broker.connect("watcher");
  watcher.subscribe("t");
  return { broker, watcher, client: broker.connect("slow", { keepAlive: 10 }) };
}

/** A PUBLISH of this many bytes of payload. */
function publish(payload: number): Uint8Array {
  return frame(0x30, field("t"), new Uint8Array(payload).fill(0x78));
}

/** Sends `bytes` a piece a second; answers after how many seconds the connection was closed, or all was sent. */
function trickle({ broker, client }: Stand, bytes: Uint8Array, aSecond: number): number {
  let seconds = 0;
  for (let at = 0; at < bytes.length && !client.closed; at += aSecond) {
    client.sendBytes(bytes.subarray(at, at + aSecond));
    broker.clock.advance(1000);
    seconds++;
  }
  return seconds;
}

test("a byte a second of a packet without end is no sign of life", () => {
  const on = stand();
  assert.equal(trickle(on, publish(100_000), 1), SPAN / 1000);
  assert.equal(on.client.closed, true);
});

test("a long packet that comes steadily over a slow link arrives, and the client is supervised as before", () => {
  const on = stand();
  const bytes = publish(100_000);
  assert.equal(trickle(on, bytes, 200), Math.ceil(bytes.length / 200));
  assert.equal(on.client.closed, false);
  assert.equal(on.watcher.publishes()[0]?.payload.length, 100_000);
  on.broker.clock.advance(SPAN - 1001);
  assert.equal(on.client.closed, false);
  on.broker.clock.advance(1);
  assert.equal(on.client.closed, true);
});

test("a packet that stops half way ends the connection when a span has brought next to nothing of it", () => {
  const on = stand();
  const bytes = publish(10_000);
  on.client.sendBytes(bytes.subarray(0, 5000));
  on.broker.clock.advance(2 * SPAN - 1);
  assert.equal(on.client.closed, false);
  on.client.sendBytes(bytes.subarray(5000, 6023));
  on.broker.clock.advance(1);
  assert.equal(on.client.closed, true);
});

test("a packet has 64 spans more than others at most, however long it is", () => {
  const on = stand();
  const bytes = publish(1_000_000);
  const seconds = trickle(on, bytes, 100);
  assert.equal(seconds, (65 * SPAN) / 1000);
  assert.equal(on.client.closed, true);
});

test("each long packet has its own time: one that follows another is not the worse for it", () => {
  const on = stand();
  for (let count = 0; count < 3; count++) {
    trickle(on, publish(60_000), 100);
    assert.equal(on.client.closed, false);
  }
  assert.equal(on.watcher.publishes().length, 3);
});

test("whole packets before a part of one count in full", () => {
  const on = stand();
  on.broker.clock.advance(SPAN - 1);
  on.client.send({ kind: "pingreq" });
  on.client.sendBytes(publish(10).subarray(0, 3));
  on.broker.clock.advance(SPAN - 1);
  assert.equal(on.client.closed, false);
  on.broker.clock.advance(1);
  assert.equal(on.client.closed, true);
});
