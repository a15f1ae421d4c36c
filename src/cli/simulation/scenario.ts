/** Which nodes to simulate: from a TOML file, whose keys `config/demo-scenario.toml` explains. */
import * as v from "valibot";
import { encodeUtf8 } from "../../bytes/utf8.ts";
import { ConfigError, type Problem } from "../../config/config-error.ts";
import { choice, complain, fieldInfo, flag, integer, list, text } from "../../config/fields.ts";
import type { KeyPath } from "../../config/key-path.ts";
import { readText } from "../../config/read-text.ts";
import { suggest } from "../../config/suggest.ts";
import { readToml } from "../../config/toml-file.ts";
import type { SnQoS, TopicReference } from "../../mqttsn/packets.ts";
import { shortTopicId } from "../../mqttsn/short-topic.ts";
import type { SnWill } from "../../mqttsn-client/connect-exchange.ts";
import { isTopicFilter, isTopicName, LONGEST_TOPIC } from "../../topics/names.ts";
import type { NetworkFaults } from "./bad-network.ts";
import { GENERATORS, type GeneratorName } from "./generators.ts";

/** What a file tells. */
export interface Scenario {
  readonly nodes: readonly NodePlan[];
  /** From the first node's start to the last one's, seconds; undefined: as fast as is kind. */
  readonly rampUp: number | undefined;
  readonly network: NetworkFaults;
}

/** One node and what it does. */
export interface NodePlan {
  readonly clientId: string;
  readonly topic: TopicReference;
  readonly payload: GeneratorName;
  /** Each value on a topic of its own below `topic`, instead of all as one JSON object. */
  readonly split: boolean;
  readonly qos: SnQoS;
  readonly retain: boolean;
  /** Seconds between readings. */
  readonly interval: number;
  /** Seconds. */
  readonly keepAlive: number;
  readonly cleanSession: boolean;
  /** Sleeps between readings, and wakes every so many seconds to fetch messages; 0: stays awake. */
  readonly sleep: number;
  readonly subscribe: readonly string[];
  readonly will: SnWill | undefined;
  /** Behind a forwarder of its own, as this wireless node. */
  readonly wirelessNodeId: Uint8Array | undefined;
  /** T_RETRY, seconds. */
  readonly retryInterval: number;
  /** N_RETRY. */
  readonly retryLimit: number;
}

/** Stands for the node's number from 1. */
const NUMBER = "%n";
const MOST_NODES = 10_000;
const LONGEST_INTERVAL = 86_400;

const TOPIC_RULE = {
  expected: "a topic name without wildcards",
  allows: (name: string) => isTopicName(name, LONGEST_TOPIC),
};

function seconds(least: number) {
  const message = complain(`a number of seconds from ${least} to ${LONGEST_INTERVAL}`);
  return v.pipe(
    v.number(message),
    v.check((value) => value >= least && value <= LONGEST_INTERVAL, message),
  );
}

function qos(description: string) {
  return v.optional(choice([0, 1, 2], { description }), 0);
}

/** In per cent. */
function share(description: string) {
  return v.optional(integer({ min: 0, max: 90 }, { description, unit: "per cent" }), 0);
}

const WillSchema = v.strictObject({
  topic: text({ description: "The will's topic." }, TOPIC_RULE),
  payload: v.optional(text({ description: "The will's payload." }), ""),
  qos: qos("The will's QoS."),
  retain: v.optional(flag({ description: "Have the will retained." }), false),
});

const NodeSchema = v.strictObject({
  client_id: text(
    { description: "The client id." },
    { expected: "text that is not empty", allows: (id) => id !== "" },
  ),
  count: v.optional(
    integer({ min: 1, max: MOST_NODES }, { description: "How many nodes of this kind." }),
    1,
  ),
  topic: v.optional(text({ description: "Where the readings are published." }, TOPIC_RULE)),
  predefined: v.optional(
    integer({ min: 1, max: 65_534 }, { description: "Their predefined topic id instead." }),
  ),
  short: v.optional(flag({ description: "The topic is a short one of two octets." }), false),
  payload: choice(GENERATORS, { description: "What the node reads." }),
  split: v.optional(flag({ description: "Each value on a topic of its own." }), false),
  qos: v.optional(
    choice([-1, 0, 1, 2], { description: "QoS of the readings and of the subscriptions." }),
    0,
  ),
  retain: v.optional(flag({ description: "Have the readings retained." }), false),
  interval: v.optional(seconds(0.01), 10),
  keep_alive: v.optional(
    integer({ min: 0, max: 65_535 }, { description: "Keep alive.", unit: "seconds" }),
    60,
  ),
  clean_session: v.optional(flag({ description: "Begin with a clean session." }), true),
  sleep: v.optional(
    integer({ min: 0, max: 65_535 }, { description: "Sleep between.", unit: "seconds" }),
    0,
  ),
  subscribe: v.optional(
    list(
      { description: "Topics to subscribe to." },
      {
        expected: "a topic filter",
        allows: (filter) => isTopicFilter(filter, LONGEST_TOPIC),
      },
    ),
    [],
  ),
  will: v.optional(WillSchema),
  forwarder: v.optional(flag({ description: "Behind a forwarder." }), false),
  retry_interval: v.optional(seconds(0.01), 10),
  retry_limit: v.optional(integer({ min: 0, max: 100 }, { description: "Repetitions." }), 4),
});

const NetworkSchema = v.strictObject({
  loss: share("Frames that are lost."),
  duplicate: share("Frames that come twice."),
  reorder: share("Frames that are overtaken by others."),
  delay: v.optional(
    integer({ min: 0, max: 60_000 }, { description: "For every frame.", unit: "ms" }),
    0,
  ),
});

const noNodes = complain("at least one section [[node]]");

const ScenarioSchema = v.strictObject({
  ramp_up: v.optional(seconds(0)),
  network: v.optional(NetworkSchema, {}),
  node: v.pipe(v.array(NodeSchema, noNodes), v.minLength(1, noNodes)),
});

/** Throws ConfigError, which tells all that is wrong at once. */
export function loadScenario(file: string): Scenario {
  const { raw, locate } = readToml(readText(file), file);
  const result = v.safeParse(ScenarioSchema, raw, { abortPipeEarly: true });
  const problems: Problem[] = [];
  const tell = (at: KeyPath, message: string): void => {
    problems.push({ ...locate(at), message });
  };
  if (!result.success) {
    for (const issue of result.issues) tell(pathOf(issue), messageOf(issue));
    throw new ConfigError(problems);
  }
  const plans: NodePlan[] = [];
  const taken = new Set<string>();
  for (const [index, node] of result.output.node.entries()) {
    const at = ["node", index];
    checkTopic(node, (key, message) => tell([...at, key], message));
    if (node.count > 1 && !node.client_id.includes(NUMBER)) {
      tell(
        [...at, "client_id"],
        `with count = ${node.count} it must hold ${NUMBER}, the number of the node`,
      );
    }
    for (const plan of plansOf(node)) {
      if (taken.has(plan.clientId))
        tell([...at, "client_id"], `another node is called "${plan.clientId}" already`);
      taken.add(plan.clientId);
      plans.push(plan);
    }
  }
  if (plans.length > MOST_NODES) tell(["node"], `more than ${MOST_NODES} nodes in all`);
  if (problems.length > 0) throw new ConfigError(problems.slice(0, MOST_PROBLEMS));
  const { ramp_up: rampUp, network } = result.output;
  return { nodes: plans, rampUp, network: faultsOf(network) };
}

function faultsOf(network: v.InferOutput<typeof NetworkSchema>): NetworkFaults {
  const { loss, duplicate, reorder, delay } = network;
  return { loss: loss / 100, duplicate: duplicate / 100, reorder: reorder / 100, delay };
}

function checkTopic(node: NodeEntry, tell: (key: string, message: string) => void): void {
  const { topic, predefined, short, qos: level, split } = node;
  if (topic === undefined && predefined === undefined)
    tell("topic", "is missing, as is predefined");
  if (topic !== undefined && predefined !== undefined) {
    tell("predefined", "topic and predefined exclude each other");
  }
  if (short && (topic === undefined || shortTopicId(topic) === undefined)) {
    tell("short", "needs a topic of exactly two octets");
  }
  if (level === -1 && predefined === undefined && !short) {
    tell("qos", "-1 needs predefined, or a short topic");
  }
  if (split && (short || predefined !== undefined)) {
    tell("split", "needs a topic that more levels can be added to");
  }
}

/** More do not help. */
const MOST_PROBLEMS = 20;

type NodeEntry = v.InferOutput<typeof NodeSchema>;

function plansOf(node: NodeEntry): NodePlan[] {
  return Array.from({ length: node.count }, (_, index) => {
    const fill = (value: string): string => value.replaceAll(NUMBER, String(index + 1));
    const { will } = node;
    return {
      clientId: fill(node.client_id),
      topic: topicOf(node, fill),
      payload: node.payload,
      split: node.split,
      qos: node.qos,
      retain: node.retain,
      interval: node.interval,
      keepAlive: node.keep_alive,
      cleanSession: node.clean_session,
      sleep: node.sleep,
      subscribe: node.subscribe.map(fill),
      will:
        will === undefined
          ? undefined
          : { ...will, topic: fill(will.topic), payload: encodeUtf8(fill(will.payload)) },
      wirelessNodeId: node.forwarder ? encodeUtf8(String(index + 1)) : undefined,
      retryInterval: node.retry_interval,
      retryLimit: node.retry_limit,
    };
  });
}

function topicOf({ topic, predefined, short }: NodeEntry, fill: (text: string) => string) {
  if (predefined !== undefined) return { type: "predefined", topicId: predefined } as const;
  const name = fill(topic ?? "");
  return short ? ({ type: "short", name } as const) : ({ type: "name", name } as const);
}

type Issue = v.InferIssue<typeof ScenarioSchema>;

function pathOf(issue: Issue): KeyPath {
  return (issue.path ?? []).map((step) => step.key as string | number);
}

function messageOf(issue: Issue): string {
  if (issue.type !== "strict_object") return issue.message;
  const key = String(issue.path?.at(-1)?.key);
  const path = pathOf(issue).slice(0, -1);
  const schema = schemaAt(path);
  const entries = schema.entries as Readonly<Record<string, v.GenericSchema>>;
  const entry = entries[key];
  if (entry !== undefined) {
    return issue.received === "undefined"
      ? `is missing; expected ${fieldInfo(entry)?.expected ?? "at least one section [[node]]"}`
      : complain("a section")({ input: issue.input });
  }
  if (issue.expected !== "never") return complain("a section")({ input: issue.input });
  const near = suggest(key, Object.keys(entries));
  return near === undefined
    ? `unknown key; known here are ${Object.keys(entries).join(", ")}`
    : `unknown key; did you mean ${near}?`;
}

/** The schema of the section that a path leads to. */
function schemaAt(path: KeyPath) {
  if (path.at(-1) === "will") return WillSchema;
  if (path[0] === "network") return NetworkSchema;
  return path.length > 0 ? NodeSchema : ScenarioSchema;
}

export interface PlainScenario {
  readonly nodes: number;
  /** Seconds. */
  readonly interval: number;
  readonly qos: SnQoS;
  /** May hold `%n`. */
  readonly topic: string;
  /** Seconds; 0 to stay awake. */
  readonly sleep: number;
}

/** Nodes that all count, for putting a load on a gateway. */
export function plainScenario({ nodes, interval, qos, topic, sleep }: PlainScenario): Scenario {
  const plans = Array.from({ length: nodes }, (_, index) => ({
    clientId: `simulated-${index + 1}`,
    topic: { type: "name", name: topic.replaceAll(NUMBER, String(index + 1)) } as const,
    payload: "counter" as const,
    split: false,
    qos,
    retain: false,
    interval,
    keepAlive: 60,
    cleanSession: true,
    sleep,
    subscribe: [],
    will: undefined,
    wirelessNodeId: undefined,
    retryInterval: 10,
    retryLimit: 4,
  }));
  return { nodes: plans, rampUp: undefined, network: NO_FAULTS };
}

const NO_FAULTS: NetworkFaults = { loss: 0, duplicate: 0, reorder: 0, delay: 0 };
