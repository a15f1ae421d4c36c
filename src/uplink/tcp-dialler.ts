/** Dials other brokers over TCP. */
import type { Dialler, Dialling, DialTarget } from "../seams/dialler.ts";
import type { Wire, WireEnd } from "../seams/wire.ts";
import { connectTcp } from "../sockets/connect-tcp.ts";
import type { FlushTurn } from "../sockets/flush-turn.ts";
import { NameLookup } from "./name-lookup.ts";

/** How long a connection may take to come about, name lookup included, ms. */
const TIMEOUT = 20_000;
/** The limit to lookups at a time is one for the whole process. */
const systemNames = new NameLookup();

export class TcpDialler implements Dialler {
  readonly #turn: FlushTurn;
  readonly #names: NameLookup;
  readonly #timeout: number;

  constructor(turn: FlushTurn, names = systemNames, timeout = TIMEOUT) {
    this.#turn = turn;
    this.#names = names;
    this.#timeout = timeout;
  }

  dial(
    target: DialTarget,
    accept: (wire: Wire) => WireEnd,
    failed: (cause: string) => void,
  ): Dialling {
    const { lookup } = this.#names;
    return connectTcp({ target, turn: this.#turn, timeout: this.#timeout, lookup, accept, failed });
  }
}
