/** Access control that does as a test says: everything is allowed but what is given. */
import type { Access, Admission, Credentials, Publisher, Rights } from "../../src/seams/access.ts";

export const EVERYTHING: Rights = {
  mayPublish: () => true,
  maySubscribe: () => true,
  mayUnsubscribe: () => true,
  mayReceive: () => true,
};

export class ScriptedAccess implements Access {
  onChange: (() => void) | undefined;
  /** In force for everyone from the next question on. */
  rights: Rights;
  /** What is answered instead of letting a client in. */
  refusal: Extract<Admission, { ok: false }>["reason"] | undefined;
  readonly asked: Credentials[] = [];
  /** Whether a client of this user name would be let in now. */
  admitted: (username: string | undefined) => boolean = () => true;

  constructor(rights: Partial<Rights> = {}) {
    this.rights = { ...EVERYTHING, ...rights };
  }

  admit(credentials: Credentials, answer: (admission: Admission) => void): void {
    this.asked.push(credentials);
    if (this.refusal !== undefined) {
      answer({ ok: false, reason: this.refusal });
      return;
    }
    answer({ ok: true, username: credentials.username, rights: this.#current(credentials) });
  }

  /** Answers `rightsOf`: the same rights as everyone's, or those that a test gives. */
  ofPublisher: (publisher: Publisher) => Rights | undefined = () => this.rights;

  rightsOf(publisher: Publisher): Rights | undefined {
    return this.ofPublisher(publisher);
  }

  /** Puts other rights into force for everyone, those who are in included. */
  change(rights: Partial<Rights>): void {
    this.rights = { ...EVERYTHING, ...rights };
    this.onChange?.();
  }

  #current({ username, clientId, listener, origin }: Credentials): Rights {
    return {
      publisher: { username, clientId, listener, origin },
      unruled: this.rights.unruled,
      mayPublish: (...asked) => this.rights.mayPublish(...asked),
      maySubscribe: (...asked) => this.rights.maySubscribe(...asked),
      mayUnsubscribe: (...asked) => this.rights.mayUnsubscribe(...asked),
      mayReceive: (...asked) => this.rights.mayReceive(...asked),
      admitted: () => this.admitted(username),
    };
  }
}
