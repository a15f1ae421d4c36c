/** Why a client's connection ended, as a value, and in words. */
import type { Properties } from "../mqtt/properties.ts";
import { isFailure } from "../mqtt/reason-codes.ts";
import { reasonText } from "./reason-text.ts";

export type Ending =
  /**
   * The server refused the connection: with a CONNACK return code of MQTT 3.1.1 (§3.2.2.3), below
   * 0x80, or with a reason code of 5.0, from 0x80.
   */
  | {
      readonly kind: "refused";
      readonly returnCode: number;
      readonly properties?: Properties | undefined;
    }
  /** The server of MQTT 5.0 said good-bye (§3.14). */
  | {
      readonly kind: "disconnected";
      readonly reasonCode: number;
      readonly properties?: Properties | undefined;
    }
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

/** The meaning of a CONNACK return code of MQTT 3.1.1 other than 0. */
export function refusalText(returnCode: number): string {
  return REFUSALS[returnCode] ?? `return code ${returnCode}`;
}

export function describeEnding(ending: Ending): string {
  switch (ending.kind) {
    case "refused": {
      const { returnCode, properties } = ending;
      const why = isFailure(returnCode) ? reasonText(returnCode) : refusalText(returnCode);
      return `connection refused by the broker: ${why}${details(properties)}`;
    }
    case "disconnected":
      return `disconnected by the broker: ${reasonText(ending.reasonCode)}${details(ending.properties)}`;
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

/** What else the server said: why, in its own words, and where to go instead. */
export function details(properties: Properties | undefined): string {
  const { reasonString, serverReference } = properties ?? {};
  const why = reasonString === undefined ? "" : ` (${reasonString})`;
  return serverReference === undefined ? why : `${why}, use ${serverReference}`;
}
