/** Changes laid over what the database has: of a range of keys in the order of UTF-8. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Overlay } from "../../../src/store/overlay.ts";

/** With characters whose order in UTF-16 is not that of their bytes. */
const key = fc.string({ unit: fc.constantFrom("a", "b", "\0", "é", "\ue000", "😀"), maxLength: 4 });
const changes = fc
  .array(fc.tuple(key, fc.option(fc.uint8Array({ maxLength: 1 }), { nil: undefined })))
  .map((entries) => new Map(entries));

function inBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

test("a read shows what the database would show if the changes were in it", () => {
  fc.assert(
    fc.property(changes, changes, changes, key, key, (stored, written, waiting, from, to) => {
      const within = ([name]: readonly [string, unknown]) =>
        inBytes(name, from) >= 0 && inBytes(name, to) < 0;
      const all = new Map([...stored, ...written, ...waiting]);
      const expected = [...all]
        .filter(within)
        .flatMap(([name, value]) => (value === undefined ? [] : [{ key: name, value }]))
        .sort((a, b) => inBytes(a.key, b.key));
      const overlay = new Overlay([written, waiting], from, to);
      const read = [...stored]
        .filter(within)
        .flatMap(([name, value]) => (value === undefined ? [] : [{ key: name, value }]))
        .filter((record) => !overlay.has(record.key))
        .sort((a, b) => inBytes(a.key, b.key));
      assert.deepEqual(overlay.over(read, 1000), expected);
      assert.deepEqual(overlay.over(read.slice(0, 2), 2), expected.slice(0, 2));
    }),
    { numRuns: 2000 },
  );
});
