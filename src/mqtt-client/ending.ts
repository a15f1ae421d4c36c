/** Why a client's connection ended, as a value, and in words. */

export type Ending =
  /** The server refused the connection with this CONNACK return code (MQTT 3.1.1 §3.2.2.3). */
  | { readonly kind: "refused"; readonly returnCode: number }
  /** The server broke the protocol. */
  | { readonly kind: "fault"; readonly detail: string }
  /** The server did not answer in time. */
  | { readonly kind: "silent"; readonly detail: string }
  /** The network or the server closed the connection; `cause` in words if there was an error. */
  | { readonly kind: "lost"; readonly cause: string | undefined }
  /** This side disconnected. */
  | { readonly kind: "done" };

const REFUSALS: Readonly<Record<number, string>> = {
  1: "unacceptable protocol version",
  2: "client identifier rejected",
  3: "server unavailable",
  4: "bad user name or password",
  5: "not authorized",
};

/** The meaning of a CONNACK return code other than 0. */
export function refusalText(returnCode: number): string {
  return REFUSALS[returnCode] ?? `return code ${returnCode}`;
}

export function describeEnding(ending: Ending): string {
  switch (ending.kind) {
    case "refused":
      return `connection refused by the broker: ${refusalText(ending.returnCode)}`;
    case "fault":
      return `protocol error: ${ending.detail}`;
    case "silent":
      return ending.detail;
    case "lost":
      return ending.cause ?? "connection closed by the other end";
    case "done":
      return "disconnected";
  }
}
