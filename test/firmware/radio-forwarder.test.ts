/**
 * The sample radio-forwarder on an emulated ATmega328P with an emulated RFM69: nodes on the air, which
 * the test plays, behind Midge's own serial link.
 */
import assert from "node:assert/strict";
import { createSocket, type Socket } from "node:dgram";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { avrBoard, defines, make, serialLink } from "../kit/firmware.ts";
import { mosquittoPub, mosquittoSub, startMidge } from "../kit/processes.ts";

const STICK = 1;
const EVERYONE = 0xff;
const BAUD_RATE = 57_600;

/** The air around the stick: packets are receiver, sender, and what they carry. */
class Air {
  readonly #socket: Socket;
  readonly #port: number;
  readonly #heard: Uint8Array[] = [];
  #wake = () => {};

  constructor(t: TestContext, port: number) {
    this.#port = port;
    this.#socket = createSocket("udp4");
    this.#socket.on("message", (packet) => {
      this.#heard.push(packet);
      this.#wake();
    });
    t.after(() => this.#socket.close());
  }

  send(to: number, from: number, frame: string): void {
    const packet = Buffer.concat([Buffer.from([to, from]), Buffer.from(frame, "latin1")]);
    this.#socket.send(packet, this.#port, "127.0.0.1");
  }

  /** What `node` hears next; what is for others meanwhile is passed over. */
  async hear(node: number): Promise<string> {
    const deadline = Date.now() + 15_000;
    for (;;) {
      const index = this.#heard.findIndex((packet) => packet[0] === node);
      if (index >= 0) {
        const [packet] = this.#heard.splice(index, 1);
        assert.equal(packet?.[1], STICK);
        return Buffer.from(packet?.subarray(2) ?? []).toString("latin1");
      }
      if (Date.now() > deadline) throw new Error(`node ${node} heard nothing`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, 500);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }

  /** Sends as `node` and answers what it hears of this message type then, again if nothing. */
  async ask(node: number, frame: string, type: number): Promise<string> {
    this.send(STICK, node, frame);
    for (;;) {
      const answer = await this.hear(node);
      if (answer.charCodeAt(1) === type) return answer;
    }
  }
}

function connect(clientId: string): string {
  return `${String.fromCharCode(6 + clientId.length)}\x04\x04\x01\x00\x3c${clientId}`;
}

/** QoS 1 on a short topic. */
function publish(topic: string, text: string): string {
  return `${String.fromCharCode(7 + text.length)}\x0c\x22${topic}\x00\x01${text}`;
}

test("a stick carries two nodes and what is for each of them", async (t) => {
  const firmware = join(await make("radio-forwarder"), "radio-forwarder.elf");
  const board = await avrBoard(t, "--rfm69", "atmega328p", "16000000", firmware);
  const air = new Air(t, Number(/^air (\d+)$/m.exec(board.output)?.[1]));
  const more = serialLink(board.line, "slip-crc16", BAUD_RATE);
  const gateway = await startMidge(t, { more: `${more}advertise_interval = 1\n` });
  const watcher = await mosquittoSub(t, gateway.mqttPort, "+");

  assert.equal(await air.ask(7, connect("seven"), 0x05), "\x03\x05\x00");
  assert.equal(await air.ask(8, connect("eight"), 0x05), "\x03\x05\x00");
  await gateway.until(
    (text) => /node "seven" joined at wire\/\S+>07,/.test(text),
    "the first node",
  );
  await gateway.until(
    (text) => /node "eight" joined at wire\/\S+>08,/.test(text),
    "the second node",
  );

  await air.ask(7, publish("t7", "21.5"), 0x0d);
  await air.ask(8, publish("t8", "\u00c0\u00db"), 0x0d);
  await watcher.until((text) => text.includes("t7 21.5"), "the message of the first node");
  await watcher.until((text) => text.includes("t8 "), "the message of the second node");

  await air.ask(7, "\x07\x12\x22\x00\x02c7", 0x13);
  await air.ask(8, "\x07\x12\x22\x00\x02c8", 0x13);
  await mosquittoPub(t, gateway.mqttPort, "-t", "c8", "-m", "for eight", "-q", "0");
  assert.equal(await air.hear(8), "\x10\x0c\x02c8\x00\x00for eight");
  await mosquittoPub(t, gateway.mqttPort, "-t", "c7", "-m", "for seven", "-q", "0");
  assert.equal(await air.hear(7), "\x10\x0c\x02c7\x00\x00for seven");

  // The gateway is known to be there by those who have not connected yet.
  assert.equal(await air.hear(EVERYONE), "\x05\x00\x01\x00\x01");
});

test("a stick keeps noise and other networks' packets from the gateway", async (t) => {
  const out = await make("radio-forwarder", defines({ RADIO_NODE: 9 }));
  const firmware = join(out, "radio-forwarder.elf");
  const board = await avrBoard(t, "--rfm69", "atmega328p", "16000000", firmware);
  const air = new Air(t, Number(/^air (\d+)$/m.exec(board.output)?.[1]));
  const more = serialLink(board.line, "slip-crc16", BAUD_RATE);
  const gateway = await startMidge(t, { more });
  for (const noise of ["", "\x00", "no message", "\x03\x05", "x".repeat(60), "y".repeat(70)]) {
    air.send(9, 7, noise);
  }
  air.send(3, 7, connect("elsewhere"));
  air.send(9, 7, connect("here"));
  await gateway.until((text) => /node "here" joined at wire\//.test(text), "the node");
  assert.doesNotMatch(gateway.output + gateway.errors, /elsewhere|malformed|fault/);
});
