/** The broker at the far end of a bridge: acknowledges whatever it is sent at once, and counts it. */
import { createServer, type Server, type Socket } from "node:net";
import { PacketType } from "../../src/mqtt/packets.ts";
import { PacketScanner } from "./packet-scanner.ts";
import { readU16, stampPublisher, stampSequence, stampTime } from "./stamp.ts";
import { microseconds, type Traffic } from "./traffic.ts";

/** Of MQTT 3.1.1. */
export class SinkBroker {
  readonly #server: Server;
  readonly #traffic: Traffic;
  readonly #counted: () => void;
  readonly #sockets = new Set<Socket>();
  /** The next sequence number of each publisher. */
  readonly #expected: Float64Array;

  /** `counted` is called when messages came. */
  constructor(traffic: Traffic, publishers: number, counted: () => void) {
    this.#traffic = traffic;
    this.#counted = counted;
    this.#expected = new Float64Array(publishers);
    this.#server = createServer({ noDelay: true }, (socket) => this.#serve(socket));
  }

  listen(port: number): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once("error", reject);
      this.#server.listen(port, "127.0.0.1", resolve);
    });
  }

  close(): void {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
  }

  #serve(socket: Socket): void {
    this.#sockets.add(socket);
    let output = new Uint8Array(65536);
    let length = 0;
    const answer = (...bytes: number[]): void => {
      if (length + bytes.length > output.length) {
        const larger = new Uint8Array(2 * output.length);
        larger.set(output);
        output = larger;
      }
      output.set(bytes, length);
      length += bytes.length;
    };
    let now = 0;
    const scanner = new PacketScanner({
      packet: (header, bytes, start, end) => {
        const type = header >> 4;
        if (type === PacketType.publish) {
          const stamp = start + 2 + readU16(bytes, start);
          if ((header & 6) === 0) return this.#count(bytes, stamp, now);
          answer(PacketType.puback << 4, 2, bytes[stamp] as number, bytes[stamp + 1] as number);
          this.#count(bytes, stamp + 2, now);
        } else if (type === PacketType.connect) {
          answer(PacketType.connack << 4, 2, 0, 0);
        } else if (type === PacketType.subscribe) {
          const qos = bytes[end - 1] as number;
          answer(
            PacketType.suback << 4,
            3,
            bytes[start] as number,
            bytes[start + 1] as number,
            qos,
          );
        } else if (type === PacketType.unsubscribe) {
          answer(PacketType.unsuback << 4, 2, bytes[start] as number, bytes[start + 1] as number);
        } else if (type === PacketType.pingreq) {
          answer(PacketType.pingresp << 4, 0);
        }
      },
    });
    socket.on("data", (chunk: Uint8Array) => {
      now = microseconds();
      scanner.push(chunk, chunk.length);
      if (length > 0) socket.write(output.slice(0, length));
      length = 0;
      this.#counted();
    });
    socket.on("error", () => {});
    socket.on("close", () => this.#sockets.delete(socket));
  }

  #count(bytes: Uint8Array, stamp: number, now: number): void {
    const publisher = stampPublisher(bytes, stamp);
    const sequence = stampSequence(bytes, stamp);
    const expected = this.#expected[publisher] as number;
    this.#traffic.delivered++;
    this.#traffic.latency.record((now - stampTime(bytes, stamp)) >>> 0);
    this.#expected[publisher] = Math.max(expected, sequence + 1);
    if (sequence !== expected) this.#traffic.lose(sequence - expected);
  }
}
