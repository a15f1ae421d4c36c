/** A stream of bytes to and from nodes that comes and goes: a serial port, a socket to one. */

export interface Line {
  /** What it is, for logs: "/dev/ttyUSB0". */
  readonly where: string;
  /**
   * Calls `written` when the system has taken the bytes, within the call or later; never after the
   * line was closed. Not called again before, and `bytes` stay as they are until then.
   */
  write(bytes: Uint8Array, written: () => void): void;
  /** Lets go of it; `LineEnd.closed` is not called. */
  close(): Promise<void>;
}

export interface LineEnd {
  /** Bytes that came; they are reused after the call. */
  receive(bytes: Uint8Array): void;
  /** The line is gone, for the cause told. Once. */
  closed(cause: string): void;
}

/** Opens one line at a time, again and again. */
export interface LineSource {
  /** What is looked for, for logs: "/dev/serial/by-id/usb-FTDI*". */
  readonly sought: string;
  /** Calls `accept` with the line once it is open; rejects with LineProblem. */
  open(accept: (line: Line) => LineEnd): Promise<void>;
  /** Gives up an attempt that takes long, if there is one; its promise may never be settled. */
  cancel(): void;
}

/** Why a line cannot be opened now, in words for whoever looks after it. */
export class LineProblem extends Error {
  constructor(message: string, cause?: unknown) {
    super(message, { cause });
    this.name = "LineProblem";
  }
}
