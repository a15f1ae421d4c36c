/** One UDP socket: opened, received from and sent on at as little cost per datagram as dgram allows. */
import { createSocket, type RemoteInfo, type Socket } from "node:dgram";
import { SendSlab } from "./send-slab.ts";
import type { UdpAddress } from "./udp-address.ts";

export interface UdpPortParts {
  readonly family: 4 | 6;
  /** An IP address; a multicast group for a socket that only receives what is sent to it. */
  readonly address: string;
  readonly port: number;
  /** Shares the port with others, as multicast receivers do. */
  readonly shared: boolean;
  /** Bytes; 0 leaves the system's choice. */
  readonly bufferSize: number;
  readonly receive: (bytes: Uint8Array, from: RemoteInfo) => void;
}

/**
 * A callback per datagram costs a fifth of all that receiving and answering one takes, and without
 * one errors go unseen. So of those to an address only every this many is watched, and all of them
 * while they fail.
 */
const WATCH_EVERY = 16;

export class UdpPort {
  readonly family: 4 | 6;
  readonly address: string;
  readonly #parts: UdpPortParts;
  readonly #socket: Socket;
  readonly #slab: SendSlab;
  #open = false;
  #errors = 0;
  /** The system's choice. */
  #hops = 1;

  constructor(parts: UdpPortParts) {
    this.family = parts.family;
    this.address = parts.address;
    this.#parts = parts;
    const { family, shared } = parts;
    this.#socket = createSocket({
      type: family === 4 ? "udp4" : "udp6",
      ipv6Only: family === 6,
      reuseAddr: shared,
      // Every address is numeric already; dgram would ask the resolver for each datagram.
      lookup: (host, _options, callback) => callback(null, host, family),
    });
    this.#slab = new SendSlab(() => this.#socket.getSendQueueCount());
  }

  /** The port in force. */
  get port(): number {
    return this.#open ? this.#socket.address().port : this.#parts.port;
  }

  /** Failed sendings that were seen, and failed receptions. */
  get errors(): number {
    return this.#errors;
  }

  /** The receive buffer in force, bytes. */
  get receiveBuffer(): number {
    return this.#socket.getRecvBufferSize();
  }

  /** Rejects with the system's error. */
  open(): Promise<void> {
    const { address, port, bufferSize, receive } = this.#parts;
    const socket = this.#socket;
    return new Promise((resolve, reject) => {
      socket.once("error", reject);
      socket.bind({ address, port, exclusive: true }, () => {
        socket.off("error", reject);
        socket.on("error", () => {
          this.#errors++;
        });
        socket.on("message", (message, from) => {
          // A Buffer would pass for a Uint8Array, but its slice() is no copy.
          receive(new Uint8Array(message.buffer, message.byteOffset, message.length), from);
        });
        this.#open = true;
        if (bufferSize > 0) {
          socket.setRecvBufferSize(bufferSize);
          socket.setSendBufferSize(bufferSize);
        }
        resolve();
      });
    });
  }

  /** Receives what is sent to `group`, and sends there through the same interface. Throws the system's error. */
  join(group: string, through: string | undefined): void {
    this.#socket.addMembership(group, through);
    this.sendMulticastThrough(through);
  }

  /** How many hops multicast goes from now on. Throws the system's error. */
  setMulticastHops(hops: number): void {
    if (hops === this.#hops) return;
    this.#socket.setMulticastTTL(hops);
    this.#hops = hops;
  }

  /** Chooses the interface that multicast is sent through. Throws the system's error. */
  sendMulticastThrough(through: string | undefined): void {
    if (through !== undefined) this.#socket.setMulticastInterface(through);
  }

  send(to: UdpAddress, frame: Uint8Array): void {
    if (!this.#open) return;
    const bytes = this.#slab.copy(frame);
    if (to.unwatched > 0) {
      to.unwatched--;
      this.#socket.send(bytes, to.port, to.address);
      return;
    }
    this.#socket.send(bytes, to.port, to.address, (error) => {
      if (error === null) to.unwatched = WATCH_EVERY - 1;
      else this.#errors++;
    });
  }

  close(): Promise<void> {
    this.#open = false;
    return new Promise((resolve) => this.#socket.close(resolve));
  }
}
