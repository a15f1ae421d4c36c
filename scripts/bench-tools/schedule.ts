/** When each message of an open loop is to be sent: evenly at a rate, the publishers in turn. */

export class Schedule {
  readonly #interval: number;
  readonly #publishers: number;

  /** `rate` is messages per second of all publishers together. */
  constructor(rate: number, publishers: number) {
    this.#interval = 1e6 / rate;
    this.#publishers = publishers;
  }

  /** When a publisher's message of this number is due, both counted from 0; µs from the beginning. */
  due(publisher: number, number: number): number {
    return (number * this.#publishers + publisher) * this.#interval;
  }
}
