/** What a listener decides for the connections that come in by it. */
import type { Origin } from "../seams/door.ts";

export interface ListenerPolicy {
  /** For logs: "port 1883". */
  readonly label: string;
  readonly origin: Origin;
  /** Whether clients may connect without a user name that is known. */
  readonly allowAnonymous: boolean;
}
