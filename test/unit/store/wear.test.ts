/** How much the disk is written: today, and what a year of that would be. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { WEAR_KEY, Wear } from "../../../src/store/wear.ts";
import { VirtualClock } from "../../kit/virtual-clock.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

test("bytes count for the day in which they were written", () => {
  const clock = new VirtualClock();
  let written = 500;
  const wear = new Wear(clock, () => written, undefined);
  assert.equal(wear.today, 0, "what came before is not this store's");
  written += 1000;
  clock.advance(HOUR);
  assert.equal(wear.today, 1000);
  clock.advance(DAY);
  assert.equal(wear.today, 0);
  written += 50;
  assert.equal(wear.today, 50);
});

test("the year is what was written over the time that it took", () => {
  const clock = new VirtualClock();
  let written = 0;
  const wear = new Wear(clock, () => written, undefined);
  written = 100;
  assert.equal(wear.perYear, undefined);
  for (let hour = 0; hour < 48; hour++) {
    clock.advance(HOUR);
    written += 1000;
    assert.ok(wear.perYear !== undefined);
  }
  assert.ok(Math.abs((wear.perYear ?? 0) / (1000 * 24 * 365) - 1) < 0.01, `${wear.perYear}`);
});

test("after a month what is older counts less and less", () => {
  const clock = new VirtualClock();
  let written = 0;
  const wear = new Wear(clock, () => written, undefined);
  const days = (count: number, bytes: number): void => {
    for (let day = 0; day < count; day++) {
      clock.advance(DAY);
      written += bytes;
      void wear.today;
    }
  };
  days(60, 1_000_000);
  days(90, 1000);
  assert.ok((wear.perYear ?? 0) < 150_000 * 365, `${wear.perYear}`);
});

test("it goes on over a restart, and a record that cannot be read begins it anew", () => {
  const clock = new VirtualClock();
  let written = 0;
  const before = new Wear(clock, () => written, undefined);
  clock.advance(DAY / 2);
  written = 5000;
  const record = before.record();
  assert.equal(record?.key, WEAR_KEY);
  written = 0;
  const next = new Wear(clock, () => written, record?.value);
  written = 20;
  assert.equal(next.today, 5020);
  assert.ok(Math.abs((next.perYear ?? 0) - 5020 * 2 * 365) < 2, `${next.perYear}`);
  for (const bad of ["", "{}", "[1", '{"total":-1,"elapsed":1,"day":"x","today":1}']) {
    const anew = new Wear(clock, () => written, new TextEncoder().encode(bad));
    assert.equal(anew.today, 0);
  }
});

test("it asks to be written with a commit once a minute, not with each", () => {
  const clock = new VirtualClock();
  const wear = new Wear(clock, () => 0, undefined);
  assert.ok(wear.record());
  clock.advance(MINUTE - 1);
  assert.equal(wear.record(), undefined);
  clock.advance(1);
  assert.ok(wear.record());
});

test("a wall clock that jumps back or forth changes the day and nothing else", () => {
  const clock = new VirtualClock();
  let wall = clock.wall();
  let written = 0;
  const jumping = { now: () => clock.now(), wall: () => wall };
  const wear = new Wear(jumping, () => written, undefined);
  clock.advance(HOUR);
  written = 100;
  assert.equal(wear.today, 100);
  wall = 0;
  assert.equal(wear.today, 0);
  wall = Date.UTC(2030, 0, 1);
  assert.equal(wear.perYear, 100 * 24 * 365);
});
