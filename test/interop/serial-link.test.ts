/** Serial links on pseudo terminals: every framing, cables that are pulled, ports that cannot be had. */
import assert from "node:assert/strict";
import { closeSync, constants, mkdirSync, openSync, readFileSync, realpathSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { ByteWriter } from "../../src/bytes/byte-writer.ts";
import { makeFraming, type PlainFraming } from "../../src/links/framing/make-framing.ts";
import { decodeMessage } from "../../src/mqttsn/decode.ts";
import { encodeMessage } from "../../src/mqttsn/encode.ts";
import { LineNode } from "../kit/line-node.ts";
import {
  midge,
  mosquittoPub,
  mosquittoSub,
  startMidge,
  temporaryFolder,
} from "../kit/processes.ts";
import { linkTo, PtyLine, until } from "../kit/pty-line.ts";
import { XBeeModule } from "../kit/xbee-module.ts";

const OPTIONS = { maximumFrame: 1024, gap: 100 };

function nodeOn(t: TestContext, line: PtyLine, framing: PlainFraming, clientId = "n"): LineNode {
  const node = new LineNode({
    clientId,
    framing: makeFraming(framing, OPTIONS),
    send: (bytes) => line.send(bytes),
  });
  line.receive = (bytes) => node.feed(bytes);
  t.after(() => node.stop());
  return node;
}

function link(path: string, more = ""): string {
  return `[[link]]\nname = "wire"\ntype = "serial"\npath = ${JSON.stringify(path)}\n${more}`;
}

for (const [framing, configured] of [
  ["slip", "slip"],
  ["slip-crc16", "slip-crc16"],
  ["length", "length"],
  ["slip", "auto"],
  ["length", "auto"],
] as const) {
  test(`a node that speaks ${framing} is served by a link of framing ${configured}`, async (t) => {
    const port = join(temporaryFolder(t), "ttyTEST0");
    const line = new PtyLine(t);
    await line.plugIn(port);
    const gateway = await startMidge(t, {
      more: link(port, `framing = "${configured}"\nbaud_rate = 115200\n`),
    });
    await line.opened();
    const local = await mosquittoSub(t, gateway.mqttPort, "up/#", "-q", "1");
    const node = nodeOn(t, line, framing);
    assert.equal(await node.connect(), "accepted");
    assert.equal(await node.subscribe("down/#"), "accepted");
    // Bytes that framings have to escape, and nearly the longest message.
    for (const text of ["hello", "\u00c0\u00db\u007e\u007d", "x".repeat(900)]) {
      assert.equal(await node.publish("up/a", text), "accepted");
      await local.until((output) => output.includes(`up/a ${text}`), text.slice(0, 10));
      await mosquittoPub(t, gateway.mqttPort, "-t", "down/a", "-m", text, "-q", "1");
      await until(() => node.messages.at(-1) === `down/a ${text}`, "the command");
    }
    assert.equal(await node.sleep(60), "accepted");
    await mosquittoPub(t, gateway.mqttPort, "-t", "down/a", "-m", "while asleep", "-q", "1");
    assert.equal(await node.wake(), "accepted");
    assert.equal(node.messages.at(-1), "down/a while asleep");
  });
}

test("a port that is missing at start is waited for, and pulled and plugged in elsewhere ten times its node's session goes on", async (t) => {
  const folder = temporaryFolder(t);
  const byId = join(folder, "by-id");
  mkdirSync(byId);
  const name = join(byId, "usb-Test_Stick_1234-if00");
  const gateway = await startMidge(t, {
    more: link(join(byId, "usb-Test_*"), "retry_interval = 0.5\n"),
  });
  await gateway.until((text) => /no port is like .*usb-Test_\*; waiting/.test(text), "waiting");
  const local = await mosquittoSub(t, gateway.mqttPort, "up", "-q", "1");
  const line = new PtyLine(t);
  const node = nodeOn(t, line, "slip");
  const plugIn = async (round: number) => {
    const port = join(folder, `ttyUSB${round}`);
    await line.plugIn(port);
    linkTo(port, name);
    await line.opened();
  };
  await plugIn(0);
  assert.equal(await node.connect(false), "accepted");
  assert.equal(await node.subscribe("down"), "accepted");
  // Holds on to numbers, so that the next port is another.
  const held: number[] = [];
  t.after(() => {
    for (const fd of held) closeSync(fd);
  });
  const ports = new Set<string>();
  for (let round = 1; round <= 10; round++) {
    ports.add(realpathSync(name));
    await line.pullOut();
    await gateway.until((text) => count(text, 'link "wire": lost') === round, `loss ${round}`);
    held.push(openSync("/dev/ptmx", constants.O_RDWR | constants.O_NOCTTY));
    await mosquittoPub(t, gateway.mqttPort, "-t", "down", "-m", `away ${round}`, "-q", "1");
    await plugIn(round);
    await until(() => node.messages.includes(`down away ${round}`), `message ${round}`);
    assert.equal(await node.publish("up", `back ${round}`), "accepted");
    await local.until((text) => text.includes(`up back ${round}`), `publication ${round}`);
  }
  assert.ok(ports.size > 5, [...ports].join());
  assert.equal(node.client.state, "active");
  assert.deepEqual(
    [...new Set(node.messages)],
    Array.from({ length: 10 }, (_, at) => `down away ${at + 1}`),
  );
  const log = gateway.output + gateway.errors;
  assert.equal(count(log, 'node "n" joined at wire/line'), 1, log);
});

test("nodes behind one stick are told apart by forwarder encapsulation", async (t) => {
  const port = join(temporaryFolder(t), "ttyTEST0");
  const line = new PtyLine(t);
  await line.plugIn(port);
  const gateway = await startMidge(t, { more: link(port) });
  await line.opened();
  const nodes = [1, 2, 3].map(
    (id) =>
      new LineNode({
        clientId: `node${id}`,
        framing: makeFraming("slip", OPTIONS),
        send: (bytes) => line.send(bytes),
        wrap: (message) => {
          const writer = new ByteWriter();
          const wirelessNodeId = Uint8Array.of(id);
          encodeMessage(writer, { kind: "encapsulated", radius: 0, wirelessNodeId, message });
          return writer.copy();
        },
        unwrap: (frame) => {
          const message = decodeMessage(frame);
          if (message.kind !== "encapsulated") return undefined;
          return message.wirelessNodeId[0] === id ? message.message : undefined;
        },
      }),
  );
  t.after(() => {
    for (const node of nodes) node.stop();
  });
  line.receive = (bytes) => {
    for (const node of nodes) node.feed(bytes);
  };
  for (const [at, node] of nodes.entries()) {
    assert.equal(await node.connect(), "accepted");
    assert.equal(await node.subscribe(`to/${at}`), "accepted");
  }
  for (const at of nodes.keys()) {
    await mosquittoPub(t, gateway.mqttPort, "-t", `to/${at}`, "-m", "x", "-q", "1");
  }
  for (const [at, node] of nodes.entries()) {
    await until(() => node.messages.length > 0, `the message for node ${at}`);
    assert.deepEqual(node.messages, [`to/${at} x`]);
  }
});

test("a port that another program holds is told of with its name, and taken when it is free", async (t) => {
  const port = join(temporaryFolder(t), "ttyTEST0");
  const line = new PtyLine(t);
  await line.plugIn(port);
  const other = await startMidge(t, { more: link(port) });
  await line.opened();
  const gateway = await startMidge(t, { more: link(port) });
  const holder = `${port} is held by midge.mjs (process ${other.pid}); waiting`;
  await gateway.until((text) => text.includes(holder), "who holds it");
  other.signal("SIGTERM");
  await other.end();
  await line.pullOut();
  await line.plugIn(port);
  await gateway.until((text) => text.includes('link "wire": opened'), "the port");
});

for (const framing of ["xbee1", "xbee2"] as const) {
  test(`nodes around an XBee module in ${framing} are told apart by their addresses`, async (t) => {
    const port = join(temporaryFolder(t), "ttyTEST0");
    const line = new PtyLine(t);
    await line.plugIn(port);
    const gateway = await startMidge(t, {
      more: `${link(port, `framing = "${framing}"\n`)}[gateway]\nreport_interval = 1\n`,
    });
    await line.opened();
    const nodes = new Map<string, LineNode>();
    let failing = 2;
    const module = new XBeeModule({
      escaped: framing === "xbee2",
      send: (bytes) => line.send(bytes),
      deliver: (to, payload) => {
        if (to !== "000000000000ffff" && failing-- > 0) return 0x21;
        for (const [address, node] of nodes) if (address === to) node.feed(payload);
        return 0;
      },
      signal: () => 61,
    });
    line.receive = (bytes) => module.feed(bytes);
    for (const address of ["0013a20041526370", "0013a2007e7d1113"]) {
      const node = new LineNode({
        clientId: address,
        framing: makeFraming("length", OPTIONS),
        send: (bytes) => module.heard(address, bytes),
        // Longer than it takes to try what failed again.
        retryInterval: 5000,
      });
      t.after(() => node.stop());
      nodes.set(address, node);
      assert.equal(await node.connect(), "accepted");
      assert.equal(await node.subscribe(`to/${address}`), "accepted");
    }
    const reports = await mosquittoSub(t, gateway.mqttPort, "$SYS/gateway/#");
    for (const [address, node] of nodes) {
      failing = 2;
      await mosquittoPub(t, gateway.mqttPort, "-t", `to/${address}`, "-m", "x", "-q", "1");
      await until(() => node.messages.length === 1, "the message");
      assert.deepEqual(node.messages, [`to/${address} x`]);
    }
    await reports.until((text) => text.includes('"rssi":-61'), "the signal");
    await reports.until((text) => /"transmitRepeated":[4-9]/.test(text), "the repetitions");
  });
}

test("a babbling node and one that reads nothing hold up nobody on another line", async (t) => {
  const folder = temporaryFolder(t);
  const [bad, good] = [new PtyLine(t), new PtyLine(t)];
  const ports = [join(folder, "ttyBAD"), join(folder, "ttyGOOD")] as const;
  await bad.plugIn(ports[0]);
  await good.plugIn(ports[1]);
  const gateway = await startMidge(t, {
    more: `${link(ports[0]).replace("wire", "bad")}${link(ports[1])}[gateway]\nreport_interval = 1\n`,
  });
  await bad.opened();
  await good.opened();
  const reports = await mosquittoSub(t, gateway.mqttPort, "$SYS/gateway/links/bad");
  const babbler = nodeOn(t, bad, "slip", "babbler");
  assert.equal(await babbler.connect(), "accepted");
  assert.equal(await babbler.subscribe("flood"), "accepted");
  bad.setReading(false);
  const noise = new Uint8Array(20_000).map((_, at) => (at * 7919) >>> 3);
  const node = nodeOn(t, good, "slip");
  assert.equal(await node.connect(), "accepted");
  assert.equal(await node.subscribe("down"), "accepted");
  for (let round = 0; round < 20; round++) {
    bad.send(noise);
    await mosquittoPub(
      t,
      gateway.mqttPort,
      "-t",
      "flood",
      "-m",
      "y".repeat(900),
      "--repeat",
      "50",
      "--repeat-delay",
      "0",
    );
    await mosquittoPub(t, gateway.mqttPort, "-t", "down", "-m", `${round}`, "-q", "1");
    await until(() => node.messages.at(-1) === `down ${round}`, `message ${round}`);
    assert.equal(await node.publish("up", `${round}`), "accepted");
  }
  await reports.until((text) => /"faults":[1-9]/.test(text), "the faults");
});

test("what a link carries can be listened in on, in words and for Wireshark", async (t) => {
  const folder = temporaryFolder(t);
  const port = join(folder, "ttyTEST0");
  const line = new PtyLine(t);
  await line.plugIn(port);
  const gateway = await startMidge(t, { more: link(port) });
  await line.opened();
  const file = join(gateway.folder, "midge.toml");
  const capture = join(folder, "capture.pcap");
  const sniffer = midge(t, "sniff", port, "-c", file, "--pcap", capture);
  await sniffer.until((text) => text.includes('Listening in on link "wire"'), "the door");
  const node = nodeOn(t, line, "slip");
  assert.equal(await node.connect(), "accepted");
  assert.equal(await node.publish("up/a", "hello"), "accepted");
  await sniffer.until((text) => /in {2}line {2}PUBLISH \(/.test(text), "PUBLISH");
  await sniffer.until((text) => /out line {2}PUBACK \(/.test(text), "PUBACK");
  sniffer.signal("SIGINT");
  assert.equal(await sniffer.end(), 0);
  const bytes = readFileSync(capture);
  assert.equal(bytes.readUInt32LE(0), 0xa1b2c3d4);
  assert.equal(bytes.readUInt32LE(20), 101);
  // The first is CONNECT, from a node to UDP port 1884.
  assert.deepEqual([bytes[40], bytes[49], bytes.readUInt16BE(62)], [0x45, 17, 1884]);
  assert.equal(decodeMessage(bytes.subarray(68, 40 + bytes.readUInt32LE(32))).kind, "connect");

  const list = midge(t, "ports", "-c", file);
  assert.equal(await list.end(), 0);
  assert.match(list.output, /^\/dev\/pts\/\d+\n {4}link "wire"$/m);
  const nobody = midge(t, "sniff", "nothing", "-c", file);
  assert.equal(await nobody.end(), 1);
  assert.match(nobody.errors, /there is no link "nothing"; the links are/);
});

test("a port that no Midge has is opened by the sniffer itself", async (t) => {
  const port = join(temporaryFolder(t), "ttyTEST0");
  const line = new PtyLine(t);
  await line.plugIn(port);
  const sniffer = midge(t, "sniff", port, "--framing", "length");
  await sniffer.until((text) => text.includes(`reading ${port}`), "the port");
  await line.opened();
  line.send(Uint8Array.of(3, 1, 0, 7, 4, 4, 1, 0, 60, 0x6e));
  await sniffer.until((text) => text.includes("SEARCHGW") && text.includes("CONNECT"), "messages");
});

test("a file that is no serial port is told of, and holds up nothing", async (t) => {
  const gateway = await startMidge(t, { more: link("/dev/null") });
  await gateway.until(
    (text) => text.includes("/dev/null is no serial port; waiting"),
    "the reason",
  );
});

function count(text: string, part: string): number {
  return text.split(part).length - 1;
}
