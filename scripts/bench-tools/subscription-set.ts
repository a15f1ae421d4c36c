/**
 * Any number of subscriptions, a tenth of them with wildcards, and for each a topic that it alone
 * matches, so that a publish brings one delivery however many there are.
 */

const AREAS = 97;

/** Every so many has wildcards. */
const WILDCARD_EVERY = 10;

/** From 0 up to `count`. */
export function numbers(count: number): readonly number[] {
  return Array.from({ length: count }, (_, number) => number);
}

export function subscriptionTopic(number: number): string {
  return `bench/area/${number % AREAS}/machine/${number}/value`;
}

export function subscriptionFilter(number: number): string {
  const area = number % AREAS;
  if (number % WILDCARD_EVERY !== 0) return subscriptionTopic(number);
  switch ((number / WILDCARD_EVERY) % 3) {
    case 0:
      return `bench/area/+/machine/${number}/value`;
    case 1:
      return `bench/area/${area}/machine/${number}/#`;
    default:
      return `bench/area/${area}/+/${number}/value`;
  }
}
