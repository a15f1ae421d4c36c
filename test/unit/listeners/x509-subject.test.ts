import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { commonNameOf, subjectOf, subjectText } from "../../../src/listeners/x509-subject.ts";

/** One element of DER. */
function der(tag: number, ...content: (readonly number[] | string)[]): number[] {
  const bytes = content.flatMap((part) =>
    typeof part === "string" ? [...Buffer.from(part)] : part,
  );
  const { length } = bytes;
  const size = length < 128 ? [length] : [0x82, length >> 8, length & 255];
  return [tag, ...size, ...bytes];
}

const UTF8 = 0x0c;
const CN = [0x55, 0x04, 0x03];
const O = [0x55, 0x04, 0x0a];
const PRIVATE = [0x2a, 0x03, 0x87, 0x68];

function attribute(oid: readonly number[], value: readonly number[]): number[] {
  return der(0x30, der(0x06, oid), value);
}

/** A certificate, as far as its subject needs it: of version 3, or of the first one, which is not told. */
function certificate(names: readonly (readonly number[])[], version3 = true): Uint8Array {
  const version = version3 ? der(0xa0, der(0x02, [2])) : [];
  const fields = [der(0x02, [1]), der(0x30), der(0x30), der(0x30), der(0x30, ...names), der(0x30)];
  return Uint8Array.from(der(0x30, der(0x30, version, ...fields), der(0x30), der(0x03, [0])));
}

function name(...attributes: readonly (readonly number[])[]): number[] {
  return der(0x31, ...attributes);
}

function commonName(...names: readonly (readonly number[])[]): string | undefined {
  const subject = subjectOf(certificate(names));
  assert.ok(subject);
  return commonNameOf(subject);
}

function text(...names: readonly (readonly number[])[]): string {
  const subject = subjectOf(certificate(names));
  assert.ok(subject);
  return subjectText(subject);
}

describe("the common name", () => {
  for (const [what, value, expected] of [
    ["UTF8String", der(UTF8, "nöde"), "nöde"],
    ["PrintableString", der(0x13, "node 1"), "node 1"],
    ["IA5String", der(0x16, "node@x"), "node@x"],
    ["BMPString", der(0x1e, [0, 0x6e, 0, 0xf6]), "nö"],
    ["UniversalString", der(0x1c, [0, 0, 0, 0x6e, 0, 1, 0xf6, 0]), "n\u{1f600}"],
    ["NUL, which whoever takes it refuses", der(UTF8, "a\0b"), "a\0b"],
    ["ill-formed UTF-8", der(UTF8, [0xc3, 0x28]), undefined],
    ["a surrogate in a BMPString", der(0x1e, [0xd8, 0]), undefined],
    ["a surrogate in a UniversalString", der(0x1c, [0, 0, 0xd8, 0]), undefined],
    ["a UniversalString that is cut off", der(0x1c, [0, 0, 0]), undefined],
    ["letters beyond ASCII in a TeletexString", der(0x14, [0xe9]), undefined],
    ["no string", der(0x02, [1]), undefined],
  ] as const) {
    test(`of ${what}`, () => assert.equal(commonName(name(attribute(CN, value))), expected));
  }

  test("is the first of several, and not there without one", () => {
    const [a, b] = [attribute(CN, der(UTF8, "a")), attribute(CN, der(UTF8, "b"))];
    assert.equal(commonName(name(attribute(O, der(UTF8, "o"))), name(a), name(b)), "a");
    assert.equal(commonName(name(attribute(O, der(UTF8, "o")))), undefined);
    assert.equal(commonName(), undefined);
  });
});

describe("the subject as text", () => {
  test("has the last name first, and those that belong together with a plus", () => {
    const o = attribute(O, der(UTF8, "o"));
    const cn = attribute(CN, der(UTF8, "n"));
    assert.equal(text(name(o), name(cn)), "CN=n,O=o");
    assert.equal(text(name(o, cn)), "CN=n+O=o");
  });

  for (const [value, expected] of [
    ['a,b+c"d\\e<f>g;h', 'CN=a\\,b\\+c\\"d\\\\e\\<f\\>g\\;h'],
    ["#a#", "CN=\\#a#"],
    [" a ", "CN=\\ a\\ "],
    [" ", "CN=\\ "],
    ["a=b", "CN=a=b"],
    ["ö\n\x7f", "CN=\\C3\\B6\\0A\\7F"],
    ["", "CN="],
  ] as const) {
    test(JSON.stringify(value), () => {
      assert.equal(text(name(attribute(CN, der(UTF8, value)))), expected);
    });
  }

  test("of an attribute without a name, or no string, is its DER", () => {
    assert.equal(text(name(attribute(PRIVATE, der(UTF8, "x")))), "1.2.3.1000=#0C0178");
    assert.equal(text(name(attribute(CN, der(0x02, [5])))), "CN=#020105");
  });
});

test("a certificate of the first version has no version field", () => {
  const subject = subjectOf(certificate([name(attribute(CN, der(UTF8, "old")))], false));
  assert.equal(subject && commonNameOf(subject), "old");
});

describe("what is malformed", () => {
  const whole = certificate([name(attribute(CN, der(UTF8, "n")))]);

  test("cut off anywhere: no subject, and no exception", () => {
    for (let length = 0; length < whole.length; length++) {
      assert.equal(subjectOf(whole.subarray(0, length)), undefined);
    }
  });

  for (const [what, names] of [
    ["an empty name", [name()]],
    ["an attribute without a value", [name(der(0x30, der(0x06, CN)))]],
    ["an attribute without a type", [name(der(0x30, der(UTF8, "n"), der(UTF8, "n")))]],
    ["an indefinite length", [[0x31, 0x80, 0, 0]]],
    ["a length of five bytes", [[0x31, 0x85, 0, 0, 0, 0, 0]]],
  ] as const) {
    test(what, () => assert.equal(subjectOf(certificate(names)), undefined));
  }

  test("changed anywhere: an answer all the same", () => {
    fc.assert(
      fc.property(fc.nat(whole.length - 1), fc.nat(255), (at, byte) => {
        const bytes = whole.slice();
        bytes[at] = byte;
        const subject = subjectOf(bytes);
        assert.equal(typeof (subject === undefined ? "" : subjectText(subject)), "string");
      }),
    );
  });
});
