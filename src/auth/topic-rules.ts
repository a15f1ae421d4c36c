/**
 * Rules over topic names in their order, of which the first that matches decides: what ACL files,
 * roles and defaults all come down to. Rules without wildcards are found by one look-up.
 */

export interface TopicRule {
  /** A topic filter; EVERY_TOPIC and EVERY_TOPIC_BUT_CONTROL match without looking at levels. */
  readonly filter: string;
  readonly allow: boolean;
}

/** Not valid filters, so that no filter can be taken for one of them. */
export const EVERY_TOPIC = "#/";
/** Every topic that does not begin with `$CONTROL`: rights there are never left to a default. */
export const EVERY_TOPIC_BUT_CONTROL = "#//";

const CONTROL = "$CONTROL";
const DOLLAR = 0x24;

interface WildcardRule {
  readonly order: number;
  readonly filter: string;
  readonly levels: readonly string[];
}

export class TopicRules {
  readonly rules: readonly TopicRule[];
  /** Of rules without wildcards: where the first for this topic stands. */
  readonly #exact = new Map<string, number>();
  readonly #wildcards: WildcardRule[] = [];

  constructor(rules: readonly TopicRule[]) {
    this.rules = rules;
    for (const [order, { filter }] of rules.entries()) {
      if (filter.includes("+") || filter.includes("#")) {
        this.#wildcards.push({ order, filter, levels: filter.split("/") });
      } else if (!this.#exact.has(filter)) {
        this.#exact.set(filter, order);
      }
    }
  }

  /** What the first rule that matches says; undefined where none does. */
  decide(topic: string): boolean | undefined {
    const exact = this.#exact.get(topic) ?? this.rules.length;
    for (const { order, filter, levels } of this.#wildcards) {
      if (order > exact) break;
      if (matches(filter, levels, topic)) return this.rules[order]?.allow;
    }
    return this.rules[exact]?.allow;
  }
}

/** Whether a topic is under `$CONTROL`, in Mosquitto's wide sense: `$CONTROLx` is, too. */
export function isControlTopic(topic: string): boolean {
  return topic.startsWith(CONTROL);
}

function matches(filter: string, levels: readonly string[], topic: string): boolean {
  if (filter === EVERY_TOPIC) return true;
  if (filter === EVERY_TOPIC_BUT_CONTROL) return !isControlTopic(topic);
  // [MQTT-4.7.2-1]
  if (topic.charCodeAt(0) === DOLLAR && filter.charCodeAt(0) !== DOLLAR) return false;
  let start = 0;
  for (let index = 0; index < levels.length; index++) {
    const level = levels[index] as string;
    if (level === "#") return true;
    if (start < 0) return false;
    const separator = topic.indexOf("/", start);
    const end = separator < 0 ? topic.length : separator;
    if (level !== "+" && (level.length !== end - start || !topic.startsWith(level, start))) {
      return false;
    }
    start = separator < 0 ? -1 : separator + 1;
  }
  return start < 0;
}
