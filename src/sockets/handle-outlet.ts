/**
 * Output of a plain socket, written to the handle below Node's stream: what a stream adds to a small
 * write (a request object, callbacks, a tick) costs as much as the broker's own work on a message.
 */
import type { Socket } from "node:net";
import { getSystemErrorName } from "node:util";
import { giveBuffer } from "./buffer-pool.ts";
import type { Outlet } from "./outlet.ts";
import { type StreamBinding, streamBinding, type WriteRequest } from "./stream-binding.ts";

/** The part of Node's own stream handle that writing needs. */
export interface WritableHandle {
  /** Writes what the kernel takes at once, and the rest later; answers 0 or a negative errno. */
  writeBuffer(request: WriteRequest, bytes: Uint8Array): number;
}

const binding = streamBinding();

/** Whether this Node lets its handles be written to. */
export const HANDLES_ARE_WRITABLE = binding !== undefined;

export class HandleOutlet implements Outlet {
  readonly #socket: Socket;
  readonly #handle: WritableHandle;
  readonly #drained: () => void;
  backlog = 0;

  /** `drained` is called when everything was written after some had to wait. */
  constructor(socket: Socket, handle: WritableHandle, drained: () => void) {
    this.#socket = socket;
    this.#handle = handle;
    this.#drained = drained;
  }

  write(buffer: Uint8Array<ArrayBuffer>, length: number): void {
    const { streamBaseState, kLastWriteWasAsync } = binding as StreamBinding;
    const request = takeRequest();
    const bytes = buffer.subarray(0, length);
    const status = this.#handle.writeBuffer(request, bytes);
    if (status === 0 && streamBaseState[kLastWriteWasAsync] !== 0) {
      this.#wait(request, buffer, length);
      return;
    }
    spare = request;
    giveBuffer(buffer);
    if (status !== 0) this.#fail(status);
  }

  #wait(request: WriteRequest, buffer: Uint8Array<ArrayBuffer>, length: number): void {
    this.backlog += length;
    request.buffer = buffer;
    request.oncomplete = (status) => {
      this.backlog -= length;
      giveBuffer(buffer);
      if (status < 0) this.#fail(status);
      else if (this.backlog === 0) this.#drained();
    };
  }

  #fail(status: number): void {
    // A handle that is closed already refuses, too.
    if (this.#socket.destroyed) return;
    const code = getSystemErrorName(status);
    this.#socket.destroy(Object.assign(new Error(`write ${code}`), { code }));
  }
}

/** A request that was written at once is as good as new. */
let spare: WriteRequest | undefined;

function takeRequest(): WriteRequest {
  const request = spare ?? new (binding as StreamBinding).WriteWrap();
  spare = undefined;
  return request;
}
