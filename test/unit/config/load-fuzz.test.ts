/** Whatever a file holds, loading it ends in a configuration or in a ConfigError. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import fc from "fast-check";
import { ConfigError } from "../../../src/config/config-error.ts";
import { allOptions } from "../../../src/config/describe.ts";
import { exampleFile } from "../../../src/config/example.ts";
import { loadConfig } from "../../../src/config/load.ts";
import { MOSQUITTO_OPTIONS } from "../../../src/config/mosquitto-options.ts";
import { temporaryFolder } from "../../kit/config-file.ts";

/** Loads contents as files of one name; anything thrown but a ConfigError fails the test. */
function loader(t: TestContext, name: string): (content: string | Uint8Array) => void {
  const file = join(temporaryFolder(t), name);
  return (content) => {
    writeFileSync(file, content);
    try {
      loadConfig({ file });
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      for (const { line, message } of error.problems) {
        assert.ok(line >= 0 && message !== "" && message.length < 1000);
        assert.doesNotMatch(message, /\p{Cc}/u);
      }
      assert.ok(error.problems.length > 0);
    }
  };
}

const NAMES = ["midge.toml", "mosquitto.conf"];

for (const name of NAMES) {
  test(`random bytes in ${name}`, (t) => {
    const load = loader(t, name);
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), load), { numRuns: 150 });
  });

  test(`random text in ${name}`, (t) => {
    const load = loader(t, name);
    const text = fc.string({ unit: "binary", maxLength: 200 });
    fc.assert(fc.property(text, load), { numRuns: 150 });
  });
}

const OPTIONS = allOptions();
const KEYS = [...new Set(OPTIONS.map((option) => option.key)), "x", '"a.b"', "a.b", "__proto__"];
const HEADERS = [
  "[broker]",
  "[[listener]]",
  "[http]",
  "[[link]]",
  "[[bridge]]",
  "[[bridge.topic]]",
];
const VALUES = [
  "1",
  "-1",
  '"a"',
  '""',
  "[]",
  "{}",
  "[1, 'x']",
  "true",
  "nan",
  "1979-05-27",
  "1e400",
];

test("lines of TOML in any order and with any value", (t) => {
  const load = loader(t, "midge.toml");
  const pair = fc
    .tuple(fc.constantFrom(...KEYS), fc.constantFrom(...VALUES))
    .map(([key, value]) => `${key} = ${value}`);
  const line = fc.oneof({ weight: 3, arbitrary: pair }, fc.constantFrom(...HEADERS, "[a", "# x"));
  const lines = fc.array(line, { maxLength: 12 });
  fc.assert(
    fc.property(lines, (text) => load(text.join("\n"))),
    { numRuns: 250 },
  );
});

test("the example file with bytes changed", (t) => {
  const load = loader(t, "midge.toml");
  const bytes = new TextEncoder().encode(
    exampleFile().replaceAll(/^#(\[\[|[a-z_0-9]+ = )/gm, "$1"),
  );
  const change = fc.tuple(fc.nat(bytes.length - 1), fc.integer({ min: 0, max: 255 }));
  fc.assert(
    fc.property(fc.array(change, { minLength: 1, maxLength: 3 }), (changes) => {
      const changed = bytes.slice();
      for (const [at, value] of changes) changed[at] = value;
      load(changed);
    }),
    { numRuns: 150 },
  );
});

test("options of mosquitto.conf in any order and with any words", (t) => {
  const load = loader(t, "mosquitto.conf");
  const option = fc.constantFrom(...Object.keys(MOSQUITTO_OPTIONS), "plugin_opt_x", "x");
  const words = [
    "1",
    "0",
    "-1",
    "true",
    "1883",
    "::1",
    '""',
    '"a',
    "#",
    "out",
    "mqtt",
    "1d",
    "a:b",
  ];
  const rest = fc.array(fc.constantFrom(...words), { maxLength: 4 });
  const line = fc.tuple(option, rest).map(([first, more]) => [first, ...more].join(" "));
  fc.assert(
    fc.property(fc.array(line, { maxLength: 12 }), (lines) => load(lines.join("\n"))),
    { numRuns: 250 },
  );
});

test("deep nesting and endless keys, up to the size that is read", (t) => {
  const load = loader(t, "midge.toml");
  const size = 60_000;
  const repeat = (text: string) => text.repeat(size / text.length);
  load(`a = ${repeat("[")}`);
  load(`a = ${repeat("{a=")}`);
  load(`${repeat("a.")}a = 1`);
  load(`[${repeat("a.")}a]`);
  load(repeat("[[a]]\n"));
  load(repeat("[[listener]]\n"));
  load(repeat("[[predefined_topic]]\n"));
  load(`broker = [${repeat("1,")}]`);
  load(`[http]\nallowed_origins = [${repeat("1,")}]`);
  const conf = loader(t, "mosquitto.conf");
  conf(repeat("listener 1\n"));
  conf(repeat("connection a\n"));
  conf(repeat("x"));
  conf(repeat("x "));
  conf(`connection a\naddress ${repeat("a ")}`);
  conf(`connection a\naddress a\n${repeat("topic a\n")}`);
});
