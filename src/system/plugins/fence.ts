/**
 * Keeps what a plugin does wrong from everybody else: it is logged with the plugin's name, and the
 * work goes on. What a plugin begins here and leaves to itself (a timer, a promise that nobody waits
 * for) is known as its own later.
 */
import { AsyncLocalStorage } from "node:async_hooks";
import type { Log } from "../../seams/log.ts";
import type { Clock } from "../../time/clock.ts";
import type { Scheduler } from "../../time/scheduler.ts";
import { faultPlace, faultText } from "./fault-text.ts";

export interface PluginFenceParts {
  /** What the configuration calls the plugin. */
  readonly name: string;
  /** Its module. */
  readonly path: string;
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  readonly log: Log;
}

export type Outcome = { readonly ok: true; readonly value: unknown } | { readonly ok: false };

const FAILED: Outcome = { ok: false };
/** Between two log lines about the same thing, ms: a plugin may fail for every message. */
const TELL_INTERVAL = 60_000;

const atWork = new AsyncLocalStorage<PluginFence | undefined>();

/** Whose work it is that goes on now, or that has just failed. */
export function fenceAtWork(): PluginFence | undefined {
  return atWork.getStore();
}

/** What `action` begins is nobody's but Midge's own, even where a plugin has asked for it. */
export function outsideOfPlugins(action: () => void): void {
  atWork.run(undefined, action);
}

export class PluginFence {
  readonly name: string;
  readonly path: string;
  readonly #clock: Clock;
  readonly #scheduler: Scheduler;
  readonly #log: Log;
  /** By what failed: when it was told last, and how often it has failed since. */
  readonly #told = new Map<string, { at: number; since: number }>();

  constructor({ name, path, clock, scheduler, log }: PluginFenceParts) {
    this.name = name;
    this.path = path;
    this.#clock = clock;
    this.#scheduler = scheduler;
    this.#log = log;
  }

  /** What `action` answers, or `otherwise` where it throws. `what` names it in the log. */
  attempt<T>(what: string, otherwise: T, action: () => T): T {
    try {
      return atWork.run(this, action);
    } catch (fault) {
      this.complain(what, faultText(fault, this.path));
      return otherwise;
    }
  }

  /** As `attempt`, for what happens with every message and leaves nothing behind: ten times as fast. */
  attemptQuickly<T>(what: string, otherwise: T, action: () => T): T {
    try {
      return action();
    } catch (fault) {
      this.complain(what, faultText(fault, this.path));
      return otherwise;
    }
  }

  /**
   * Calls `done` once with what `action` answers, or what its promise comes to: within the call if it
   * is no promise. It fails if that takes longer than `patience`, ms.
   */
  eventually(
    what: string,
    patience: number,
    action: () => unknown,
    done: (outcome: Outcome) => void,
  ): void {
    const answer = this.attempt<Outcome>(what, FAILED, () => ({ ok: true, value: action() }));
    if (!answer.ok || !isPromise(answer.value)) {
      done(answer);
      return;
    }
    let over = false;
    const finish = (outcome: Outcome): void => {
      if (over) return;
      over = true;
      timer.cancel();
      done(outcome);
    };
    const timer = this.#scheduler.after(patience, () => {
      this.complain(what, `gave no answer within ${patience / 1000} s`);
      finish(FAILED);
    });
    answer.value.then(
      (value) => finish({ ok: true, value }),
      (fault: unknown) => {
        if (!over) this.complain(what, faultText(fault, this.path));
        finish(FAILED);
      },
    );
  }

  /** Calls `action`, whose answer nobody waits for. */
  tell(what: string, action: () => unknown): void {
    const answer = this.attempt(what, undefined, action);
    if (!isPromise(answer)) return;
    answer.then(undefined, (fault: unknown) => this.complain(what, faultText(fault, this.path)));
  }

  /** Something was thrown that nobody was there to catch. */
  stray(fault: unknown): void {
    const what = "something it left to itself";
    this.complain(what, faultText(fault, this.path), `${what} ${faultPlace(fault, this.path)}`);
  }

  /** Whether the fault comes out of the plugin's module. */
  owns(fault: unknown): boolean {
    return faultPlace(fault, this.path) !== undefined;
  }

  /** Logs what is wrong; what fails again and again (the same `key`), once a minute, with how often. */
  complain(what: string, problem: string, key = what): void {
    const now = this.#clock.now();
    const told = this.#told.get(key);
    if (told !== undefined && now - told.at < TELL_INTERVAL) {
      told.since++;
      return;
    }
    const count =
      told === undefined || told.since === 0 ? "" : ` (${told.since} times more before)`;
    this.#told.set(key, { at: now, since: 0 });
    this.#log.error(`plugin ${this.name}: ${what}: ${problem}${count}`);
  }
}

export function isPromise(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as PromiseLike<unknown> | null | undefined)?.then === "function";
}
