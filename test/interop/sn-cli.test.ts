/** `midge sn-pub` and `midge sn-sub` as processes, against a small gateway on a real socket. */
import assert from "node:assert/strict";
import { createSocket } from "node:dgram";
import { existsSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { ByteWriter } from "../../src/bytes/byte-writer.ts";
import { makeFraming, type PlainFraming } from "../../src/links/framing/make-framing.ts";
import { FakeSnGateway } from "../kit/fake-sn-gateway.ts";
import { freeUdpPort } from "../kit/ports.ts";
import { Program, temporaryFolder } from "../kit/processes.ts";

const MAIN = join(import.meta.dirname, "../../src/main.ts");

function run(t: TestContext, ...words: string[]): Program {
  return new Program(t, process.execPath, [MAIN, ...words]);
}

function at(gateway: FakeSnGateway): string[] {
  return ["-h", "127.0.0.1", "-p", String(gateway.port)];
}

/** A TCP port behind which frames go on to the gateway as datagrams, and back. */
async function lineTo(t: TestContext, gateway: FakeSnGateway, name: PlainFraming): Promise<number> {
  const server = createServer((stream) => {
    const framing = makeFraming(name, { maximumFrame: 1000, gap: 100 });
    const socket = createSocket("udp4");
    stream.on("data", (chunk) =>
      framing.feed(chunk as Buffer, performance.now(), (frame) =>
        socket.send(frame.slice(), gateway.port, "127.0.0.1"),
      ),
    );
    socket.on("message", (frame) => {
      const writer = new ByteWriter();
      framing.encode(frame, writer);
      stream.write(writer.copy());
    });
    stream.on("error", () => {});
    stream.on("close", () => socket.close());
    t.after(() => stream.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => server.close());
  return (server.address() as AddressInfo).port;
}

describe("midge sn-pub", () => {
  for (const qos of [0, 1, 2] as const) {
    it(`publishes at QoS ${qos}, connecting and disconnecting`, async (t) => {
      const gateway = await FakeSnGateway.start(t);
      const words = ["-t", "home/door", "-m", "open", "-q", String(qos), "-i", "door", "-k", "30"];
      const program = run(t, "sn-pub", ...at(gateway), ...words);
      assert.equal(await program.end(), 0, program.errors);
      assert.deepEqual(gateway.published, ["home/door open"]);
      const [connect] = gateway.all("connect");
      assert.deepEqual(connect, {
        kind: "connect",
        clientId: "door",
        cleanSession: true,
        will: false,
        duration: 30,
        protocolId: 1,
      });
      assert.equal(gateway.all("publish")[0]?.qos, qos);
      assert.equal(gateway.heard.at(-1)?.kind, "disconnect");
      assert.equal(program.output + program.errors, "");
    });
  }

  it("publishes without connecting at QoS -1", async (t) => {
    const gateway = await FakeSnGateway.start(t);
    const words = ["--predefined", "5", "-m", "21.5", "-q", "-1", "-r"];
    assert.equal(await run(t, "sn-pub", ...at(gateway), ...words).end(), 0);
    await gateway.until(() => gateway.heard.length > 0, "PUBLISH");
    const [publish] = gateway.all("publish");
    assert.deepEqual([publish?.qos, publish?.topicId, publish?.retain], [-1, 5, true]);
    assert.equal(gateway.heard.length, 1);
  });

  it("publishes on a short topic without registering", async (t) => {
    const gateway = await FakeSnGateway.start(t);
    const words = ["-t", "ab", "--short", "-m", "on", "-q", "1"];
    assert.equal(await run(t, "sn-pub", ...at(gateway), ...words).end(), 0);
    assert.deepEqual(gateway.published, ["ab on"]);
    assert.deepEqual(gateway.all("register"), []);
  });

  it("tells its will, and keeps its session, when asked to", async (t) => {
    const gateway = await FakeSnGateway.start(t);
    const will = [
      "--will-topic",
      "w",
      "--will-payload",
      "gone",
      "--will-qos",
      "1",
      "--will-retain",
    ];
    const words = ["-t", "a", "-n", "-i", "me", "-c", ...will];
    assert.equal(await run(t, "sn-pub", ...at(gateway), ...words).end(), 0);
    assert.equal(gateway.all("connect")[0]?.cleanSession, false);
    assert.deepEqual(gateway.all("willtopic")[0], {
      kind: "willtopic",
      topic: "w",
      qos: 1,
      retain: true,
    });
    assert.equal(new TextDecoder().decode(gateway.all("willmsg")[0]?.payload), "gone");
    assert.deepEqual(gateway.published, ["a "]);
  });

  it("takes messages from a file, from standard input, and line by line", async (t) => {
    const gateway = await FakeSnGateway.start(t);
    const file = join(temporaryFolder(t), "message");
    writeFileSync(file, "from a file");
    assert.equal(await run(t, "sn-pub", ...at(gateway), "-t", "a", "-f", file).end(), 0);
    const whole = run(t, "sn-pub", ...at(gateway), "-t", "b", "-s");
    whole.input("two\nlines");
    assert.equal(await whole.end(), 0);
    const lines = run(t, "sn-pub", ...at(gateway), "-t", "c", "-l", "-q", "1");
    lines.input("one\ntwo\nthree");
    assert.equal(await lines.end(), 0);
    assert.deepEqual(gateway.published, [
      "a from a file",
      "b two\nlines",
      "c one",
      "c two",
      "c three",
    ]);
  });

  it("repeats a message", async (t) => {
    const gateway = await FakeSnGateway.start(t);
    const words = ["-t", "a", "-m", "x", "-q", "1", "--repeat", "3", "--repeat-delay", "0.01"];
    assert.equal(await run(t, "sn-pub", ...at(gateway), ...words).end(), 0);
    assert.deepEqual(gateway.published, ["a x", "a x", "a x"]);
  });

  it("wraps messages as a forwarder does, and prints each with -d", async (t) => {
    const gateway = await FakeSnGateway.start(t);
    const words = ["-t", "a", "-m", "x", "-q", "1", "-i", "me", "--forwarder", "0a:1b", "-d"];
    const program = run(t, "sn-pub", ...at(gateway), ...words);
    assert.equal(await program.end(), 0);
    assert.deepEqual(gateway.published, ["a x"]);
    const shown = program.lines.map((line) => line.replace(/\bm\d+/, "m?"));
    assert.deepEqual(shown, [
      "Client me sending CONNECT (c1, k60, will no, 'me')",
      "Client me received CONNACK (accepted)",
      "Client me sending REGISTER (m?, id 0, 'a')",
      "Client me received REGACK (m?, id 1, accepted)",
      "Client me sending PUBLISH (d0, q1, r0, m?, id 1, ... (1 bytes))",
      "Client me received PUBACK (m?, id 1, accepted)",
      "Client me sending DISCONNECT",
      "Client me received DISCONNECT",
    ]);
  });

  it("changes its will once connected, and deletes it, also for that alone", async (t) => {
    const gateway = await FakeSnGateway.start(t);
    const changes = ["--new-will-topic", "w2", "--new-will-qos", "2", "--new-will-payload", "p"];
    const first = ["-i", "me", "-c", "--will-topic", "w", ...changes];
    assert.equal(await run(t, "sn-pub", ...at(gateway), ...first).end(), 0);
    assert.deepEqual(gateway.all("willtopicupd"), [
      { kind: "willtopicupd", topic: "w2", qos: 2, retain: false },
    ]);
    assert.equal(new TextDecoder().decode(gateway.all("willmsgupd")[0]?.payload), "p");
    assert.deepEqual(gateway.published, []);
    const second = ["-i", "me", "-c", "--new-will-topic", ""];
    assert.equal(await run(t, "sn-pub", ...at(gateway), ...second).end(), 0);
    assert.equal(gateway.all("willtopicupd")[1]?.topic, undefined);
    assert.equal(await run(t, "sn-pub", ...at(gateway), "-i", "me", "--delete-will").end(), 0);
    assert.equal(gateway.all("willtopic").at(-1)?.topic, undefined);
    assert.equal(gateway.all("connect").at(-1)?.will, true);
  });

  it("leaves without a word where it is to be missed", async (t) => {
    const gateway = await FakeSnGateway.start(t);
    const words = ["-t", "a", "-m", "x", "-q", "1", "--no-disconnect"];
    assert.equal(await run(t, "sn-pub", ...at(gateway), ...words).end(), 0);
    assert.deepEqual(gateway.published, ["a x"]);
    assert.deepEqual(gateway.all("disconnect"), []);
  });

  it("looks for the gateway where it is told to, and publishes there", async (t) => {
    const gateway = await FakeSnGateway.start(t);
    const where = ["--search", "127.0.0.1", "-p", String(gateway.port), "--radius", "2"];
    const program = run(t, "sn-pub", ...where, "-t", "a", "-m", "x", "-i", "me", "-d");
    assert.equal(await program.end(), 0, program.errors);
    assert.deepEqual(gateway.all("searchgw"), [{ kind: "searchgw", radius: 2 }]);
    assert.deepEqual(gateway.published, ["a x"]);
    const [asked, answered] = program.lines;
    assert.equal(asked, "Client me sending SEARCHGW (radius 2)");
    assert.match(answered ?? "", /received GWINFO \(gateway 1\) from 127\.0\.0\.1 port \d+$/);
  });

  it("says so when no gateway answers a search", async (t) => {
    const gateway = await FakeSnGateway.start(t);
    gateway.deafTo.add("searchgw");
    const where = ["--search", "127.0.0.1", "-p", String(gateway.port)];
    const patience = ["--retry-interval", "0.05", "--retry-limit", "1"];
    const program = run(t, "sn-pub", ...where, ...patience, "-t", "a", "-m", "x");
    assert.equal(await program.end(), 1);
    assert.match(program.errors, /^Error: cannot find a gateway by .*: none answers\.\n$/);
    assert.equal(gateway.heard.length, 2);
  });

  for (const framing of ["slip", "slip-crc16", "length"] as const) {
    it(`speaks over TCP with the framing ${framing}`, async (t) => {
      const gateway = await FakeSnGateway.start(t);
      const line = await lineTo(t, gateway, framing);
      const where = ["--tcp", `127.0.0.1:${line}`, "--framing", framing];
      const payload = "x".repeat(300);
      const program = run(t, "sn-pub", ...where, "-t", "a", "-m", payload, "-q", "2");
      assert.equal(await program.end(), 0, program.errors);
      assert.deepEqual(gateway.published, [`a ${payload}`]);
      assert.equal(gateway.heard.at(-1)?.kind, "disconnect");
    });
  }

  it("speaks over a serial port", async (t) => {
    const gateway = await FakeSnGateway.start(t);
    const line = await lineTo(t, gateway, "slip");
    const port = join(temporaryFolder(t), "port");
    new Program(t, "socat", [`PTY,raw,echo=0,link=${port}`, `TCP:127.0.0.1:${line}`]);
    for (let tries = 0; tries < 100 && !existsSync(port); tries++) {
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    const program = run(t, "sn-pub", "--serial", port, "-t", "a", "-m", "x", "-q", "1");
    assert.equal(await program.end(), 0, program.errors);
    assert.deepEqual(gateway.published, ["a x"]);
  });

  it("says so when a line cannot be opened, or is gone", async (t) => {
    const missing = run(t, "sn-pub", "--serial", "/nonexistent", "-t", "a", "-m", "x");
    assert.equal(await missing.end(), 1);
    assert.equal(missing.errors, "Error: /nonexistent is not there.\n");
    const server = createServer((stream) => stream.resume().once("data", () => stream.end()));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    t.after(() => server.close());
    const { port } = server.address() as AddressInfo;
    const gone = run(t, "sn-pub", "--tcp", `127.0.0.1:${port}`, "-t", "a", "-m", "x");
    assert.equal(await gone.end(), 7);
    assert.match(gone.errors, /^Error: the line to tcp:\/\/127\.0\.0\.1:\d+ is gone: .*\n$/);
  });

  it("refuses a message that is too long for MQTT-SN", async (t) => {
    const gateway = await FakeSnGateway.start(t);
    const file = join(temporaryFolder(t), "message");
    writeFileSync(file, Buffer.alloc(65_499));
    const program = run(t, "sn-pub", ...at(gateway), "-t", "ab", "--short", "-f", file);
    assert.equal(await program.end(), 25);
    assert.match(program.errors, /65499 bytes is too long: MQTT-SN carries 65498 here\.\n$/);
  });

  it("speaks IPv6, and finds a host by name", async (t) => {
    const six = await FakeSnGateway.start(t, "::1");
    const words = ["-t", "a", "-m", "x"];
    assert.equal(await run(t, "sn-pub", "-h", "::1", "-p", String(six.port), ...words).end(), 0);
    assert.deepEqual(six.published, ["a x"]);
    const four = await FakeSnGateway.start(t);
    const named = run(t, "sn-pub", "-h", "localhost", "-p", String(four.port), ...words);
    assert.equal(await named.end(), 0);
    assert.deepEqual(four.published, ["a x"]);
  });

  it("says so when nothing listens", async (t) => {
    const port = await freeUdpPort();
    const words = ["-h", "127.0.0.1", "-p", String(port), "-t", "a", "-m", "x"];
    const program = run(t, "sn-pub", ...words);
    assert.equal(await program.end(), 1);
    assert.equal(
      program.errors,
      `Error: cannot connect to 127.0.0.1, UDP port ${port}: nothing listens there.\n`,
    );
  });

  it("says so when nobody answers", async (t) => {
    const gateway = await FakeSnGateway.start(t);
    gateway.deafTo.add("connect");
    const words = ["-t", "a", "-m", "x", "--retry-interval", "0.05", "--retry-limit", "2"];
    const program = run(t, "sn-pub", ...at(gateway), ...words);
    assert.equal(await program.end(), 1);
    assert.match(program.errors, /^Error: cannot connect .*: the gateway does not answer\.\n$/);
    assert.equal(gateway.heard.length, 3);
  });

  it("says so when it is refused", async (t) => {
    const gateway = await FakeSnGateway.start(t);
    gateway.connackCode = 3;
    const program = run(t, "sn-pub", ...at(gateway), "-t", "a", "-m", "x");
    assert.equal(await program.end(), 1);
    assert.match(program.errors, /the gateway does not support it\.\n$/);
  });

  it("ends with 7 when the gateway falls silent", async (t) => {
    const gateway = await FakeSnGateway.start(t);
    gateway.deafTo.add("publish");
    const words = ["-t", "a", "-m", "x", "-q", "1", "--retry-interval", "0.05"];
    const program = run(t, "sn-pub", ...at(gateway), ...words);
    assert.equal(await program.end(), 7);
    assert.equal(program.errors, 'Error: publishing on "a" failed: the gateway does not answer.\n');
  });

  const mistakes: readonly (readonly [what: string, words: string[], said: RegExp])[] = [
    ["no topic", ["-m", "x"], /A topic to publish to is needed/],
    ["no message", ["-t", "a"], /A message is needed/],
    ["two messages", ["-t", "a", "-m", "x", "-n"], /Only one of/],
    ["a wildcard", ["-t", "a/#", "-m", "x"], /holds no \+ or #/],
    ["QoS 3", ["-t", "a", "-m", "x", "-q", "3"], /It must be -1, 0, 1 or 2/],
    ["QoS -1 on a name", ["-t", "a", "-m", "x", "-q", "-1"], /needs --predefined/],
    ["a long short topic", ["-t", "abc", "--short", "-m", "x"], /exactly two octets/],
    ["a reserved topic id", ["--predefined", "65535", "-m", "x"], /1 to 65534/],
    ["-c without -i", ["-t", "a", "-m", "x", "-c"], /client id \(-i\) is needed/],
    ["will parts without a topic", ["-t", "a", "-m", "x", "--will-retain"], /needs a topic/],
    ["an odd forwarder id", ["-t", "a", "-m", "x", "--forwarder", "abc"], /hexadecimal/],
    ["two places", ["-h", "x", "--tcp", "x:1", "-t", "a", "-m", "x"], /Only one of -h, --search/],
    ["a place without port", ["--tcp", "x", "-t", "a", "-m", "x"], /as "gateway\.local:4000"/],
    ["a group that is none", ["--search", "here", "-t", "a", "-m", "x"], /must be an IP address/],
    ["two wills", ["-t", "a", "-n", "--will-topic", "w", "--delete-will"], /exclude each other/],
    ["parts of a new will", ["-t", "a", "-n", "--new-will-retain"], /--new-will-topic/],
    ["-i and -I", ["-t", "a", "-n", "-i", "a", "-I", "b"], /cannot be used together/],
    ["a missing file", ["-t", "a", "-f", "/nonexistent"], /no such file/],
    ["an unknown option", ["--wat"], /unknown option/],
    ["an unknown host", ["-h", "host.invalid", "-t", "a", "-m", "x"], /cannot find the host/],
  ];
  for (const [what, words, said] of mistakes) {
    it(`tells ${what} in one line, with exit code 1`, async (t) => {
      const program = run(t, "sn-pub", ...words);
      assert.equal(await program.end(), 1);
      assert.match(program.errors, said);
      assert.equal(program.errors.trimEnd().split("\n").length, 1, program.errors);
    });
  }

  it("explains itself with examples", async (t) => {
    const program = run(t, "sn-pub", "--help");
    assert.equal(await program.end(), 0);
    assert.match(program.output, /Examples:/);
  });
});

describe("midge sn-sub", () => {
  async function subscribed(gateway: FakeSnGateway, count = 1): Promise<void> {
    await gateway.until(() => gateway.all("subscribe").length >= count, "SUBSCRIBE");
  }

  it("prints what comes, and ends after -C messages", async (t) => {
    const gateway = await FakeSnGateway.start(t);
    const program = run(
      t,
      "sn-sub",
      ...at(gateway),
      "-t",
      "a",
      "-t",
      "b",
      "-v",
      "-C",
      "4",
      "-q",
      "2",
    );
    await subscribed(gateway, 2);
    gateway.publish("a", "one");
    gateway.publish("b", "two", 1);
    gateway.publish("a", "three", 2);
    gateway.publish("a", "");
    assert.equal(await program.end(), 0);
    assert.equal(program.output, "a one\nb two\na three\na (null)\n");
    assert.equal(gateway.all("puback").length, 1);
    assert.equal(gateway.all("pubrec").length, 1);
    assert.equal(gateway.heard.at(-1)?.kind, "disconnect");
  });

  it("prints payloads alone, without line ends with -N", async (t) => {
    const gateway = await FakeSnGateway.start(t);
    const program = run(t, "sn-sub", ...at(gateway), "-t", "a", "-N", "-C", "2");
    await subscribed(gateway);
    gateway.publish("a", "one");
    gateway.publish("a", "two");
    assert.equal(await program.end(), 0);
    assert.equal(program.output, "onetwo");
  });

  it("subscribes to predefined ids and short topics", async (t) => {
    const gateway = await FakeSnGateway.start(t);
    const words = ["--predefined", "7", "-t", "ab", "--short", "-v", "-C", "1"];
    const program = run(t, "sn-sub", ...at(gateway), ...words);
    await subscribed(gateway, 2);
    assert.deepEqual(
      gateway.all("subscribe").map(({ topic }) => topic),
      [
        { type: "short", name: "ab" },
        { type: "predefined", topicId: 7 },
      ],
    );
    gateway.publish("predefined 7", "x");
    assert.equal(await program.end(), 0);
    assert.equal(program.output, "7 x\n");
  });

  it("prints by a format, with what is filtered out or retained left out", async (t) => {
    const gateway = await FakeSnGateway.start(t);
    const words = ["-t", "a/b", "-t", "a/c", "-T", "a/c", "-F", "%t|%x|%q|%r|%l", "-C", "2"];
    const program = run(t, "sn-sub", ...at(gateway), ...words, "-q", "1");
    await subscribed(gateway, 2);
    gateway.publish("a/b", "one", 1);
    gateway.publish("a/c", "not this");
    gateway.publish("a/b", "two");
    assert.equal(await program.end(), 0, program.errors);
    assert.equal(program.output, "a/b|6f6e65|1|0|3\na/b|74776f|0|0|3\n");
  });

  it("prints JSON", async (t) => {
    const gateway = await FakeSnGateway.start(t);
    const program = run(t, "sn-sub", ...at(gateway), "-t", "a", "-F", "%J", "-C", "1", "-q", "1");
    await subscribed(gateway);
    gateway.publish("a", '{"t": 21.5}', 1);
    assert.equal(await program.end(), 0, program.errors);
    const { tst, ...rest } = JSON.parse(program.output);
    assert.match(tst, /^\d{4}-/);
    const message = { topic: "a", qos: 1, retain: 0, payloadlen: 11, mid: 1 };
    assert.deepEqual(rest, { ...message, payload: { t: 21.5 } });
  });

  it("leaves what comes after the last one with the gateway", async (t) => {
    const gateway = await FakeSnGateway.start(t);
    const words = ["-t", "a", "-q", "1", "-i", "me", "-c", "-C", "1"];
    const program = run(t, "sn-sub", ...at(gateway), ...words);
    await subscribed(gateway);
    gateway.publish("a", "one", 1);
    gateway.publish("a", "two", 1);
    assert.equal(await program.end(), 0);
    assert.equal(program.output, "one\n");
    assert.equal(gateway.all("puback").length, 1);
  });

  it("ends once it has subscribed, and unsubscribes, where that is all", async (t) => {
    const gateway = await FakeSnGateway.start(t);
    const words = ["-t", "a", "-U", "b", "-E", "-i", "me", "-c"];
    assert.equal(await run(t, "sn-sub", ...at(gateway), ...words).end(), 0);
    assert.deepEqual(
      gateway.all("unsubscribe").map(({ topic }) => topic),
      [{ type: "name", name: "b" }],
    );
    assert.equal(gateway.all("subscribe").length, 1);
  });

  it("ends with 27 after -W", async (t) => {
    const gateway = await FakeSnGateway.start(t);
    const program = run(t, "sn-sub", ...at(gateway), "-t", "a", "-W", "0.3");
    assert.equal(await program.end(), 27);
    assert.equal(program.errors, "Timed out\n");
  });

  it("leaves in order when interrupted", async (t) => {
    const gateway = await FakeSnGateway.start(t);
    const program = run(t, "sn-sub", ...at(gateway), "-t", "a");
    await subscribed(gateway);
    program.signal("SIGINT");
    assert.equal(await program.end(), 0);
    assert.equal(gateway.heard.at(-1)?.kind, "disconnect");
  });

  it("sleeps, and wakes to fetch what came meanwhile", async (t) => {
    const gateway = await FakeSnGateway.start(t);
    const words = ["-t", "a", "--sleep", "1", "-i", "me", "-C", "1"];
    const program = run(t, "sn-sub", ...at(gateway), ...words);
    await gateway.until(() => gateway.all("disconnect").length > 0, "DISCONNECT");
    assert.equal(gateway.all("disconnect")[0]?.duration, 1);
    gateway.publish("a", "meanwhile");
    assert.equal(await program.end(), 0);
    assert.equal(program.output, "meanwhile\n");
    assert.equal(gateway.all("pingreq")[0]?.clientId, "me");
  });

  it("connects and subscribes again when the gateway forgot it", async (t) => {
    const gateway = await FakeSnGateway.start(t);
    const program = run(t, "sn-sub", ...at(gateway), "-t", "a", "-C", "1");
    await subscribed(gateway);
    gateway.disconnectAll();
    await subscribed(gateway, 2);
    gateway.publish("a", "x");
    assert.equal(await program.end(), 0);
    assert.equal(program.output, "x\n");
    assert.equal(gateway.all("connect").length, 2);
  });

  it("ends when a subscription is refused", async (t) => {
    const gateway = await FakeSnGateway.start(t);
    gateway.subackCode = 3;
    const program = run(t, "sn-sub", ...at(gateway), "-t", "a");
    assert.equal(await program.end(), 1);
    assert.match(program.errors, /^Error: subscribing to "a" failed: .*\n$/);
  });

  for (const [what, words] of [
    ["no topic", []],
    ["a bad filter", ["-t", "a/#/b"]],
    ["QoS -1", ["-t", "a", "-q", "-1"]],
  ] as const) {
    it(`tells ${what} in one line, with exit code 1`, async (t) => {
      const program = run(t, "sn-sub", ...words);
      assert.equal(await program.end(), 1);
      assert.equal(program.errors.trimEnd().split("\n").length, 1, program.errors);
    });
  }
});
