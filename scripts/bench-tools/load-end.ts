/** Waits at the end of a load for what is still on its way. */
import { pause } from "./waiting.ts";

/** Without anything for so long, the rest is taken to be lost; ms. */
const PATIENCE = 1500;
const POLL_INTERVAL = 20;

export interface Settling {
  /** Deliveries that may still come. */
  readonly outstanding: number;
  /** PUBACKs that are still to come. */
  readonly unacknowledged: number;
}

/** Waits until everything arrived, or nothing has for a while. */
export async function settle(load: Settling): Promise<void> {
  let seen = -1;
  let since = performance.now();
  for (;;) {
    const due = load.outstanding + load.unacknowledged;
    if (load.outstanding === 0 && load.unacknowledged === 0) return;
    if (due !== seen) {
      seen = due;
      since = performance.now();
    } else if (performance.now() - since > PATIENCE) {
      return;
    }
    await pause(POLL_INTERVAL);
  }
}
