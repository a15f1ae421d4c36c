/** The rights of one client that was let in: always those that the rules give it now. */
import type { Rights } from "../seams/access.ts";
import type { Identity } from "./pattern.ts";
import type { RightsProfile } from "./rights-profile.ts";

/** Who knows the rules as they are now. */
export interface ProfileSource {
  /** Another number when rules have changed. */
  readonly generation: number;
  /** undefined: nothing is allowed. */
  profileOf(listener: string, origin: string, identity: Identity): RightsProfile | undefined;
}

const DOLLAR = 0x24;

export interface ClientRightsParts {
  readonly source: ProfileSource;
  readonly listener: string;
  readonly origin: string;
  readonly identity: Identity;
  /** Whether the client would be let in again. */
  readonly stillValid: () => boolean;
}

export class ClientRights implements Rights {
  readonly #parts: ClientRightsParts;
  readonly #source: ProfileSource;
  #generation = -1;
  #profile: RightsProfile | undefined;

  constructor(parts: ClientRightsParts) {
    this.#parts = parts;
    this.#source = parts.source;
  }

  mayPublish(topic: string, payload: Uint8Array, qos: number, retain: boolean): boolean {
    // Nobody publishes into a shared subscription's name space.
    if (topic.charCodeAt(0) === DOLLAR && topic.startsWith("$share")) return false;
    return this.#current()?.mayPublish(topic, payload, qos, retain) ?? false;
  }

  maySubscribe(filter: string, qos: number): boolean {
    return this.#current()?.maySubscribe(filter, qos) ?? false;
  }

  mayUnsubscribe(filter: string): boolean {
    return this.#current()?.mayUnsubscribe(filter) ?? false;
  }

  mayReceive(topic: string): boolean {
    return this.#current()?.mayReceive(topic) ?? false;
  }

  admitted(): boolean {
    return this.#parts.stillValid();
  }

  #current(): RightsProfile | undefined {
    const { generation } = this.#source;
    if (this.#generation !== generation) {
      const { listener, origin, identity } = this.#parts;
      this.#generation = generation;
      this.#profile = this.#source.profileOf(listener, origin, identity);
    }
    return this.#profile;
  }
}

/** Of a bridge of this Midge's own: as if there were no rules, save that it manages nothing. */
export const BRIDGE_RIGHTS: Rights = {
  mayPublish: (topic) => !topic.startsWith("$CONTROL") && !topic.startsWith("$share"),
  maySubscribe: () => true,
  mayUnsubscribe: () => true,
  mayReceive: (topic) => !topic.startsWith("$CONTROL"),
  admitted: () => true,
};
