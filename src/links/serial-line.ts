/** An open serial port. Reads and writes go to the port directly, and never wait for it. */
import { readSync, writeSync } from "node:fs";
import { stat } from "node:fs/promises";
import type { Line, LineEnd } from "./line.ts";

/** As much of an open port of serialport's binding as is used. */
export interface SerialPortHandle {
  readonly fd: number | null;
  readonly poller: {
    once(event: "readable", callback: (error: Error | null) => void): unknown;
  };
  set(options: { readonly dtr: boolean; readonly rts: boolean }): Promise<void>;
  flush(): Promise<void>;
  close(): Promise<void>;
}

const READ_SIZE = 4096;
/** How long to leave a port alone that takes nothing, ms. */
const WRITE_AGAIN = 10;
/** How often to look whether the port is still there, as not every driver tells, ms. */
const LOOK_EVERY = 1000;
/** A port may hang in closing while it waits for its output to leave, ms. */
const CLOSING_TAKES = 1000;

export class SerialLine implements Line {
  readonly where: string;
  readonly #port: string;
  readonly #handle: SerialPortHandle;
  readonly #buffer = Buffer.allocUnsafeSlow(READ_SIZE);
  #end: LineEnd | undefined;
  #open = true;
  #writeTimer: NodeJS.Timeout | undefined;
  #lookTimer: NodeJS.Timeout | undefined;
  /** What the port was when it was opened. */
  #identity: string | undefined;

  /** `port`: its path without symbolic links. */
  constructor(handle: SerialPortHandle, port: string, where: string) {
    this.#handle = handle;
    this.#port = port;
    this.where = where;
  }

  start(end: LineEnd): void {
    if (!this.#open) return;
    this.#end = end;
    this.#lookTimer = setInterval(() => void this.#look(), LOOK_EVERY);
    this.#lookTimer.unref();
    void this.#look();
    this.#awaitBytes();
  }

  write(bytes: Uint8Array, written: () => void): void {
    let at = 0;
    // Waiting for the port to be writable would end waiting for it to be readable: the binding's
    // poller knows one at a time. So a port that takes nothing is asked again.
    const go = (): void => {
      const { fd } = this.#handle;
      if (!this.#open || fd === null) return;
      try {
        while (at < bytes.length) at += writeSync(fd, bytes, at);
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException;
        if (code === "EAGAIN" || code === "EINTR") this.#writeTimer = setTimeout(go, WRITE_AGAIN);
        else this.#lost(error as NodeJS.ErrnoException);
        return;
      }
      written();
    };
    go();
  }

  async close(): Promise<void> {
    if (!this.#open) return;
    this.#open = false;
    clearTimeout(this.#writeTimer);
    clearInterval(this.#lookTimer);
    let timer: NodeJS.Timeout | undefined;
    const patience = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, CLOSING_TAKES);
    });
    await Promise.race([this.#letGo(), patience]);
    clearTimeout(timer);
  }

  async #letGo(): Promise<void> {
    // Output that cannot leave would hold up closing; a port that is gone has nothing to close.
    await this.#handle.flush().catch(() => {});
    await this.#handle.close().catch(() => {});
  }

  #awaitBytes(): void {
    this.#handle.poller.once("readable", (error) => {
      if (!this.#open) return;
      if (error === null) this.#read();
      else this.#lost(error);
    });
  }

  #read(): void {
    const { fd } = this.#handle;
    if (fd === null) return;
    try {
      const count = readSync(fd, this.#buffer, 0, READ_SIZE, null);
      if (count === 0) {
        this.#lost(undefined);
        return;
      }
      this.#end?.receive(this.#buffer.subarray(0, count));
    } catch (error) {
      const { code, syscall } = error as NodeJS.ErrnoException;
      // What the receiver throws is its own.
      if (syscall !== "read") throw error;
      if (code !== "EAGAIN" && code !== "EINTR") {
        this.#lost(error as NodeJS.ErrnoException);
        return;
      }
    }
    if (this.#open) this.#awaitBytes();
  }

  async #look(): Promise<void> {
    const now = await stat(this.#port).then(
      ({ dev, ino, rdev }) => `${dev} ${ino} ${rdev}`,
      () => undefined,
    );
    if (!this.#open) return;
    if (now === undefined || (this.#identity !== undefined && now !== this.#identity)) {
      this.#lost(undefined);
    }
    this.#identity = now;
  }

  #lost(error: NodeJS.ErrnoException | undefined): void {
    if (!this.#open) return;
    const end = this.#end;
    void this.close();
    const { code } = error ?? {};
    const gone = error === undefined || code === undefined || GONE.has(code);
    end?.closed(gone ? "it was unplugged or hung up" : (error?.message ?? ""));
  }
}

/** What reading from and writing to a port yields that is not there any more. */
const GONE: ReadonlySet<string> = new Set(["EIO", "ENXIO", "ENODEV", "EBADF"]);
