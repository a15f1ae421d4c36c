/** A wire in memory: what a core writes is handed to the test when it flushes the wire. */
import { ByteWriter } from "../../src/bytes/byte-writer.ts";
import type { PeerIdentity, Wire, WireEnd } from "../../src/seams/wire.ts";

export class MemoryWire implements Wire {
  readonly output = new ByteWriter();
  readonly remote: string;
  readonly address: string;
  /** Set by tests of clients that come with a certificate or a key. */
  identity: PeerIdentity | undefined;
  /** What the kernel would not take yet. A test sets it to play a slow receiver. */
  stuck = 0;
  /** This side asked for the end of the connection. */
  closing = false;
  /** Set by whoever wants to be told that output waits. */
  onFlush: (() => void) | undefined;
  #end: WireEnd | undefined;
  #gone = false;

  constructor(remote = "memory") {
    this.remote = remote;
    this.address = remote.replace(/:\d+$/, "");
  }

  get backlog(): number {
    return this.stuck + this.output.length;
  }

  open(end: WireEnd): void {
    this.#end = end;
  }

  flush(): void {
    this.onFlush?.();
  }

  close(): void {
    this.closing = true;
    this.onFlush?.();
  }

  /** Takes out what was written. */
  take(): Uint8Array {
    const bytes = this.output.copy();
    this.output.clear();
    return bytes;
  }

  /** Bytes come from the other side, in a buffer that is overwritten afterwards. */
  arrive(bytes: Uint8Array): void {
    if (this.#gone || this.closing) return;
    const lent = bytes.slice();
    this.#end?.receive(lent);
    lent.fill(0xee);
  }

  /** The kernel has taken everything. */
  drain(): void {
    this.stuck = 0;
    this.#end?.drained();
  }

  /** The connection is gone. */
  break(cause?: string): void {
    if (this.#gone) return;
    this.#gone = true;
    this.#end?.closed(cause);
  }
}
