/**
 * A TCP, Unix or TLS socket as a wire: one shared read buffer for all plain sockets, and one write
 * per turn of the event loop.
 */
import { Socket } from "node:net";
import { ByteWriter } from "../bytes/byte-writer.ts";
import type { PeerIdentity, Wire, WireEnd } from "../seams/wire.ts";
import { giveBuffer, takeBuffer } from "./buffer-pool.ts";
import type { Flushable, FlushTurn } from "./flush-turn.ts";
import { HANDLES_ARE_WRITABLE, HandleOutlet, type WritableHandle } from "./handle-outlet.ts";
import { networkCause } from "./network-cause.ts";
import type { Outlet } from "./outlet.ts";
import type { PeerInfo } from "./peer-info.ts";
import { streamBinding } from "./stream-binding.ts";
import { StreamOutlet } from "./stream-outlet.ts";

const READ_SIZE = 65536;
/**
 * Output that waits for a peer beyond this many bytes stops reading from it until it has caught up:
 * answers to who never reads them must not fill the memory.
 */
const READING_STOPS_AT = 1024 * 1024;
/** How long a closed wire may take to write out what is left, ms. */
const CLOSE_PATIENCE = 5000;
const readBuffer = new Uint8Array(READ_SIZE);
const VIEWS = 1024;
const views: (Uint8Array | undefined)[] = new Array(VIEWS).fill(undefined);
const NO_BYTES = new Uint8Array(0);

export class SocketWire implements Wire, Flushable {
  readonly remote: string;
  readonly address: string;
  readonly identity: PeerIdentity | undefined;
  readonly #output = new ByteWriter(0);
  readonly #socket: Socket;
  readonly #turn: FlushTurn;
  readonly #outlet: Outlet;
  /** How much was written at a time last, bytes: as much is expected next. */
  #usual = 0;
  /** Called once the socket is closed. */
  onGone: (() => void) | undefined;
  #end: WireEnd | undefined;
  #dirty = false;
  #closing = false;
  #deadline: NodeJS.Timeout | undefined;
  #gone = false;
  #cause: string | undefined;

  /** `handle` is the socket's own, where it may be written to past the socket. */
  constructor(socket: Socket, turn: FlushTurn, peer: PeerInfo, handle?: WritableHandle) {
    this.#socket = socket;
    this.#turn = turn;
    this.remote = peer.remote;
    this.address = peer.address;
    this.identity = peer.identity;
    const drained = () => this.#drained();
    this.#outlet =
      handle === undefined
        ? new StreamOutlet(socket, drained)
        : new HandleOutlet(socket, handle, drained);
  }

  /** Starts reading on behalf of `end`. Call once. */
  open(end: WireEnd): void {
    this.#end = end;
    const socket = this.#socket;
    socket.on("error", (error) => {
      this.#cause ??= networkCause(error);
    });
    socket.on("end", () => this.close());
    socket.on("close", () => this.#finish());
  }

  /** Hands bytes that came to the end, unless it is gone. */
  receive(bytes: Uint8Array): void {
    if (!this.#gone && !this.#closing) (this.#end as WireEnd).receive(bytes);
  }

  get output(): ByteWriter {
    const output = this.#output;
    if (output.bytes.length === 0) output.bytes = takeBuffer(this.#usual);
    return output;
  }

  get backlog(): number {
    return this.#outlet.backlog + this.#output.length;
  }

  flush(): void {
    if (this.#dirty || this.#gone) return;
    this.#dirty = true;
    this.#turn.add(this);
  }

  flushNow(): void {
    this.#dirty = false;
    const output = this.#output;
    if (output.length > 0 && !this.#gone) {
      const { bytes, length } = output;
      output.bytes = NO_BYTES;
      output.length = 0;
      this.#usual = length;
      this.#outlet.write(bytes, length);
      if (this.#outlet.backlog > READING_STOPS_AT) this.#socket.pause();
    }
    if (this.#closing && !this.#gone) {
      const socket = this.#socket;
      socket.destroySoon();
      // A peer that reads no more must not hold the socket for ever.
      this.#deadline ??= setTimeout(() => socket.destroy(), CLOSE_PATIENCE).unref();
    }
  }

  close(): void {
    if (this.#closing || this.#gone) return;
    this.#closing = true;
    this.flush();
  }

  /** Ends the connection at once; what it has not taken yet is lost. */
  destroy(): void {
    this.#socket.destroy();
  }

  #drained(): void {
    const socket = this.#socket;
    if (this.#gone) return;
    if (socket.isPaused()) socket.resume();
    (this.#end as WireEnd).drained();
  }

  #finish(): void {
    if (this.#gone) return;
    this.#gone = true;
    clearTimeout(this.#deadline);
    giveBuffer(this.#output.bytes);
    this.#output.bytes = NO_BYTES;
    this.#output.length = 0;
    (this.#end as WireEnd).closed(this.#cause);
    this.onGone?.();
  }
}

/** The part of Node's own handle that moving it needs. */
interface SocketHandle extends WritableHandle {
  /** Called with what `streamBaseState` says was read. */
  onread: (this: SocketHandle, buffer: unknown) => unknown;
  reading: boolean;
  readStop(): void;
}

/**
 * Wraps a connected socket whose reading has not begun (`pauseOnConnect`, or just connected): its
 * handle moves into a socket that reads into the shared buffer, since a buffer allocated for each
 * read is a large part of the cost of a small message. `early`: bytes that were read before.
 */
export function openPlainWire(
  connected: Socket,
  turn: FlushTurn,
  peer: PeerInfo,
  accept: (wire: Wire) => WireEnd,
  early?: Uint8Array | undefined,
): SocketWire {
  const owner = connected as Socket & { _handle: SocketHandle | null };
  const handle = owner._handle;
  const writable = HANDLES_ARE_WRITABLE && handle !== null ? handle : undefined;
  owner._handle = null;
  if (handle?.reading) {
    handle.reading = false;
    handle.readStop();
  }
  // Its server counts it as closed from here on; the connection lives on in the new socket.
  connected.destroy();
  let wire: SocketWire;
  const socket = new Socket({
    handle,
    onread: {
      buffer: readBuffer,
      callback: (count: number): boolean => {
        wire.receive(viewOf(count));
        return true;
      },
    },
  } as unknown as ConstructorParameters<typeof Socket>[0]);
  if (handle !== null) shortenReading(handle, (count) => wire.receive(viewOf(count)));
  socket.setNoDelay(true);
  wire = new SocketWire(socket, turn, peer, writable);
  wire.open(accept(wire));
  if (early !== undefined && early.length > 0) wire.receive(early);
  socket.read(0);
  return wire;
}

/**
 * Hands on what was read without a way round by the socket, whose state is seldom in the processor's
 * cache where there are thousands; it sees errors and the end all the same.
 */
function shortenReading(handle: SocketHandle, receive: (count: number) => void): void {
  const binding = streamBinding();
  if (binding === undefined) return;
  const { streamBaseState, kReadBytesOrError } = binding;
  const { onread } = handle;
  handle.onread = function (buffer) {
    const count = streamBaseState[kReadBytesOrError] as number;
    if (count <= 0) return onread.call(this, buffer);
    receive(count);
    return undefined;
  };
}

/** The first bytes of the read buffer; most reads are short, and of few lengths. */
function viewOf(count: number): Uint8Array {
  if (count >= VIEWS) return readBuffer.subarray(0, count);
  views[count] ??= readBuffer.subarray(0, count);
  return views[count];
}

/** Wraps a TLS socket, which decrypts into buffers of its own. */
export function openStreamWire(
  socket: Socket,
  turn: FlushTurn,
  peer: PeerInfo,
  accept: (wire: Wire) => WireEnd,
): SocketWire {
  socket.setNoDelay(true);
  const wire = new SocketWire(socket, turn, peer);
  wire.open(accept(wire));
  socket.on("data", (chunk: Buffer) => wire.receive(chunk));
  return wire;
}
