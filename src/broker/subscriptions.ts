/** All subscriptions: plain ones lead to sessions, shared ones to groups of sessions. */
import { type Match, SubscriptionTree } from "../topics/subscription-tree.ts";
import type { Session } from "./session.ts";
import { sharedFilter } from "./shared-filter.ts";
import { SharedGroup } from "./shared-group.ts";
import type { Subscriber } from "./subscriber.ts";
import { combine, type Grant, type Subscription } from "./subscription.ts";

export class Subscriptions {
  readonly #tree = new SubscriptionTree<Subscriber, Subscription, Grant>(combine);
  /** By group and filter, as `GROUP/FILTER`. */
  readonly #groups = new Map<string, SharedGroup>();
  #shared = 0;

  /** Subscriptions, each member of a shared one counted. */
  get count(): number {
    return this.#tree.size - this.#groups.size + this.#shared;
  }

  /** Subscriptions of sessions that share them. */
  get sharedCount(): number {
    return this.#shared;
  }

  /** `filter` is valid, and as the client gave it. */
  add(filter: string, session: Session, subscription: Subscription): void {
    const shared = sharedFilter(filter);
    if (shared === undefined || shared === "invalid") {
      this.#tree.add(filter, session, subscription);
      return;
    }
    const key = `${shared.group}/${shared.filter}`;
    let group = this.#groups.get(key);
    if (group === undefined) {
      group = new SharedGroup(key);
      this.#groups.set(key, group);
      this.#tree.add(shared.filter, group, subscription);
    }
    if (group.add(session, subscription)) this.#shared++;
  }

  remove(filter: string, session: Session): void {
    const shared = sharedFilter(filter);
    if (shared === undefined || shared === "invalid") {
      this.#tree.remove(filter, session);
      return;
    }
    const key = `${shared.group}/${shared.filter}`;
    const group = this.#groups.get(key);
    if (group === undefined || !group.remove(session)) return;
    this.#shared--;
    if (!group.empty) return;
    this.#groups.delete(key);
    this.#tree.remove(shared.filter, group);
  }

  /** The sessions that share a subscription, by the group's key; undefined if there are none. */
  group(key: string): SharedGroup | undefined {
    return this.#groups.get(key);
  }

  match(topic: string): readonly Match<Subscriber, Grant>[] {
    return this.#tree.match(topic);
  }
}
