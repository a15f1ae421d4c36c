/** On which line of a TOML document each key stands. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { parse, stringify } from "smol-toml";
import { formatPath, type KeyPath } from "../../../src/config/key-path.ts";
import { lineOf, locateKeys } from "../../../src/config/toml-locator.ts";

/** A document, and the lines of some paths in it. */
interface Sample {
  readonly title: string;
  readonly toml: string;
  readonly lines: readonly (readonly [KeyPath, number])[];
}

const SAMPLES: readonly Sample[] = [
  {
    title: "keys of tables, and the tables themselves",
    toml: "top = 1\n\n[a]\n# comment = 1\nb = 2\n  c = 3\n[d]",
    lines: [
      [["top"], 1],
      [["a"], 3],
      [["a", "b"], 5],
      [["a", "c"], 6],
      [["d"], 7],
    ],
  },
  {
    title: "arrays of tables, nested ones too",
    toml: "[[a]]\nx = 1\n[[a.b]]\ny = 1\n[[a.b]]\ny = 2\n[a.c]\nz = 1\n[[a]]\n[[a.b]]\ny = 3",
    lines: [
      [["a", 0], 1],
      [["a", 0, "x"], 2],
      [["a", 0, "b", 0, "y"], 4],
      [["a", 0, "b", 1], 5],
      [["a", 0, "b", 1, "y"], 6],
      [["a", 0, "c", "z"], 8],
      [["a", 1], 9],
      [["a", 1, "b", 0], 10],
      [["a", 1, "b", 0, "y"], 11],
    ],
  },
  {
    title: "dotted keys and headers, with spaces around the dots",
    toml: "a . b.c = 1\na.b.d = 2\n[ x . y ]\nz.q = 1",
    lines: [
      [["a"], 1],
      [["a", "b"], 1],
      [["a", "b", "c"], 1],
      [["a", "b", "d"], 2],
      [["x", "y"], 3],
      [["x", "y", "z", "q"], 4],
    ],
  },
  {
    title: "quoted keys, with escapes, dots, hashes and brackets in them",
    toml: '"a.b" = 1\n\'c"#]\' = 2\n"\\u0041\\t\\"" = 3\n["t]"]\n\'\' = 4\n[["l".\'m\']]\nx = 5',
    lines: [
      [["a.b"], 1],
      [['c"#]'], 2],
      [['A\t"'], 3],
      [["t]"], 4],
      [["t]", ""], 5],
      [["l", "m", 0, "x"], 7],
    ],
  },
  {
    title: "inline tables",
    toml: 'a = { b = 1, c.d = { e = "}" }, f = [{ g = 1 }, { g = 2 }] }\nh = 1',
    lines: [
      [["a", "b"], 1],
      [["a", "c", "d", "e"], 1],
      [["a", "f", 1, "g"], 1],
      [["h"], 2],
    ],
  },
  {
    title: "lists over several lines",
    toml: 'a = [ # first\n  1,\n  # between ]\n  [2,\n   3],\n  "x]",\n  { b = 1 },\n]\nc = 1',
    lines: [
      [["a"], 1],
      [["a", 0], 2],
      [["a", 1], 4],
      [["a", 1, 1], 5],
      [["a", 2], 6],
      [["a", 3, "b"], 7],
      [["c"], 9],
    ],
  },
  {
    title: "strings over several lines, which look like keys and end in quotes",
    toml: 'a = """\nb = 1\n[c]\n\\""" """""\nd = 1\ne = \'\'\'\nf = "\n\\\'\'\'\'\'\ng = 1\nh = """a"b""c"""\ni = 1',
    lines: [
      [["a"], 1],
      [["d"], 5],
      [["e"], 6],
      [["g"], 9],
      [["h"], 10],
      [["i"], 11],
    ],
  },
  {
    title: "strings with escaped quotes, hashes and backslashes at the end",
    toml: 'a = "\\"#\\\\"\nb = \'\\\'\nc = ""\nd = \'\'',
    lines: [
      [["a"], 1],
      [["b"], 2],
      [["c"], 3],
      [["d"], 4],
    ],
  },
  {
    title: "lines that end in carriage return and line feed, and no line end at the end",
    toml: "a = 1 # x\r\n\r\n[b]\r\nc = 1979-05-27T07:32:00Z\r\nd = -inf",
    lines: [
      [["a"], 1],
      [["b"], 3],
      [["b", "c"], 4],
      [["b", "d"], 5],
    ],
  },
];

for (const { title, toml, lines } of SAMPLES) {
  test(`finds ${title}`, () => {
    parse(toml);
    const found = locateKeys(toml);
    for (const [path, line] of lines)
      assert.equal(found.get(formatPath(path)), line, formatPath(path));
  });
}

test("a key that is not there is found where its table is", () => {
  const lines = locateKeys("\n[[a]]\nb = 1\n[[a]]\n");
  assert.equal(lineOf(lines, ["a", 0, "x"]), 2);
  assert.equal(lineOf(lines, ["a", 1, "x", 3, "y"]), 4);
  assert.equal(lineOf(lines, ["a", 0, "b", "c"]), 3);
  assert.equal(lineOf(lines, ["c", "d"]), 0);
});

/** The paths of all values in a document. */
function pathsOf(value: unknown, path: KeyPath): KeyPath[] {
  if (typeof value !== "object" || value === null || value instanceof Date) return [path];
  const entries: [string | number, unknown][] = Array.isArray(value)
    ? [...value.entries()]
    : Object.entries(value);
  return [path, ...entries.flatMap(([key, inner]) => pathsOf(inner, [...path, key]))];
}

const key = fc.oneof(fc.constantFrom("a", "b", "port", "x-1"), fc.string({ maxLength: 6 }));
const leaf = fc.oneof(
  fc.integer(),
  fc.boolean(),
  fc.string({ maxLength: 12 }),
  fc.constantFrom('a"""b', "'''", "line\nline", "#", "]", "}", "\\"),
);
const { document } = fc.letrec((tie) => ({
  value: fc.oneof({ maxDepth: 3 }, leaf, fc.array(tie("value"), { maxLength: 3 }), tie("document")),
  document: fc.dictionary(key, tie("value"), { maxKeys: 4 }),
}));

test("finds every key of any document, on the line where it is written", () => {
  fc.assert(
    fc.property(document, (value) => {
      const toml = stringify(value);
      const lines = toml.split("\n");
      const found = locateKeys(toml);
      for (const path of pathsOf(parse(toml), []).filter((one) => one.length > 0)) {
        const line = found.get(formatPath(path)) ?? lineOf(found, path);
        assert.ok(line >= 1 && line <= lines.length, formatPath(path));
        const last = path.findLast((step) => typeof step === "string") ?? "";
        // Whatever the way of quoting, letters and digits stay themselves.
        for (const word of last.match(/[A-Za-z0-9]+/g) ?? []) {
          assert.ok(lines[line - 1]?.includes(word), `${formatPath(path)} on line ${line}`);
        }
      }
    }),
    { numRuns: 300 },
  );
});

test("text that is no TOML is answered, too, and in time that grows with its length", () => {
  const bits = [
    "[",
    "[[",
    "]",
    "{",
    "}",
    '"',
    '"""',
    "'",
    "'''",
    "=",
    ".",
    ",",
    "#",
    "\n",
    "\\",
    "a",
  ];
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...bits), { maxLength: 60 }), (parts) => {
      const text = parts.join("");
      const count = text.split("\n").length;
      for (const line of locateKeys(text).values()) assert.ok(line >= 1 && line <= count);
    }),
    { numRuns: 500 },
  );
  for (const bit of ["[", "a.", "a={", "a=[", "[[a.", '"', "a=1,", "]\n", "[a]\n", "a=[1,[2,{"]) {
    assert.ok(locateKeys(bit.repeat(200_000 / bit.length)).size <= 200_000);
  }
});
