/** One connection's enhanced authentication: when AUTH may come, and what it is answered with (MQTT 5.0 §4.12). */
import type { AuthPacket } from "../mqtt/packets.ts";
import type { Properties } from "../mqtt/properties.ts";
import { Reason, type ReasonCode } from "../mqtt/reason-codes.ts";
import type { Authentication, AuthenticationStep } from "./authentication.ts";

export interface ExchangeEnds {
  /** Sends AUTH. */
  send(reasonCode: ReasonCode, properties: Properties): void;
  /** The server broke the protocol or has not proved itself, or the method gives up. */
  failed(detail: string): void;
}

export class AuthenticationExchange {
  readonly #authentication: Authentication;
  readonly #ends: ExchangeEnds;
  /** The server's turn is awaited: of the first exchange from the beginning, later of a re-authentication. */
  #running = true;
  /** The method is at work on the server's last data. */
  #answering = false;
  #ended = false;

  constructor(authentication: Authentication, ends: ExchangeEnds) {
    this.#authentication = authentication;
    this.#ends = ends;
  }

  /** For CONNECT, and for AUTH that begins a re-authentication. */
  beginning(): Properties {
    return this.#properties(this.#authentication.begin());
  }

  /** Begins once more, on a connection that stands [MQTT-4.12.1-1]. */
  again(): void {
    if (this.#running || this.#ended) return;
    this.#running = true;
    this.#ends.send(Reason.reauthenticate, this.beginning());
  }

  /** AUTH came; `connected` tells whether CONNACK had come before. */
  received({ reasonCode, properties }: AuthPacket, connected: boolean): void {
    const { method } = this.#authentication;
    if (!this.#running || this.#answering) {
      this.#ends.failed("AUTH that nobody has asked for");
    } else if (properties?.authenticationMethod !== method) {
      this.#ends.failed(`AUTH of another method than ${method}`); // [MQTT-4.12.0-5]
    } else if (reasonCode === Reason.continueAuthentication) {
      this.#answering = true;
      this.#authentication.next(properties.authenticationData, (step) => this.#answer(step));
    } else if (reasonCode === Reason.success && connected) {
      this.#complete(properties.authenticationData);
    } else {
      this.#ends.failed(`AUTH with reason code ${reasonCode}`); // [MQTT-4.12.0-2]
    }
  }

  /** CONNACK came. Answers whether the server has proved itself; `failed` was called if not. */
  accepted(properties: Properties | undefined): boolean {
    const { method } = this.#authentication;
    if (properties?.authenticationMethod !== method) {
      this.#ends.failed(`CONNACK without the authentication method ${method}`); // [MQTT-4.12.0-5]
      return false;
    }
    return this.#complete(properties.authenticationData);
  }

  /** The connection is over. */
  end(): void {
    this.#ended = true;
  }

  #complete(data: Uint8Array | undefined): boolean {
    this.#running = false;
    const problem = this.#authentication.complete(data);
    if (problem !== undefined) this.#ends.failed(problem);
    return problem === undefined;
  }

  #answer(step: AuthenticationStep): void {
    if (this.#ended) return;
    this.#answering = false;
    if (step.kind === "give-up") this.#ends.failed(step.detail);
    else this.#ends.send(Reason.continueAuthentication, this.#properties(step.data));
  }

  #properties(data: Uint8Array | undefined): Properties {
    return { authenticationMethod: this.#authentication.method, authenticationData: data };
  }
}
