/** `midge rr` beside mosquitto_rr, against Mosquitto. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { freePort } from "../kit/ports.ts";
import {
  mosquittoPub,
  mosquittoSub,
  Program,
  runToEnd,
  startMosquitto,
  temporaryFolder,
} from "../kit/processes.ts";

const MAIN = join(import.meta.dirname, "../../src/main.ts");

function rrToEnd(t: TestContext, words: readonly string[], input?: string) {
  return runToEnd(t, process.execPath, [MAIN, "rr", ...words], input);
}

function bothToEnd(t: TestContext, words: readonly string[]) {
  return Promise.all([rrToEnd(t, words), runToEnd(t, "mosquitto_rr", words)]);
}

test("a request gets its response, by the response topic and correlation data that it carries", async (t) => {
  const { port } = await startMosquitto(t);
  const responder = await mosquittoSub(t, port, "ask", "-V", "5", "-F", "%R|%D|%p", "-q", "1");
  const requester = new Program(t, process.execPath, [
    ...[MAIN, "rr", "-h", "127.0.0.1", "-p", String(port), "-q", "1", "-v"],
    ...["-t", "ask", "-e", "answers/me", "-m", "how warm?", "-W", "15"],
    ...["-D", "publish", "correlation-data", "42"],
  ]);
  await responder.until((text) => text.includes("how warm?"), "the request");
  const [topic = "", data = "", question] = (responder.lines.at(-1) ?? "").split("|");
  assert.deepEqual([topic, data, question], ["answers/me", "42", "how warm?"]);
  const correlation = ["-D", "publish", "correlation-data", data];
  await mosquittoPub(t, port, "-V", "5", "-t", topic, "-m", "21 degrees", ...correlation);
  assert.equal(await requester.end(), 0);
  assert.deepEqual([requester.output, requester.errors], ["answers/me 21 degrees\n", ""]);
});

test("what comes back is printed as mosquitto_rr prints it", async (t) => {
  const { port } = await startMosquitto(t);
  const format = ["-F", "%t|%R|%D|%P|%q|%p"];
  const properties = ["-D", "publish", "correlation-data", "zz", "-D", "publish", "user-property"];
  const cases: readonly (readonly string[])[] = [
    ["-m", "x"],
    ["-m", "x", "-v", "-q", "1"],
    ["-m", "x", "-q", "2", "-V", "311"],
    ["-m", "x", "-V", "31", "-N"],
    ["-n", "-v"],
    ["-m", "x", ...format],
    ["-m", "x", ...format, ...properties, "a", "b", "-D", "subscribe", "user-property", "c", "d"],
    ["-m", "{}", "-F", "%J", "--pretty"],
  ];
  const timeless = (text: string): string => text.replace(/"tst":(\t?)"[^"]*"/g, '"tst":$1""');
  for (const [index, words] of cases.entries()) {
    // Each its own topic: one client's request must not be the other's response.
    const run = (topic: string) => [
      ...["-h", "127.0.0.1", "-p", String(port), "-W", "10"],
      ...["-t", topic, "-e", topic, ...words],
    ];
    const ours = await rrToEnd(t, run(`rr/${index}`));
    const theirs = await runToEnd(t, "mosquitto_rr", run(`rr/${index}`));
    assert.equal(timeless(ours.output), timeless(theirs.output), words.join(" "));
    assert.deepEqual([ours.code, ours.errors], [theirs.code, theirs.errors], words.join(" "));
  }
});

test("a file and standard input are sent whole, which mosquitto_rr 2.0.11 does not do", async (t) => {
  const { port } = await startMosquitto(t);
  const file = join(temporaryFolder(t), "payload");
  writeFileSync(file, "from a file");
  const base = ["-h", "127.0.0.1", "-p", String(port), "-t", "f", "-e", "f", "-W", "10"];
  const { code, output } = await rrToEnd(t, [...base, "-f", file]);
  assert.deepEqual([code, output], [0, "from a file\n"]);
  const input = await rrToEnd(t, [...base, "-s"], "all\nof it");
  assert.deepEqual([input.code, input.output], [0, "all\nof it\n"]);
});

test("-R passes over a response that is retained, --latency tells how long it took", async (t) => {
  const { port } = await startMosquitto(t);
  await mosquittoPub(t, port, "-t", "r", "-r", "-m", "old");
  const base = [
    "-h",
    "127.0.0.1",
    "-p",
    String(port),
    "-t",
    "r",
    "-e",
    "r",
    "-m",
    "new",
    "-W",
    "9",
  ];
  const stale = await rrToEnd(t, [...base, "-V", "311"]);
  assert.equal(stale.output, "old\n");
  const fresh = await rrToEnd(t, [...base, "-R", "--latency", "-V", "311"]);
  assert.match(fresh.output, /^new\nLatency: \d+\.\d+ms\n$/);
});

test("exit codes are mosquitto_rr's, errors are one line", async (t) => {
  const { port } = await startMosquitto(t);
  const nobody = String(await freePort());
  const at = ["-h", "127.0.0.1", "-p", String(port), "-W", "1"];
  const cases: readonly (readonly [readonly string[], RegExp])[] = [
    [[...at, "-t", "a", "-e", "b", "-m", "x"], /^Timed out\n$/],
    [[...at, "-t", "a", "-e", "b", "-m", "x", "-V", "311"], /^Timed out\n$/],
    [[...at, "-t", "a", "-m", "x"], /^Error: A topic for the response is needed \(-e\)\.\n$/],
    [[...at, "-e", "b", "-m", "x"], /^Error: A topic to publish to is needed \(-t\)\.\n$/],
    [[...at, "-t", "a", "-e", "b"], /^Error: A message is needed \(-m, -n, -f or -s\)\.\n$/],
    [[...at, "-t", "a", "-e", "b/#", "-m", "x"], /^error: .*no \+ or #\.\n$/],
    [[...at, "-t", "a", "-e", "b", "-m", "x", "-l"], /^error: unknown option '-l'\n$/],
    [[...at, "-t", "a", "-e", "b", "-m", "x", "-r"], /^error: unknown option '-r'\n$/],
    [
      [...at, "-t", "a", "-e", "b", "-m", "x", "-D", "publish", "response-topic", "c"],
      /^Error in PUBLISH properties: Duplicate .*\n$/,
    ],
    [
      ["-h", "127.0.0.1", "-p", nobody, "-t", "a", "-e", "b", "-m", "x"],
      /^Error: cannot connect to .*: connection refused\n$/,
    ],
  ];
  for (const [words, expected] of cases) {
    const [ours, theirs] = await bothToEnd(t, words);
    assert.match(ours.errors, expected, words.join(" "));
    assert.deepEqual([ours.code, ours.output], [theirs.code, ""], words.join(" "));
  }
});

test("a refused connection and a refused request end it with a line", async (t) => {
  const port = String(await freePort());
  const acl = String(await freePort());
  const folder = temporaryFolder(t);
  writeFileSync(join(folder, "acl"), "topic read answers\n");
  const conf = join(folder, "mosquitto.conf");
  const lines = [
    "user root",
    "per_listener_settings true",
    `listener ${port} 127.0.0.1`,
    "allow_anonymous false",
    `listener ${acl} 127.0.0.1`,
    "allow_anonymous true",
    `acl_file ${join(folder, "acl")}`,
  ];
  writeFileSync(conf, `${lines.join("\n")}\n`);
  const broker = new Program(t, "/usr/sbin/mosquitto", ["-c", conf, "-v"]);
  await broker.until((text) => text.includes("running"), "readiness");
  const words = ["-t", "a", "-e", "answers", "-m", "x", "-W", "5", "-q", "1", "-h", "127.0.0.1"];
  const [ours, theirs] = await bothToEnd(t, [...words, "-p", port]);
  assert.deepEqual([ours.code, ours.errors], [135, "Connection error: Not authorized\n"]);
  assert.equal(theirs.code, 135);
  const refused = await rrToEnd(t, [...words, "-p", acl]);
  assert.deepEqual(
    [refused.code, refused.errors],
    [1, "Error: The request was refused: Not authorized.\n"],
  );
});
