/**
 * Writes lines to a file, a pipe or a terminal without ever waiting for it: what is not taken fast
 * enough, or not at all, is counted and told once writing works again.
 */
import { close, write } from "node:fs";

/** What may wait to be written, characters. */
const MOST_WAITING = 4_194_304;
/** How long a pipe that is full is left alone, ms. */
const FULL_PAUSE = 50;

export class LineWriter {
  #fd: number;
  readonly #ownsFd: boolean;
  /** What is told of lines that were lost: how many, and why. */
  readonly #lossLine: (count: number, cause: string) => string;
  #waiting: string[] = [];
  /** Characters in `#waiting`. */
  #length = 0;
  #writing = false;
  #lost = 0;
  #cause = "";
  #next: number | undefined;
  #whenIdle: (() => void)[] = [];

  /** `ownsFd`: close it when it is no longer needed. */
  constructor(fd: number, ownsFd: boolean, lossLine: (count: number, cause: string) => string) {
    this.#fd = fd;
    this.#ownsFd = ownsFd;
    this.#lossLine = lossLine;
  }

  write(line: string): void {
    if (this.#length + line.length > MOST_WAITING) {
      this.#lose(1, "they came faster than they could be written");
      return;
    }
    this.#waiting.push(line);
    this.#length += line.length;
    if (!this.#writing) this.#writeAll();
  }

  /** Goes on with another file, once what is being written is; the one before is closed. */
  moveTo(fd: number): void {
    if (this.#next !== undefined) close(this.#next, () => {});
    this.#next = fd;
    if (!this.#writing) this.#move();
  }

  /** Calls `done` once nothing waits to be written any more. */
  whenIdle(done: () => void): void {
    if (this.#writing) this.#whenIdle.push(done);
    else done();
  }

  /** Nothing may be written after this. */
  close(done: () => void): void {
    this.whenIdle(() => {
      if (this.#ownsFd) close(this.#fd, () => {});
      done();
    });
  }

  #writeAll(): void {
    this.#move();
    const lines = this.#waiting;
    this.#waiting = [];
    this.#length = 0;
    if (lines.length === 0) {
      this.#writing = false;
      const idle = this.#whenIdle;
      this.#whenIdle = [];
      for (const done of idle) done();
      return;
    }
    this.#writing = true;
    this.#writeBytes(Buffer.from(lines.join("")), lines.length);
  }

  #writeBytes(bytes: Buffer, lines: number): void {
    write(this.#fd, bytes, 0, bytes.length, null, (error, written) => {
      if (error?.code === "EAGAIN") {
        setTimeout(() => this.#writeBytes(bytes, lines), FULL_PAUSE);
      } else if (error !== null) {
        this.#lose(lines, error.code ?? error.message);
        this.#writeAll();
      } else if (written < bytes.length) {
        this.#writeBytes(bytes.subarray(written), lines);
      } else {
        this.#tellLoss();
        this.#writeAll();
      }
    });
  }

  #lose(count: number, cause: string): void {
    this.#lost += count;
    this.#cause = cause;
  }

  /** Writing works, so that there is somebody to tell. */
  #tellLoss(): void {
    if (this.#lost === 0) return;
    const line = this.#lossLine(this.#lost, this.#cause);
    this.#lost = 0;
    this.#waiting.unshift(line);
    this.#length += line.length;
  }

  #move(): void {
    if (this.#next === undefined) return;
    if (this.#ownsFd) close(this.#fd, () => {});
    this.#fd = this.#next;
    this.#next = undefined;
  }
}
