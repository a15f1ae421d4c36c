/** The watch over memory_limit. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { MemoryWatch } from "../../../src/system/memory-watch.ts";
import { KeptLog } from "../../kit/kept-log.ts";
import { VirtualClock } from "../../kit/virtual-clock.ts";

test("passing the limit is told once, either way, and a new limit holds within a second", () => {
  const clock = new VirtualClock();
  const log = new KeptLog();
  const told: boolean[] = [];
  let limit = 0;
  const watch = new MemoryWatch({
    scheduler: clock.scheduler,
    log,
    limit: () => limit,
    full: (isFull) => told.push(isFull),
  });
  watch.start();
  clock.advance(5000);
  assert.deepEqual(told, []);
  // No process gets along with a byte.
  limit = 1;
  clock.advance(5000);
  assert.deepEqual(told, [true]);
  assert.match(log.lines[0] ?? "", /^warn: Midge takes \d+ bytes, over memory_limit/);
  limit = 0;
  clock.advance(5000);
  assert.deepEqual(told, [true, false]);
  assert.equal(log.lines.length, 2);
  watch.stop();
  limit = 1;
  clock.advance(5000);
  assert.equal(told.length, 2);
});
