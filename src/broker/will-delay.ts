/**
 * Wills of clients that are gone: published when their delay is over or their session ends, whichever
 * is first [MQTT-3.1.3-9].
 *
 * The will of a session that outlives its connection is a record in the store, from CONNECT on, since
 * the process may end before the client does. After a restart it waits for what is left of its delay.
 * One whose client was still connected waits for as long as the broker would have taken to find that
 * client gone, so that whoever comes back by then has not died.
 */
import type { Publisher, Rights } from "../seams/access.ts";
import type { Will } from "../seams/door.ts";
import type { HookClient } from "../seams/hooks.ts";
import type { Clock } from "../time/clock.ts";
import type { Scheduler, Timer } from "../time/scheduler.ts";
import type { Records } from "./records.ts";
import type { Session } from "./session.ts";
import type { StoredWill } from "./will-record.ts";

/** Whose will it is, and what that client may do when it is published. */
export interface WillOwner extends HookClient {
  readonly rights: Rights | undefined;
  /** Of one from before a restart, in place of `rights`: for `Access.rightsOf`. */
  readonly publisher?: Publisher | undefined;
}

/** A will and what becomes of it. */
export interface LeftWill {
  readonly will: Will;
  readonly owner: WillOwner;
  /** It has a record, which goes in the commit that brings what its publication puts. */
  readonly stored: boolean;
  /** It was left before a restart, or its client has not come back since. */
  readonly restored: boolean;
}

interface Waiting extends LeftWill {
  readonly timer: Timer;
  /** See `StoredWill.held`. */
  readonly held: boolean;
}

export interface DelayedWillsParts {
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  readonly records: Records;
  /** Publishes a will, if its owner may; all that this puts is put within the call. */
  readonly publish: (left: LeftWill) => void;
}

/** How long a client without keep alive may take to come back after a restart, ms. */
const WITHOUT_KEEP_ALIVE = 60_000;

export class DelayedWills {
  readonly #parts: DelayedWillsParts;
  readonly #waiting = new Map<string, Waiting>();

  constructor(parts: DelayedWillsParts) {
    this.#parts = parts;
  }

  /** The client of a session has connected: stores its will, if that is to be. */
  keep(session: Session): void {
    const left = leftWill(session);
    if (left?.stored === true) this.#put(left, 0, false);
  }

  /** Replaces or removes the will of a connected client. */
  replace(session: Session, will: Will | undefined): void {
    const wasStored = isStored(session);
    session.will = will;
    if (isStored(session)) this.keep(session);
    else if (wasStored) this.#parts.records.deleteWill(session.clientId);
  }

  /** The client has parted from its will, which is not published [MQTT-3.1.2-10]. */
  drop({ owner, stored }: LeftWill): void {
    if (stored) this.#parts.records.deleteWill(owner.clientId);
  }

  /** Publishes the will of a client that is gone after its delay, or at once if it has none. */
  add(left: LeftWill): void {
    const delay = delayOf(left.will);
    if (delay === 0) {
      this.#release(left);
      return;
    }
    this.#wait(left, delay, false);
    if (left.stored) this.#put(left, this.#parts.clock.wall() + delay, false);
  }

  /** Takes back what was stored. */
  restore(clientId: string, stored: StoredWill): void {
    const { will, username, publisher, dueAt } = stored;
    const held = stored.held || dueAt === 0;
    const longest = held ? patience(will) : delayOf(will);
    const wall = this.#parts.clock.wall();
    const left = {
      will,
      owner: { clientId, username, rights: undefined, publisher },
      stored: true,
      restored: true,
    };
    // The wall clock may have jumped since.
    const wait = dueAt === 0 ? longest : Math.min(Math.max(0, dueAt - wall), longest);
    this.#wait(left, wait, held);
    // Else the wait would begin anew with each restart.
    if (dueAt === 0 || dueAt > wall + longest) this.#put(left, wall + wait, held);
  }

  /** The client has come back in time. */
  cancel(clientId: string): void {
    const waiting = this.#take(clientId);
    if (waiting !== undefined) this.drop(waiting);
  }

  /** The client begins anew. If nobody but a restart had parted it from its session, it has come back, too. */
  cancelHeld(clientId: string): void {
    if (this.#waiting.get(clientId)?.held === true) this.cancel(clientId);
  }

  /** The session has ended. */
  publishNow(clientId: string): void {
    const waiting = this.#take(clientId);
    if (waiting !== undefined) this.#release(waiting);
  }

  #wait(left: LeftWill, duration: number, held: boolean): void {
    const { clientId } = left.owner;
    this.#take(clientId);
    const timer = this.#parts.scheduler.after(duration, () => this.publishNow(clientId));
    this.#waiting.set(clientId, { ...left, timer, held });
  }

  #take(clientId: string): Waiting | undefined {
    const waiting = this.#waiting.get(clientId);
    waiting?.timer.cancel();
    this.#waiting.delete(clientId);
    return waiting;
  }

  /** In one batch, so that a power cut neither loses the will nor doubles it. */
  #release(left: LeftWill): void {
    this.#parts.publish(left);
    this.drop(left);
  }

  #put({ will, owner }: LeftWill, dueAt: number, held: boolean): void {
    const { clientId, username, rights, publisher = rights?.publisher } = owner;
    this.#parts.records.putWill(clientId, { will, username, publisher, dueAt, held });
  }
}

/** The will that a client leaves with its session, if any; to be asked before the client has left. */
export function leftWill(session: Session): LeftWill | undefined {
  const { will, clientId, username, rights } = session;
  if (will === undefined) return undefined;
  const owner = { clientId, username, rights };
  return { will, owner, stored: isStored(session), restored: false };
}

/** A will that is published with the end of its connection, or that others keep, needs no record. */
function isStored({ will, persistent, sessionExpiry }: Session): boolean {
  return will?.keepAlive !== undefined && persistent && sessionExpiry !== 0;
}

/** ms */
function delayOf({ delay = 0 }: Will): number {
  return delay * 1000;
}

/** How long the client of a restored will may take to come back, if it was there until then; ms. */
function patience(will: Will): number {
  const { keepAlive = 0 } = will;
  // [MQTT-3.1.2-22]
  const silence = keepAlive > 0 ? keepAlive * 1500 : WITHOUT_KEEP_ALIVE;
  return Math.max(silence, delayOf(will));
}
