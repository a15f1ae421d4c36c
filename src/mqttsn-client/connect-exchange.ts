/** Connection setup, with the will where the gateway asks for it (MQTT-SN 1.2 §6.2, §6.3). */
import type { SnMessage, SnQoS } from "../mqttsn/packets.ts";
import type { Exchange, Step } from "./exchange.ts";
import { type Outcome, outcomeOf } from "./outcome.ts";

export interface SnWill {
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly qos: SnQoS;
  readonly retain: boolean;
}

export interface ConnectOptions {
  readonly cleanSession: boolean;
  /** Keep alive, seconds; 0 for none. */
  readonly duration: number;
  /** A will to leave with the gateway; "delete" removes the one that a kept session has. */
  readonly will?: SnWill | "delete" | undefined;
}

export class ConnectExchange implements Exchange {
  readonly durable = false;
  readonly confirmed = true;
  readonly #clientId: string;
  readonly #options: ConnectOptions;
  readonly #done: (outcome: Outcome) => void;
  #next: "connect" | "willtopic" | "willmsg" = "connect";

  constructor(clientId: string, options: ConnectOptions, done: (outcome: Outcome) => void) {
    this.#clientId = clientId;
    this.#options = options;
    this.#done = done;
  }

  outgoing(): SnMessage {
    const { will, cleanSession, duration } = this.#options;
    switch (this.#next) {
      case "connect":
        return {
          kind: "connect",
          clientId: this.#clientId,
          cleanSession,
          will: will !== undefined,
          duration,
          protocolId: 1,
        };
      case "willtopic":
        if (will === undefined || will === "delete") {
          return { kind: "willtopic", topic: undefined, qos: 0, retain: false };
        }
        return { kind: "willtopic", topic: will.topic, qos: will.qos, retain: will.retain };
      case "willmsg":
        return {
          kind: "willmsg",
          payload: typeof will === "object" ? will.payload : new Uint8Array(0),
        };
    }
  }

  incoming(message: SnMessage): Step {
    switch (message.kind) {
      case "willtopicreq":
        this.#next = "willtopic";
        return "send";
      case "willmsgreq":
        this.#next = "willmsg";
        return "send";
      case "connack": {
        const outcome = outcomeOf(message.returnCode);
        this.#next = "connect";
        return outcome === "congestion" ? "congested" : { outcome };
      }
      default:
        return "ignored";
    }
  }

  finish(outcome: Outcome): void {
    this.#done(outcome);
  }
}
