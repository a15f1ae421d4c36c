/** Telling one's own messages, sent back, from those of others. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { EchoGuard } from "../../../src/bridge/echo-guard.ts";
import { VirtualClock } from "../../kit/virtual-clock.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

test("each message sent is recognized once", () => {
  const guard = new EchoGuard(new VirtualClock());
  guard.sent("t", bytes("x"));
  guard.sent("t", bytes("x"));
  assert.equal(guard.isEcho("t", bytes("y")), false);
  assert.equal(guard.isEcho("u", bytes("x")), false);
  assert.equal(guard.isEcho("t", bytes("x")), true);
  assert.equal(guard.isEcho("t", bytes("x")), true);
  assert.equal(guard.isEcho("t", bytes("x")), false);
});

test("topic and payload are told apart where they meet", () => {
  const guard = new EchoGuard(new VirtualClock());
  guard.sent("ab", bytes("c"));
  assert.equal(guard.isEcho("a", bytes("bc")), false);
  assert.equal(guard.isEcho("abc", bytes("")), false);
  assert.equal(guard.isEcho("ab", bytes("c")), true);
});

test("an echo that does not come is forgotten", () => {
  const clock = new VirtualClock();
  const guard = new EchoGuard(clock, 1000);
  guard.sent("t", bytes("x"));
  clock.advance(1001);
  assert.equal(guard.isEcho("t", bytes("x")), false);
});

test("what is remembered is bounded, the oldest given up first", () => {
  const guard = new EchoGuard(new VirtualClock(), 1000, 3);
  for (const text of ["1", "2", "1", "3", "4"]) guard.sent("t", bytes(text));
  assert.equal(guard.isEcho("t", bytes("2")), false);
  for (const text of ["1", "1", "3", "4"]) assert.equal(guard.isEcho("t", bytes(text)), true);
});
