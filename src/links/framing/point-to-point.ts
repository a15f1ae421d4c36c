/** A line with one node at its end, or with a forwarder that names the nodes behind it itself. */
import { ByteWriter } from "../../bytes/byte-writer.ts";
import type { LinkAddress } from "../../seams/link.ts";
import type { Framing, FramingFaults, TakeFrame } from "./framing.ts";
import { isAnswer } from "./is-answer.ts";
import type { LineProtocol, LineProtocolEnd } from "./line-protocol.ts";

/** Of whatever is at the other end, also after it was unplugged and plugged in elsewhere. */
const KEY = "line";

export class PointToPoint implements LineProtocol {
  readonly #framing: Framing;
  readonly #end: LineProtocolEnd;
  readonly #otherEnd: LinkAddress;
  readonly #writer = new ByteWriter(512);

  /** `host`: what tells this line from others. */
  constructor(framing: Framing, host: string, end: LineProtocolEnd) {
    this.#framing = framing;
    this.#otherEnd = { key: KEY, host };
    this.#end = end;
  }

  get faults(): FramingFaults {
    return this.#framing.faults;
  }

  get unfinished(): boolean {
    return this.#framing.unfinished;
  }

  counters(): Readonly<Record<string, number>> {
    return {};
  }

  send(_to: LinkAddress, frame: Uint8Array): void {
    const writer = this.#writer;
    writer.clear();
    this.#framing.encode(frame, writer);
    if (writer.length > 0) this.#end.write(writer.view(), isAnswer(frame));
  }

  broadcast(frame: Uint8Array): void {
    this.send(this.#otherEnd, frame);
  }

  feed(bytes: Uint8Array, now: number): void {
    this.#framing.feed(bytes, now, this.#take);
  }

  silence(): void {
    this.#framing.silence(this.#take);
  }

  reset(): void {
    this.#framing.reset();
  }

  addressOf(key: string): LinkAddress | undefined {
    return key === KEY ? this.#otherEnd : undefined;
  }

  readonly #take: TakeFrame = (frame) => this.#end.receive(this.#otherEnd, frame);
}
