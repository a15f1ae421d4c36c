/** The queue gives back what it took, in order, whatever is taken out in between. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Queue } from "../../../src/broker/queue.ts";

type Step =
  | { readonly kind: "push" }
  | { readonly kind: "shift" }
  | { readonly kind: "take"; readonly below: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.constant<Step>({ kind: "push" }) },
  { weight: 3, arbitrary: fc.constant<Step>({ kind: "shift" }) },
  fc.record({ kind: fc.constant("take" as const), below: fc.nat(200) }),
);

test("a queue behaves as an array does that is pushed to, shifted and spliced", () => {
  fc.assert(
    fc.property(fc.array(step, { minLength: 50, maxLength: 400 }), (steps) => {
      const queue = new Queue<number>();
      const model: number[] = [];
      steps.forEach((one, index) => {
        if (one.kind === "push") {
          queue.push(index);
          model.push(index);
        } else if (one.kind === "shift") {
          assert.equal(queue.shift(), model.shift());
        } else {
          const at = model.findIndex((item) => item % 200 < one.below);
          const expected = at < 0 ? undefined : model.splice(at, 1)[0];
          assert.equal(
            queue.takeFirst((item) => item % 200 < one.below),
            expected,
          );
        }
        assert.equal(queue.length, model.length);
        assert.equal(queue.peek(), model[0]);
      });
      assert.deepEqual([...queue], model);
    }),
  );
});

test("a queue that was long and is drained gives back all it held", () => {
  const queue = new Queue<number>();
  for (let item = 0; item < 100_000; item++) queue.push(item);
  for (let item = 0; item < 100_000; item++) assert.equal(queue.shift(), item);
  assert.equal(queue.shift(), undefined);
  queue.push(1);
  assert.deepEqual([...queue], [1]);
});
