/** An exchange of one message for one answer: ping, wake, sleep, disconnect and will updates. */
import type { SnMessage } from "../mqttsn/packets.ts";
import type { Exchange, Step } from "./exchange.ts";
import { type Done, type Outcome, outcomeOf } from "./outcome.ts";

type Answer = "pingresp" | "disconnect" | "willtopicresp" | "willmsgresp";

export class PlainExchange implements Exchange {
  readonly durable = false;
  readonly confirmed = true;
  readonly #message: SnMessage;
  readonly #answer: Answer;
  readonly #done: Done;
  readonly #started: (() => void) | undefined;

  /** `started` is called with each sending. */
  constructor(message: SnMessage, answer: Answer, done: Done, started?: () => void) {
    this.#message = message;
    this.#answer = answer;
    this.#done = done;
    this.#started = started;
  }

  outgoing(): SnMessage {
    this.#started?.();
    return this.#message;
  }

  incoming(message: SnMessage): Step {
    if (message.kind !== this.#answer) return this.#flushed(message) ? "heard" : "ignored";
    if (message.kind !== "willtopicresp" && message.kind !== "willmsgresp") {
      return { outcome: "accepted" };
    }
    const outcome = outcomeOf(message.returnCode);
    return outcome === "congestion" ? "congested" : { outcome };
  }

  finish(outcome: Outcome): void {
    this.#done(outcome);
  }

  /** What a gateway sends between PINGREQ with ClientId and PINGRESP restarts the timer (§6.14). */
  #flushed(message: SnMessage): boolean {
    const wakes = this.#message.kind === "pingreq" && this.#message.clientId !== undefined;
    return wakes && message.kind !== "disconnect";
  }
}
