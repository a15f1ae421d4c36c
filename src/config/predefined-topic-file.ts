/**
 * Reads predefined topic ids from a file as other MQTT-SN gateways have it (predefinedTopic.conf): a
 * line `ClientId, topic name, topic id` each, `*` or `COMMON` in place of the ClientId for all nodes;
 * lines that begin with `#` say nothing.
 */
import { isTopicName, LONGEST_TOPIC } from "../topics/names.ts";
import {
  HIGHEST_TOPIC_ID,
  isNodePattern,
  LONGEST_PATTERN,
  LOWEST_TOPIC_ID,
} from "../topics/predefined-topic.ts";
import { ConfigError, type Problem } from "./config-error.ts";
import { type PlacedTopic, predefinedConflicts } from "./predefined-conflicts.ts";
import { readText } from "./read-text.ts";
import type { PredefinedTopicConfig } from "./schema.ts";
import { quote } from "./show-value.ts";

export interface PredefinedTopicFile {
  readonly topics: readonly PredefinedTopicConfig[];
  readonly problems: readonly Problem[];
}

/** `before`: what the configuration itself defines, which the file must not contradict. */
export function readPredefinedTopicFile(
  file: string,
  before: readonly PlacedTopic[],
): PredefinedTopicFile {
  try {
    return parsePredefinedTopics(readText(file), file, before);
  } catch (error) {
    if (error instanceof ConfigError) return { topics: [], problems: error.problems };
    throw error;
  }
}

const COMMON: ReadonlySet<string> = new Set(["*", "COMMON"]);
const LINE = /^([^,]*),(.*),([^,]*)$/s;

export function parsePredefinedTopics(
  text: string,
  file: string,
  before: readonly PlacedTopic[],
): PredefinedTopicFile {
  const placed: PlacedTopic[] = [];
  const problems: Problem[] = [];
  const refuse = (line: number, message: string) => problems.push({ file, line, key: "", message });
  for (const [index, raw] of text.split("\n").entries()) {
    const content = raw.trim();
    if (content === "" || content.startsWith("#")) continue;
    const topic = parseLine(content);
    if (typeof topic === "string") refuse(index + 1, topic);
    else placed.push({ topic, place: `${file}:${index + 1}`, line: index + 1 });
  }
  for (const { at, message } of predefinedConflicts([...before, ...placed])) {
    const its = placed[at - before.length];
    if (its !== undefined) refuse(its.line, message);
  }
  problems.sort((one, other) => one.line - other.line);
  return { topics: placed.map(({ topic }) => topic), problems };
}

/** The topic, or what is wrong with the line. */
function parseLine(line: string): PredefinedTopicConfig | string {
  const [, who = "", what = "", which = ""] = LINE.exec(line)?.map((field) => field.trim()) ?? [];
  if (which === "") {
    return `expected "ClientId, topic name, topic id", got ${quote(line)}`;
  }
  const id = /^\d{1,5}$/.test(which) ? Number(which) : 0;
  if (id < LOWEST_TOPIC_ID || id > HIGHEST_TOPIC_ID) {
    return `expected a topic id from ${LOWEST_TOPIC_ID} to ${HIGHEST_TOPIC_ID}, got ${quote(which)}`;
  }
  if (!isTopicName(what, LONGEST_TOPIC)) {
    return `expected a topic name without wildcards, got ${quote(what)}`;
  }
  if (who === "") return 'the ClientId is missing; "*" stands for all nodes';
  if (!isNodePattern(who)) return `a pattern has at most ${LONGEST_PATTERN} characters`;
  return { id, name: what, node: COMMON.has(who) ? "" : who };
}
