import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { expandPayload, previewPayload } from "../../../src/dashboard/model/payload-preview.ts";

function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

function preview(text: string) {
  const payload = bytes(text);
  return previewPayload(payload, payload.length);
}

describe("previewPayload", () => {
  test("knows numbers, also with blanks, signs and exponents", () => {
    for (const text of ["21.5", "-3", "+4", "1e6", " 7 ", ".5", "5."])
      assert.deepEqual(preview(text), { kind: "number", text: text.trim() });
  });

  test("leaves what only begins like a number as text", () => {
    for (const text of ["21.5 °C", "1,5", "0x1f", "1.2.3", "-", "NaN"])
      assert.deepEqual(preview(text), { kind: "text", text });
  });

  test("shows an object's fields, and counts what does not fit", () => {
    const shown = preview(
      '{"t":21.5,"on":true,"name":"a","list":[1,2],"deep":{"x":1},"n":null,"more":1}',
    );
    assert.ok(shown.kind === "fields");
    assert.deepEqual(
      shown.fields.map(({ name, value }) => `${name}=${value}`),
      ["t=21.5", "on=true", "name=a", "list=[1, 2]", "deep={1 field}", "n=null"],
    );
    assert.equal(shown.more, 1);
  });

  test("shows arrays and empty objects in a few characters", () => {
    assert.deepEqual(preview("[1,2,3]"), { kind: "text", text: "[1, 2, 3]" });
    assert.deepEqual(preview('[{"a":1},{"b":2}]'), { kind: "text", text: "[2 items]" });
    assert.deepEqual(preview("{}"), { kind: "text", text: "{ }" });
    assert.deepEqual(preview("[]"), { kind: "text", text: "[]" });
  });

  test("shows broken or cut JSON as text", () => {
    assert.equal(preview('{"a":').kind, "text");
    const cut = bytes('{"a":1}');
    assert.equal(previewPayload(cut, 5000).kind, "text");
  });

  test("shows bytes that are no text in hexadecimal, with the whole length", () => {
    assert.deepEqual(previewPayload(new Uint8Array([0, 255, 16]), 3), {
      kind: "binary",
      hex: "00 ff 10",
      length: 3,
    });
    const long = previewPayload(new Uint8Array(1024).fill(0xc3), 70_000);
    assert.ok(long.kind === "binary");
    assert.equal(long.length, 70_000);
    assert.equal(long.hex.length, 16 * 3 - 1);
  });

  test("a character cut in two at the end of what is kept is still text", () => {
    const kept = bytes("grün").subarray(0, 3);
    assert.deepEqual(previewPayload(kept, 5000), { kind: "text", text: "gr" });
    assert.equal(previewPayload(kept, 3).kind, "binary");
  });

  test("shows an empty payload as such", () => {
    assert.deepEqual(previewPayload(new Uint8Array(0), 0), { kind: "empty" });
  });

  test("marks characters that hide or reorder text", () => {
    assert.deepEqual(preview("pay\u202eeno\u200b"), { kind: "text", text: "pay�eno�" });
    const shown = preview('{"\u202ea":"b\u2066"}');
    assert.ok(shown.kind === "fields");
    assert.deepEqual(shown.fields[0], { key: "\u202ea", name: "�a", value: "b�" });
  });

  test("never throws and never grows beyond a line, whatever the bytes", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 1024 }), fc.nat(5000), (kept, more) => {
        const shown = previewPayload(kept, kept.length + more);
        assert.ok(JSON.stringify(shown).length < 20_000);
        expandPayload(kept, kept.length + more);
      }),
    );
    fc.assert(
      fc.property(fc.json(), (text) => {
        const shown = preview(text.slice(0, 1000));
        assert.ok(shown.kind !== "text" || shown.text.length <= 161);
      }),
    );
  });
});

describe("expandPayload", () => {
  test("indents JSON, keeps the lines of text, and lists bytes by sixteen", () => {
    const json = bytes('{"a":[1]}');
    assert.equal(expandPayload(json, json.length), '{\n  "a": [\n    1\n  ]\n}');
    const text = bytes("one\r\n\ttwo");
    assert.equal(expandPayload(text, text.length), "one\n    two");
    const binary = new Uint8Array(17);
    assert.equal(
      expandPayload(binary, 17),
      "0000  00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00\n0010  00",
    );
  });
});
