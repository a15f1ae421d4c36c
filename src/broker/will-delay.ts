/** Wills that wait: published when their delay is over or their session ends, whichever is first [MQTT-3.1.3-9]. */
import type { Rights } from "../seams/access.ts";
import type { Will } from "../seams/door.ts";
import type { HookClient } from "../seams/hooks.ts";
import type { Scheduler, Timer } from "../time/scheduler.ts";

/** Whose will it is, and what that client may do when it is published. */
export interface WillOwner extends HookClient {
  readonly rights: Rights | undefined;
}

interface Waiting {
  readonly will: Will;
  readonly owner: WillOwner;
  readonly timer: Timer;
}

export class DelayedWills {
  readonly #scheduler: Scheduler;
  readonly #publish: (will: Will, owner: WillOwner) => void;
  readonly #waiting = new Map<string, Waiting>();

  constructor(scheduler: Scheduler, publish: (will: Will, owner: WillOwner) => void) {
    this.#scheduler = scheduler;
    this.#publish = publish;
  }

  /** Publishes the will of a client after its delay, or at once if it has none. */
  add({ clientId, username, rights }: WillOwner, will: Will): void {
    const { delay = 0 } = will;
    const owner = { clientId, username, rights };
    if (delay === 0) {
      this.#publish(will, owner);
      return;
    }
    this.cancel(clientId);
    const timer = this.#scheduler.after(delay * 1000, () => this.publishNow(clientId));
    this.#waiting.set(clientId, { will, owner, timer });
  }

  /** The client has come back in time. */
  cancel(clientId: string): void {
    this.#waiting.get(clientId)?.timer.cancel();
    this.#waiting.delete(clientId);
  }

  /** The session has ended. */
  publishNow(clientId: string): void {
    const waiting = this.#waiting.get(clientId);
    if (waiting === undefined) return;
    this.cancel(clientId);
    this.#publish(waiting.will, waiting.owner);
  }
}
