/**
 * Where others look on as the broker works, or have a say in what it hands on. A hook that is not
 * set costs one check; none of them may throw, or call the broker from within.
 */
import type { QoS } from "../mqtt/qos.ts";
import type { Leaving, Origin } from "./door.ts";
import type { Message } from "./message.ts";

/** A session's client, as far as hooks are concerned. */
export interface HookClient {
  readonly clientId: string;
  readonly username?: string | undefined;
}

export interface ConnectedClient extends HookClient {
  readonly origin: Origin;
  /** Where from, as in logs. */
  readonly remote: string;
}

export interface BrokerHooks {
  readonly connected?: ((client: ConnectedClient) => void) | undefined;
  readonly disconnected?: ((client: HookClient, how: Leaving) => void) | undefined;
  /**
   * What is to be kept and handed on instead of a message that is allowed: itself, another, or
   * undefined for nothing. `will` when it is published for a client that is gone.
   */
  readonly published?:
    | ((message: Message, publisher: HookClient, will: boolean) => Message | undefined)
    | undefined;
  /** `filter` as the client gave it, under its mount point. */
  readonly subscribed?: ((client: HookClient, filter: string, qos: QoS) => void) | undefined;
  readonly unsubscribed?: ((client: HookClient, filter: string) => void) | undefined;
}
