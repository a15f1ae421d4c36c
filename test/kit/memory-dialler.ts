/** A dialler whose connections are made, or refused, by the test. */
import type { ProtocolLevel } from "../../src/mqtt/packets.ts";
import type { Dialler, Dialling, DialTarget } from "../../src/seams/dialler.ts";
import type { Wire, WireEnd } from "../../src/seams/wire.ts";
import { ServerEnd } from "./server-end.ts";

interface Attempt {
  readonly target: DialTarget;
  readonly accept: (wire: Wire) => WireEnd;
  readonly failed: (cause: string) => void;
}

export class MemoryDialler implements Dialler {
  /** All that was dialled, "host:port". */
  readonly dialled: string[] = [];
  /** For the connections made from now on, see `ServerEnd.afterwards`. */
  afterwards: () => void = () => {};
  /** What the servers speak. */
  serverLevel: ProtocolLevel = 4;
  #pending: Attempt[] = [];

  dial(
    target: DialTarget,
    accept: (wire: Wire) => WireEnd,
    failed: (cause: string) => void,
  ): Dialling {
    const attempt = { target, accept, failed };
    this.dialled.push(`${target.host}:${target.port}`);
    this.#pending.push(attempt);
    return {
      cancel: () => {
        this.#pending = this.#pending.filter((other) => other !== attempt);
      },
    };
  }

  /** Attempts that have not been decided. */
  get pending(): number {
    return this.#pending.length;
  }

  /** The oldest attempt connects. */
  accept(): ServerEnd {
    const attempt = this.#next();
    const server = new ServerEnd(this.serverLevel);
    server.afterwards = this.afterwards;
    server.wire.open(attempt.accept(server.wire));
    return server;
  }

  /** The oldest attempt fails. */
  fail(cause = "connection refused"): void {
    this.#next().failed(cause);
  }

  #next(): Attempt {
    const attempt = this.#pending.shift();
    if (attempt === undefined) throw new Error("nobody is dialling");
    return attempt;
  }
}
