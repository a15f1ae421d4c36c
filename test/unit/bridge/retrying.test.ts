/** How long a bridge waits, and whom it tries next. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { AddressRing } from "../../../src/bridge/address-ring.ts";
import { Privacy } from "../../../src/bridge/privacy.ts";
import { Backoff } from "../../../src/time/backoff.ts";
import { seededRandom } from "../../kit/random.ts";

const ADDRESSES = ["a", "b", "c"].map((host) => ({ host, port: 1883 }));

test("waits grow from the base, at random, up to the cap", () => {
  const backoff = new Backoff(5000, 30_000, seededRandom(7));
  let last = 5000;
  const waits = Array.from({ length: 200 }, () => {
    const wait = backoff.next();
    assert.ok(wait >= 5000 && wait <= Math.min(30_000, last * 3), `${wait} after ${last}`);
    last = wait;
    return wait;
  });
  assert.ok(waits.includes(30_000));
  assert.ok(new Set(waits).size > 50, "spread out");
});

test("after a good connection the next wait is a short one again", () => {
  const backoff = new Backoff(5000, 30_000, () => 1 - Number.EPSILON);
  const waits = [backoff.next(), backoff.next()];
  backoff.reset();
  assert.deepEqual([...waits, backoff.next()], [15_000, 30_000, 15_000]);
});

test("with a cap not above the base the wait is constant", () => {
  const backoff = new Backoff(20_000, 20_000, seededRandom(1));
  assert.deepEqual([backoff.next(), backoff.next(), backoff.next()], [20_000, 20_000, 20_000]);
});

test("addresses are tried in order, and a wait is due when all have failed", () => {
  const ring = new AddressRing(ADDRESSES, false);
  const tried: string[] = [];
  const rounds: boolean[] = [];
  for (let attempt = 0; attempt < 6; attempt++) {
    tried.push(ring.current.host);
    rounds.push(ring.failed());
  }
  assert.deepEqual(tried, ["a", "b", "c", "a", "b", "c"]);
  assert.deepEqual(rounds, [false, false, true, false, false, true]);
});

test("an address other than the main one stands in, unless all are equal", () => {
  const ring = new AddressRing(ADDRESSES, false);
  assert.equal(ring.isStandIn, false);
  ring.failed();
  assert.equal(ring.isStandIn, true);
  ring.toMain();
  assert.equal(ring.current.host, "a");
  const equals = new AddressRing(ADDRESSES, true);
  equals.failed();
  equals.connected();
  assert.equal(equals.isStandIn, false);
  assert.equal(equals.failed(), false, "a connection begins a new round");
  assert.equal(equals.current.host, "c");
});

const [A, B] = ADDRESSES as [(typeof ADDRESSES)[0], (typeof ADDRESSES)[0]];

test("CONNACK 1 to a marked CONNECT leads to a plain one at once, and for good", () => {
  const privacy = new Privacy(true);
  assert.equal(privacy.marks(A), true);
  assert.equal(privacy.failed(A, { kind: "refused", returnCode: 1 }), true);
  assert.equal(privacy.marks(A), false);
  assert.equal(privacy.failed(A, { kind: "lost", cause: undefined }), false);
  assert.equal(privacy.marks(A), false);
  assert.equal(privacy.marks(B), true, "each address for itself");
});

test("a CONNECT that is closed on is tried plain, and marked again if that does not help", () => {
  const privacy = new Privacy(true);
  assert.equal(privacy.failed(A, { kind: "lost", cause: undefined }), true);
  assert.equal(privacy.marks(A), false);
  assert.equal(privacy.failed(A, { kind: "lost", cause: undefined }), false);
  assert.equal(privacy.marks(A), true);
  assert.equal(privacy.failed(A, { kind: "lost", cause: undefined }), true);
  privacy.accepted(A);
  assert.equal(privacy.failed(A, { kind: "lost", cause: undefined }), false);
  assert.equal(privacy.marks(A), false, "it has helped before");
});

test("other failures have nothing to do with the mark", () => {
  const privacy = new Privacy(true);
  assert.equal(privacy.failed(A, { kind: "refused", returnCode: 5 }), false);
  assert.equal(privacy.failed(A, { kind: "silent", detail: "" }), false);
  assert.equal(privacy.marks(A), true);
  assert.equal(new Privacy(false).marks(A), false);
});
