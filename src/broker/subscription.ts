/** What a subscription asks for, and what several that match the same message come to. */
import type { QoS } from "../mqtt/qos.ts";
import type { SubscriptionOptions } from "../seams/door.ts";

export interface Subscription {
  readonly qos: QoS;
  readonly noLocal: boolean;
  readonly retainAsPublished: boolean;
  readonly identifier: number | undefined;
}

const known = new Map<number, Subscription>();

/** Equal ones without an identifier are one object: there may be a hundred thousand of them. */
export function subscriptionOf(qos: QoS, options: SubscriptionOptions | undefined): Subscription {
  const noLocal = options?.noLocal === true;
  const retainAsPublished = options?.retainAsPublished === true;
  const identifier = options?.identifier;
  if (identifier !== undefined) return { qos, noLocal, retainAsPublished, identifier };
  const key = qos | (noLocal ? 4 : 0) | (retainAsPublished ? 8 : 0);
  let subscription = known.get(key);
  if (subscription === undefined) {
    subscription = { qos, noLocal, retainAsPublished, identifier };
    known.set(key, subscription);
  }
  return subscription;
}

export function isSameSubscription(one: Subscription | undefined, other: Subscription): boolean {
  if (one === other) return true;
  return (
    one !== undefined &&
    one.qos === other.qos &&
    one.noLocal === other.noLocal &&
    one.retainAsPublished === other.retainAsPublished &&
    one.identifier === other.identifier
  );
}

/**
 * One copy goes to a subscriber however many of its subscriptions match: at the highest QoS, with
 * all identifiers [MQTT-3.3.4-2, MQTT-3.3.4-4].
 */
export interface Grant {
  readonly qos: QoS;
  readonly retainAsPublished: boolean;
  readonly identifiers: readonly number[] | undefined;
  /** Each of several subscriptions for itself. */
  readonly parts: readonly Grant[] | undefined;
  /** The same for what the subscriber itself has published; undefined if it does not get that back. */
  readonly own: Grant | undefined;
}

const single = new WeakMap<Subscription, Grant>();

export function combine(subscriptions: readonly Subscription[]): Grant {
  const [only, ...others] = subscriptions;
  if (only === undefined || others.length > 0) return combineAnew(subscriptions);
  let grant = single.get(only);
  if (grant === undefined) {
    grant = combineAnew(subscriptions);
    single.set(only, grant);
  }
  return grant;
}

function combineAnew(subscriptions: readonly Subscription[]): Grant {
  const parts = subscriptions.length > 1 ? subscriptions.map((one) => combine([one])) : undefined;
  const all = { ...combineAll(subscriptions), parts };
  if (!subscriptions.some(({ noLocal }) => noLocal)) {
    const grant = { ...all, own: undefined as Grant | undefined };
    grant.own = grant;
    return grant;
  }
  const open = subscriptions.filter(({ noLocal }) => !noLocal);
  return { ...all, own: open.length === 0 ? undefined : combine(open) };
}

function combineAll(subscriptions: readonly Subscription[]): Omit<Grant, "own" | "parts"> {
  let qos: QoS = 0;
  let retainAsPublished = false;
  const identifiers: number[] = [];
  for (const subscription of subscriptions) {
    if (subscription.qos > qos) qos = subscription.qos;
    if (subscription.retainAsPublished) retainAsPublished = true;
    if (subscription.identifier !== undefined) identifiers.push(subscription.identifier);
  }
  return { qos, retainAsPublished, identifiers: identifiers.length > 0 ? identifiers : undefined };
}
