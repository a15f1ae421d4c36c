/** Gathers what is to be written in this turn of the event loop, and writes it when the turn ends. */

export interface Flushable {
  flushNow(): void;
}

export class FlushTurn {
  #waiting: Flushable[] = [];
  #spare: Flushable[] = [];
  readonly #run = (): void => {
    const due = this.#waiting;
    this.#waiting = this.#spare;
    for (let index = 0; index < due.length; index++) (due[index] as Flushable).flushNow();
    due.length = 0;
    this.#spare = due;
  };

  /** `item` is flushed once after the sockets that are readable now have been read. It asks once a turn. */
  add(item: Flushable): void {
    // The check phase follows the poll phase, so all packets of one poll leave together.
    if (this.#waiting.push(item) === 1) setImmediate(this.#run);
  }
}
