/** The small map does what a Map does. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { FewMap } from "../../../src/topics/few-map.ts";

test("a small map behaves as a Map, before and after it has more than a few entries", () => {
  const step = fc.record({ put: fc.boolean(), key: fc.nat(9) });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const few = new FewMap<string, number>();
      const model = new Map<string, number>();
      steps.forEach(({ put, key }, index) => {
        const name = `k${key}`;
        if (put) {
          few.set(name, index);
          model.set(name, index);
        } else {
          assert.equal(few.delete(name), model.delete(name));
        }
        assert.equal(few.size, model.size);
        assert.equal(few.get(name), model.get(name));
        assert.equal(few.has(name), model.has(name));
      });
      assert.deepEqual([...few], [...model]);
    }),
  );
});
