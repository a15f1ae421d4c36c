/** What is published and logged of the store. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type StoreFigures, StoreReport, storeState } from "../../../src/store/store-report.ts";
import { KeptLog } from "../../kit/kept-log.ts";
import { VirtualClock } from "../../kit/virtual-clock.ts";

const FIGURES: StoreFigures = {
  state: "ok",
  mode: "strict",
  folder: "/data",
  problem: undefined,
  commits: 3,
  bytes: 1000,
  unsafe: 2,
  unsafeAge: 12.6,
  unsafeLimit: 15_000,
  today: 4096,
  perYear: undefined,
  free: 1e9,
  reserve: 16_000_000,
  damaged: [],
};

function stand(): {
  clock: VirtualClock;
  log: KeptLog;
  shown: Map<string, string>;
  report: StoreReport;
  set(figures: Partial<StoreFigures>): void;
  every(interval: number): void;
} {
  const clock = new VirtualClock();
  const log = new KeptLog();
  const shown = new Map<string, string>();
  let figures = FIGURES;
  let interval = 10_000;
  const report = new StoreReport({
    figures: () => figures,
    announce: (topic, payload) => shown.set(topic, new TextDecoder().decode(payload)),
    interval: () => interval,
    scheduler: clock.scheduler,
    log,
  });
  return {
    clock,
    log,
    shown,
    report,
    set: (some) => {
      figures = { ...figures, ...some };
    },
    every: (some) => {
      interval = some;
    },
  };
}

test("a store is slow once its oldest change is too old; what refuses counts more", () => {
  const well = { problem: undefined, full: false, unsafeAge: 15_000, unsafeLimit: 15_000 };
  assert.equal(storeState(well), "ok");
  assert.equal(storeState({ ...well, unsafeAge: 15_001 }), "slow");
  assert.equal(storeState({ ...well, unsafeAge: 15_001, full: true }), "low");
  assert.equal(storeState({ ...well, full: true, problem: "" }), "failing");
});

test("all figures are under $SYS/broker/store, those that are known", () => {
  const { report, shown } = stand();
  report.start();
  assert.deepEqual(Object.fromEntries(shown), {
    "$SYS/broker/store/state": "ok",
    "$SYS/broker/store/mode": "strict",
    "$SYS/broker/store/folder": "/data",
    "$SYS/broker/store/commits": "3",
    "$SYS/broker/store/bytes/written": "1000",
    "$SYS/broker/store/bytes/today": "4096",
    "$SYS/broker/store/unsafe/count": "2",
    "$SYS/broker/store/unsafe/age": "13",
    "$SYS/broker/store/unsafe/limit": "15000",
    "$SYS/broker/store/disk/free": "1000000000",
    "$SYS/broker/store/disk/reserve": "16000000",
  });
});

test("a change is told after the interval, or at once when asked for; nothing else is", () => {
  const { clock, report, shown, set } = stand();
  report.start();
  shown.clear();
  clock.advance(10_000);
  assert.equal(shown.size, 0);
  set({ state: "low", commits: 4 });
  clock.advance(10_000);
  assert.deepEqual([...shown.values()], ["low", "4"]);
  shown.clear();
  set({ damaged: ["damaged-1", "damaged-2"] });
  report.update();
  assert.deepEqual([...shown], [["$SYS/broker/store/damaged", "damaged-1 damaged-2"]]);
  set({ damaged: [] });
  report.update();
  assert.equal(shown.get("$SYS/broker/store/damaged"), "", "once removed, it is gone");
});

test("why the disk refuses is told, until it does not any more", () => {
  const { report, shown, set } = stand();
  report.start();
  set({ state: "failing", problem: "No space left on device" });
  report.update();
  assert.equal(shown.get("$SYS/broker/store/problem"), "No space left on device");
  set({ state: "ok", problem: undefined });
  report.update();
  assert.equal(shown.get("$SYS/broker/store/problem"), "");
});

test("where nothing is kept, that is all there is to say", () => {
  const { report, shown, set } = stand();
  set({ state: "memory" });
  report.start();
  assert.deepEqual([...shown], [["$SYS/broker/store/state", "memory"]]);
});

test("sys_interval 0 turns it off, and a new configuration on again", () => {
  const { clock, report, shown, every } = stand();
  every(0);
  report.start();
  clock.advance(60_000);
  assert.equal(shown.size, 0);
  every(5000);
  report.reload();
  assert.ok(shown.size > 0);
});

test("the log tells once an hour, if there was anything, and at the end", () => {
  const { clock, report, log, set } = stand();
  report.start();
  clock.advance(3_600_000);
  set({ unsafe: 0, unsafeAge: 0 });
  clock.advance(3_600_000);
  set({ commits: 9 });
  report.stop();
  assert.deepEqual(log.lines, [
    "info: store: 3 commits, 1000 bytes written; the oldest unsafe change is 13 ms old, the disk took 4096 bytes today",
    "info: store: 9 commits, 1000 bytes written; nothing is unsafe, the disk took 4096 bytes today",
  ]);
});
