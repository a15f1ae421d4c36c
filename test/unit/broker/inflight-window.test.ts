/** The window finds each delivery under its packet identifier, however they come and go. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Delivery } from "../../../src/broker/delivery.ts";
import { InflightWindow, nextId } from "../../../src/broker/inflight-window.ts";
import { Message } from "../../../src/seams/message.ts";

function delivery(packetId: number, sequence: number): Delivery {
  const message = new Message("t", new Uint8Array(3), 1, false);
  const made = new Delivery(message, 1, false, sequence);
  made.packetId = packetId;
  return made;
}

test("a window behaves as a map by packet identifier, and keeps the order of sending", () => {
  const step = fc.oneof(
    fc.constant({ kind: "launch" as const, at: 0 }),
    fc.record({ kind: fc.constant("acknowledge" as const), at: fc.nat(1000) }),
  );
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 65_535 }), fc.array(step), (start, steps) => {
      const window = new InflightWindow();
      const model = new Map<number, Delivery>();
      let next = start;
      let sequence = 1;
      for (const { kind, at } of steps) {
        if (kind === "launch") {
          const packetId = window.freeId(next);
          assert.ok(packetId > 0 && packetId < 65_536 && !model.has(packetId));
          next = nextId(packetId);
          const made = delivery(packetId, sequence++);
          window.add(made);
          model.set(packetId, made);
        } else {
          const packetId = [...model.keys()][at % Math.max(1, model.size)] ?? at;
          assert.equal(window.remove(packetId), model.get(packetId));
          model.delete(packetId);
        }
        assert.equal(window.size, model.size);
        assert.equal(window.bytes, model.size * 3);
      }
      for (const [packetId, expected] of model) assert.equal(window.get(packetId), expected);
      assert.deepEqual(window.inOrder(), [...model.values()]);
    }),
  );
});

test("one delivery that is never acknowledged costs the others nothing but its identifier's place", () => {
  const window = new InflightWindow();
  window.add(delivery(5, 1));
  let next = 6;
  for (let sequence = 2; sequence < 200_000; sequence++) {
    const packetId = window.freeId(next);
    next = nextId(packetId);
    assert.notEqual(packetId, 5);
    window.add(delivery(packetId, sequence));
    window.remove(packetId);
  }
  assert.equal(window.size, 1);
  assert.equal(window.get(5)?.sequence, 1);
});

test("identifiers read from the store may lie anywhere; of two that are the same the later counts", () => {
  const window = new InflightWindow();
  for (const packetId of [1, 32_769, 65_535, 2, 16_385, 2])
    window.add(delivery(packetId, packetId));
  assert.equal(window.size, 5);
  assert.equal(window.bytes, 15);
  for (const packetId of [1, 2, 16_385, 32_769, 65_535]) {
    assert.equal(window.get(packetId)?.packetId, packetId);
  }
  assert.equal(window.get(3), undefined);
});
