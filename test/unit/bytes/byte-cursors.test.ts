/** Writing and reading bytes back, and what happens at the end of them. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { ByteReader } from "../../../src/bytes/byte-reader.ts";
import { ByteWriter } from "../../../src/bytes/byte-writer.ts";

test("what is written is read back, whatever the initial capacity", () => {
  fc.assert(
    fc.property(
      fc.nat({ max: 300 }),
      fc.nat({ max: 0xff }),
      fc.nat({ max: 0xffff }),
      fc.nat({ max: 0xffffffff }),
      fc.nat({ max: 268_435_455 }),
      fc.double({ noNaN: true }),
      fc.uint8Array({ maxLength: 300 }),
      (capacity, byte, word, long, varint, double, bytes) => {
        const writer = new ByteWriter(capacity);
        writer.u8(byte);
        writer.u16(word);
        writer.u32(long);
        writer.varint(varint);
        writer.f64(double);
        writer.binary(bytes);
        const reader = new ByteReader(writer.copy());
        assert.equal(reader.u8(), byte);
        assert.equal(reader.u16(), word);
        assert.equal(reader.u32(), long);
        assert.equal(reader.varint(), varint);
        assert.equal(Object.is(reader.f64(), double), true);
        assert.deepEqual(reader.binary(), bytes);
        assert.equal(reader.remaining, 0);
        assert.equal(reader.overrun, false);
      },
    ),
  );
});

test("strings MQTT allows come back unchanged [MQTT-1.5.3-1]", () => {
  const printable = fc.string({ unit: "grapheme", maxLength: 200 });
  fc.assert(
    fc.property(printable, (text) => {
      const writer = new ByteWriter(0);
      writer.utf8(text);
      const reader = new ByteReader(writer.copy());
      const back = reader.utf8();
      if (!reader.badText) assert.equal(back, text);
      assert.equal(reader.remaining, 0);
    }),
  );
});

test("reading past the end yields zeros, sets overrun and moves no further", () => {
  const reader = new ByteReader(new Uint8Array([1]));
  assert.equal(reader.u16(), 0);
  assert.equal(reader.overrun, true);
  assert.equal(reader.u8(), 0);
  assert.equal(reader.remaining, 0);
  assert.equal(reader.raw(5).length, 0);
});

test("a Variable Byte Integer of five bytes is an overrun", () => {
  const reader = new ByteReader(new Uint8Array([0x80, 0x80, 0x80, 0x80, 0x01]));
  reader.varint();
  assert.equal(reader.overrun, true);
});
