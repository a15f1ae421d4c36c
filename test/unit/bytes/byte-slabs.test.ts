/** Byte strings in slabs against a plain map of copies. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { ByteSlabs } from "../../../src/bytes/byte-slabs.ts";

const bytes = fc.uint8Array({ maxLength: ByteSlabs.LONGEST });
const change = fc.oneof(
  fc.record({ kind: fc.constant("put" as const), bytes, pick: fc.nat() }),
  fc.record({ kind: fc.constant("replace" as const), bytes, pick: fc.nat() }),
  fc.record({ kind: fc.constant("free" as const), bytes, pick: fc.nat() }),
);

test("what is put is read, whatever else is put, replaced and given back", () => {
  fc.assert(
    fc.property(fc.array(change, { maxLength: 200 }), (changes) => {
      const slabs = new ByteSlabs();
      const plain = new Map<number, Uint8Array>();
      for (const { kind, bytes, pick } of changes) {
        const place = [...plain.keys()][pick % Math.max(1, plain.size)];
        if (kind === "put" || place === undefined) {
          const added = slabs.put(bytes);
          assert.equal(plain.has(added), false);
          plain.set(added, bytes);
        } else {
          const { length } = plain.get(place) as Uint8Array;
          plain.delete(place);
          if (kind === "free") slabs.free(place);
          else plain.set(slabs.replace(place, length, bytes), bytes);
        }
      }
      for (const [place, kept] of plain) {
        assert.deepEqual(slabs.read(place, kept.length), kept);
      }
    }),
  );
});

test("what is read is a copy, and what was put may be written to afterwards", () => {
  const slabs = new ByteSlabs();
  const given = new Uint8Array([1, 2, 3]);
  const place = slabs.put(given);
  given.fill(9);
  slabs.read(place, 3).fill(8);
  assert.deepEqual(slabs.read(place, 3), new Uint8Array([1, 2, 3]));
});

test("slabs that are empty are given up, whatever the order, and their room is used again", () => {
  const slabs = new ByteSlabs();
  const payload = new Uint8Array(60).fill(7);
  const fill = (): number[] => Array.from({ length: 10_000 }, () => slabs.put(payload));
  const places = fill();
  const full = slabs.size;
  assert.ok(full < 10_000 * 64 * 1.05, `${full}`);
  for (const place of places.filter((_, n) => n % 2 === 0)) slabs.free(place);
  for (const place of places.filter((_, n) => n % 2 === 1).reverse()) slabs.free(place);
  assert.ok(slabs.size <= 8192, `${slabs.size}`);
  fill();
  assert.equal(slabs.size, full);
});
