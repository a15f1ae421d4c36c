/** `midge pub`, `midge sub` and `midge rr` in MQTT 5.0 on Midge itself, beside Mosquitto's clients. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { TestCa } from "../kit/certificates.ts";
import { freePort } from "../kit/ports.ts";
import {
  mosquittoPub,
  mosquittoSub,
  Program,
  type RunningMidge,
  runToEnd,
  startMidge,
  temporaryFolder,
} from "../kit/processes.ts";

const MAIN = join(import.meta.dirname, "../../src/main.ts");

function toEnd(
  t: TestContext,
  { mqttPort }: RunningMidge,
  command: string,
  words: readonly string[],
) {
  const base = ["-h", "127.0.0.1", "-p", String(mqttPort), "-V", "5"];
  return runToEnd(t, process.execPath, [MAIN, command, ...base, ...words]);
}

/** midge sub that has subscribed. */
async function subscriber(
  t: TestContext,
  { mqttPort }: RunningMidge,
  ...words: string[]
): Promise<Program> {
  const base = ["sub", "-h", "127.0.0.1", "-p", String(mqttPort), "-V", "5", "-d"];
  const program = new Program(t, process.execPath, [MAIN, ...base, ...words]);
  await program.until((text) => text.includes("Subscribed"), "SUBACK");
  return program;
}

/** What was printed beside the packet trace. */
function printed(program: Program): string[] {
  return program.lines.filter((line) => !/^(Client |Subscribed |Received DISCONNECT )/.test(line));
}

test("properties come through whole, at every QoS, and are printed as mosquitto_sub does", async (t) => {
  const midge = await startMidge(t);
  const format = "%t|%C|%D|%F|%P|%R|%S|%p|%q|%r";
  const words = ["-q", "2", "-D", "subscribe", "subscription-identifier", "9", "-F", format];
  const ours = await subscriber(t, midge, "-t", "p/#", ...words);
  const theirs = await mosquittoSub(t, midge.mqttPort, "p/#", "-V", "5", ...words);
  const properties = [
    ["content-type", "text/x"],
    ["correlation-data", "co'rr"],
    ["payload-format-indicator", "1"],
    ["response-topic", "re/sp"],
    ["user-property", "k1", "v1"],
    ["user-property", "k1", "\u00e9"],
  ].flatMap((one) => ["-D", "publish", ...one]);
  for (const qos of ["0", "1", "2"]) {
    const one = ["-t", `p/${qos}`, "-m", `q${qos}`, "-q", qos, ...properties];
    assert.equal((await toEnd(t, midge, "pub", one)).code, 0);
    const base = ["-h", "127.0.0.1", "-p", String(midge.mqttPort)];
    assert.equal((await runToEnd(t, "mosquitto_pub", [...base, ...one])).code, 0);
  }
  const expected = [0, 0, 1, 1, 2, 2].map(
    (qos) => `p/${qos}|text/x|co'rr|1|k1:v1 k1:\u00e9|re/sp|9|q${qos}|${qos}|0`,
  );
  for (const program of [ours, theirs]) {
    await program.until((text) => text.split("q2|2|0").length === 3, "the last message");
    assert.deepEqual(printed(program), expected);
  }
});

test("overlapping subscriptions come as one message with all identifiers", async (t) => {
  const midge = await startMidge(t);
  const session = ["-i", "twice", "-c", "-q", "1"];
  const first = ["-D", "subscribe", "subscription-identifier", "1", "-E"];
  assert.equal((await toEnd(t, midge, "sub", [...session, "-t", "a/#", ...first])).code, 0);
  const second = ["-D", "subscribe", "subscription-identifier", "2", "-F", "%S %p", "-C", "2"];
  const sub = await subscriber(t, midge, ...session, "-t", "a/+", ...second);
  await mosquittoPub(t, midge.mqttPort, "-t", "a/b", "-q", "1", "-m", "both");
  await mosquittoPub(t, midge.mqttPort, "-t", "a/b/c", "-q", "1", "-m", "first");
  assert.equal(await sub.end(), 0);
  assert.deepEqual(printed(sub), ["1 2 both", "1 first"]);
});

test("--no-local, --retain-handling and --retain-as-published reach the broker", async (t) => {
  const midge = await startMidge(t);
  await mosquittoPub(t, midge.mqttPort, "-t", "r", "-r", "-m", "old");
  const never = await subscriber(t, midge, "-t", "r", "--retain-handling", "never", "-F", "%p %r");
  const without = await subscriber(t, midge, "-t", "r", "-R", "-F", "%p %r");
  const published = await subscriber(t, midge, "-t", "r", "--retain-as-published", "-F", "%p %r");
  const plain = await subscriber(t, midge, "-t", "r", "-F", "%p %r");
  await mosquittoPub(t, midge.mqttPort, "-t", "r", "-r", "-m", "new");
  for (const [sub, expected] of [
    [never, ["new 0"]],
    [without, ["new 0"]],
    [published, ["old 1", "new 1"]],
    [plain, ["old 1", "new 0"]],
  ] as const) {
    await sub.until((text) => text.includes("new "), "the new message");
    assert.deepEqual(printed(sub), expected);
  }
  assert.match(never.output, /Options: 0x20/);
  const local = await toEnd(t, midge, "rr", ["-t", "l", "-e", "l", "-m", "echo", "-W", "9"]);
  assert.deepEqual([local.code, local.output], [0, "echo\n"]);
});

test("a client whose session is taken over says so and ends", async (t) => {
  const midge = await startMidge(t);
  const first = await subscriber(t, midge, "-t", "t", "-i", "same");
  const second = await subscriber(t, midge, "-t", "t", "-i", "same");
  assert.equal(await first.end(), 4);
  assert.equal(
    first.errors,
    "Error: The broker has disconnected this client: Session taken over.\n",
  );
  assert.match(first.output, /Received DISCONNECT \(142\)\n$/);
  second.signal("SIGINT");
  assert.equal(await second.end(), 0);
});

test("midge sub comes back when the broker has been shut down and is there again", async (t) => {
  const midge = await startMidge(t);
  const sub = await subscriber(t, midge, "-t", "t", "-C", "1");
  midge.signal("SIGTERM");
  assert.equal(await midge.end(), 0);
  const again = await startMidge(t, { like: midge });
  await sub.until((text) => text.split("Subscribed").length === 3, "the second SUBACK");
  assert.equal((await toEnd(t, again, "pub", ["-t", "t", "-m", "back"])).code, 0);
  assert.equal(await sub.end(), 0);
  assert.deepEqual(printed(sub), ["back"]);
});

test("topic aliases are used both ways, and nobody sees them", async (t) => {
  const midge = await startMidge(t);
  const aliases = ["-D", "connect", "topic-alias-maximum", "5"];
  const sub = await subscriber(t, midge, "-t", "a/long/topic", ...aliases, "-F", "%t %p");
  const base = ["pub", "-h", "127.0.0.1", "-p", String(midge.mqttPort), "-V", "5", "-d"];
  const words = [...base, "-t", "a/long/topic", "-l"];
  const pub = await runToEnd(t, process.execPath, [MAIN, ...words], "1\n2\n3\n4\n");
  assert.match(pub.output, /sending PUBLISH \(d0, q0, r0, m4, '\(null\)'/);
  await sub.until((text) => text.includes("topic 4"), "the last line");
  assert.match(sub.output, /received PUBLISH \(d0, q0, r0, m0, '\(null\)'/);
  const expected = [1, 2, 3, 4].map((number) => `a/long/topic ${number}`);
  assert.deepEqual(printed(sub), expected);
});

test("a password is proved by SCRAM-SHA-256 without being sent", async (t) => {
  const folder = temporaryFolder(t);
  const users = join(folder, "users");
  writeFileSync(users, "");
  const passwd = ["passwd", "-b", "-H", "scram-sha-256", users, "ada", "l\u00f6velace,="];
  assert.equal((await runToEnd(t, process.execPath, [MAIN, ...passwd])).code, 0);
  const midge = await startMidge(t, {
    more: `[access]\npassword_file = ${JSON.stringify(users)}\n`,
  });
  const method = ["-D", "connect", "authentication-method", "SCRAM-SHA-256", "-t", "t", "-m", "x"];
  const right = await toEnd(t, midge, "pub", [...method, "-u", "ada", "-P", "l\u00f6velace,="]);
  assert.deepEqual([right.code, right.errors], [0, ""]);
  const wrong = await toEnd(t, midge, "pub", [...method, "-u", "ada", "-P", "wrong"]);
  assert.equal(wrong.code, 135);
  assert.match(wrong.errors, /^Connection error: Not authorized.*\n$/);
  const none = await toEnd(t, midge, "pub", [...method, "-u", "ada"]);
  assert.match(none.errors, /^Error: SCRAM-SHA-256 needs a user name .*\n$/);
  const other = ["-D", "connect", "authentication-method", "PLAIN", "-t", "t", "-m", "x"];
  const unknown = await toEnd(t, midge, "pub", other);
  assert.deepEqual(
    [unknown.code, unknown.errors],
    [140, "Connection error: Bad authentication method\n"],
  );
});

test("Midge is reached over TLS, pre-shared keys, WebSocket and Unix sockets", async (t) => {
  const folder = temporaryFolder(t);
  const ca = new TestCa(folder);
  const server = ca.issue("server");
  const keys = join(folder, "keys");
  writeFileSync(keys, "sensor:0102ab\n");
  const unix = join(folder, "socket");
  const [tls, psk, ws, wss] = [
    await freePort(),
    await freePort(),
    await freePort(),
    await freePort(),
  ];
  const certificate = `certfile = "${server.cert}"\nkeyfile = "${server.key}"\n`;
  const conf = `
[[listener]]
port = ${tls}
${certificate}
[[listener]]
port = ${psk}
psk_hint = "hint"
psk_file = "${keys}"
[[listener]]
port = ${ws}
protocol = "websockets"
[[listener]]
port = ${wss}
protocol = "websockets"
${certificate}
[[listener]]
path = "${unix}"
`;
  const midge = await startMidge(t, { more: conf });
  const trust = ["--cafile", ca.cert];
  const ways: readonly (readonly string[])[] = [
    ["-h", "localhost", "-p", String(tls), ...trust],
    ["-h", "127.0.0.1", "-p", String(psk), "--psk", "0102ab", "--psk-identity", "sensor"],
    ["-L", `ws://127.0.0.1:${ws}/t`],
    ["-L", `wss://localhost:${wss}/t`, ...trust],
    ["-L", `ws://127.0.0.1:${midge.httpPort}/t`],
    ["--unix", unix],
  ];
  for (const way of ways) {
    const words = ["pub", ...way, "-t", "t", "-m", "x", "-q", "1", "-V", "5"];
    const { code, errors } = await runToEnd(t, process.execPath, [MAIN, ...words]);
    assert.deepEqual([code, errors], [0, ""], way.join(" "));
  }
});
