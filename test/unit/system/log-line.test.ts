/** The form of log lines, and which of them are told. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { journalFormat, jsonFormat, onOneLine, textFormat } from "../../../src/system/log-line.ts";
import { chosenTypes, type LogEntry, type LogType } from "../../../src/system/log-types.ts";

const TIME = Date.UTC(2026, 0, 31, 12, 0, 1, 250);

function entry(type: LogType, text: string, time = TIME): LogEntry {
  return { type, text, time };
}

test("a line begins with the seconds since 1970, as Mosquitto's do", () => {
  const format = textFormat({ timestamp: true, format: "" });
  assert.equal(format(entry("notice", "a")), "1769860801: a\n");
  assert.equal(format(entry("notice", "b", TIME + 1000)), "1769860802: b\n");
});

test("a line begins with the time as strftime writes it, or without one", () => {
  const stamped = textFormat({ timestamp: true, format: "%Y-%m-%dT%H:%M:%S" });
  assert.match(stamped(entry("information", "a")), /^2026-0[12]-\d\dT\d\d:\d\d:01: a\n$/);
  assert.equal(textFormat({ timestamp: false, format: "" })(entry("information", "a")), "a\n");
});

test("errors and warnings say so, once", () => {
  const format = textFormat({ timestamp: false, format: "" });
  assert.equal(format(entry("error", "no disk")), "Error: no disk\n");
  assert.equal(format(entry("warning", "hot")), "Warning: hot\n");
  assert.equal(format(entry("error", "Error: no disk")), "Error: no disk\n");
  assert.equal(format(entry("warning", "Errors abound")), "Warning: Errors abound\n");
});

test("the journal gets the severity instead of the time", () => {
  assert.equal(journalFormat(entry("error", "x")), "<3>Error: x\n");
  assert.equal(journalFormat(entry("subscribe", "x")), "<5>x\n");
});

test("JSON has level, time, type and text", async () => {
  const format = await jsonFormat();
  assert.deepEqual(JSON.parse(format(entry("notice", 'a "b"'))), {
    level: 35,
    time: TIME,
    type: "notice",
    msg: 'a "b"',
  });
  assert.equal(JSON.parse(format(entry("debug", "x"))).level, 20);
  assert.ok(format(entry("error", "x")).endsWith("}\n"));
});

test("what a client puts into its name stays on one line, and commands no terminal", () => {
  assert.equal(onOneLine("a\r\nb\tc"), "a b c");
  assert.equal(onOneLine("a\u001b[2Jb\u0000\u009bc"), "a?[2Jb?c");
  assert.equal(onOneLine("grün ☃"), "grün ☃");
});

/** The words of log_type, and what is told. */
const TYPES: readonly (readonly [readonly string[], readonly LogType[]])[] = [
  [
    ["error", "subscribe"],
    ["error", "subscribe"],
  ],
  [["error", "none", "debug"], ["debug"]],
  [["all", "none"], []],
  [["websockets", "internal"], []],
  [["all"], ["debug", "error", "warning", "notice", "information", "subscribe", "unsubscribe"]],
];

for (const [words, types] of TYPES) {
  test(`log_type ${words.join(", ")} tells ${types.join(", ") || "nothing"}`, () => {
    assert.deepEqual([...chosenTypes(words)], types);
  });
}
