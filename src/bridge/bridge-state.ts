/** How it stands with a bridge, in one word. */

/**
 * `connecting`: for the first time, or anew after it left in order. `idle`: nothing to carry, so that
 * `start_type` lazy keeps it off. `offline`: the last attempt failed, or the connection broke.
 */
export const BRIDGE_STATES = ["connected", "connecting", "idle", "offline"] as const;
export type BridgeState = (typeof BRIDGE_STATES)[number];
