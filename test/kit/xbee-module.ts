/** The gateway's XBee module and the nodes around it, as seen from the module's serial line. */
import { ByteWriter } from "../../src/bytes/byte-writer.ts";
import { XBeeFraming } from "../../src/links/framing/xbee-framing.ts";

export interface XBeeModuleParts {
  readonly escaped: boolean;
  /** Sends bytes to the gateway. */
  readonly send: (bytes: Uint8Array) => void;
  /** What the module answers a transmission: 0 is success. */
  readonly deliver: (to: string, payload: Uint8Array) => number;
  /** What DB answers, -dBm; undefined: the module knows no such command. */
  readonly signal?: (() => number | undefined) | undefined;
}

export class XBeeModule {
  readonly #parts: XBeeModuleParts;
  readonly #framing: XBeeFraming;
  #now = 0;

  constructor(parts: XBeeModuleParts) {
    this.#parts = parts;
    this.#framing = new XBeeFraming({ maximumFrame: 1024, gap: 1e9, escaped: parts.escaped });
  }

  /** Bytes from the gateway. */
  feed(bytes: Uint8Array): void {
    this.#framing.feed(bytes, this.#now++, (data) => this.#take(data));
  }

  /** A packet from the node of this address, sixteen digits. */
  heard(from: string, payload: Uint8Array): void {
    this.tell(0x90, ...Buffer.from(from, "hex"), 0x12, 0x34, 0x01, ...payload);
  }

  tell(...data: number[]): void {
    const writer = new ByteWriter();
    this.#framing.encode(Uint8Array.from(data), writer);
    this.#parts.send(writer.copy());
  }

  #take(data: Uint8Array): void {
    const [type, frameId = 0] = data;
    if (type === 0x10) {
      const to = Buffer.from(data.subarray(2, 10)).toString("hex");
      const status = this.#parts.deliver(to, data.slice(14));
      if (frameId !== 0) this.tell(0x8b, frameId, 0x12, 0x34, 0, status, 0);
    } else if (type === 0x08) {
      const strength = this.#parts.signal?.();
      if (strength === undefined) this.tell(0x88, frameId, 0x44, 0x42, 2);
      else this.tell(0x88, frameId, 0x44, 0x42, 0, strength);
    }
  }
}
