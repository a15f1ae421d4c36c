/** A publisher and a subscriber that behave: their messages must go through, whatever others do. */
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { ByteWriter } from "../../src/bytes/byte-writer.ts";
import { encodePacket } from "../../src/mqtt/encode.ts";
import { PacketStream } from "../../src/mqtt/packet-stream.ts";
import type { Packet } from "../../src/mqtt/packets.ts";

/** Between messages, ms. */
const INTERVAL = 100;
/** A message that takes longer counts as lost, ms. */
const PATIENCE = 10_000;
const TOPIC = "well-behaved/pair";

export class Pair {
  /** What went wrong. */
  failure: string | undefined;
  /** Messages that went through. */
  count = 0;
  /** The longest that one took, ms. */
  slowest = 0;
  readonly #publisher: Member;
  readonly #subscriber: Member;
  #running = true;

  constructor(port: number) {
    this.#publisher = new Member("well-behaved-publisher", port);
    this.#subscriber = new Member("well-behaved-subscriber", port);
  }

  /** Connects and subscribes; rejects if that does not succeed in time. */
  async start(): Promise<void> {
    for (const member of [this.#publisher, this.#subscriber]) await member.start();
    const subscriptions = [{ filter: TOPIC, qos: 1 as const }];
    this.#subscriber.send({ kind: "subscribe", packetId: 1, subscriptions });
    await this.#subscriber.expect(({ kind }) => kind === "suback", PATIENCE);
    void this.#run();
  }

  stop(): void {
    this.#running = false;
    for (const member of [this.#publisher, this.#subscriber]) member.stop();
  }

  async #run(): Promise<void> {
    for (let number = 1; this.#running; number = (number % 65535) + 1) {
      const began = performance.now();
      try {
        await this.#exchange(number);
      } catch (error) {
        if (this.#running) this.failure = (error as Error).message;
        return;
      }
      this.count++;
      this.slowest = Math.max(this.slowest, performance.now() - began);
      await new Promise((resolve) => setTimeout(resolve, INTERVAL));
    }
  }

  async #exchange(number: number): Promise<void> {
    const payload = new TextEncoder().encode(`${number}`);
    const arrived = this.#subscriber.expect(
      (packet) => packet.kind === "publish" && Buffer.compare(packet.payload, payload) === 0,
      PATIENCE,
    );
    const acknowledged = this.#publisher.expect(
      (packet) => packet.kind === "puback" && packet.packetId === number,
      PATIENCE,
    );
    this.#publisher.send({
      kind: "publish",
      topic: TOPIC,
      payload,
      qos: 1,
      retain: false,
      dup: false,
      packetId: number,
    });
    const [message] = await Promise.all([arrived, acknowledged]);
    if (message.kind === "publish" && message.qos === 1) {
      this.#subscriber.send({ kind: "puback", packetId: message.packetId });
    }
  }
}

class Member {
  readonly #name: string;
  readonly #port: number;
  readonly #stream = new PacketStream({ maximumPacketSize: 10_000, role: "client" });
  #socket: Socket | undefined;
  #waiting: ((packet: Packet | Error) => void)[] = [];

  constructor(name: string, port: number) {
    this.#name = name;
    this.#port = port;
  }

  async start(): Promise<void> {
    const socket = connect(this.#port, "127.0.0.1");
    this.#socket = socket;
    socket.on("error", () => {});
    await once(socket, "connect");
    socket.on("data", (chunk: Buffer) => {
      const fault = this.#stream.feed(chunk, (packet) => this.#tell(packet));
      if (fault !== undefined) this.#tell(new Error(`${this.#name} got rubbish: ${fault.detail}`));
    });
    socket.on("close", () => this.#tell(new Error(`${this.#name} was disconnected`)));
    this.send({
      kind: "connect",
      level: 4,
      bridge: false,
      clientId: this.#name,
      cleanStart: true,
      keepAlive: 0,
    });
    await this.expect((packet) => packet.kind === "connack" && packet.returnCode === 0, PATIENCE);
  }

  stop(): void {
    this.#socket?.destroy();
  }

  send(packet: Packet): void {
    const writer = new ByteWriter();
    encodePacket(writer, packet);
    this.#socket?.write(writer.copy());
  }

  /** The next packet that `test` accepts; rejects if it does not come in time. */
  expect(test: (packet: Packet) => boolean, patience: number): Promise<Packet> {
    return new Promise((resolve, reject) => {
      const end = (): void => {
        clearTimeout(timer);
        this.#waiting = this.#waiting.filter((one) => one !== look);
      };
      const look = (packet: Packet | Error): void => {
        if (packet instanceof Error) {
          end();
          reject(packet);
        } else if (test(packet)) {
          end();
          resolve(
            packet.kind === "publish" ? { ...packet, payload: packet.payload.slice() } : packet,
          );
        }
      };
      const timer = setTimeout(() => {
        look(new Error(`${this.#name} got nothing for ${patience / 1000} s`));
      }, patience);
      this.#waiting.push(look);
    });
  }

  #tell(packet: Packet | Error): void {
    for (const look of [...this.#waiting]) look(packet);
  }
}
