/** A node's messages on their way: wrapped as a forwarder does where asked for, and shown. */
import { ByteWriter } from "../bytes/byte-writer.ts";
import { decodeMessage } from "../mqttsn/decode.ts";
import { describeMessage } from "../mqttsn/describe.ts";
import { encodeMessage } from "../mqttsn/encode.ts";
import type { SnTransport } from "./sn-transport.ts";

export interface SnWireParts {
  readonly transport: SnTransport;
  /** Sends through a forwarder's encapsulation, as this wireless node (MQTT-SN 1.2 §5.5). */
  readonly wirelessNodeId?: Uint8Array | undefined;
  readonly receive: (frame: Uint8Array) => void;
  /** See `SnTransportEnd`. */
  readonly unreachable: () => void;
  readonly ended: (cause: string) => void;
  /** Told each message in words, with "sending" or "received" in front. */
  readonly trace?: ((text: string) => void) | undefined;
}

/** Length, MsgType and Ctrl of the encapsulation. */
const HEADER = 3;

export class SnWire {
  readonly #parts: SnWireParts;

  constructor(parts: SnWireParts) {
    this.#parts = parts;
  }

  /** The longest message that reaches the gateway, bytes. */
  get maximumFrame(): number {
    const { transport, wirelessNodeId } = this.#parts;
    const wrapping = wirelessNodeId === undefined ? 0 : HEADER + wirelessNodeId.length;
    return transport.maximumFrame - wrapping;
  }

  /** Rejects with CommandFailure. */
  open(): Promise<void> {
    const { transport, unreachable, ended } = this.#parts;
    return transport.open({ receive: (bytes) => this.#receive(bytes), unreachable, ended });
  }

  send(frame: Uint8Array): void {
    this.#tell("sending", frame);
    this.#parts.transport.send(this.#wrapped(frame));
  }

  close(): void {
    this.#parts.transport.close();
  }

  #receive(bytes: Uint8Array): void {
    const frame = this.#unwrapped(bytes);
    if (frame === undefined) return;
    this.#tell("received", frame);
    this.#parts.receive(frame);
  }

  #wrapped(message: Uint8Array): Uint8Array {
    const { wirelessNodeId } = this.#parts;
    if (wirelessNodeId === undefined) return message;
    const writer = new ByteWriter(message.length + wirelessNodeId.length + HEADER);
    encodeMessage(writer, { kind: "encapsulated", radius: 0, wirelessNodeId, message });
    return writer.view();
  }

  /** The frame for this node, or for all behind its forwarder; undefined for another node's. */
  #unwrapped(bytes: Uint8Array): Uint8Array | undefined {
    const own = this.#parts.wirelessNodeId;
    if (own === undefined) return bytes;
    const message = decodeMessage(bytes);
    if (message.kind !== "encapsulated") return undefined;
    const id = message.wirelessNodeId;
    const same = id.length === own.length && id.every((octet, at) => octet === own[at]);
    return same || id.length === 0 ? message.message : undefined;
  }

  #tell(what: string, frame: Uint8Array): void {
    const { trace } = this.#parts;
    if (trace === undefined) return;
    const message = decodeMessage(frame);
    trace(`${what} ${message.kind === "fault" ? message.detail : describeMessage(message)}`);
  }
}
