/**
 * What a listener's chain of access control is made of: each link says yes, no, or leaves it to the
 * next, as Mosquitto's plugins do.
 */
import type { Credentials } from "../seams/access.ts";
import type { PasswordRecord } from "./password-records.ts";
import type { Identity } from "./pattern.ts";
import type { TopicRule } from "./topic-rules.ts";

/**
 * "defer": this link knows nothing of it. If all links defer, a client with a user name is refused,
 * and so is what a client wants to do. "ignore": as if the link were not there. "busy": try later.
 */
export type Authentication =
  | {
      readonly verdict: "allow";
      /** Whether what was shown would still be right: asked when something has changed. */
      readonly stillValid?: (() => boolean) | undefined;
    }
  | { readonly verdict: "deny" | "defer" | "ignore" | "busy" }
  | {
      readonly verdict: "elsewhere";
      /** Where the client is to go, as MQTT 5.0 §4.11 has it. */
      readonly serverReference: string;
    };

export interface Authenticator {
  /** What to check the passwords of unknown users against, so that they take as long as known ones. */
  readonly decoy?: PasswordRecord | undefined;
  /** Calls `answer` once, within the call or later. */
  authenticate(credentials: Credentials, answer: (authentication: Authentication) => void): void;
}

export type Verdict = "allow" | "deny" | "defer" | "ignore";

/** What one link says about one client. */
export interface LinkRights {
  /**
   * Rules over topic names in their order, of which the first that matches decides; if none does,
   * the link defers. Where a link cannot put it so, it has `mayPublish` and `mayReceive` instead.
   */
  readonly publishing?: readonly TopicRule[] | undefined;
  readonly receiving?: readonly TopicRule[] | undefined;
  mayPublish?(topic: string, payload: Uint8Array, qos: number, retain: boolean): Verdict;
  mayReceive?(topic: string): Verdict;
  maySubscribe(filter: string, qos: number): Verdict;
  mayUnsubscribe(filter: string): Verdict;
}

export interface Authorizer {
  rightsOf(identity: Identity): LinkRights;
  /** Whether what `rightsOf` answers depends on the client id, not on the user name alone. */
  readonly perClient: boolean;
}
