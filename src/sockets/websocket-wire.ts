/** One MQTT connection over WebSocket: binary frames in and out as one stream of bytes [MQTT-6.0.0-2]. */
import type { RawData, WebSocket } from "ws";
import { ByteWriter } from "../bytes/byte-writer.ts";
import type { PeerIdentity, Wire, WireEnd } from "../seams/wire.ts";
import { giveBuffer, takeBuffer } from "./buffer-pool.ts";
import type { Flushable, FlushTurn } from "./flush-turn.ts";
import type { PeerInfo } from "./peer-info.ts";

/** Close codes of RFC 6455 §7.4.1. */
const NORMAL_CLOSURE = 1000;
const GOING_AWAY = 1001;
const UNSUPPORTED_DATA = 1003;
/** What ws reports for a close frame without a code, and for a connection that ended without a close frame. */
const NO_STATUS = 1005;
const CUT = 1006;

/** Output that waits for a peer beyond this many bytes stops reading from it until it has caught up. */
const READING_STOPS_AT = 256 * 1024;
const NO_BYTES = new Uint8Array(0);

export class WebSocketWire implements Wire, Flushable {
  readonly remote: string;
  readonly address: string;
  readonly identity: PeerIdentity | undefined;
  readonly #output = new ByteWriter(0);
  readonly #socket: WebSocket;
  readonly #turn: FlushTurn;
  /** Buffers of messages that may still be on their way, in order. */
  readonly #lent: Uint8Array<ArrayBuffer>[] = [];
  #end: WireEnd | undefined;
  /** How much was written at a time last, bytes: as much is expected next. */
  #usual = 0;
  #dirty = false;
  /** Some output did not go out at once: `drained` is owed. */
  #congested = false;
  #closing = false;
  #cause: string | undefined;

  constructor(socket: WebSocket, turn: FlushTurn, peer: PeerInfo) {
    this.#socket = socket;
    this.#turn = turn;
    this.remote = peer.remote;
    this.address = peer.address;
    this.identity = peer.identity;
  }

  /** Starts handing what arrives to `end`. Call once. */
  open(end: WireEnd): void {
    this.#end = end;
    const socket = this.#socket;
    socket.on("message", (data, isBinary) => this.#message(data, isBinary));
    socket.on("error", (error) => {
      this.#cause ??= error.message;
    });
    socket.once("close", (code) => this.#finish(code));
  }

  get output(): ByteWriter {
    const output = this.#output;
    if (output.bytes.length === 0) output.bytes = takeBuffer(this.#usual);
    return output;
  }

  get backlog(): number {
    return this.#output.length + this.#socket.bufferedAmount;
  }

  flush(): void {
    if (this.#dirty || this.#closing) return;
    this.#dirty = true;
    this.#turn.add(this);
  }

  flushNow(): void {
    this.#dirty = false;
    const output = this.#output;
    if (this.#closing || output.length === 0) return;
    const socket = this.#socket;
    const { bytes, length } = output;
    this.#usual = length;
    socket.send(output.view(), this.#sent);
    const { bufferedAmount } = socket;
    // With nothing left waiting, the kernel has taken a copy and the buffer is free again.
    if (bufferedAmount === 0) {
      giveBuffer(bytes);
      this.#lent.push(NO_BYTES);
    } else {
      this.#congested = true;
      this.#lent.push(bytes);
    }
    output.bytes = NO_BYTES;
    output.length = 0;
    if (bufferedAmount > READING_STOPS_AT) socket.pause();
  }

  close(): void {
    this.#close(NORMAL_CLOSURE);
  }

  /** Closes because the server stops. */
  goAway(): void {
    this.#close(GOING_AWAY);
  }

  #close(code: number): void {
    if (this.#closing) return;
    this.flushNow();
    this.#closing = true;
    // A paused socket would never read the peer's half of the closing handshake.
    this.#socket.resume();
    this.#socket.close(code);
  }

  #message(data: RawData, isBinary: boolean): void {
    if (this.#closing) return;
    if (!isBinary) {
      this.#cause = "a text frame came, and MQTT takes binary frames only [MQTT-6.0.0-1]";
      this.#close(UNSUPPORTED_DATA);
      return;
    }
    this.#end?.receive(data as Buffer);
  }

  readonly #sent = (error?: Error | null): void => {
    const bytes = this.#lent.shift();
    // What could not be sent says so before earlier messages are written: that buffer is not given back.
    if (bytes !== undefined && !error) giveBuffer(bytes);
    if (!this.#congested || this.#closing || this.#socket.bufferedAmount > 0) return;
    this.#congested = false;
    if (this.#socket.isPaused) this.#socket.resume();
    this.#end?.drained();
  };

  #finish(code: number): void {
    const cause = this.#cause ?? (this.#closing ? undefined : causeOf(code));
    this.#closing = true;
    giveBuffer(this.#output.bytes);
    this.#output.bytes = NO_BYTES;
    this.#output.length = 0;
    const end = this.#end;
    this.#end = undefined;
    end?.closed(cause);
  }
}

/** What a WebSocket close code says went wrong, if anything did. */
function causeOf(code: number): string | undefined {
  if (code === NORMAL_CLOSURE || code === GOING_AWAY || code === NO_STATUS) return undefined;
  if (code === CUT) return "the connection was cut without a closing handshake";
  return `closed by the peer with WebSocket code ${code}`;
}
