/** An MQTT 5.0 client on a real socket that sends and receives packets one by one, for comparing brokers. */
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import type { TestContext } from "node:test";
import { ByteWriter } from "../../src/bytes/byte-writer.ts";
import { encodePacket } from "../../src/mqtt/encode.ts";
import { PacketStream } from "../../src/mqtt/packet-stream.ts";
import type { Packet } from "../../src/mqtt/packets.ts";
import { plain } from "./plain.ts";

/** Nothing here takes longer unless something is broken, ms. */
const PATIENCE = 10_000;

export class RawPeer {
  readonly #socket: Socket;
  readonly #stream = new PacketStream({ maximumPacketSize: 10_000_000, role: "client", level: 5 });
  #received: Packet[] = [];
  #wake: (() => void) | undefined;
  #closed = false;

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.on("data", (chunk: Buffer) => {
      this.#stream.feed(new Uint8Array(chunk), (packet) => {
        const copy =
          packet.kind === "publish" ? { ...packet, payload: packet.payload.slice() } : packet;
        this.#received.push(plain(copy));
      });
      this.#wake?.();
    });
    socket.on("error", () => {});
    socket.on("close", () => {
      this.#closed = true;
      this.#wake?.();
    });
  }

  send(packet: Packet): void {
    const writer = new ByteWriter();
    encodePacket(writer, packet, 5);
    this.#socket.write(writer.copy());
  }

  /** What has come up to now: everything before the answer to a PINGREQ, or before the end. */
  async settle(): Promise<Packet[]> {
    if (!this.#closed) this.send({ kind: "pingreq" });
    await this.#until(() => this.#closed || this.#received.at(-1)?.kind === "pingresp");
    const packets = this.#received.filter(({ kind }) => kind !== "pingresp");
    this.#received = [];
    return packets;
  }

  /** Waits until a packet of this kind is there, or the end. */
  async until(kind: Packet["kind"]): Promise<void> {
    await this.#until(() => this.#closed || this.#received.some((packet) => packet.kind === kind));
  }

  /** The next packet, CONNACK at first. */
  async next(): Promise<Packet | undefined> {
    await this.#until(() => this.#closed || this.#received.length > 0);
    return this.#received.shift();
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** The connection breaks. */
  async break(): Promise<void> {
    this.#socket.resetAndDestroy();
    await this.#until(() => this.#closed);
  }

  async #until(test: () => boolean): Promise<void> {
    const deadline = Date.now() + PATIENCE;
    while (!test()) {
      const left = deadline - Date.now();
      if (left <= 0) throw new Error("the broker does not answer");
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, left);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }
}

/** A connection to a broker on 127.0.0.1, which ends with the test. */
export async function dialRaw(t: TestContext, port: number): Promise<RawPeer> {
  const socket = connect(port, "127.0.0.1");
  t.after(() => socket.destroy());
  socket.setNoDelay(true);
  await once(socket, "connect");
  return new RawPeer(socket);
}
