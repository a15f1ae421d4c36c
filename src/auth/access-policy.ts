/** What a listener asks of its clients. */
import type { LoginThrottleOptions } from "./login-throttle.ts";

/** One link of a listener's chain; those that come first are asked first. */
export type ChainLink =
  | { readonly kind: "password-file"; readonly path: string }
  | { readonly kind: "acl-file"; readonly path: string }
  | { readonly kind: "dynamic-security" }
  | { readonly kind: "plugin"; readonly name: string };

export interface AccessPolicy {
  /** Clients without a user name come in; with an empty chain, so do all others. */
  readonly allowAnonymous: boolean;
  readonly chain: readonly ChainLink[];
  /** Refuse subscriptions that can never bring a message. */
  readonly strictSubscribe?: boolean | undefined;
  /** Refuse everything to clients with + or # in user name or client id (CVE-2017-7650). */
  readonly denySpecialCharacters?: boolean | undefined;
}

export interface AccessSettings {
  readonly throttle: LoginThrottleOptions;
  /** By the listener's name. */
  readonly listeners: ReadonlyMap<string, AccessPolicy>;
  /** For MQTT-SN nodes, by the link's name. */
  readonly nodes: ReadonlyMap<string, AccessPolicy>;
  /** For all that neither of them names. */
  readonly others: AccessPolicy;
  /**
   * For what is kept of clients that came in by a listener which is not there any more; where there is
   * none, nothing is known of them.
   */
  readonly gone?: AccessPolicy | undefined;
}

/** Everybody may do everything. */
export const OPEN: AccessPolicy = { allowAnonymous: true, chain: [] };
/** Nobody may do anything. */
export const CLOSED: AccessPolicy = { allowAnonymous: false, chain: [] };
