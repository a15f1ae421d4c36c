/** A broker on a real port that a bridge connects to: sees its packets, and answers only what it is told to. */
import { once } from "node:events";
import { createServer, type Server, type Socket } from "node:net";
import type { TestContext } from "node:test";
import { ByteWriter } from "../../src/bytes/byte-writer.ts";
import { encodePacket } from "../../src/mqtt/encode.ts";
import { PacketStream } from "../../src/mqtt/packet-stream.ts";
import type { Packet } from "../../src/mqtt/packets.ts";
import { inShort } from "./server-end.ts";

/** Nothing here takes longer unless something is broken, ms. */
const PATIENCE = 10_000;

export class RemoteEnd {
  /** Packets of these kinds go unanswered. */
  readonly mute = new Set<Packet["kind"]>();
  readonly #port: number;
  #server: Server | undefined;
  #socket: Socket | undefined;
  #known = false;
  #received: string[] = [];
  #wake: (() => void) | undefined;

  constructor(t: TestContext, port: number) {
    this.#port = port;
    t.after(() => this.close());
  }

  async open(): Promise<void> {
    const server = createServer((socket) => this.#accept(socket));
    this.#server = server;
    server.listen(this.#port, "127.0.0.1");
    await once(server, "listening");
  }

  /** Takes no connections any more, and ends those that there are. */
  close(): void {
    this.#server?.close();
    this.#server = undefined;
    this.#socket?.destroy();
  }

  send(packet: Packet): void {
    const writer = new ByteWriter();
    encodePacket(writer, packet);
    this.#socket?.write(writer.copy());
  }

  /** Waits until something was received that begins so, and answers all such up to then, in short. */
  async until(beginning: string): Promise<string[]> {
    const deadline = Date.now() + PATIENCE;
    for (;;) {
      const found = this.#received.filter((one) => one.startsWith(beginning));
      if (found.length > 0) return found;
      const left = deadline - Date.now();
      if (left <= 0) throw new Error(`no ${beginning} came, but ${this.#received.join(", ")}`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, left);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }

  /** Forgets what it has received. */
  forget(): void {
    this.#received = [];
  }

  #accept(socket: Socket): void {
    this.#socket = socket;
    socket.on("error", () => {});
    const stream = new PacketStream({ maximumPacketSize: 1_000_000, role: "server" });
    socket.on("data", (chunk: Buffer) => {
      stream.feed(new Uint8Array(chunk), (packet) => this.#take(packet));
      this.#wake?.();
    });
  }

  #take(packet: Packet): void {
    this.#received.push(inShort(packet));
    if (this.mute.has(packet.kind)) return;
    switch (packet.kind) {
      case "connect":
        this.send({ kind: "connack", sessionPresent: this.#known, returnCode: 0 });
        this.#known = true;
        return;
      case "subscribe": {
        const codes = packet.subscriptions.map(({ qos }) => qos);
        this.send({ kind: "suback", packetId: packet.packetId, codes });
        return;
      }
      case "unsubscribe":
        this.send({ kind: "unsuback", packetId: packet.packetId });
        return;
      case "publish":
        if (packet.qos === 0) return;
        this.send({ kind: packet.qos === 1 ? "puback" : "pubrec", packetId: packet.packetId });
        return;
      case "pubrec":
        this.send({ kind: "pubrel", packetId: packet.packetId });
        return;
      case "pubrel":
        this.send({ kind: "pubcomp", packetId: packet.packetId });
        return;
      case "pingreq":
        this.send({ kind: "pingresp" });
        return;
      default:
        return;
    }
  }
}
