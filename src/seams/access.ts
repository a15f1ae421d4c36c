/** Who may come in, and what they may do there. */
import type { ReasonCode } from "../mqtt/reason-codes.ts";
import type { Origin } from "./door.ts";
import type { ExtendedExchange } from "./extended-authentication.ts";

/** Who wants in, and what they show for it. */
export interface Credentials {
  readonly clientId: string;
  readonly username: string | undefined;
  readonly password: Uint8Array | undefined;
  /** The user name comes from a certificate or a pre-shared key that was verified: no password is needed. */
  readonly verified: boolean;
  /** Asked when rules have changed: whether it would still be verified. Undefined is yes. */
  readonly stillVerified?: (() => boolean) | undefined;
  /** IP address without a port, or what else tells one peer from another; for throttling. */
  readonly address: string;
  /** Name of the listener or link. */
  readonly listener: string;
  readonly origin: Origin;
}

export type Admission =
  | {
      readonly ok: true;
      /** The name that rights were given to; undefined for anonymous clients. */
      readonly username: string | undefined;
      /** The client id to go by instead of the one that was asked for. */
      readonly clientId?: string | undefined;
      readonly rights: Rights;
    }
  | {
      readonly ok: false;
      readonly reason: ReasonCode;
      /** Where the client is to go, with reason codes 0x9C and 0x9D. */
      readonly serverReference?: string | undefined;
    };

/** Who published something: enough to ask what he may do when he is gone, and after a restart. */
export interface Publisher {
  readonly clientId: string;
  readonly username: string | undefined;
  /** Name of the listener or link that he came in by. */
  readonly listener: string;
  readonly origin: Origin;
}

/**
 * What one client may do. Asked for every message, so that answers are remembered inside; always in
 * keeping with the rules as they are now.
 */
export interface Rights {
  /**
   * Whose rights these are, always the same object: kept with what he leaves behind, for
   * `Access.rightsOf`. Undefined where rules never change what he may do.
   */
  readonly publisher?: Publisher | undefined;
  /** True where no rule says anything: then only who is on this machine manages the broker. */
  readonly unruled?: boolean | undefined;
  mayPublish(topic: string, payload: Uint8Array, qos: number, retain: boolean): boolean;
  /** A filter as subscribed to, without `$share/GROUP/`. */
  maySubscribe(filter: string, qos: number): boolean;
  mayUnsubscribe(filter: string): boolean;
  /** Whether a message may be delivered, retained ones included. */
  mayReceive(topic: string): boolean;
  /** Whether the client would be let in now; asked after `Access.onChange`: one that would not is to go. */
  admitted?(): boolean;
}

export interface Access {
  /** Calls `answer` once, within the call or later: checking a password takes a while. */
  admit(credentials: Credentials, answer: (admission: Admission) => void): void;
  /**
   * Whether there are any rules for those who come in there; if not, they need not be asked about.
   * Undefined is yes.
   */
  decides?(listener: string, origin: Origin): boolean;
  /** Begins an exchange of enhanced authentication; undefined where this client has no such method. */
  extended?(method: string, credentials: Credentials): ExtendedExchange | undefined;
  /**
   * What somebody may do now who published something that is kept, be he connected or gone; asked
   * before a retained message is delivered. As in Mosquitto the rules over topics alone decide, as for
   * a client of that name and client id: not whether he would be let in now, so that the messages of
   * one whose password was taken away stay. Whom the rules do not name, since he was deleted, may do
   * what they leave to such: nothing by an ACL file without patterns, nor by dynamic security.
   * Undefined: nothing is known of him, and what he published may stay.
   */
  rightsOf?(publisher: Publisher): Rights | undefined;
  /** Set by the broker: rules have changed, so that what was allowed before is to be checked anew. */
  onChange: (() => void) | undefined;
}

/** A topic under `$CONTROL/` by which clients manage the broker. */
export interface ControlEndpoint {
  /** The topic that requests are published to. */
  readonly topic: string;
  /** Carries out a request of a client that may publish there; `respond` publishes to `topic`/response, to that client alone. */
  handle(request: Uint8Array, client: ControlCaller, respond: (response: Uint8Array) => void): void;
}

export interface ControlCaller {
  readonly clientId: string;
  readonly username: string | undefined;
}

/** What control endpoints may have done to those who are connected. */
export interface ConnectedClients {
  /** Closes the connections of all clients that `test` picks, with this reason; answers how many. */
  disconnect(
    test: (client: { readonly clientId: string; readonly username: string | undefined }) => boolean,
    reason: ReasonCode,
  ): number;
  /** Where those are connected from that `test` picks: IP addresses. */
  addresses?(
    test: (client: { readonly clientId: string; readonly username: string | undefined }) => boolean,
  ): readonly string[];
}
