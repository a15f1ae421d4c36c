/** Log lines as messages: topics, order, bounds, and that they never chase each other. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { textFormat } from "../../../src/system/log-line.ts";
import type { LogType } from "../../../src/system/log-types.ts";
import { TopicSink } from "../../../src/system/topic-sink.ts";

const format = textFormat({ timestamp: false, format: "" });

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

function stand(alsoDo?: (sink: TopicSink) => void) {
  const published: string[] = [];
  const sink: TopicSink = new TopicSink((topic, line) => {
    published.push(`${topic} ${Buffer.from(line).toString()}`);
    alsoDo?.(sink);
  }, format);
  const write = (type: LogType, text: string) => sink.write({ type, text, time: 0 });
  return { sink, published, write };
}

test("each type has its topic, and packets have none", async () => {
  const { published, write } = stand();
  const types: LogType[] = [
    "error",
    "warning",
    "notice",
    "information",
    "subscribe",
    "unsubscribe",
    "debug",
  ];
  for (const type of types) write(type, "x");
  assert.deepEqual(published, [], "not in the midst of what the broker does");
  await turn();
  assert.deepEqual(published, [
    "$SYS/broker/log/E Error: x",
    "$SYS/broker/log/W Warning: x",
    "$SYS/broker/log/N x",
    "$SYS/broker/log/I x",
    "$SYS/broker/log/M/subscribe x",
    "$SYS/broker/log/M/unsubscribe x",
  ]);
});

test("what publishing a line makes the broker say is not published", async () => {
  const { published, write } = stand((sink) =>
    sink.write({ type: "notice", text: "again", time: 0 }),
  );
  write("notice", "first");
  await turn();
  await turn();
  assert.deepEqual(published, ["$SYS/broker/log/N first"]);
});

test("more lines than anyone reads are counted instead", async () => {
  const { published, write } = stand();
  for (let count = 0; count < 1500; count++) write("notice", String(count));
  await turn();
  assert.equal(published.length, 1001);
  assert.equal(
    published.at(-1),
    "$SYS/broker/log/W Warning: 500 lines of the log were not published: there were too many",
  );
});

test("nothing is published once it is closed", async () => {
  const { sink, published, write } = stand();
  write("notice", "late");
  sink.close(() => {});
  write("notice", "later");
  await turn();
  assert.deepEqual(published, []);
});
