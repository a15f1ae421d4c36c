/** That ledgers which differ are told to differ: what the long runs rely on. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { QoS } from "../../../src/mqtt/qos.ts";
import { Receipts } from "../../kit/ledger/receipts.ts";
import { numberOf, Stream } from "../../kit/ledger/stream.ts";
import { type Account, judge, lacking } from "../../kit/ledger/verdict.ts";
import { WireWitness } from "../../kit/ledger/wire-witness.ts";

function published(qos: QoS, count: number, ...unacknowledged: number[]): Stream {
  const stream = new Stream({ topic: "up/x", qos });
  for (let number = stream.next(); ; number = stream.next()) {
    if (!unacknowledged.includes(number)) stream.acknowledged.set(number, 0);
    if (number === count - 1) return stream;
  }
}

function account(qos: QoS, ...lists: (readonly number[])[]): Account {
  const receipts = lists.map((numbers) => {
    const one = new Receipts();
    for (const number of numbers) one.add("up/x", new TextEncoder().encode(`${number} `));
    return one;
  });
  return { name: "who", prefix: "up/", qos, receipts };
}

function findings(qos: QoS, stream: Stream, ...lists: (readonly number[])[]): string[] {
  return judge(account(qos, ...lists), [stream]).map(({ what }) => what);
}

test("what was acknowledged is missing, what was not may be", () => {
  assert.deepEqual(findings(1, published(1, 4, 3), [0, 2]), ["who lacks up/x 1"]);
  assert.equal(lacking(account(1, [0]), [published(1, 4, 3)]), 2);
});

test("repetitions are right at QoS 1 only, on the way there or at the end", () => {
  const twice = ["who has more than once up/x 1"];
  assert.deepEqual(findings(2, published(2, 3), [0, 1, 1, 2]), twice);
  assert.deepEqual(findings(1, published(2, 3), [0, 1, 1, 2]), []);
  assert.deepEqual(findings(2, published(1, 3), [0, 1, 2, 0, 1, 2]), []);
  assert.deepEqual(findings(2, published(2, 2), [0, 1], [1]), twice);
});

test("a message that comes for the first time after a later one is out of order, save in a group", () => {
  const wrong = ["who has out of order up/x 1"];
  assert.deepEqual(findings(1, published(1, 3), [0, 2, 1]), wrong);
  assert.deepEqual(findings(1, published(1, 4), [0, 2, 1], [3]), []);
});

test("what was never published is known for that", () => {
  const wrong = ["who has what was never published: up/x 7"];
  assert.deepEqual(findings(1, published(1, 2), [0, 1, 7]), wrong);
});

test("other topics are somebody else's", () => {
  assert.deepEqual(judge({ ...account(1, []), prefix: "down/" }, [published(1, 3)]), []);
});

test("every fourth retained message clears its topic, and long ones are long", () => {
  const retained = new Stream({ topic: "kept", qos: 1, retain: true });
  assert.deepEqual([retained.payloadOf(3).length, numberOf(retained.payloadOf(4))], [0, 4]);
  const long = new Stream({ topic: "t", qos: 1, long: true });
  assert.deepEqual([long.payloadOf(39).length, numberOf(long.payloadOf(39))], [5000, 39]);
});

test("QoS 2 that was published anew after its PUBREL is the remote broker's fault, and nothing else twice is", () => {
  const witness = new WireWitness();
  const publish = (number: number, packetId: number) =>
    witness.saw("down", {
      kind: "publish",
      topic: "down/x",
      payload: new TextEncoder().encode(`${number} `),
      qos: 2,
      retain: false,
      dup: false,
      packetId,
    });
  publish(1, 5);
  publish(2, 6);
  publish(2, 6);
  witness.saw("down", { kind: "pubrel", packetId: 5 });
  publish(1, 5);
  const about = { who: "", kind: "twice", topic: "down/x", what: "" } as const;
  assert.equal(witness.isRemotes({ ...about, numbers: [1] }), true);
  assert.equal(witness.isRemotes({ ...about, numbers: [1, 2] }), false);
  assert.equal(witness.isRemotes({ ...about, kind: "missing", numbers: [1] }), false);
});
