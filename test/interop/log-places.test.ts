/** The log at real files, pipes and programs: what is written, what is lost, and what is told of it. */
import assert from "node:assert/strict";
import { once } from "node:events";
import {
  chmodSync,
  closeSync,
  constants,
  existsSync,
  fstatSync,
  openSync,
  readFileSync,
  renameSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { loadConfig } from "../../src/config/load.ts";
import type { LogConfig } from "../../src/config/schema.ts";
import { LineWriter } from "../../src/system/line-writer.ts";
import { ProcessLog } from "../../src/system/log.ts";
import { textFormat } from "../../src/system/log-line.ts";
import { StreamSink } from "../../src/system/stream-sink.ts";
import { SyslogSink } from "../../src/system/syslog-sink.ts";
import { Program, runToEnd, temporaryFolder } from "../kit/processes.ts";

const loss = (count: number, cause: string) => `lost ${count}: ${cause}\n`;

function idle(writer: LineWriter): Promise<void> {
  return new Promise((resolve) => writer.whenIdle(resolve));
}

function closed(log: { close(done: () => void): void }): Promise<void> {
  return new Promise((resolve) => log.close(resolve));
}

function logConfig(changes: Partial<LogConfig>): LogConfig {
  return { ...loadConfig({}).config.log, log_timestamp: false, ...changes };
}

test("lines are written in order, and go on in another file", async (t) => {
  const folder = temporaryFolder(t);
  const [one, two] = [join(folder, "1"), join(folder, "2")];
  const writer = new LineWriter(openSync(one, "a"), true, loss);
  for (let count = 0; count < 10_000; count++) writer.write(`${count}\n`);
  await idle(writer);
  writer.moveTo(openSync(two, "a"));
  writer.write("next\n");
  await idle(writer);
  const lines = readFileSync(one, "utf8").trimEnd().split("\n");
  assert.deepEqual(
    lines,
    Array.from({ length: 10_000 }, (_, count) => String(count)),
  );
  assert.equal(readFileSync(two, "utf8"), "next\n");
  await closed(writer);
});

test("a full disk loses lines, which is told when there is room again", async (t) => {
  const file = join(temporaryFolder(t), "log");
  const writer = new LineWriter(openSync("/dev/full", "a"), true, loss);
  writer.write("a\n");
  await idle(writer);
  writer.write("b\n");
  writer.write("c\n");
  await idle(writer);
  writer.moveTo(openSync(file, "a"));
  writer.write("d\n");
  await idle(writer);
  assert.equal(readFileSync(file, "utf8"), "d\nlost 3: ENOSPC\n");
  await closed(writer);
});

test("a pipe that nobody reads loses lines beyond a bound, and holds nothing up", async (t) => {
  const folder = temporaryFolder(t);
  const pipe = join(folder, "pipe");
  assert.equal((await runToEnd(t, "mkfifo", [pipe])).code, 0);
  const reader = openSync(pipe, constants.O_RDONLY | constants.O_NONBLOCK);
  const writer = new LineWriter(
    openSync(pipe, constants.O_WRONLY | constants.O_NONBLOCK),
    true,
    loss,
  );
  const line = `${"x".repeat(9999)}\n`;
  for (let count = 0; count < 1000; count++) writer.write(line);
  // Without a reader the rest fails, and the writer comes to rest.
  closeSync(reader);
  await idle(writer);
  const file = join(folder, "log");
  writer.moveTo(openSync(file, "a"));
  writer.write("after\n");
  await idle(writer);
  const text = readFileSync(file, "utf8");
  assert.match(text, /^after\nlost \d+: EPIPE\n$/);
  await closed(writer);
});

test("a log file is opened anew, so that it can be moved away", async (t) => {
  const file = join(temporaryFolder(t), "new/midge.log");
  const log = await ProcessLog.open(logConfig({ log_dest: [`file ${file}`] }));
  log.info("one");
  renameSync(file, `${file}.1`);
  log.info("two");
  log.reopen();
  log.info("three");
  await closed(log);
  const [before, after] = [`${file}.1`, file].map((name) => readFileSync(name, "utf8"));
  assert.ok(before?.startsWith("one\n"));
  assert.ok(after?.endsWith("three\n"));
  assert.equal(`${before}${after}`, "one\ntwo\nthree\n");
  assert.equal(statSync(file).mode & 0o007, 0, "others may not read it");
});

test("places come and go while it runs, and what cannot be opened is told at the others", async (t) => {
  const folder = temporaryFolder(t);
  const [one, two] = [join(folder, "1"), join(folder, "2")];
  const log = await ProcessLog.open(logConfig({ log_dest: [`file ${one}`] }));
  log.subscribe("not told");
  log.notice("to one");
  log.reconfigure(
    logConfig({ log_dest: [`file ${one}`, `file ${two}`, "file /proc/none/x"], log_type: ["all"] }),
  );
  log.subscribe("to both");
  log.reconfigure(logConfig({ log_dest: [`file ${two}`], connection_messages: false }));
  log.connection("not told");
  log.notice("to two");
  await closed(log);
  const trouble = "Error: cannot open the log file /proc/none/x: ENOENT (set by log_dest)\n";
  assert.equal(readFileSync(one, "utf8"), `to one\n${trouble}to both\n`);
  assert.equal(readFileSync(two, "utf8"), `${trouble}to both\nto two\n`);
});

test("lines for the journal bear a severity, lines that were sent elsewhere the time", async (t) => {
  const folder = temporaryFolder(t);
  const [journal, other] = ["1", "2"].map((name) => openSync(join(folder, name), "a"));
  const { dev, ino } = fstatSync(journal as number);
  process.env.JOURNAL_STREAM = `${dev}:${ino}`;
  t.after(() => delete process.env.JOURNAL_STREAM);
  for (const fd of [journal, other]) {
    const sink = new StreamSink(fd as number, textFormat({ timestamp: true, format: "" }));
    sink.write({ type: "warning", text: "hot", time: 5000 });
    await closed(sink);
  }
  assert.equal(readFileSync(join(folder, "1"), "utf8"), "<4>Warning: hot\n");
  assert.equal(readFileSync(join(folder, "2"), "utf8"), "5: Warning: hot\n");
});

test("a log file that cannot be opened at the start is an error in words", async () => {
  await assert.rejects(ProcessLog.open(logConfig({ log_dest: ["file /proc/none/x"] })), {
    code: "MIDGE_LOG_FAILED",
    message: "cannot open the log file /proc/none/x: ENOENT (set by log_dest)",
  });
});

/** A program in the place of `logger`, which keeps what it is told. */
function fakeLogger(t: TestContext, script: string): { program: string; told: () => string } {
  const folder = temporaryFolder(t);
  const program = join(folder, "logger");
  writeFileSync(program, `#!/bin/sh\nprintf '%s\\n' "$*" > ${folder}/words\n${script}\n`);
  chmodSync(program, 0o755);
  writeFileSync(join(folder, "lines"), "");
  return {
    program,
    told: () => ["words", "lines"].map((name) => readFileSync(join(folder, name), "utf8")).join(""),
  };
}

test("syslog gets facility and severity with each line", async (t) => {
  const { program, told } = fakeLogger(t, 'exec cat > "$(dirname "$0")/lines"');
  const sink = new SyslogSink({ facility: 5, trouble: assert.fail, program });
  sink.write({ type: "warning", text: "hot", time: 0 });
  sink.write({ type: "information", text: "cold", time: 0 });
  await closed(sink);
  assert.equal(told(), "--prio-prefix --tag midge\n<172>Warning: hot\n<174>cold\n");
  const daemon = fakeLogger(t, 'exec cat > "$(dirname "$0")/lines"');
  const other = new SyslogSink({ facility: -1, trouble: assert.fail, program: daemon.program });
  other.write({ type: "error", text: "x", time: 0 });
  await closed(other);
  assert.match(daemon.told(), /\n<27>Error: x\n$/);
});

test("syslog that does not work is told once, and the process goes on", async () => {
  const troubles: string[] = [];
  const events = new EventTarget();
  const trouble = (text: string) => {
    troubles.push(text);
    events.dispatchEvent(new Event("told"));
  };
  const sink = new SyslogSink({ facility: -1, trouble, program: "/none/logger" });
  const told = once(events, "told");
  sink.write({ type: "error", text: "x", time: 0 });
  await told;
  for (let count = 0; count < 100; count++) sink.write({ type: "error", text: "x", time: 0 });
  await closed(sink);
  assert.deepEqual(troubles, ["cannot log to syslog: spawn /none/logger ENOENT"]);
});

test("what the program complains of is told", async (t) => {
  const { program } = fakeLogger(t, "echo 'logger: no socket' >&2; exit 1");
  const told = new Promise<string>((resolve) => {
    const sink = new SyslogSink({ facility: -1, trouble: resolve, program });
    sink.write({ type: "error", text: "x", time: 0 });
  });
  assert.equal(await told, "cannot log to syslog: logger: no socket");
});

test("util-linux's logger understands what it is told", async (t) => {
  const socket = join(temporaryFolder(t), "log");
  const receiver = new Program(t, "socat", ["-u", `UNIX-RECV:${socket}`, "STDOUT"]);
  const words = ["--prio-prefix", "--tag", "midge", "--socket", socket];
  await receiver.until(() => existsSync(socket), "its socket");
  const { code } = await runToEnd(t, "logger", words, "<172>Warning: hot\n");
  assert.equal(code, 0);
  await receiver.until((text) => text.includes("hot"), "the line");
  assert.match(receiver.output, /^<172>.* midge: Warning: hot$/);
});
