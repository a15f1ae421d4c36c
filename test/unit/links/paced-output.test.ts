/** Output paced to a line's rate. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { PacedOutput } from "../../../src/links/paced-output.ts";
import { VirtualClock } from "../../kit/virtual-clock.ts";

/** A line of 1000 bytes a second. */
class Stand {
  readonly clock = new VirtualClock();
  readonly written: { at: number; bytes: string }[] = [];
  readonly output: PacedOutput;
  /** The system takes what it is given only when told to. */
  stuck = false;
  #waiting: (() => void) | undefined;

  constructor() {
    this.output = new PacedOutput({
      clock: this.clock,
      scheduler: this.clock.scheduler,
      bytesPerSecond: 1000,
      capacity: 500,
      patience: 1000,
    });
    this.open();
  }

  open(): void {
    this.output.open((bytes, written) => {
      this.written.push({ at: this.clock.now(), bytes: Buffer.from(bytes).toString("latin1") });
      if (this.stuck) this.#waiting = written;
      else written();
    });
  }

  release(): void {
    this.stuck = false;
    const written = this.#waiting;
    this.#waiting = undefined;
    written?.();
  }

  push(text: string): void {
    this.output.push(Buffer.from(text, "latin1"));
  }

  get bytes(): number {
    return this.written.reduce((sum, { bytes }) => sum + bytes.length, 0);
  }
}

test("what is little goes at once", () => {
  const stand = new Stand();
  stand.push("ab");
  assert.deepEqual(stand.written, [{ at: 0, bytes: "ab" }]);
});

test("the system is never given more than the line carries, and a little in advance", () => {
  const stand = new Stand();
  for (let count = 0; count < 45; count++) stand.push("x".repeat(10));
  for (let now = 0; now <= 450; now += 5) {
    stand.clock.advanceTo(now);
    assert.ok(stand.bytes <= now + 50, `${stand.bytes} at ${now}`);
  }
  stand.clock.advanceTo(460);
  assert.equal(stand.bytes, 450);
  assert.deepEqual([stand.output.queued, stand.output.sent, stand.output.dropped], [0, 450, 0]);
});

test("frames come in order and whole", () => {
  const stand = new Stand();
  const frames = Array.from({ length: 30 }, (_, at) => `<${at}>`);
  for (const frame of frames) stand.push(frame);
  stand.clock.advanceTo(1000);
  assert.equal(stand.written.map(({ bytes }) => bytes).join(""), frames.join(""));
  assert.ok(stand.written.every(({ bytes }) => /^(?:<\d+>)+$/.test(bytes)));
});

test("a line that takes nothing costs a bounded queue, and what waited too long is not sent", () => {
  const stand = new Stand();
  stand.stuck = true;
  for (let count = 0; count < 1000; count++) stand.push("x".repeat(10));
  assert.equal(stand.output.queued, 500);
  assert.equal(stand.output.dropped, 949);
  stand.clock.advance(5000);
  stand.release();
  stand.push("fresh");
  stand.clock.advance(1000);
  assert.equal(stand.written.at(-1)?.bytes, "fresh");
  assert.equal(stand.written.length, 2);
  assert.equal(stand.output.dropped, 999);
});

test("a line that is gone takes nothing with it into the next", () => {
  const stand = new Stand();
  stand.stuck = true;
  for (let count = 0; count < 10; count++) stand.push("old");
  stand.output.close();
  stand.push("none");
  assert.equal(stand.output.queued, 0);
  stand.stuck = false;
  stand.open();
  stand.push("new");
  // The former line's answer is of no account.
  stand.release();
  stand.clock.advance(1000);
  assert.deepEqual(stand.written.map(({ bytes }) => bytes).slice(1), ["new"]);
});

test("answers overtake what else waits, and have room of their own", () => {
  const stand = new Stand();
  for (let count = 0; count < 100; count++) stand.push("slow......");
  stand.output.push(Buffer.from("URGENT"), true);
  stand.clock.advance(40);
  const all = stand.written.map(({ bytes }) => bytes).join("");
  assert.ok(all.indexOf("URGENT") > 0 && all.indexOf("URGENT") <= 40, all);
});
