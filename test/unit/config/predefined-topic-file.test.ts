/** Predefined topic ids from a file in the form that other gateways have. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { ConfigError } from "../../../src/config/config-error.ts";
import { parsePredefinedTopics } from "../../../src/config/predefined-topic-file.ts";
import { load, temporaryFolder } from "../../kit/config-file.ts";

const parse = (text: string) => parsePredefinedTopics(text, "topics.conf", []);
const problems = (text: string) =>
  parse(text).problems.map(({ line, message }) => `${line}: ${message}`);

test("comments, blank lines, blanks and carriage returns say nothing", () => {
  const text =
    "# made by hand\r\n\r\n  \n*, ty4tw/one, 1\r\nCOMMON,ty4tw/two,2\nClient01 ,  a/b c,\t3  \nsensor*,a,b , 4";
  assert.deepEqual(parse(text), {
    topics: [
      { id: 1, name: "ty4tw/one", node: "" },
      { id: 2, name: "ty4tw/two", node: "" },
      { id: 3, name: "a/b c", node: "Client01" },
      { id: 4, name: "a,b", node: "sensor*" },
    ],
    problems: [],
  });
});

test("all mistakes are told at once, with their lines", () => {
  const text = [
    "one",
    "a, b",
    "*, t, 0",
    "*, t, 65535",
    "*, t, x",
    "*, t/#, 1",
    "*, , 1",
    ", t, 1",
    `${"x".repeat(300)}*, t, 1`,
    "*, ok, 9",
    "*, other, 9",
    "*, ok, 9",
  ].join("\n");
  assert.deepEqual(problems(text), [
    '1: expected "ClientId, topic name, topic id", got "one"',
    '2: expected "ClientId, topic name, topic id", got "a, b"',
    '3: expected a topic id from 1 to 65534, got "0"',
    '4: expected a topic id from 1 to 65534, got "65535"',
    '5: expected a topic id from 1 to 65534, got "x"',
    '6: expected a topic name without wildcards, got "t/#"',
    '7: expected a topic name without wildcards, got ""',
    '8: the ClientId is missing; "*" stands for all nodes',
    "9: a pattern has at most 256 characters",
    "11: topic id 9 is defined for all nodes by topics.conf:10 already",
  ]);
});

test("what two patterns say of one id is a mistake where a node may fit both", () => {
  assert.deepEqual(problems("a*, x, 1\n*b, y, 1\n*c, y, 2\na*, x, 2\nab*, z, 1"), [
    '2: topic id 1 of nodes "*b" is another topic for nodes "a*" by topics.conf:1, and a node may fit both',
    '4: topic id 2 of nodes "a*" is another topic for nodes "*c" by topics.conf:3, and a node may fit both',
  ]);
});

test("patterns without end are refused", () => {
  const lines = Array.from({ length: 1100 }, (_, index) => `n${index}*, t${index}, 1`);
  assert.deepEqual(problems(lines.join("\n")), [
    "1001: there are more than 1000 patterns of client ids",
  ]);
});

test("the file's topics join the configuration's, which it must not contradict", (t) => {
  const file = join(temporaryFolder(t), "predefinedTopic.conf");
  const section = '[[predefined_topic]]\nid = 5\nname = "five"\n';
  const text = `[gateway]\npredefined_topic_file = ${JSON.stringify(file)}\n${section}`;
  writeFileSync(file, "*, five, 5\nn, mine, 5\n*, six, 6\n");
  const { config } = load(t, text);
  assert.deepEqual(config.predefined_topic, [
    { id: 5, name: "five", node: "" },
    { id: 5, name: "five", node: "" },
    { id: 5, name: "mine", node: "n" },
    { id: 6, name: "six", node: "" },
  ]);
  writeFileSync(file, "*, six, 6\n*, other, 5\n");
  assert.throws(
    () => load(t, text),
    (error) => {
      assert.ok(error instanceof ConfigError);
      assert.equal(
        error.message,
        `${file}:2: topic id 5 is defined for all nodes by predefined_topic[0] already`,
      );
      return true;
    },
  );
});

test("a file that is not there is told, beside what else is wrong", (t) => {
  const missing = join(temporaryFolder(t), "none.conf");
  const text = `[gateway]\nid = 300\n`;
  assert.throws(() => load(t, text), /gateway.id/);
  const both = `[gateway]\npredefined_topic_file = ${JSON.stringify(missing)}\n[http]\nport = 0\n`;
  assert.throws(
    () => load(t, both),
    (error) => {
      const { message } = error as Error;
      assert.match(message, /http\.port/);
      assert.ok(message.includes(`${missing}: no such file`), message);
      return true;
    },
  );
});
