/** One byte-stream connection as a core sees it: TCP, TLS, WebSocket, or memory in tests. */
import type { ByteWriter } from "../bytes/byte-writer.ts";

/** A name that was proved before the first MQTT packet: the client cannot choose it in CONNECT. */
export interface PeerIdentity {
  /** Well-formed text without control characters, fit for an MQTT user name. */
  readonly username: string;
  readonly verified: true;
  /** By a client certificate, a pre-shared key, or a certificate that a trusted load balancer has verified. */
  readonly kind: "certificate" | "psk" | "proxy";
}

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
  /** Where the other end is, for logs: `address:port`. */
  readonly remote: string;
  /** The other end's IP address without a port, or what else tells one peer from another; for throttling. */
  readonly address: string;
  /** Who the other end is, where the listener takes that from a certificate or a key. */
  readonly identity?: PeerIdentity | undefined;
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
