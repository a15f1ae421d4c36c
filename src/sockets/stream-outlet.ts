/** Output through Node's stream, as TLS needs it: buffers are lent until the stream has written them. */
import type { Socket } from "node:net";
import { giveBuffer } from "./buffer-pool.ts";
import type { Outlet } from "./outlet.ts";

export class StreamOutlet implements Outlet {
  readonly #socket: Socket;
  /** In the order of writing. */
  readonly #lent: Uint8Array<ArrayBuffer>[] = [];
  readonly #written = (): void => {
    const buffer = this.#lent.shift();
    if (buffer !== undefined) giveBuffer(buffer);
  };

  /** `drained` is called when everything was written after some had to wait. */
  constructor(socket: Socket, drained: () => void) {
    this.#socket = socket;
    socket.on("drain", drained);
  }

  get backlog(): number {
    return this.#socket.writableLength;
  }

  write(buffer: Uint8Array<ArrayBuffer>, length: number): void {
    this.#lent.push(buffer);
    this.#socket.write(buffer.subarray(0, length), this.#written);
  }
}
