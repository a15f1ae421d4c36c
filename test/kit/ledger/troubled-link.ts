/** One connection through a bad network: two ways, each with what is on it and what happens to it. */
import type { Socket } from "node:net";
import { PacketStream } from "../../../src/mqtt/packet-stream.ts";
import type { PacketLog } from "./packet-log.ts";
import type { Way, WireWitness } from "./wire-witness.ts";

/** What holds for all connections at the moment. */
export interface Conditions {
  /** ms */
  delay: number;
  stalled: boolean;
  trickling: boolean;
}

/** Bytes at a time, and between two times, ms, while they trickle. */
const TRICKLE = 3;
const TRICKLE_PAUSE = 1;

export interface LinkParts {
  readonly name: string;
  readonly near: Socket;
  readonly far: Socket;
  readonly level: 4 | 5;
  readonly log: PacketLog;
  readonly witness: WireWitness;
  readonly conditions: Conditions;
}

/** One connection of the bridge, and that to the broker. */
export class Link {
  readonly pipes: Readonly<Record<Way, Pipe>>;
  ended: () => void = () => {};
  readonly #parts: LinkParts;
  /** Its own, once it is forsaken. */
  #conditions: Conditions;

  constructor(parts: LinkParts) {
    const { near, far } = parts;
    this.#parts = parts;
    this.#conditions = parts.conditions;
    this.pipes = { up: this.#pipe("up", near, far), down: this.#pipe("down", far, near) };
    for (const socket of [near, far]) {
      socket.setNoDelay(true);
      socket.on("error", () => {});
    }
    near.on("close", () => this.#closed(this.pipes.up, near, far));
    far.on("close", () => this.#closed(this.pipes.down, far, near));
  }

  pump(): void {
    for (const pipe of [this.pipes.up, this.pipes.down]) pipe.pump();
  }

  forsake(): void {
    this.#conditions = { delay: 0, stalled: true, trickling: false };
  }

  cut(): void {
    const { near, far, log, name } = this.#parts;
    const lost = [this.pipes.up, this.pipes.down].map(({ waiting }) => waiting);
    log.note(name, `is cut, ${lost[0]} bytes up and ${lost[1]} down are lost`);
    reset(near);
    reset(far);
    this.ended();
  }

  #pipe(way: Way, from: Socket, to: Socket): Pipe {
    const { name, level, log, witness } = this.#parts;
    const role = way === "up" ? "server" : "client";
    const stream = new PacketStream({ maximumPacketSize: 1_000_000, role, level });
    const sign = way === "up" ? ">" : "<";
    return new Pipe({
      from,
      to,
      conditions: () => this.#conditions,
      cut: () => this.cut(),
      saw: (bytes) =>
        stream.feed(bytes, (packet) => {
          log.packet(name, sign, packet);
          witness.saw(way, packet);
        }),
    });
  }

  /** A side has closed, or reset the connection: so does the other, once what came before is through. */
  #closed(pipe: Pipe, here: Socket, there: Socket): void {
    pipe.finish();
    if (here.destroyed && there.destroyed) this.ended();
    else if (!pipe.ended) pipe.reset = true;
  }
}

/** One that has ended its way cannot be reset: Node would never let go of it. */
function reset(socket: Socket): void {
  if (socket.writableEnded) socket.destroy();
  else socket.resetAndDestroy();
}

interface PipeParts {
  readonly from: Socket;
  readonly to: Socket;
  readonly conditions: () => Conditions;
  readonly cut: () => void;
  /** Bytes as they came. */
  readonly saw: (bytes: Uint8Array) => void;
}

interface Chunk {
  readonly bytes: Uint8Array;
  /** ms */
  readonly dueAt: number;
}

/** One way of a connection. */
class Pipe {
  /** Bytes to go until the connection is reset. */
  cutAfter = Number.POSITIVE_INFINITY;
  /** Where it ends, it ends by a reset. */
  reset = false;
  /** The end has been handed on. */
  ended = false;
  /** Bytes that are not handed on. */
  waiting = 0;
  readonly #parts: PipeParts;
  readonly #chunks: Chunk[] = [];
  #finished = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(parts: PipeParts) {
    this.#parts = parts;
    const { from, conditions, saw } = parts;
    from.on("data", (chunk: Buffer) => {
      // One that is half-closed has nothing more to say.
      if (this.#finished) return;
      const bytes = new Uint8Array(chunk);
      saw(bytes);
      this.waiting += bytes.length;
      this.#chunks.push({ bytes, dueAt: performance.now() + conditions().delay });
      this.pump();
    });
    from.on("end", () => this.finish());
  }

  /** Nothing more is taken; the end follows what there is. */
  finish(): void {
    this.#finished = true;
    this.pump();
  }

  pump(): void {
    if (this.#timer !== undefined || this.ended) return;
    const { to, conditions } = this.#parts;
    for (;;) {
      const { stalled, trickling } = conditions();
      if (stalled) return;
      const chunk = this.#chunks[0];
      if (chunk === undefined) break;
      const wait = chunk.dueAt - performance.now();
      if (wait > 0) {
        this.#later(wait);
        return;
      }
      this.#chunks.shift();
      const most = Math.min(trickling ? TRICKLE : chunk.bytes.length, this.cutAfter);
      if (most < chunk.bytes.length) {
        this.#chunks.unshift({ bytes: chunk.bytes.subarray(most), dueAt: 0 });
      }
      to.write(chunk.bytes.subarray(0, most));
      this.waiting -= most;
      this.cutAfter -= most;
      if (this.cutAfter <= 0) {
        this.#cutSoon();
        return;
      }
      if (trickling) {
        this.#later(TRICKLE_PAUSE);
        return;
      }
    }
    if (!this.#finished) return;
    this.ended = true;
    if (this.reset) reset(to);
    else to.end();
  }

  /** What was written is to reach the other side first, as a reset overtakes it. */
  #cutSoon(): void {
    this.ended = true;
    setTimeout(() => this.#parts.cut(), 5);
  }

  #later(wait: number): void {
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.pump();
    }, wait);
  }
}
