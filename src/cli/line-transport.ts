/** MQTT-SN messages over a line: a serial port, or a TCP connection to one. */
import { ByteWriter } from "../bytes/byte-writer.ts";
import type { Framing } from "../links/framing/framing.ts";
import { type Line, LineProblem, type LineSource } from "../links/line.ts";
import { CommandFailure } from "./exit-codes.ts";
import type { SnTransport, SnTransportEnd } from "./sn-transport.ts";

export interface LineTransportParts {
  readonly source: LineSource;
  readonly framing: Framing;
  /** Silence within a message after which the rest is not waited for, ms. */
  readonly gap: number;
  readonly maximumFrame: number;
}

/** How long what is still to go out is waited for at the end, ms. */
const LEAVING_TAKES = 500;

export class LineTransport implements SnTransport {
  readonly maximumFrame: number;
  readonly #source: LineSource;
  readonly #framing: Framing;
  readonly #gap: number;
  /** Framed; the first is being written. */
  readonly #output: Uint8Array[] = [];
  #line: Line | undefined;
  #silence: NodeJS.Timeout | undefined;
  #leaving: NodeJS.Timeout | undefined;

  constructor({ source, framing, gap, maximumFrame }: LineTransportParts) {
    this.#source = source;
    this.#framing = framing;
    this.#gap = gap;
    this.maximumFrame = maximumFrame;
  }

  get where(): string {
    return this.#source.sought;
  }

  async open(end: SnTransportEnd): Promise<void> {
    const take = (frame: Uint8Array): void => end.receive(frame);
    const framing = this.#framing;
    try {
      await this.#source.open((line) => {
        this.#line = line;
        return {
          receive: (bytes) => {
            clearTimeout(this.#silence);
            framing.feed(bytes, performance.now(), take);
            if (!framing.unfinished) return;
            this.#silence = setTimeout(() => framing.silence(take), this.#gap);
          },
          closed: (cause) => {
            this.#line = undefined;
            this.#forget();
            end.ended(cause);
          },
        };
      });
    } catch (error) {
      throw error instanceof LineProblem ? new CommandFailure(`${error.message}.`) : error;
    }
  }

  send(frame: Uint8Array): void {
    if (this.#line === undefined) return;
    const writer = new ByteWriter(frame.length + 16);
    this.#framing.encode(frame, writer);
    this.#output.push(writer.copy());
    if (this.#output.length === 1) this.#write();
  }

  close(): void {
    if (this.#output.length === 0) this.#leave();
    else this.#leaving ??= setTimeout(() => this.#leave(), LEAVING_TAKES);
  }

  #write(): void {
    const [bytes] = this.#output;
    if (bytes === undefined) {
      if (this.#leaving !== undefined) this.#leave();
      return;
    }
    this.#line?.write(bytes, () => {
      this.#output.shift();
      this.#write();
    });
  }

  #leave(): void {
    this.#forget();
    const line = this.#line;
    this.#line = undefined;
    void line?.close();
  }

  #forget(): void {
    clearTimeout(this.#silence);
    clearTimeout(this.#leaving);
    this.#output.length = 0;
  }
}
