/** An MQTT client on a real socket that sends and receives packets one by one. */
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import type { TestContext } from "node:test";
import { ByteWriter } from "../../src/bytes/byte-writer.ts";
import { encodePacket } from "../../src/mqtt/encode.ts";
import { PacketStream } from "../../src/mqtt/packet-stream.ts";
import type { Packet, ProtocolLevel } from "../../src/mqtt/packets.ts";
import { plain } from "./plain.ts";

/** Nothing here takes longer unless something is broken, ms. */
const PATIENCE = 10_000;

/** The packets whose kind is, or may be, K. */
type PacketOf<K> = Packet extends infer One
  ? One extends { kind: infer Kinds }
    ? K extends Kinds
      ? One
      : never
    : never
  : never;

export class RawPeer {
  readonly #socket: Socket;
  readonly #level: ProtocolLevel;
  readonly #stream: PacketStream;
  #received: Packet[] = [];
  #wake: (() => void) | undefined;
  #closed = false;

  constructor(socket: Socket, level: ProtocolLevel = 5) {
    this.#socket = socket;
    this.#level = level;
    this.#stream = new PacketStream({ maximumPacketSize: 10_000_000, role: "client", level });
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
    encodePacket(writer, packet, this.#level);
    this.#socket.write(writer.copy());
  }

  /** What has come up to now: everything before the answer to a PINGREQ, or before the end. */
  async settle(): Promise<Packet[]> {
    if (!this.#closed) this.send({ kind: "pingreq" });
    await this.#until(() => this.#closed || this.#received.some(({ kind }) => kind === "pingresp"));
    const packets = this.#received.filter(({ kind }) => kind !== "pingresp");
    this.#received = [];
    return packets;
  }

  /** Waits until a packet of this kind is there, or the end. */
  async until(kind: Packet["kind"]): Promise<void> {
    await this.#until(() => this.#closed || this.#received.some((packet) => packet.kind === kind));
  }

  /** Waits for the next packet of this kind, and takes it; what comes before it stays to be taken. */
  async expect<Kind extends Packet["kind"]>(kind: Kind): Promise<PacketOf<Kind>> {
    await this.until(kind);
    const at = this.#received.findIndex((packet) => packet.kind === kind);
    const [found] = at < 0 ? [] : this.#received.splice(at, 1);
    if (found === undefined) throw new Error(`the broker closed the connection before ${kind}`);
    return found as PacketOf<Kind>;
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
export async function dialRaw(
  t: TestContext,
  port: number,
  level: ProtocolLevel = 5,
): Promise<RawPeer> {
  const socket = connect(port, "127.0.0.1");
  t.after(() => socket.destroy());
  socket.setNoDelay(true);
  await once(socket, "connect");
  return new RawPeer(socket, level);
}
