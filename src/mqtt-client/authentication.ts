/** Enhanced authentication from the client's side (MQTT 5.0 §4.12): what a method offers the client. */

export interface Authentication {
  /** The name of the method, such as SCRAM-SHA-256. */
  readonly method: string;
  /** The client's first data, for CONNECT and for each re-authentication. */
  begin(): Uint8Array | undefined;
  /**
   * The server wants more, on the ground of this data. Calls `answer` once, within the call or later,
   * and is not called again before.
   */
  next(data: Uint8Array | undefined, answer: (step: AuthenticationStep) => void): void;
  /**
   * The server is satisfied; `data` came with the news. Answers what is wrong with the server in words
   * if it has not proved itself as the method demands.
   */
  complete(data: Uint8Array | undefined): string | undefined;
}

export type AuthenticationStep =
  | { readonly kind: "continue"; readonly data: Uint8Array | undefined }
  /** Not with this server; `detail` says why. */
  | { readonly kind: "give-up"; readonly detail: string };
