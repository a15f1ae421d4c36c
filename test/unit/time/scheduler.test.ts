/** The deadline heap. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { VirtualClock } from "../../kit/virtual-clock.ts";

test("actions run in order of their deadlines, equal ones in order of setting, cancelled ones never", () => {
  const item = fc.record({ deadline: fc.nat({ max: 50 }), cancelled: fc.boolean() });
  fc.assert(
    fc.property(fc.array(item, { maxLength: 60 }), (items) => {
      const clock = new VirtualClock();
      const ran: number[] = [];
      const timers = items.map(({ deadline }, index) =>
        clock.scheduler.at(deadline, () => ran.push(index)),
      );
      for (const [index, { cancelled }] of items.entries()) if (cancelled) timers[index]?.cancel();
      clock.advanceTo(100);
      const expected = items
        .map((entry, index) => ({ ...entry, index }))
        .filter(({ cancelled }) => !cancelled)
        .sort((a, b) => a.deadline - b.deadline || a.index - b.index)
        .map(({ index }) => index);
      assert.deepEqual(ran, expected);
      assert.equal(clock.scheduler.nextDeadline(), undefined);
    }),
  );
});

test("an action may set and cancel others", () => {
  const clock = new VirtualClock();
  const ran: string[] = [];
  const second = clock.scheduler.at(20, () => ran.push("cancelled"));
  clock.scheduler.at(10, () => {
    second.cancel();
    clock.scheduler.after(5, () => ran.push("set at 10 for 15"));
    clock.scheduler.at(0, () => ran.push("overdue"));
  });
  clock.advanceTo(30);
  assert.deepEqual(ran, ["overdue", "set at 10 for 15"]);
});

test("the shell is told when the earliest deadline moves forward, and only then", () => {
  const clock = new VirtualClock();
  const told: number[] = [];
  clock.scheduler.onEarlier = (deadline) => told.push(deadline);
  clock.scheduler.at(10, () => {});
  clock.scheduler.at(20, () => {});
  clock.scheduler.at(5, () => {});
  assert.deepEqual(told, [10, 5]);
});
