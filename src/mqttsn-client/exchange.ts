/** One thing a node asks of its gateway, from the first message sent to the answer that ends it. */
import type { SnMessage } from "../mqttsn/packets.ts";
import type { Outcome } from "./outcome.ts";

/** What a received message did to the exchange. */
export type Step =
  /** Nothing: it is not the exchange's. */
  | "ignored"
  /** The gateway is there and busy with it: the retry timer starts anew, and the message is still to be handled. */
  | "heard"
  /** It moved on: what `outgoing` gives is to be sent now. */
  | "send"
  /** Rejected for congestion: to be sent again after T_WAIT. */
  | "congested"
  | { readonly outcome: Outcome };

export interface Exchange {
  /** Goes on in the next connection where the session is kept, instead of ending with this one. */
  readonly durable: boolean;
  /** What `outgoing` gave last is answered; otherwise the exchange ends with sending it. */
  readonly confirmed: boolean;
  /** The message to send now; called anew for each repetition. */
  outgoing(): SnMessage;
  incoming(message: SnMessage): Step;
  /** Called once, when the exchange is over. */
  finish(outcome: Outcome): void;
}
