/** One byte-stream connection as a core sees it: TCP, TLS, WebSocket, or memory in tests. */
import type { ByteWriter } from "../bytes/byte-writer.ts";

export interface Wire {
  /**
   * Packets are encoded straight into this buffer, followed by `flush()`. What a whole turn of the
   * event loop encodes leaves in one write.
   */
  readonly output: ByteWriter;
  /** Has what is in `output` written when this turn ends; costs nothing when already asked for. */
  flush(): void;
  /** Bytes accepted but not yet taken by the network; `WireEnd.drained` tells when they are gone. */
  readonly backlog: number;
  /** Writes what is in `output`, then closes. `WireEnd.closed` follows. */
  close(): void;
  /** Where the other end is, for logs. */
  readonly remote: string;
}

/** What a core offers whoever owns the socket. */
export interface WireEnd {
  /** Bytes that came; the buffer is reused after the call. */
  receive(bytes: Uint8Array): void;
  /** The backlog has been taken. */
  drained(): void;
  /** The connection is gone: once, for whatever cause. `cause` tells an error in words, if there was one. */
  closed(cause: string | undefined): void;
}
