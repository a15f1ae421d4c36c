/**
 * What all clients may do for whom a chain of access control says the same: the decisions, and those
 * that were made already. A message whose topic was seen before costs one look-up.
 */
import type { LinkRights, Verdict } from "./access-chain.ts";
import { Reach } from "./reach.ts";
import { type TopicRule, TopicRules } from "./topic-rules.ts";

export interface ProfileOptions {
  /** Refuse subscriptions that can never bring a message. */
  readonly strictSubscribe: boolean;
  /** How many topics are remembered. */
  readonly memory: number;
}

/** Rules that follow each other are one list; what cannot be put into rules is asked each time. */
type Step<Ask> = TopicRules | Ask;
type AskPublish = NonNullable<LinkRights["mayPublish"]>;
type AskReceive = NonNullable<LinkRights["mayReceive"]>;

const PUBLISH_KNOWN = 1;
const PUBLISH = 2;
const RECEIVE_KNOWN = 4;
const RECEIVE = 8;
/** Longer topics are decided anew each time: they would take much memory. */
const LONGEST_REMEMBERED = 256;
const MOST_FILTERS = 256;

export class RightsProfile {
  /** There are no rules at all. */
  readonly open: boolean;
  readonly #links: readonly LinkRights[];
  readonly #publishing: readonly Step<AskPublish>[];
  readonly #receiving: readonly Step<AskReceive>[];
  readonly #asksPublish: boolean;
  readonly #asksReceive: boolean;
  readonly #options: ProfileOptions;
  readonly #known = new Map<string, number>();
  /** Of filters subscribed to: whether they could ever bring a message. */
  readonly #reached = new Map<string, boolean>();
  #reach: Reach | undefined;

  constructor(links: readonly LinkRights[], options: ProfileOptions) {
    this.open = links.length === 0;
    this.#links = links;
    this.#options = options;
    this.#publishing = stepsOf(links, (link) => link.publishing ?? bound(link, "mayPublish"));
    this.#receiving = stepsOf(links, (link) => link.receiving ?? bound(link, "mayReceive"));
    this.#asksPublish = this.#publishing.some((step) => typeof step === "function");
    this.#asksReceive = this.#receiving.some((step) => typeof step === "function");
  }

  mayPublish(topic: string, payload: Uint8Array, qos: number, retain: boolean): boolean {
    if (this.open) return true;
    if (this.#asksPublish) {
      return decide(this.#publishing, topic, (ask) => ask(topic, payload, qos, retain));
    }
    const known = this.#known.get(topic);
    if (known !== undefined && (known & PUBLISH_KNOWN) !== 0) return (known & PUBLISH) !== 0;
    const allowed = decide(this.#publishing, topic, () => "defer");
    this.#remember(topic, (known ?? 0) | PUBLISH_KNOWN | (allowed ? PUBLISH : 0));
    return allowed;
  }

  mayReceive(topic: string): boolean {
    if (this.open) return true;
    if (this.#asksReceive) return decide(this.#receiving, topic, (ask) => ask(topic));
    const known = this.#known.get(topic);
    if (known !== undefined && (known & RECEIVE_KNOWN) !== 0) return (known & RECEIVE) !== 0;
    const allowed = decide(this.#receiving, topic, () => "defer");
    this.#remember(topic, (known ?? 0) | RECEIVE_KNOWN | (allowed ? RECEIVE : 0));
    return allowed;
  }

  maySubscribe(filter: string, qos: number): boolean {
    if (this.open) return true;
    if (!finalVerdict(this.#links, (link) => link.maySubscribe(filter, qos))) return false;
    if (!this.#options.strictSubscribe || this.#asksReceive) return true;
    return this.#mayEverReceive(filter);
  }

  #mayEverReceive(filter: string): boolean {
    const before = this.#reached.get(filter);
    if (before !== undefined) return before;
    this.#reach ??= new Reach(
      this.#receiving.flatMap((step) => (step instanceof TopicRules ? step.rules : [])),
      false,
    );
    const reached = this.#reach.includes(filter);
    if (filter.length <= LONGEST_REMEMBERED) {
      if (this.#reached.size >= MOST_FILTERS) this.#reached.clear();
      this.#reached.set(filter, reached);
    }
    return reached;
  }

  mayUnsubscribe(filter: string): boolean {
    return this.open || finalVerdict(this.#links, (link) => link.mayUnsubscribe(filter));
  }

  #remember(topic: string, known: number): void {
    if (topic.length > LONGEST_REMEMBERED) return;
    if (this.#known.size >= this.#options.memory && !this.#known.has(topic)) this.#known.clear();
    this.#known.set(topic, known);
  }
}

/** What of a link decides in one direction; one that has nothing to say ignores it. */
function stepsOf<Ask extends (...args: never[]) => Verdict>(
  links: readonly LinkRights[],
  stepOf: (link: LinkRights) => readonly TopicRule[] | Ask,
): Step<Ask>[] {
  const steps: Step<Ask>[] = [];
  let rules: TopicRule[] | undefined;
  const close = (): void => {
    if (rules !== undefined) steps.push(new TopicRules(rules));
    rules = undefined;
  };
  for (const link of links) {
    const step = stepOf(link);
    if (typeof step === "function") {
      close();
      steps.push(step);
    } else {
      rules = [...(rules ?? []), ...step];
    }
  }
  close();
  return steps;
}

function bound<Name extends "mayPublish" | "mayReceive">(
  link: LinkRights,
  name: Name,
): NonNullable<LinkRights[Name]> {
  const ask = link[name]?.bind(link) ?? ((): Verdict => "ignore");
  return ask as NonNullable<LinkRights[Name]>;
}

function decide<Ask>(
  steps: readonly Step<Ask>[],
  topic: string,
  ask: (step: Ask) => Verdict,
): boolean {
  let deferred = false;
  for (const step of steps) {
    if (step instanceof TopicRules) {
      const allowed = step.decide(topic);
      if (allowed !== undefined) return allowed;
      deferred = true;
      continue;
    }
    const verdict = ask(step);
    if (verdict === "allow" || verdict === "deny") return verdict === "allow";
    if (verdict === "defer") deferred = true;
  }
  return !deferred;
}

/** The first yes or no counts. If all defer it is a no, but a yes if all ignore the question. */
function finalVerdict(links: readonly LinkRights[], ask: (link: LinkRights) => Verdict): boolean {
  let deferred = false;
  for (const link of links) {
    const verdict = ask(link);
    if (verdict === "allow" || verdict === "deny") return verdict === "allow";
    if (verdict === "defer") deferred = true;
  }
  return !deferred;
}
