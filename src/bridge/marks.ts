/**
 * The marks that messages carry over bridges as user properties of MQTT 5.0: by which brokers they have
 * come, so that none goes round for ever, and how old they are.
 */
import type { UserProperty } from "../mqtt/properties.ts";
import type { Message } from "../seams/message.ts";
import type { Clock } from "../time/clock.ts";

/**
 * The brokers by which a message has come, with blanks between them: as it is where a bridge of theirs
 * has sent it, with `~` before it where one has taken it in.
 */
export const LOOP_MARK = "midge-via";
const TAKEN = "~";
/** Kept with messages that wait, never sent: when this broker got them. */
const ARRIVAL = "midge-arrived";
/** Further than any message goes on purpose. */
const MOST_HOPS = 32;

export interface MarkOptions {
  readonly clock: Clock;
  /** Tells this broker, as long as it runs, from all others; without blanks. */
  readonly brokerId: string;
  readonly loopMark: boolean;
  /** "" is none. */
  readonly ageProperty: string;
}

type UserProperties = readonly UserProperty[] | undefined;

export class Marks {
  readonly #options: MarkOptions;

  constructor(options: MarkOptions) {
    this.#options = options;
  }

  /** A message that the remote broker sends has been here before, or nearly everywhere. */
  hasComeBack(userProperties: UserProperties): boolean {
    return this.#comesRound(this.#hopsOf(userProperties));
  }

  /** The same of one that is to go there; a bridge may have taken it in just now. */
  hasComeRound(userProperties: UserProperties): boolean {
    const hops = this.#hopsOf(userProperties);
    const isTaken = hops.at(-1) === TAKEN + this.#options.brokerId;
    return this.#comesRound(isTaken ? hops.slice(0, -1) : hops);
  }

  #comesRound(hops: readonly string[]): boolean {
    const { brokerId } = this.#options;
    if (hops.length >= MOST_HOPS) return true;
    return hops.some((hop) => hop === brokerId || hop === TAKEN + brokerId);
  }

  #hopsOf(userProperties: UserProperties): readonly string[] {
    const via = this.#options.loopMark ? propertyOf(userProperties, LOOP_MARK) : undefined;
    return via === undefined ? [] : via.split(" ");
  }

  /** The user properties of a message that a bridge takes in. */
  incoming(userProperties: UserProperties): UserProperties {
    const { loopMark, brokerId } = this.#options;
    if (!loopMark) return userProperties;
    const hops = [...this.#hopsOf(userProperties), TAKEN + brokerId];
    return [...without(userProperties, LOOP_MARK), [LOOP_MARK, hops.join(" ")]];
  }

  /** What to keep of a message that arrives now. */
  arrived(message: Message): Message {
    const { ageProperty, clock, brokerId } = this.#options;
    if (ageProperty === "") return message;
    const { properties } = message;
    // The monotonic clock is right while this broker runs, the other when it has been started again.
    const when = `${brokerId} ${Math.round(clock.now())} ${Math.round(clock.wall())}`;
    const others = without(properties?.userProperties, ARRIVAL, ageProperty);
    const userProperties: UserProperty[] = [...others, [ARRIVAL, when]];
    return message.withProperties({ ...properties, userProperties });
  }

  /** The user properties to send with a message. */
  outgoing(userProperties: UserProperties): UserProperties {
    const { loopMark, ageProperty, brokerId } = this.#options;
    if (userProperties === undefined && !loopMark) return undefined;
    const marked = [...without(userProperties, ARRIVAL, loopMark ? LOOP_MARK : ARRIVAL)];
    const age = this.#ageOf(userProperties);
    if (age !== undefined) marked.push([ageProperty, age]);
    if (loopMark) {
      const hops = this.#hopsOf(userProperties);
      const before = hops.at(-1) === TAKEN + brokerId ? hops.slice(0, -1) : hops;
      marked.push([LOOP_MARK, [...before, brokerId].join(" ")]);
    }
    return marked.length === 0 ? undefined : marked;
  }

  /** Seconds, to the millisecond; undefined where it is not known. */
  #ageOf(userProperties: UserProperties): string | undefined {
    const { clock, brokerId } = this.#options;
    const [broker, monotonic, wall] = (propertyOf(userProperties, ARRIVAL) ?? "").split(" ");
    if (broker === undefined || wall === undefined) return undefined;
    const isOwn = broker === brokerId;
    const age = isOwn ? clock.now() - Number(monotonic) : clock.wall() - Number(wall);
    return Number.isFinite(age) ? (Math.max(0, Math.round(age)) / 1000).toFixed(3) : undefined;
  }
}

function propertyOf(userProperties: UserProperties, name: string): string | undefined {
  return userProperties?.find(([one]) => one === name)?.[1];
}

function without(userProperties: UserProperties, ...names: readonly string[]): UserProperty[] {
  return userProperties?.filter(([name]) => !names.includes(name)) ?? [];
}
