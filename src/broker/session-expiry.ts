/** Ends sessions whose client has been away for longer than it asked, or than the broker allows. */
import type { Clock } from "../time/clock.ts";
import type { Scheduler, Timer } from "../time/scheduler.ts";
import type { Session } from "./session.ts";

export class SessionExpiry {
  readonly #clock: Clock;
  readonly #scheduler: Scheduler;
  readonly #expired: (session: Session) => void;
  readonly #timers = new Map<Session, Timer>();

  constructor(clock: Clock, scheduler: Scheduler, expired: (session: Session) => void) {
    this.#clock = clock;
    this.#scheduler = scheduler;
    this.#expired = expired;
  }

  /** The session's client has left. `limit` is the broker's own, ms; 0 is none. */
  begin(session: Session, limit: number): void {
    this.cancel(session);
    const asked = session.sessionExpiry === undefined ? Infinity : session.sessionExpiry * 1000;
    const duration = Math.min(asked, limit > 0 ? limit : Infinity);
    if (duration === Infinity) return;
    // A session read back from the store has been without its client for some of that already.
    const gone = Math.max(0, this.#clock.wall() - (session.leftAt ?? this.#clock.wall()));
    const timer = this.#scheduler.after(Math.max(0, duration - gone), () => {
      this.#timers.delete(session);
      this.#expired(session);
    });
    this.#timers.set(session, timer);
  }

  cancel(session: Session): void {
    this.#timers.get(session)?.cancel();
    this.#timers.delete(session);
  }
}
