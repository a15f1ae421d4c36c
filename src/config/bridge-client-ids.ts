/** The client ids of a bridge at both ends, as Mosquitto makes them where none is configured. */
import type { BridgeConfig } from "./schema.ts";

export interface BridgeClientIds {
  readonly remote: string;
  readonly local: string;
}

/** `hostName`: this machine's. */
export function bridgeClientIds(
  bridge: Pick<BridgeConfig, "name" | "client_id" | "local_client_id">,
  hostName: string,
): BridgeClientIds {
  const remote = bridge.client_id === "" ? `${hostName}.${bridge.name}` : bridge.client_id;
  const local = bridge.local_client_id === "" ? `local.${remote}` : bridge.local_client_id;
  return { remote, local };
}
