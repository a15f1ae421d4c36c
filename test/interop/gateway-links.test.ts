/** Several links of one Midge, and topic ids that nodes know beforehand, on real sockets. */
import assert from "node:assert/strict";
import { createSocket, type Socket } from "node:dgram";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { freeUdpPort } from "../kit/ports.ts";
import {
  mosquittoPub,
  mosquittoSub,
  type RunningMidge,
  startMidge,
  temporaryFolder,
} from "../kit/processes.ts";

/** A node that speaks octets. */
class Node {
  readonly #socket: Socket;
  readonly #heard: string[] = [];
  readonly #port: number;
  readonly #host: string;
  #wake = () => {};

  constructor(t: TestContext, host: string, port: number) {
    this.#host = host;
    this.#port = port;
    this.#socket = createSocket(host.includes(":") ? "udp6" : "udp4");
    this.#socket.on("message", (message) => {
      this.#heard.push(message.toString("latin1"));
      this.#wake();
    });
    t.after(() => this.#socket.close());
  }

  /** Sends, and answers what comes next. */
  async ask(frame: string): Promise<string> {
    this.tell(frame);
    return await this.next();
  }

  tell(frame: string): void {
    this.#socket.send(Buffer.from(frame, "latin1"), this.#port, this.#host);
  }

  async next(): Promise<string> {
    const deadline = Date.now() + 10_000;
    while (this.#heard.length === 0) {
      if (Date.now() > deadline) throw new Error("nothing came");
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, 1000);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    return this.#heard.shift() as string;
  }
}

const CONNECT = "\x07\x04\x00\x01\x00\x3cn";
const CONNACK = "\x03\x05\x00";

function publish(id: number, text: string): string {
  return `${String.fromCharCode(7 + text.length)}\x0c\x21\x00${String.fromCharCode(id)}\x00\x01${text}`;
}

async function reload(gateway: RunningMidge, told: RegExp): Promise<void> {
  gateway.signal("SIGHUP");
  await gateway.until((text) => told.test(text), String(told));
}

test("links over IPv4 and IPv6 serve nodes side by side, each as a gateway of its own id", async (t) => {
  const port = await freeUdpPort();
  const gateway = await startMidge(t, {
    more: `[[link]]\nname = "six"\naddress = "::1"\nport = ${port}\ngateway_id = 7\nadvertise_interval = 60\n`,
  });
  const four = new Node(t, "127.0.0.1", gateway.udpPort);
  const six = new Node(t, "::1", port);
  assert.equal(await four.ask("\x03\x01\x00"), "\x03\x02\x01");
  assert.equal(await six.ask("\x03\x01\x00"), "\x03\x02\x07");
  assert.equal(await four.ask(CONNECT), CONNACK);
  assert.equal(await four.ask("\x07\x12\x22\x00\x01ab"), "\x08\x13\x20\x00\x00\x00\x01\x00");
  // The node moves to the other link, and its session with it.
  assert.equal(await six.ask("\x03\x16n"), "\x02\x17");
  await mosquittoPub(t, gateway.mqttPort, "-t", "ab", "-m", "moved", "-q", "1");
  assert.match(await six.next(), /moved$/);
  await gateway.until(
    (text) => /node "n" moved from udp-\d+\/.* to six\/\[::1\]/.test(text),
    "the move",
  );
});

test("a file of predefined topics is read again on SIGHUP, at once for connected nodes; a wrong one is told", async (t) => {
  const file = join(temporaryFolder(t), "predefinedTopic.conf");
  writeFileSync(file, "# ours\n*, room/one, 5\nother, room/other, 6\n");
  const gateway = await startMidge(t, {
    more: `[gateway]\npredefined_topic_file = ${JSON.stringify(file)}\n`,
  });
  const local = await mosquittoSub(t, gateway.mqttPort, "room/#", "-q", "1");
  const node = new Node(t, "127.0.0.1", gateway.udpPort);
  assert.equal(await node.ask(CONNECT), CONNACK);
  assert.equal(await node.ask(publish(5, "a")), "\x07\x0d\x00\x05\x00\x01\x00");
  await local.until((text) => text.includes("room/one a"), "the first");
  assert.equal(await node.ask(publish(6, "b")), "\x07\x0d\x00\x06\x00\x01\x02");

  writeFileSync(file, "*, room/#, 5\nn, room/mine, 65535\n");
  await reload(gateway, /predefinedTopic\.conf:1: expected a topic name without wildcards/);
  assert.match(
    gateway.output + gateway.errors,
    /predefinedTopic\.conf:2: expected a topic id from/,
  );
  assert.equal(await node.ask(publish(5, "c")), "\x07\x0d\x00\x05\x00\x01\x00");
  await local.until((text) => text.includes("room/one c"), "as before");

  writeFileSync(file, "*, room/two, 5\nn*, room/mine, 6\n");
  await reload(gateway, /predefined topics: 2 added, 2 taken away/);
  assert.equal(await node.ask(publish(5, "d")), "\x07\x0d\x00\x05\x00\x01\x00");
  assert.equal(await node.ask(publish(6, "e")), "\x07\x0d\x00\x06\x00\x01\x00");
  await local.until((text) => text.includes("room/mine e"), "the last");
  assert.ok(local.output.includes("room/two d"));
});

test("an active node is given messages after a restart without a word of its own", async (t) => {
  const before = await startMidge(t);
  const node = new Node(t, "127.0.0.1", before.udpPort);
  assert.equal(await node.ask(CONNECT), CONNACK);
  assert.equal(await node.ask("\x07\x12\x22\x00\x01ab"), "\x08\x13\x20\x00\x00\x00\x01\x00");
  before.signal("SIGTERM");
  assert.equal(await before.end(), 0);
  const gateway = await startMidge(t, { like: before });
  await mosquittoPub(t, gateway.mqttPort, "-t", "ab", "-m", "back", "-q", "1");
  assert.match(await node.next(), /back$/);
});
