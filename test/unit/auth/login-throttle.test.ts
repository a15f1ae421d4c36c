/** Guessing passwords gets slower; who knows his own does not. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { addressKey, LoginThrottle } from "../../../src/auth/login-throttle.ts";
import { VirtualClock } from "../../kit/virtual-clock.ts";

const OPTIONS = { freeFailures: 3, longestDelay: 30_000 };

function stand(options = OPTIONS) {
  const clock = new VirtualClock();
  return { clock, throttle: new LoginThrottle(clock, options) };
}

/** So many wrong passwords one after the other; answers the waits before each. */
function guess(
  { clock, throttle }: ReturnType<typeof stand>,
  address: string,
  users: readonly string[],
): (number | undefined)[] {
  return users.map((user) => {
    const attempt = throttle.begin(address, user);
    clock.advance(attempt?.wait ?? 0);
    attempt?.failed();
    return attempt?.wait;
  });
}

test("after the free failures each answer takes twice as long, up to the longest delay", () => {
  const waits = guess(stand(), "10.0.0.1", Array(10).fill("admin"));
  assert.deepEqual(waits, [0, 0, 0, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000]);
});

test("an address that tries one user after the other is slowed down alike", () => {
  const waits = guess(stand(), "10.0.0.1", ["a", "b", "c", "d", "e"]);
  assert.deepEqual(waits, [0, 0, 0, 1000, 2000]);
});

test("another address is not held up by a guesser, nor another user of an address known before", () => {
  const all = stand();
  all.throttle.begin("10.0.0.1", "sensor")?.succeeded();
  guess(all, "10.0.0.1", Array(10).fill("admin"));
  assert.equal(all.throttle.begin("10.0.0.2", "admin")?.wait, 0);
  assert.equal(all.throttle.begin("10.0.0.1", "sensor")?.wait, 0);
  assert.notEqual(all.throttle.begin("10.0.0.1", "other")?.wait, 0);
});

test("a user that many addresses guess at is slowed down, save where he came in before", () => {
  const all = stand();
  all.throttle.begin("10.0.0.1", "admin")?.succeeded();
  for (let host = 0; host < 31; host++) guess(all, `10.1.0.${host}`, ["admin"]);
  assert.ok((all.throttle.begin("10.2.0.1", "admin")?.wait ?? 0) > 0);
  assert.equal(all.throttle.begin("10.0.0.1", "admin")?.wait, 0);
});

test("guesses that come at the same time wait for each other, and too many are sent away", () => {
  const all = stand();
  guess(all, "10.0.0.1", Array(9).fill("admin"));
  const waits = Array.from({ length: 6 }, () => all.throttle.begin("10.0.0.1", "admin"));
  assert.deepEqual(
    waits.map((attempt) => attempt?.wait),
    [30_000, 60_000, undefined, undefined, undefined, undefined],
  );
});

test("checks under way are bounded before any of them has failed", () => {
  const { throttle } = stand();
  const begun = Array.from({ length: 300 }, (_, at) => throttle.begin("10.0.0.1", `u${at}`));
  assert.equal(begun.filter((attempt) => attempt === undefined).length, 44);
  for (const attempt of begun) attempt?.abandoned();
  assert.equal(throttle.begin("10.0.0.1", "u0")?.wait, 0);
  assert.equal(throttle.size, 3);
});

test("failures are forgotten after a quiet while, and by the right password", () => {
  const all = stand();
  guess(all, "10.0.0.1", Array(5).fill("admin"));
  all.clock.advance(900_001);
  const attempt = all.throttle.begin("10.0.0.1", "admin");
  assert.equal(attempt?.wait, 0);
  attempt.succeeded();
  assert.deepEqual(guess(all, "10.0.0.1", Array(4).fill("admin")), [0, 0, 0, 1000]);
});

test("no failure costs anything where the throttle is off", () => {
  const all = stand({ freeFailures: 0, longestDelay: 30_000 });
  assert.deepEqual(guess(all, "10.0.0.1", Array(50).fill("admin")), Array(50).fill(0));
});

test("names and addresses without end do not fill the memory", () => {
  const all = stand();
  for (let at = 0; at < 30_000; at++) {
    const address = `10.${at >> 16}.${(at >> 8) & 255}.${at & 255}`;
    all.throttle.begin(address, `${at}${"x".repeat(70)}`)?.failed();
  }
  assert.ok(all.throttle.size <= 20_000);
});

test("the addresses of one IPv6 site count as one, and so do both forms of an IPv4 address", () => {
  assert.equal(addressKey("2001:db8:0:1::1"), addressKey("2001:0DB8::1:a:b:c:d"));
  assert.notEqual(addressKey("2001:db8:0:1::1"), addressKey("2001:db8:0:2::1"));
  assert.equal(addressKey("::ffff:10.0.0.1"), "10.0.0.1");
  assert.equal(addressKey("fe80::1%eth0"), "fe80:0:0:0");
  assert.equal(addressKey("::1"), "0:0:0:0");
  assert.equal(addressKey("/run/midge.sock"), "/run/midge.sock");
  assert.equal(addressKey(":::::::::::"), addressKey(":::::::::::"));
});

test("a user who comes in many times at once leaves nothing behind", () => {
  const all = stand();
  const attempts = Array.from({ length: 200 }, () => all.throttle.begin("10.0.0.1", "sensor"));
  for (const attempt of attempts) attempt?.succeeded();
  assert.equal(all.throttle.size, 0);
});
