import assert from "node:assert/strict";
import { test } from "node:test";
import { ConnectionRoom } from "../../../src/listeners/connection-room.ts";
import { RefusalLog } from "../../../src/listeners/refusal-log.ts";
import { KeptLog } from "../../kit/kept-log.ts";
import { VirtualClock } from "../../kit/virtual-clock.ts";

function make(openFiles: number | undefined) {
  const clock = new VirtualClock();
  const log = new KeptLog();
  return { clock, log, room: new ConnectionRoom({ openFiles, clock, log }) };
}

test("some descriptors are kept back for everything else", () => {
  assert.equal(make(20_000).room.capacity, 19_744);
  assert.equal(make(1024).room.capacity, 768);
  assert.equal(make(40).room.capacity, 30);
  assert.equal(make(undefined).room.capacity, Number.POSITIVE_INFINITY);
});

test("it is full when so many connections are open, or so many files of any kind", () => {
  const { room } = make(8);
  for (let count = 0; count < 6; count++) {
    assert.equal(room.isFull(-1), false);
    room.take();
  }
  assert.equal(room.isFull(-1), true);
  room.give();
  assert.equal(room.isFull(5), false);
  assert.equal(room.isFull(6), true);
});

test("turning away is told once a minute, with how many it were", () => {
  const { room, clock, log } = make(1024);
  for (let count = 0; count < 1000; count++) room.turnedAway();
  clock.advance(59_999);
  room.turnedAway();
  assert.equal(log.lines.length, 1);
  clock.advance(1);
  room.turnedAway();
  assert.equal(log.lines.length, 2);
  assert.match(
    log.lines[1] ?? "",
    /^error: New connections are refused \(1002 so far\).*which is 1024/,
  );
});

test("refusals are told one by one, up to a bound, and the rest as a number", () => {
  const clock = new VirtualClock();
  const log = new KeptLog();
  const refusals = new RefusalLog(log, clock);
  for (let count = 0; count < 150; count++) refusals.rejected(`192.0.2.1:${count}`, "why");
  assert.equal(log.lines.length, 100);
  assert.equal(log.lines[0], "connection: Connection from 192.0.2.1:0 rejected, why.");
  clock.advance(10_000);
  refusals.rejected("192.0.2.2:1", "why");
  assert.deepEqual(log.lines.slice(100), [
    "notice: 50 more connections were rejected.",
    "connection: Connection from 192.0.2.2:1 rejected, why.",
  ]);
});
