/**
 * Where predefined topic ids come from: the configuration, which only its files change, and the
 * operator, whose own are kept as a document.
 */
import type { DocumentStore } from "../seams/documents.ts";
import type { Log } from "../seams/log.ts";
import type { Scheduler } from "../time/scheduler.ts";
import { isPattern } from "../topics/client-id-pattern.ts";
import { isTopicName } from "../topics/names.ts";
import {
  clash,
  HIGHEST_TOPIC_ID,
  isNodePattern,
  LONGEST_PATTERN,
  LOWEST_TOPIC_ID,
  MOST_PATTERNS,
  nodeOf,
  type PredefinedTopic,
} from "../topics/predefined-topic.ts";
import { KeptDocument } from "./kept-document.ts";
import type { PredefinedTopics } from "./predefined-topics.ts";

export const PREDEFINED_TOPICS_DOCUMENT = "predefined-topics";

/** One as operators see it. */
export interface ListedTopic {
  readonly id: number;
  readonly name: string;
  /** "" for all nodes. */
  readonly node: string;
  readonly source: "configuration" | "operator";
  /** The configuration says otherwise, and goes before. */
  readonly overruled: boolean;
}

export interface PredefinedSourcesParts {
  readonly topics: PredefinedTopics;
  readonly configured: readonly PredefinedTopic[];
  readonly maxTopicLevels: number;
  /** Undefined where nothing is kept. */
  readonly documents: DocumentStore | undefined;
  readonly scheduler: Scheduler;
  readonly log: Log;
}

/** Kept for the operator at most. */
const MOST_OWN = 10_000;
const LONGEST_NODE = 65_535;

export class PredefinedSources {
  readonly #parts: PredefinedSourcesParts;
  readonly #document: KeptDocument;
  #configured: readonly PredefinedTopic[];
  #own: PredefinedTopic[] = [];

  constructor(parts: PredefinedSourcesParts) {
    const { documents, scheduler, log } = parts;
    this.#parts = parts;
    this.#configured = parts.configured;
    this.#document = new KeptDocument({
      documents,
      name: PREDEFINED_TOPICS_DOCUMENT,
      describe: () => ({ topics: [...this.#own] }),
      scheduler,
      log,
    });
  }

  /** Takes back what the operator defined. */
  load(): void {
    const content = this.#document.load();
    if (content === undefined) return;
    const { topics } = content as { readonly topics?: unknown };
    const read = Array.isArray(topics) ? topics.map((one) => this.#read(one)) : [undefined];
    if (read.includes(undefined)) this.#document.seal("it does not list predefined topics");
    this.#own = read.filter((topic) => topic !== undefined);
    this.#apply();
  }

  /** Calls `done` once what the operator has changed is kept, or cannot be for long. */
  settled(done: () => void): void {
    this.#document.settled(done);
  }

  stop(): void {
    this.#document.stop();
  }

  /** What the configuration says from now on. */
  configure(topics: readonly PredefinedTopic[]): void {
    const keyOf = (topic: PredefinedTopic) => JSON.stringify([topic.id, topic.name, nodeOf(topic)]);
    const before = new Set(this.#configured.map(keyOf));
    const after = new Set(topics.map(keyOf));
    this.#configured = topics;
    const added = [...after].filter((key) => !before.has(key)).length;
    const gone = [...before].filter((key) => !after.has(key)).length;
    if (added === 0 && gone === 0) return;
    this.#parts.log.info(`predefined topics: ${added} added, ${gone} taken away`);
    this.#apply();
  }

  list(): ListedTopic[] {
    const shown = (topic: PredefinedTopic, source: ListedTopic["source"], overruled: boolean) => {
      const { id, name } = topic;
      return { id, name, node: nodeOf(topic), source, overruled };
    };
    return [
      ...this.#configured.map((topic) => shown(topic, "configuration", false)),
      ...this.#own.map((topic) => shown(topic, "operator", this.#isOverruled(topic))),
    ];
  }

  /** Defines one for the operator. Answers why not, in words, or undefined. */
  add(topic: PredefinedTopic): string | undefined {
    const { id } = topic;
    const wrong = this.#fault(topic);
    if (wrong !== undefined) return wrong;
    const configured = this.#configured.find((one) => isSame(one, topic) || clash(one, topic));
    if (configured !== undefined) {
      return `topic id ${id} is defined by the configuration already, as ${JSON.stringify(configured.name)}`;
    }
    const own = this.#own.find((one) => isSame(one, topic) || clash(one, topic));
    if (own !== undefined) {
      return `topic id ${id} is defined already, as ${JSON.stringify(own.name)}: delete that first`;
    }
    const patterns = [...this.#configured, ...this.#own].filter((one) => isPattern(nodeOf(one)));
    if (isPattern(nodeOf(topic)) && patterns.length >= MOST_PATTERNS) {
      return `there are ${MOST_PATTERNS} patterns already`;
    }
    if (this.#own.length >= MOST_OWN) return `there are ${MOST_OWN} already`;
    this.#own.push({ id, name: topic.name, node: nodeOf(topic) });
    this.#changed();
    return undefined;
  }

  /** Takes one of the operator's away. Answers why not, in words, or undefined. */
  remove(id: number, node: string): string | undefined {
    const wanted = { id, name: "", node };
    const index = this.#own.findIndex((one) => isSame(one, wanted));
    if (index >= 0) {
      this.#own.splice(index, 1);
      this.#changed();
      return undefined;
    }
    return this.#configured.some((one) => isSame(one, wanted))
      ? `topic id ${id} is defined by the configuration: change it there`
      : `topic id ${id} is not defined for ${node === "" ? "all nodes" : JSON.stringify(node)}`;
  }

  #changed(): void {
    this.#apply();
    this.#document.changed();
  }

  #apply(): void {
    const own = this.#own.filter((topic) => !this.#isOverruled(topic));
    if (own.length < this.#own.length) {
      const count = this.#own.length - own.length;
      this.#parts.log.warn(
        `predefined topics: the configuration goes before ${count} of the operator's`,
      );
    }
    this.#parts.topics.set([...this.#configured, ...own]);
  }

  #isOverruled(topic: PredefinedTopic): boolean {
    return this.#configured.some((one) => isSame(one, topic) || clash(one, topic));
  }

  #fault({ id, name, node = "" }: PredefinedTopic): string | undefined {
    if (!Number.isInteger(id) || id < LOWEST_TOPIC_ID || id > HIGHEST_TOPIC_ID) {
      return `expected a topic id from ${LOWEST_TOPIC_ID} to ${HIGHEST_TOPIC_ID}`;
    }
    if (!isTopicName(name, this.#parts.maxTopicLevels)) {
      return `${JSON.stringify(name)} is no topic name`;
    }
    if (!isNodePattern(node)) {
      return `expected a pattern of at most ${LONGEST_PATTERN} characters`;
    }
    return node.length > LONGEST_NODE ? "the ClientId is too long" : undefined;
  }

  #read(json: unknown): PredefinedTopic | undefined {
    const topic = topicIn(json);
    return topic === undefined || this.#fault(topic) !== undefined ? undefined : topic;
  }
}

/** The same id for the same nodes. */
function isSame(one: PredefinedTopic, other: PredefinedTopic): boolean {
  return one.id === other.id && nodeOf(one) === nodeOf(other);
}

/** What JSON says of one; undefined where that is none. */
function topicIn(value: unknown): PredefinedTopic | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const { id, name, node = "" } = value as Readonly<Record<string, unknown>>;
  if (typeof id !== "number" || typeof name !== "string" || typeof node !== "string") {
    return undefined;
  }
  return { id, name, node };
}
