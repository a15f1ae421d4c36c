/** The rights of one client that was let in: always those that the rules give it now. */
import type { Publisher, Rights } from "../seams/access.ts";
import type { RightsProfile } from "./rights-profile.ts";
import { isControlTopic } from "./topic-rules.ts";

/** Who knows the rules as they are now. */
export interface ProfileSource {
  /** Another number when rules have changed. */
  readonly generation: number;
  /** undefined: nothing is allowed. */
  profileOf(publisher: Publisher): RightsProfile | undefined;
}

const DOLLAR = 0x24;

export interface ClientRightsParts {
  readonly source: ProfileSource;
  readonly publisher: Publisher;
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

  get publisher(): Publisher {
    return this.#parts.publisher;
  }

  get unruled(): boolean {
    return this.#current()?.open === true;
  }

  mayPublish(topic: string, payload: Uint8Array, qos: number, retain: boolean): boolean {
    if (topic.charCodeAt(0) === DOLLAR && !this.#mayPublishUnder(topic)) return false;
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

  #mayPublishUnder(topic: string): boolean {
    // Nobody publishes into a shared subscription's name space.
    if (topic.startsWith("$share")) return false;
    // A node shows no password, so that it manages nothing, whatever the name that it goes by.
    return this.#parts.publisher.origin !== "mqtt-sn" || !isControlTopic(topic);
  }

  #current(): RightsProfile | undefined {
    const { generation } = this.#source;
    if (this.#generation !== generation) {
      this.#generation = generation;
      this.#profile = this.#source.profileOf(this.#parts.publisher);
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
