/** Which strings may stand in an MQTT packet. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { TextCache } from "../../../src/bytes/text-cache.ts";
import { decodeUtf8, encodeUtf8, isMqttText, utf8Length } from "../../../src/bytes/utf8.ts";

const REFUSED: readonly (readonly [string, number[]])[] = [
  ["NUL [MQTT-1.5.3-2]", [0x61, 0x00]],
  ["a control character", [0x61, 0x1f]],
  ["DEL", [0x7f]],
  ["a C1 control character", [0xc2, 0x85]],
  ["an overlong slash", [0xc0, 0xaf]],
  ["an encoded surrogate [MQTT-1.5.3-1]", [0xed, 0xa0, 0x80]],
  ["a lone continuation byte", [0x80]],
  ["a sequence cut off", [0xe2, 0x82]],
  ["a code point over U+10FFFF", [0xf4, 0x90, 0x80, 0x80]],
  ["U+FFFF", [0xef, 0xbf, 0xbf]],
  ["U+FDD0", [0xef, 0xb7, 0x90]],
  ["U+1FFFE", [0xf0, 0x9f, 0xbf, 0xbe]],
];

for (const [name, bytes] of REFUSED) {
  test(`${name} is refused, alone and in a long string`, () => {
    const alone = new Uint8Array(bytes);
    assert.equal(decodeUtf8(alone, 0, alone.length), undefined);
    const long = new Uint8Array([...encodeUtf8("x".repeat(100)), ...bytes, 0x78]);
    assert.equal(decodeUtf8(long, 0, long.length), undefined);
  });
}

test("U+FEFF is kept, not taken for a byte order mark [MQTT-1.5.3-3]", () => {
  const bytes = new Uint8Array([0xef, 0xbb, 0xbf, 0x61]);
  assert.equal(decodeUtf8(bytes, 0, 4), "\ufeffa");
});

test("utf8Length is the length of the encoding", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (text) => {
      assert.equal(utf8Length(text), encodeUtf8(text).length);
    }),
  );
});

test("isMqttText accepts exactly what decodes back", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (text) => {
      const bytes = encodeUtf8(text);
      const accepted = text.isWellFormed() && decodeUtf8(bytes, 0, bytes.length) === text;
      assert.equal(isMqttText(text), accepted);
    }),
  );
});

test("the cache answers as the decoder does, also when slots collide", () => {
  const cache = new TextCache(2, 20);
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 24 }), (bytes) => {
      const expected = decodeUtf8(bytes, 0, bytes.length);
      assert.equal(cache.read(bytes, 0, bytes.length), expected);
      assert.equal(cache.read(bytes, 0, bytes.length), expected);
    }),
  );
});
