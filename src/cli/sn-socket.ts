/** A node's UDP socket to one gateway, with forwarder encapsulation where asked for. */
import { createSocket, type Socket } from "node:dgram";
import { lookup } from "node:dns/promises";
import { isIPv6 } from "node:net";
import { ByteWriter } from "../bytes/byte-writer.ts";
import { decodeMessage } from "../mqttsn/decode.ts";
import { describeMessage } from "../mqttsn/describe.ts";
import { encodeMessage } from "../mqttsn/encode.ts";
import { networkCause } from "../sockets/network-cause.ts";
import { CommandFailure } from "./exit-codes.ts";

export interface SnSocketParts {
  /** An IP address. */
  readonly address: string;
  readonly port: number;
  /** Sends through a forwarder's encapsulation, as this wireless node (MQTT-SN 1.2 §5.5). */
  readonly wirelessNodeId?: Uint8Array | undefined;
  readonly receive: (frame: Uint8Array) => void;
  /** Sending or receiving failed; it may work again later. */
  readonly failed: (error: NodeJS.ErrnoException) => void;
  /** Told each message in words, with "sending" or "received" in front. */
  readonly trace?: ((text: string) => void) | undefined;
}

export class SnSocket {
  readonly #parts: SnSocketParts;
  readonly #socket: Socket;
  #open = false;

  constructor(parts: SnSocketParts) {
    this.#parts = parts;
    this.#socket = createSocket({
      type: isIPv6(parts.address) ? "udp6" : "udp4",
      // The address is numeric already.
      lookup: (host, _options, callback) => callback(null, host, isIPv6(host) ? 6 : 4),
    });
  }

  /** Rejects with CommandFailure. */
  open(): Promise<void> {
    const { address, port, failed } = this.#parts;
    const socket = this.#socket;
    return new Promise((resolve, reject) => {
      const refuse = (error: Error): void => {
        const message = `cannot open a socket to ${address} port ${port}: ${networkCause(error)}`;
        reject(new CommandFailure(message));
      };
      socket.once("error", refuse);
      // Connected, so that the system tells when nothing listens there.
      socket.connect(port, address, () => {
        socket.off("error", refuse);
        socket.on("error", failed);
        socket.on("message", (message) => this.#receive(message));
        this.#open = true;
        resolve();
      });
    });
  }

  send(frame: Uint8Array): void {
    if (!this.#open) return;
    this.#tell("sending", frame);
    this.#socket.send(this.#wrapped(frame), (error) => {
      if (error !== null) this.#parts.failed(error);
    });
  }

  close(): void {
    if (this.#open) this.#socket.close();
    this.#open = false;
  }

  #receive(bytes: Uint8Array): void {
    const frame = this.#unwrapped(new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length));
    if (frame === undefined) return;
    this.#tell("received", frame);
    this.#parts.receive(frame);
  }

  #wrapped(message: Uint8Array): Uint8Array {
    const { wirelessNodeId } = this.#parts;
    if (wirelessNodeId === undefined) return message;
    const writer = new ByteWriter(message.length + wirelessNodeId.length + 3);
    encodeMessage(writer, { kind: "encapsulated", radius: 0, wirelessNodeId, message });
    return writer.view();
  }

  /** The frame for this node; undefined for another node's behind the same forwarder. */
  #unwrapped(bytes: Uint8Array): Uint8Array | undefined {
    const own = this.#parts.wirelessNodeId;
    if (own === undefined) return bytes;
    const message = decodeMessage(bytes);
    if (message.kind !== "encapsulated") return undefined;
    const id = message.wirelessNodeId;
    const same = id.length === own.length && id.every((octet, at) => octet === own[at]);
    return same ? message.message : undefined;
  }

  #tell(what: string, frame: Uint8Array): void {
    const { trace } = this.#parts;
    if (trace === undefined) return;
    const message = decodeMessage(frame);
    trace(`${what} ${message.kind === "fault" ? message.detail : describeMessage(message)}`);
  }
}

/** The IP address of a host, IPv4 where it has both. Rejects with CommandFailure. */
export async function resolveHost(host: string): Promise<string> {
  try {
    const { address } = await lookup(host, { order: "ipv4first" });
    return address;
  } catch (error) {
    const message = `cannot find the host "${host}": ${networkCause(error as Error)}`;
    throw new CommandFailure(message);
  }
}
