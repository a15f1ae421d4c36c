/** The command line of scripts/bench. */
import { parseArgs } from "node:util";
import { CASES } from "./cases.ts";
import { GATEWAY_CASES } from "./gateway-cases.ts";
import type { MqttProtocol } from "./mqtt-packets.ts";

/** What is measured, in the order in which it is. */
export const SECTIONS = [
  "throughput",
  "latency",
  "matching",
  "idle",
  "away",
  "bridge",
  "gateway",
  "nodes",
] as const;
export type SectionName = (typeof SECTIONS)[number];

/** What --gateway stands for. */
export const GATEWAY_SECTIONS: readonly SectionName[] = ["gateway", "nodes"];

const BROKER_CASES = CASES.map(({ name }) => name);
const NODE_CASES = GATEWAY_CASES.map(({ name }) => name);

const DEFAULT_RATE = 1000;
const DEFAULT_CLIENTS = 10_000;
const DEFAULT_NODES = 10_000;
const DEFAULT_SLEEPING = 100_000;
const QUICK_SLEEPING = 0;
const MOST_SLEEPING = 1_000_000;

export const HELP = `Usage: scripts/bench [OPTIONS] [SECTION...]

Measures Midge beside Mosquitto (where it is installed) on this machine, and says which targets are
met. How the figures are made stands at the head of scripts/bench. Nothing passes or fails.

Sections, all of them by default:
  throughput  messages as fast as they go: fan-in, fan-out, pairs; ratios to Mosquitto
  latency     messages at a fixed rate, however late the broker is; ratios to Mosquitto
  matching    a publish among 100 000 subscriptions beside one among 100
  idle        memory of connected clients that say nothing
  away        messages that are kept on disk for a subscriber who is away; ratios to Mosquitto
  bridge      messages that a bridge carries to a remote broker; ratios to Mosquitto
  gateway     MQTT-SN nodes that publish; ratios to a bare UDP echo
  nodes       memory of connected and of sleeping MQTT-SN nodes

  --quick          about 3 minutes instead of 10
  --gateway        the sections of MQTT-SN only: ${GATEWAY_SECTIONS.join(", ")}
  --only CASES     these cases only, separated by commas:
                   ${BROKER_CASES.join(", ")};
                   ${NODE_CASES.join(", ")}
  --qos LEVELS     these only, separated by commas: -1, 0, 1 (as in --qos=-1,1)
  --protocol V     4 (MQTT 3.1.1), 5, or both: the default, or 4 with --quick
  --rounds N       how often to measure; the table shows the medians
  --no-rules       without password file and ACL file: everyone may do everything
  --topic-alias    clients use and allow topic aliases, with MQTT 5.0
  --strict         subscribers have persistent sessions, and the store is on disk
  --rate N         messages per second of "latency"; ${DEFAULT_RATE} by default
  --clients N      clients of "idle"; ${DEFAULT_CLIENTS} by default
  --nodes N        connected nodes of "nodes"; ${DEFAULT_NODES} by default
  --sleeping N     sleeping nodes of "nodes"; ${DEFAULT_SLEEPING} by default, none with --quick
  --aedes          measure the aedes broker as well, with MQTT 3.1.1
  --also FILE      measure another build of Midge as well: its dist/midge.mjs
  --json FILE      write all figures to FILE as well
  --help           print this text
`;

export interface BenchOptions {
  readonly sections: readonly SectionName[];
  readonly quick: boolean;
  /** Names of cases. */
  readonly only: readonly string[];
  readonly qos: readonly number[];
  readonly protocols: readonly MqttProtocol[];
  /** Undefined: as many as each section has by default. */
  readonly rounds: number | undefined;
  readonly rules: boolean;
  readonly topicAlias: boolean;
  readonly strict: boolean;
  /** Messages per second. */
  readonly rate: number;
  readonly clients: number;
  readonly nodes: number;
  readonly sleeping: number;
  readonly aedes: boolean;
  readonly also: string | undefined;
  readonly json: string | undefined;
  readonly help: boolean;
}

/** A mistake on the command line, in words for the user. */
export class UsageError extends Error {}

/** Throws UsageError. */
export function readOptions(words: readonly string[]): BenchOptions {
  const { values, positionals } = parse(words);
  const quick = values.quick === true;
  const number = (name: "clients" | "nodes" | "rate" | "sleeping", otherwise: number): number =>
    readNumber(`--${name}`, values[name], name === "sleeping" ? 0 : 1, MOST_SLEEPING) ?? otherwise;
  return {
    sections: readSections(positionals, values.gateway === true),
    quick,
    only: choose("--only", values.only, [...BROKER_CASES, ...NODE_CASES]),
    qos: choose("--qos", values.qos, ["-1", "0", "1"]).map(Number),
    protocols: readProtocols(values.protocol ?? (quick ? "4" : "both")),
    rounds: readNumber("--rounds", values.rounds, 1, 100),
    rules: values["no-rules"] !== true,
    topicAlias: values["topic-alias"] === true,
    strict: values.strict === true,
    rate: number("rate", DEFAULT_RATE),
    clients: number("clients", DEFAULT_CLIENTS),
    nodes: number("nodes", DEFAULT_NODES),
    sleeping: number("sleeping", quick ? QUICK_SLEEPING : DEFAULT_SLEEPING),
    aedes: values.aedes === true,
    also: values.also,
    json: values.json,
    help: values.help === true,
  };
}

function parse(words: readonly string[]) {
  try {
    return parseArgs({
      args: [...words],
      allowPositionals: true,
      options: {
        quick: { type: "boolean" },
        gateway: { type: "boolean" },
        only: { type: "string" },
        qos: { type: "string" },
        protocol: { type: "string" },
        rounds: { type: "string" },
        "no-rules": { type: "boolean" },
        "topic-alias": { type: "boolean" },
        strict: { type: "boolean" },
        rate: { type: "string" },
        clients: { type: "string" },
        nodes: { type: "string" },
        sleeping: { type: "string" },
        aedes: { type: "boolean" },
        also: { type: "string" },
        json: { type: "string" },
        help: { type: "boolean" },
      },
    });
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

function readSections(words: readonly string[], gateway: boolean): readonly SectionName[] {
  for (const word of words) {
    if (!SECTIONS.some((name) => name === word)) {
      throw new UsageError(`there is no section "${word}"; there are ${SECTIONS.join(", ")}`);
    }
  }
  if (words.length > 0) return SECTIONS.filter((name) => words.includes(name));
  return gateway ? GATEWAY_SECTIONS : SECTIONS;
}

function readProtocols(text: string): readonly MqttProtocol[] {
  switch (text) {
    case "both":
      return [4, 5];
    case "4":
      return [4];
    case "5":
      return [5];
    default:
      throw new UsageError(`--protocol: there is no "${text}"; there are 4, 5, both`);
  }
}

/** The words of a list, each one of `known`; all of `known` without a list. */
function choose(
  option: string,
  list: string | undefined,
  known: readonly string[],
): readonly string[] {
  if (list === undefined) return known;
  const chosen = list.split(",").map((word) => word.trim());
  for (const word of chosen) {
    if (!known.includes(word)) {
      throw new UsageError(`${option}: there is no "${word}"; there are ${known.join(", ")}`);
    }
  }
  return chosen;
}

function readNumber(
  option: string,
  text: string | undefined,
  least: number,
  most: number,
): number | undefined {
  if (text === undefined) return undefined;
  const number = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (number >= least && number <= most) return number;
  throw new UsageError(`${option}: "${text}" is not a number from ${least} to ${most}`);
}
