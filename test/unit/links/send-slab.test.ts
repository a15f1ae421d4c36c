/** Memory for datagrams on their way out is not overwritten while they are queued. */
import assert from "node:assert/strict";
import { it } from "node:test";
import { SendSlab } from "../../../src/links/send-slab.ts";

function fill(slab: SendSlab): Uint8Array[] {
  return Array.from({ length: 200 }, (_, number) => slab.copy(new Uint8Array(1000).fill(number)));
}

it("copies stay as they are while datagrams are queued", () => {
  const copies = fill(new SendSlab(() => 1));
  for (const [number, copy] of copies.entries()) {
    assert.equal(copy.length, 1000);
    assert.ok(copy.every((byte) => byte === number));
  }
});

it("memory is used again once all is sent", () => {
  const buffers = new Set(fill(new SendSlab(() => 0)).map((copy) => copy.buffer));
  assert.equal(buffers.size, 1);
});

it("a frame longer than the slab is copied all the same", () => {
  const frame = new Uint8Array(70_000).fill(7);
  const copy = new SendSlab(() => 0).copy(frame);
  assert.notEqual(copy, frame);
  assert.deepEqual(copy, frame);
});
