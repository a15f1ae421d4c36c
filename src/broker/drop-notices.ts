/** Says that messages are dropped, once a minute and client, never silently. */
import type { Log } from "../seams/log.ts";
import type { Clock } from "../time/clock.ts";

const INTERVAL = 60_000;
const CLIENTS = 1000;

interface Notice {
  next: number;
  count: number;
}

export class DropNotices {
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #notices = new Map<string, Notice>();

  constructor(clock: Clock, log: Log) {
    this.#clock = clock;
    this.#log = log;
  }

  note(clientId: string): void {
    const now = this.#clock.now();
    let notice = this.#notices.get(clientId);
    if (notice === undefined) {
      if (this.#notices.size >= CLIENTS) this.#notices.clear();
      notice = { next: now, count: 0 };
      this.#notices.set(clientId, notice);
    }
    notice.count++;
    if (now < notice.next) return;
    const times = notice.count === 1 ? "" : ` (${notice.count} messages)`;
    this.#log.warn(`Outgoing messages are being dropped for client ${clientId}.${times}`);
    notice.next = now + INTERVAL;
    notice.count = 0;
  }
}
