/** `midge pub` and `midge sub` in MQTT 5.0 beside Mosquitto's own clients, against Mosquitto. */
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

function midgeToEnd(t: TestContext, words: readonly string[], input?: string) {
  return runToEnd(t, process.execPath, [MAIN, ...words], input);
}

/** A client of either kind: ours and Mosquitto's take the same words. */
function bothToEnd(t: TestContext, command: "pub" | "sub", words: readonly string[]) {
  return Promise.all([
    midgeToEnd(t, [command, ...words]),
    runToEnd(t, `mosquitto_${command}`, words),
  ]);
}

/** midge sub that has subscribed. */
async function midgeSub(t: TestContext, port: number, ...words: string[]): Promise<Program> {
  const program = new Program(t, process.execPath, [
    ...[MAIN, "sub", "-h", "127.0.0.1", "-p", String(port), "-V", "5", "-d"],
    ...words,
  ]);
  await program.until((text) => text.includes("Subscribed"), "SUBACK");
  return program;
}

/** What was printed beside the packet trace. */
function printed(program: Program): string[] {
  return program.lines.filter((line) => !/^(Client |Subscribed )/.test(line));
}

const ALL_PROPERTIES = [
  ["publish", "content-type", "text/x"],
  ["publish", "correlation-data", "co'rr\"\u00e9"],
  ["publish", "message-expiry-interval", "600"],
  ["publish", "payload-format-indicator", "1"],
  ["publish", "response-topic", "re/sp"],
  ["publish", "user-property", "k1", "v1"],
  ["publish", "user-property", "-k 1", "-D"],
].flatMap((words) => ["-D", ...words]);

/** Without what differs from second to second. */
function timeless(text: string): string {
  return text
    .replace(/"tst":(\t?)"[^"]*"/g, '"tst":$1""')
    .replace(/("message-expiry-interval":\t?)\d+/g, "$1N")
    .replace(/E=0*\d+ */g, "E=N");
}

test("midge pub sends every property as mosquitto_pub does", async (t) => {
  const { port } = await startMosquitto(t);
  const format = "%t|%C|%D|%F|%P|%R|E=%E|%p|%q|%r";
  const watch = await mosquittoSub(t, port, "t/#", "-V", "5", "-q", "2", "-F", format);
  const base = ["-h", "127.0.0.1", "-p", String(port), "-m", "x", "-q", "1", ...ALL_PROPERTIES];
  await midgeToEnd(t, ["pub", ...base, "-t", "t/midge"]);
  await runToEnd(t, "mosquitto_pub", [...base, "-t", "t/mosquitto"]);
  await watch.until((text) => text.includes("t/mosquitto|"), "both messages");
  const lines = watch.lines.filter((line) => line.startsWith("t/"));
  const ours = lines.find((line) => line.startsWith("t/midge"));
  const theirs = lines.find((line) => line.startsWith("t/mosquitto"));
  assert.equal(timeless(ours ?? "").replace("midge", "mosquitto"), timeless(theirs ?? ""));
  assert.match(ours ?? "", /k1:v1 -k 1:-D/);
});

test("midge sub prints properties as mosquitto_sub does, in every format", async (t) => {
  const { port } = await startMosquitto(t);
  const json =
    '{"b":[1,2.50,{}],"a":1e3,"2":"\u00e9\\u00e9","1":{"x":[{"y":null},true,[[]]]}, "b":1}';
  const pub = (...words: string[]) => mosquittoPub(t, port, "-r", "-V", "5", ...words);
  await pub("-t", "c/1", "-q", "1", "-m", json, ...ALL_PROPERTIES);
  const mixed = ["-D", "publish", "user-property", "a", "b", "-D", "publish", "content-type", "c"];
  await pub("-t", "c/2", "-m", '"x"', ...mixed, "-D", "publish", "user-property", "a", "c");
  const file = join(temporaryFolder(t), "bytes");
  writeFileSync(file, Buffer.from([0x78, 0x01, 0xff, 0x22, 0x5c, 0x0a]));
  await pub("-t", "c/3", "-q", "2", "-f", file);
  const identifier = ["-D", "subscribe", "subscription-identifier", "77"];
  const cases: readonly (readonly string[])[] = [
    ["-v"],
    ["-F", "%A|%C|%D|E=%E|%F|%P|%R|%S|%m|%q|%r"],
    ["-F", "%5A|E=%012E|%-5S|%10C|%-10C|%.2C|%5.1R|%05S|%3F|%10P|%5D"],
    ["-F", "%S|%05S|%-7S|%5S|%j", ...identifier],
    ["-F", "%j"],
    ["-F", "%J", "-T", "c/3"],
    ["-F", "%j", "--pretty"],
    ["-F", "%J", "--pretty", "-T", "c/3"],
    ["-N", "-F", "%j%J", "--pretty", "-T", "c/3"],
    ["-F", "%r", "--retain-as-published"],
  ];
  for (const words of cases) {
    const count = words.includes("-T") ? "2" : "3";
    const all = ["-h", "127.0.0.1", "-p", String(port), "-V", "mqttv5", "-t", "c/#", "-q", "1"];
    const [ours, theirs] = await bothToEnd(t, "sub", [...all, "-C", count, "-W", "10", ...words]);
    assert.equal(timeless(ours.output), timeless(theirs.output), words.join(" "));
    assert.equal(ours.errors, theirs.errors, words.join(" "));
    assert.equal(ours.code, 0);
  }
});

test("what is wrong with -D is told in one line, with Mosquitto's exit code", async (t) => {
  const { port } = await startMosquitto(t);
  const cases: readonly (readonly [string, RegExp])[] = [
    ["publsh content-type x", /Invalid command publsh given in --property .*connect, publish/],
    ["suback user-property a b", /Invalid command suback/],
    ["publish contenttype x", /Invalid property name contenttype .*content-type/],
    [
      "publish session-expiry-interval 5",
      /session-expiry-interval property not allowed for publish/,
    ],
    ["connect will-delay-interval 2", /will-delay-interval property not allowed for connect/],
    ["puback user-property a b", /user-property property not supported for puback/],
    ["auth user-property a b", /user-property property not supported for auth/],
    ["publish subscription-identifier 4", /subscription-identifier property not supported/],
    ["publish message-expiry-interval 4294967296", /\(4294967296\) out of range .*4294967295/],
    ["publish message-expiry-interval -1", /\(-1\) out of range/],
    ["publish topic-alias 0", /out of range .*1 to 65535/],
    ["publish topic-alias 70000", /out of range/],
    ["publish payload-format-indicator 256", /out of range/],
    ["publish content-type", /not enough arguments/],
    ["publish user-property a", /not enough arguments/],
    ["publish content-type a -D publish content-type b", /Error in PUBLISH .*Duplicate property/],
    ["will content-type a -D will content-type b", /Error in Will .*Duplicate property/],
    ["connect receive-maximum 0", /out of range/],
    ["connect request-problem-information 2", /out of range/],
    ["connect session-expiry-interval 5 -x 6", /Error in CONNECT .*Duplicate property/],
  ];
  for (const [property, expected] of cases) {
    const base = ["-h", "127.0.0.1", "-p", String(port), "-t", "t", "-m", "x", "--will-topic", "w"];
    const [ours, theirs] = await bothToEnd(t, "pub", [...base, "-D", ...property.split(" ")]);
    assert.match(ours.errors, expected, property);
    assert.match(ours.errors, /^Error.*\n$/, property);
    assert.deepEqual([ours.code, ours.output], [theirs.code, ""], property);
  }
});

test("what Mosquitto's clients let pass and no broker may take is refused", async (t) => {
  for (const [property, expected] of [
    ["publish message-expiry-interval abc", /'abc' not a number/],
    ["publish payload-format-indicator 2", /out of range .*0 to 1/],
    ["publish response-topic a/#", /Invalid response topic/],
    ["connect authentication-data x", /needs an authentication-method/],
    ["publish content-type a\nb", /control characters/],
  ] as const) {
    const words = ["-D", ...property.split(" ")];
    const { code, errors } = await midgeToEnd(t, ["pub", "-t", "t", "-m", "x", ...words]);
    assert.match(errors, expected);
    assert.equal(code, 1);
  }
});

test("-D and -x choose MQTT 5.0, and a value may look like an option", async (t) => {
  const { port } = await startMosquitto(t);
  const base = ["pub", "-h", "127.0.0.1", "-p", String(port), "-d", "-q", "1"];
  for (const [words, expected] of [
    [["-t", "t", "-m", "-D", "-D", "publish", "user-property", "-t", "-m"], /RC:16/],
    [["-t", "t", "-m", "x", "-x", "5"], /RC:16/],
    [["-t", "t", "-m", "x"], /RC:0/],
  ] as const) {
    const { code, output } = await midgeToEnd(t, [...base, ...words]);
    assert.equal(code, 0);
    assert.match(output, expected);
  }
});

test("the packet trace of -d is Mosquitto's, whatever is published and subscribed", async (t) => {
  const { port } = await startMosquitto(t);
  const base = ["-h", "127.0.0.1", "-p", String(port), "-d", "-V", "5", "-i", "me"];
  const pub = [...base, "-t", "topic", "-m", "x"];
  const sub = [...base, "-t", "other", "-W", "1"];
  const cases: readonly (readonly ["pub" | "sub", readonly string[]])[] = [
    ["pub", pub],
    ["pub", [...pub, "-q", "1"]],
    ["pub", [...pub, "-q", "2", "--repeat", "2"]],
    ["pub", [...pub, "--repeat", "3", "-D", "publish", "topic-alias", "4"]],
    ["sub", [...sub, "-q", "1", "-R"]],
    ["sub", [...sub, "-t", "another", "--retain-as-published", "-E"]],
    // With -E it were chance whether UNSUBACK is still read.
    ["sub", [...sub, "-t", "another", "-U", "x"]],
  ];
  for (const [command, words] of cases) {
    // One after the other: they have the same client id.
    const ours = await midgeToEnd(t, [command, ...words]);
    const theirs = await runToEnd(t, `mosquitto_${command}`, words);
    assert.equal(ours.output, theirs.output, words.join(" "));
    assert.deepEqual([ours.code, ours.errors], [theirs.code, theirs.errors], words.join(" "));
  }
});

test("a session lives as long as -x says, and needs a name if that is for ever", async (t) => {
  const { port } = await startMosquitto(t);
  const base = ["-h", "127.0.0.1", "-p", String(port), "-V", "5", "-t", "kept", "-q", "1"];
  const session = [...base, "-i", "keeper", "-c"];
  assert.equal((await midgeToEnd(t, ["sub", ...session, "-x", "60", "-E"])).code, 0);
  await mosquittoPub(t, port, "-t", "kept", "-q", "1", "-m", "while away");
  const taken = await midgeToEnd(t, ["sub", ...session, "-x", "0", "-C", "1"]);
  assert.deepEqual([taken.code, taken.output], [0, "while away\n"]);
  await mosquittoPub(t, port, "-t", "kept", "-q", "1", "-m", "unheard");
  const gone = await midgeToEnd(t, ["sub", ...session, "-W", "1"]);
  assert.deepEqual([gone.code, gone.output], [27, ""]);
  for (const words of [["-c"], ["-x", "-1"], ["-x", "\u221e"], ["-x", "4294967295"]]) {
    const [ours, theirs] = await bothToEnd(t, "sub", [...base, ...words, "-W", "1"]);
    assert.match(ours.errors, /^Error: A client id .*\n$/);
    assert.equal(ours.code, theirs.code);
  }
  for (const value of ["abc", "-2", "4294967296"]) {
    const [ours, theirs] = await bothToEnd(t, "sub", [...base, "-x", value, "-W", "1"]);
    assert.deepEqual([ours.code, theirs.code], [1, 1], ours.errors);
  }
});

const LIMITED = "max_inflight_messages 3\nmax_qos 1\nretain_available false\nmax_packet_size 300";

test("the broker's limits are kept to, and said when they stand in the way", async (t) => {
  const { port } = await startMosquitto(t, { more: LIMITED });
  const base = ["-h", "127.0.0.1", "-p", String(port), "-V", "5", "-t", "t"];
  const watch = await midgeSub(t, port, "-t", "t", "-q", "1", "-F", "%p %r");
  const limited = (...words: string[]) => midgeToEnd(t, ["pub", ...base, ...words]);
  const qos = await limited("-m", "x", "-q", "2");
  assert.equal(qos.code, 24);
  assert.match(qos.errors, /^Error: Message QoS not supported on broker.*: 1 at most\.\n$/);
  const large = await limited("-m", "x".repeat(300), "-q", "1");
  assert.equal(large.code, 25);
  assert.match(large.errors, /^Error: Message payload is too large: .*300 bytes at most\.\n$/);
  const alias = await limited("-m", "x", "-D", "publish", "topic-alias", "11");
  assert.equal(alias.code, 1);
  assert.match(alias.errors, /^Error: The broker takes topic aliases up to 10 only\.\n$/);
  const retain = await limited("-m", "not kept", "-q", "1", "-r");
  assert.deepEqual([retain.code, retain.errors], [0, "Warning: The broker retains no messages.\n"]);
  const lines = Array.from({ length: 500 }, (_, index) => `line ${index}`);
  const many = await midgeToEnd(t, ["pub", ...base, "-l", "-q", "1"], lines.join("\n"));
  assert.deepEqual([many.code, many.errors], [0, ""]);
  await watch.until((text) => text.includes("line 499"), "the last line");
  assert.deepEqual(printed(watch), ["not kept 0", ...lines.map((line) => `${line} 0`)]);
});

test("reason codes are told as Mosquitto's clients tell them", async (t) => {
  const port = await freePort();
  const denying = await freePort();
  const folder = temporaryFolder(t);
  const acl = join(folder, "acl");
  writeFileSync(acl, "topic readwrite ok/#\n");
  const conf = join(folder, "mosquitto.conf");
  const text = `user root
per_listener_settings true
listener ${port} 127.0.0.1
allow_anonymous true
acl_file ${acl}
listener ${denying} 127.0.0.1
allow_anonymous false
`;
  writeFileSync(conf, text);
  const broker = new Program(t, "/usr/sbin/mosquitto", ["-c", conf, "-v"]);
  await broker.until((output) => output.includes("running"), "readiness");
  const at = (where: number) => ["-h", "127.0.0.1", "-p", String(where), "-V", "5"];
  const refused = [...at(denying), "-t", "t"];
  const [ourPub, theirPub] = await bothToEnd(t, "pub", [...refused, "-m", "x"]);
  assert.equal(ourPub.errors, "Connection error: Not authorized\n");
  assert.equal(theirPub.errors.split("\n")[0], "Connection error: Not authorized");
  assert.deepEqual([ourPub.code, theirPub.code], [135, 135]);
  const [ourSub, theirSub] = await bothToEnd(t, "sub", refused);
  assert.deepEqual([ourSub.code, ourSub.errors], [theirSub.code, theirSub.errors]);
  for (const qos of ["1", "2"]) {
    const words = [...at(port), "-t", "forbidden", "-m", "x", "-q", qos];
    const [ours, theirs] = await bothToEnd(t, "pub", words);
    assert.deepEqual([ours.code, ours.errors], [theirs.code, theirs.errors]);
    assert.equal(ours.errors, "Warning: Publish 1 failed: Not authorized.\n");
  }
});

test("the will goes out after its delay, with its properties, also when midge sub is interrupted", async (t) => {
  const { port } = await startMosquitto(t);
  const watch = await mosquittoSub(t, port, "wills/#", "-V", "5", "-F", "%t %p %C %P");
  const sub = await midgeSub(
    t,
    port,
    ...["-t", "x", "--will-topic", "wills/a", "--will-payload", "gone"],
    ...["-D", "will", "content-type", "text/x", "-D", "will", "user-property", "a", "b"],
  );
  sub.signal("SIGINT");
  assert.equal(await sub.end(), 0);
  await watch.until((text) => text.includes("wills/a gone text/x a:b"), "the will");
});

test("topic aliases save the name of a topic that lines go to", async (t) => {
  const { port } = await startMosquitto(t);
  const watch = await midgeSub(t, port, "-t", "a/long/topic", "-F", "%t %p");
  const base = ["pub", "-h", "127.0.0.1", "-p", String(port), "-V", "5", "-d"];
  const result = await midgeToEnd(t, [...base, "-t", "a/long/topic", "-l"], "1\n2\n3\n4\n");
  const names = [...result.output.matchAll(/sending PUBLISH \([^']*'([^']*)'/g)].map(([, n]) => n);
  assert.deepEqual(names, ["a/long/topic", "a/long/topic", "(null)", "(null)"]);
  await watch.until((text) => text.includes("topic 4"), "the last line");
  assert.deepEqual(
    printed(watch),
    [1, 2, 3, 4].map((number) => `a/long/topic ${number}`),
  );
});
