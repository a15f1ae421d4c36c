/**
 * A TCP connection of the load generator: all of them read into one shared buffer, and each writes
 * once per turn of the event loop, so that the generator stays cheaper than the broker it loads.
 */
import { createConnection, type Socket } from "node:net";
import { PacketScanner, type PacketTaker } from "./packet-scanner.ts";

const readBuffer = new Uint8Array(65536);
const SMALLEST_OUTPUT = 1024;

export interface ChannelEvents extends PacketTaker {
  /** The connection is there. */
  opened(): void;
  /** Bytes came, whose packets follow. */
  reading(): void;
  /** The broker closed the connection, or it failed. Not called after `close()`. */
  failed(cause: string): void;
}

export class Channel {
  readonly #socket: Socket;
  #output = new Uint8Array(SMALLEST_OUTPUT);
  #length = 0;
  #closed = false;

  /** Connects to a port on loopback. */
  constructor(port: number, events: ChannelEvents) {
    const scanner = new PacketScanner(events);
    this.#socket = createConnection({
      host: "127.0.0.1",
      port,
      noDelay: true,
      onread: {
        buffer: readBuffer,
        callback: (count) => {
          events.reading();
          scanner.push(readBuffer, count);
          return true;
        },
      },
    });
    const fail = (cause: string): void => {
      if (this.#closed) return;
      this.close();
      events.failed(cause);
    };
    this.#socket.on("connect", () => events.opened());
    this.#socket.on("error", (error) => fail(`a connection failed: ${error.message}`));
    this.#socket.on("close", () => fail("the broker closed a connection"));
  }

  /** Appends bytes to what the next flush writes; answers where in `output` they begin. */
  append(bytes: Uint8Array): number {
    const at = this.#length;
    const end = at + bytes.length;
    if (end > this.#output.length) {
      const larger = new Uint8Array(end * 2);
      larger.set(this.#output.subarray(0, at));
      this.#output = larger;
    }
    this.#output.set(bytes, at);
    this.#length = end;
    return at;
  }

  /** What the next flush writes, for patching; replaced by `append`. */
  get output(): Uint8Array {
    return this.#output;
  }

  flush(): void {
    if (this.#length === 0 || this.#closed) return;
    this.#socket.write(this.#output.subarray(0, this.#length));
    this.#length = 0;
    // With nothing left waiting, the kernel has taken a copy and the buffer is free again.
    if (this.#socket.writableLength > 0) this.#output = new Uint8Array(this.#output.length);
  }

  close(): void {
    this.#closed = true;
    this.#socket.destroy();
  }
}
