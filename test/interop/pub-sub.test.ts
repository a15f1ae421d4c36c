/** `midge pub` and `midge sub` beside Mosquitto's own clients, against Mosquitto. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { createServer } from "node:net";
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

function midge(t: TestContext, ...words: string[]): Program {
  return new Program(t, process.execPath, [MAIN, ...words]);
}

function midgeToEnd(t: TestContext, words: readonly string[], input?: string) {
  return runToEnd(t, process.execPath, [MAIN, ...words], input);
}

/** midge sub that has subscribed. */
async function midgeSub(t: TestContext, port: number, ...words: string[]): Promise<Program> {
  const program = midge(t, "sub", "-p", String(port), "-d", ...words);
  await program.until((text) => text.includes("Subscribed"), "SUBACK");
  return program;
}

/** What was printed beside the packet trace. */
function printed(program: Program): string[] {
  return program.lines.filter((line) => !/^(Client |Subscribed )/.test(line));
}

test("midge pub reaches mosquitto_sub in every mode and QoS", async (t) => {
  const { port } = await startMosquitto(t);
  const sub = await mosquittoSub(t, port, "t/#", "-q", "2", "-F", "%t|%p|%q|%r");
  const file = join(temporaryFolder(t), "payload");
  writeFileSync(file, "from a file");
  const base = ["pub", "-p", String(port)];
  for (const qos of ["0", "1", "2"]) {
    assert.equal((await midgeToEnd(t, [...base, "-t", "t/m", "-m", `q${qos}`, "-q", qos])).code, 0);
  }
  await midgeToEnd(t, [...base, "-t", "t/n", "-n", "-q", "1"]);
  await midgeToEnd(t, [...base, "-t", "t/f", "-f", file]);
  await midgeToEnd(t, [...base, "-t", "t/s", "-s"], "all\nof it\n");
  await midgeToEnd(t, [...base, "-t", "t/l", "-l", "-q", "2"], "one\n\nthree");
  await midgeToEnd(t, [
    ...base,
    "-t",
    "t/r",
    "-m",
    "again",
    "--repeat",
    "3",
    "--repeat-delay",
    "0.01",
  ]);
  await midgeToEnd(t, ["pub", "-L", `mqtt://127.0.0.1:${port}/t/url`, "-m", "x", "-r"]);
  await sub.until((text) => text.includes("t/url|"), "the last message");
  const lines = sub.output.split("\n").filter((line) => !/^(Client |Subscribed )/.test(line));
  assert.deepEqual(lines, [
    "t/m|q0|0|0",
    "t/m|q1|1|0",
    "t/m|q2|2|0",
    "t/n||1|0",
    "t/f|from a file|0|0",
    "t/s|all",
    "of it",
    "|0|0",
    "t/l|one|2|0",
    "t/l||2|0",
    "t/l|three|2|0",
    "t/r|again|0|0",
    "t/r|again|0|0",
    "t/r|again|0|0",
    "t/url|x|0|0",
    "",
  ]);
});

test("many lines go through the in-flight window, none is lost, in order", async (t) => {
  const { port } = await startMosquitto(t);
  // At QoS 0: Mosquitto 2.0.11 itself drops QoS 1 messages for a subscriber that falls behind.
  const sub = await midgeSub(t, port, "-t", "lines", "-q", "0", "-C", "5000");
  const lines = Array.from({ length: 5000 }, (_, index) => `line ${index}`);
  const result = await midgeToEnd(
    t,
    ["pub", "-p", String(port), "-t", "lines", "-l", "-q", "1"],
    lines.join("\n"),
  );
  assert.deepEqual([result.code, result.errors], [0, ""]);
  assert.equal(await sub.end(), 0);
  assert.deepEqual(printed(sub), lines);
});

test("midge sub prints what mosquitto_sub prints, in every format", async (t) => {
  const { port } = await startMosquitto(t);
  const file = join(temporaryFolder(t), "bytes");
  writeFileSync(file, Buffer.from([0x78, 0x01, 0xff, 0x22, 0x0a]));
  for (const [name, words] of [
    ["r/1", ["-m", 'ab"c\\']],
    ["r/2", ["-m", '{"a": 27.0, "b":"\u00e9/","c":[1,2,{"x":null}]}']],
    ["r/3", ["-f", file]],
    ["r/topic/that/is/long", ["-m", "grüße\tdich"]],
  ] as const) {
    await mosquittoPub(t, port, "-t", name, "-r", "-q", "1", ...words);
  }
  const formats = [
    [],
    ["-v"],
    ["-N"],
    ["-v", "-N"],
    ["-F", "%t|%p|%q|%r|%l|%m|%x|%X|%%"],
    ["-F", "[%10t][%-10t][%.2t][%5.2t][%-6.2t][%05l][%-5l][%5l]"],
    ["-F", "[%010p][%10p][%-10p][%2p][%8x][%-8x][%08X][%3x]"],
    ["-F", "%A|%C|%D|%E|%F|%P|%R|%S|%5A|%05E|%-5S|%3q|%5r|%4C"],
    ["-F", "\\\\ \\a\\e\\n\\r\\t\\v\\0| @@ @% @n@t|"],
    ["-F", "@Y-@m-@d @C @D @F @G @g @V @j @U @W @a @A @b @B @h @u @w @y @Q @z @Z"],
    ["-F", "%J", "-T", "r/1"],
    ["-N", "-F", "%t\\n"],
    ["-T", "r/+", "-v"],
  ];
  for (const format of formats) {
    const count = format.includes("r/1") ? "3" : format.includes("r/+") ? "1" : "4";
    const words = ["-p", String(port), "-t", "r/#", "-q", "1", "-C", count, ...format];
    const [ours, theirs] = await Promise.all([
      midgeToEnd(t, ["sub", ...words]),
      runToEnd(t, "mosquitto_sub", words),
    ]);
    const undated = (text: string): string => text.replace(/"tst":"[^"]*"/g, '"tst":""');
    assert.equal(undated(ours.output), undated(theirs.output), format.join(" "));
    assert.equal(ours.errors, theirs.errors, format.join(" "));
    assert.equal(ours.code, theirs.code);
  }
});

test("times have the shape that mosquitto_sub gives them", async (t) => {
  const { port } = await startMosquitto(t);
  await mosquittoPub(t, port, "-t", "r", "-r", "-m", 'say "hi"');
  const format = "%I %U @N @H:@M:@S @s @T @R @r @p %j";
  const words = ["-p", String(port), "-t", "r", "-C", "1", "-F", format];
  const ours = await midgeToEnd(t, ["sub", ...words]);
  const theirs = await runToEnd(t, "mosquitto_sub", words);
  const shape = (text: string): string => text.replace(/\d/g, "9");
  assert.equal(shape(ours.output), shape(theirs.output));
  const seconds = Number(/^\S+ (\d+)\./.exec(ours.output)?.[1]);
  assert.ok(Math.abs(seconds - Date.now() / 1000) < 60);
});

test("-C counts, -T and -R do not, --retained-only ends with the first message that is not", async (t) => {
  const { port } = await startMosquitto(t);
  await mosquittoPub(t, port, "-t", "a/old", "-r", "-m", "old");
  const counted = await midgeSub(
    t,
    port,
    "-t",
    "a/#",
    "-T",
    "a/skip",
    "-R",
    "-C",
    "2",
    "-v",
    "-q",
    "1",
  );
  const retained = await midgeSub(t, port, "-t", "a/#", "--retained-only", "-v");
  for (const name of ["skip", "1", "2", "3"])
    await mosquittoPub(t, port, "-t", `a/${name}`, "-q", "1", "-m", name);
  assert.equal(await counted.end(), 0);
  assert.deepEqual(printed(counted), ["a/1 1", "a/2 2"]);
  assert.match(counted.output, /sending PUBACK \(m2, rc0\)[\s\S]*sending DISCONNECT/);
  assert.equal(await retained.end(), 0);
  assert.deepEqual(printed(retained), ["a/old old"]);
});

test("--remove-retained clears, -E ends with SUBACK, -c keeps the session", async (t) => {
  const { port } = await startMosquitto(t);
  await mosquittoPub(t, port, "-t", "gone", "-r", "-m", "x");
  const base = ["sub", "-p", String(port)];
  const removed = await midgeToEnd(t, [...base, "-t", "gone", "--remove-retained", "-C", "1"]);
  assert.deepEqual([removed.code, removed.output], [0, "x\n"]);
  assert.equal((await midgeToEnd(t, [...base, "-t", "gone", "-W", "1"])).output, "");
  const session = [...base, "-t", "kept", "-q", "1", "-i", "keeper", "-c"];
  assert.equal((await midgeToEnd(t, [...session, "-E"])).code, 0);
  await mosquittoPub(t, port, "-t", "kept", "-q", "1", "-m", "while away");
  await mosquittoPub(t, port, "-t", "kept", "-q", "1", "-m", "next");
  for (const expected of ["while away\n", "next\n"]) {
    const taken = await midgeToEnd(t, [...session, "-C", "1"]);
    assert.deepEqual([taken.code, taken.output], [0, expected], "one beyond the count is not lost");
  }
});

test("the packet trace of -d is Mosquitto's", async (t) => {
  const { port } = await startMosquitto(t);
  const words = ["-p", String(port), "-t", "t", "-m", "x", "-q", "2", "-d", "-i", "me"];
  const ours = await midgeToEnd(t, ["pub", ...words]);
  const theirs = await runToEnd(t, "mosquitto_pub", words);
  assert.equal(ours.output, theirs.output);
});

test("the will goes out when midge sub is killed, and not when it is interrupted", async (t) => {
  const { port } = await startMosquitto(t);
  const watch = await mosquittoSub(t, port, "wills/#");
  const will = (name: string) => [
    "-t",
    "x",
    "--will-topic",
    `wills/${name}`,
    "--will-payload",
    "gone",
    "--will-qos",
    "1",
  ];
  const interrupted = await midgeSub(t, port, ...will("interrupted"));
  interrupted.signal("SIGINT");
  assert.equal(await interrupted.end(), 0);
  const killed = await midgeSub(t, port, ...will("killed"));
  killed.signal("SIGKILL");
  await watch.until((text) => text.includes("wills/killed gone"), "the will");
  assert.doesNotMatch(watch.output, /wills\/interrupted/);
});

test("midge sub connects again when the broker comes back", async (t) => {
  const first = await startMosquitto(t);
  const sub = await midgeSub(t, first.port, "-t", "t", "-C", "1");
  first.signal("SIGKILL");
  await first.end();
  await startMosquitto(t, { port: first.port });
  await sub.until((text) => text.split("Subscribed").length === 3, "the second SUBACK");
  await mosquittoPub(t, first.port, "-t", "t", "-m", "back");
  assert.equal(await sub.end(), 0);
  assert.deepEqual(printed(sub), ["back"]);
});

test("exit codes are Mosquitto's, errors are one line", async (t) => {
  const { port } = await startMosquitto(t);
  const nobody = await freePort();
  const denied = await startMosquittoDenying(t);
  const at = (number: number): string[] => ["-p", String(number), "-t", "t"];
  const cases: readonly (readonly [readonly string[], RegExp])[] = [
    [
      ["pub", ...at(nobody), "-m", "x"],
      /^Error: cannot connect to localhost:\d+: connection refused\n$/,
    ],
    [["sub", ...at(nobody)], /^Error: cannot connect to localhost:\d+: connection refused\n$/],
    [
      ["pub", "-h", "no.such.host.invalid", "-t", "t", "-m", "x"],
      /^Error: cannot connect to no\.such\.host\.invalid:1883: .+\n$/,
    ],
    [
      ["pub", ...at(denied), "-m", "x"],
      /^Connection error: Connection Refused: not authorized\.\n$/,
    ],
    [
      ["sub", ...at(denied), "-C", "1"],
      /^Connection error: Connection Refused: not authorized\.\n$/,
    ],
    [["sub", ...at(port), "-W", "1"], /^Timed out\n$/],
    [["sub", ...at(port), "-W", "1", "-C", "1"], /^Timed out\n$/],
    [["pub", ...at(port)], /^Error: A message is needed.*\n$/],
    [["pub", "-p", String(port), "-m", "x"], /^Error: A topic to publish to is needed.*\n$/],
    [
      ["pub", "-p", String(port), "-t", "a/#", "-m", "x"],
      /^error: option '-t, --topic <topic>' argument 'a\/#' is invalid\. .*\n$/,
    ],
    [["pub", ...at(port), "-m", "x", "-n"], /^Error: Only one of .*\n$/],
    [
      ["pub", ...at(port), "-f", "/nonexistent"],
      /^Error: cannot read "\/nonexistent": there is no such file\.\n$/,
    ],
    [["pub", ...at(port), "-m", "x", "-q", "3"], /^error: .*0 to 2\.\n$/],
    [["pub", "-p", "abc", "-t", "t", "-m", "x"], /^error: .*1 to 65535\.\n$/],
    [["pub", ...at(port), "-m", "x", "-k", "1"], /^error: .*5 to 65535\.\n$/],
    [["pub", ...at(port), "-m", "x", "-c"], /^Error: A client id \(-i\) is needed with -c\.\n$/],
    [
      ["pub", ...at(port), "-m", "x", "-P", "secret"],
      /^Error: A password needs a user name \(-u\)\.\n$/,
    ],
    [
      ["pub", ...at(port), "-m", "x", "--will-payload", "x"],
      /^Error: A will needs a topic \(--will-topic\)\.\n$/,
    ],
    [
      ["pub", ...at(port), "-m", "x", "-i", "a", "-I", "b"],
      /^Error: -i and -I cannot be used together\.\n$/,
    ],
    [["pub", "-L", "http://x/y", "-m", "x"], /^error: .*mqtt:\/\/.*\n$/],
    [["sub", "-p", String(port)], /^Error: A topic to subscribe to is needed \(-t\)\.\n$/],
    [["sub", ...at(port), "-R", "--retained-only"], /^Error: .*nothing to print\.\n$/],
    [["sub", "-p", String(port), "-t", "a#"], /^error: .*wildcards.*\n$/],
    [["sub", ...at(port), "-C", "0"], /^error: .*1 or more\.\n$/],
    [["sub", ...at(port), "-F", "%z"], /^Error: Invalid format specifier 'z'\.\n$/],
    [["sub", ...at(port), "-F", "abc%5"], /^Error: Incomplete format specifier\.\n$/],
    [["sub", ...at(port), "-F", "abc\\q"], /^Error: Invalid escape specifier 'q'\.\n$/],
    [["sub", ...at(port), "--foo"], /^error: unknown option '--foo'\n$/],
  ];
  for (const [words, expected] of cases) {
    const [command = "", ...rest] = words;
    const [ours, theirs] = await Promise.all([
      midgeToEnd(t, words),
      runToEnd(t, `mosquitto_${command}`, rest),
    ]);
    assert.equal(ours.code, theirs.code, `${words.join(" ")}: ${ours.errors}`);
    assert.match(ours.errors, expected, words.join(" "));
    assert.equal(ours.output, "");
  }
});

async function startMosquittoDenying(t: TestContext): Promise<number> {
  const port = await freePort();
  const file = join(temporaryFolder(t), "mosquitto.conf");
  writeFileSync(file, `listener ${port} 127.0.0.1\nallow_anonymous false\n`);
  const program = new Program(t, "/usr/sbin/mosquitto", ["-c", file, "-v"]);
  await program.until((text) => text.includes("running"), "readiness");
  return port;
}

test("a broker that hangs up, talks nonsense or says nothing ends midge pub with a line", async (t) => {
  const serve = async (greeting: Buffer | undefined): Promise<number> => {
    const server = createServer((socket) => {
      socket.on("error", () => {});
      socket.once("data", () => {
        if (greeting === undefined) socket.destroy();
        else socket.write(greeting);
      });
    });
    t.after(() => server.close());
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const address = server.address();
    return typeof address === "object" && address !== null ? address.port : 0;
  };
  const hangsUp = await midgeToEnd(t, [
    "pub",
    "-p",
    String(await serve(undefined)),
    "-t",
    "t",
    "-m",
    "x",
  ]);
  assert.equal(hangsUp.code, 7);
  assert.match(hangsUp.errors, /^Error: The connection was lost.*\n$/);
  const nonsense = await midgeToEnd(t, [
    "pub",
    "-p",
    String(await serve(Buffer.from("HTTP/1.1 400"))),
    "-t",
    "t",
    "-m",
    "x",
  ]);
  assert.equal(nonsense.code, 2);
  assert.match(nonsense.errors, /^Error: The broker broke the protocol: .*\n$/);
});

test("lines wait for a broker that reads slowly, and all of them reach it before the end", async (t) => {
  const server = createServer({ pauseOnConnect: true });
  t.after(() => server.close());
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  let taken = 0;
  const ended = new Promise<void>((resolve) => {
    server.once("connection", (socket) => {
      socket.write(Buffer.from("20020000", "hex"));
      const timer = setInterval(() => {
        taken += ((socket.read() as Buffer | null) ?? "").length;
      }, 5);
      socket.once("end", () => {
        clearInterval(timer);
        socket.destroy();
        resolve();
      });
    });
  });
  const line = "x".repeat(999);
  const words = ["pub", "-p", String(port), "-h", "127.0.0.1", "-t", "t", "-l"];
  const result = await midgeToEnd(t, words, `${line}\n`.repeat(12_000));
  assert.deepEqual([result.code, result.errors], [0, ""]);
  await ended;
  // CONNECT, then for each line header, length and topic, then DISCONNECT.
  assert.equal(taken, 14 + 12_000 * (1 + 2 + 3 + 999) + 2);
});

test("midge sub ends quietly when nobody reads its output any more", async (t) => {
  const { port } = await startMosquitto(t);
  const command = `"${process.execPath}" "${MAIN}" sub -p ${port} -t t -v | head -n 1`;
  const pipe = new Program(t, "/bin/sh", ["-c", command]);
  const flood = setInterval(
    () => void mosquittoPub(t, port, "-t", "t", "-m", "x").catch(() => {}),
    200,
  );
  t.after(() => clearInterval(flood));
  assert.equal(await pipe.end(), 0);
  clearInterval(flood);
  assert.deepEqual([pipe.output, pipe.errors], ["t x\n", ""]);
});
