/** The command line of scripts/bench. */
import { parseArgs } from "node:util";
import { CASES } from "./cases.ts";
import { GATEWAY_CASES } from "./gateway-cases.ts";

const BROKER_NAMES = CASES.map(({ name }) => name);
const GATEWAY_NAMES = GATEWAY_CASES.map(({ name }) => name);

export const HELP = `Usage: scripts/bench [OPTIONS]

Measures Midge against Mosquitto (where it is installed) and aedes, on this machine. How the
figures are made stands at the head of scripts/bench.

  --quick        about 1 minute instead of 4
  --only CASES   these cases only, separated by commas:
                 ${BROKER_NAMES.join(", ")};
                 with --gateway ${GATEWAY_NAMES.join(", ")}
  --qos LEVELS   these only, separated by commas: 0, 1; with --gateway also --qos=-1
  --rounds N     how often to measure each case; the table shows the medians
  --strict       subscribers have persistent sessions, and the store is on disk
  --gateway      measure the MQTT-SN gateway instead
  --json FILE    write all figures to FILE as well
  --help         print this text
`;

export interface BenchOptions {
  readonly quick: boolean;
  /** Names of cases. */
  readonly only: readonly string[];
  readonly qos: readonly number[];
  /** Undefined: as many as fit the time. */
  readonly rounds: number | undefined;
  readonly strict: boolean;
  readonly gateway: boolean;
  readonly json: string | undefined;
  readonly help: boolean;
}

/** A mistake on the command line, in words for the user. */
export class UsageError extends Error {}

/** Throws UsageError. */
export function readOptions(words: readonly string[]): BenchOptions {
  const values = parse(words);
  const gateway = values.gateway === true;
  return {
    quick: values.quick === true,
    only: choose("--only", values.only, gateway ? GATEWAY_NAMES : BROKER_NAMES),
    qos: choose("--qos", values.qos, gateway ? ["-1", "0", "1"] : ["0", "1"]).map(Number),
    rounds: values.rounds === undefined ? undefined : readRounds(values.rounds),
    strict: values.strict === true,
    gateway,
    json: values.json,
    help: values.help === true,
  };
}

function parse(words: readonly string[]) {
  try {
    return parseArgs({
      args: [...words],
      options: {
        quick: { type: "boolean" },
        only: { type: "string" },
        qos: { type: "string" },
        rounds: { type: "string" },
        strict: { type: "boolean" },
        gateway: { type: "boolean" },
        json: { type: "string" },
        help: { type: "boolean" },
      },
    }).values;
  } catch (error) {
    throw new UsageError((error as Error).message);
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

function readRounds(text: string): number {
  const rounds = Number(text);
  if (!Number.isInteger(rounds) || rounds < 1 || rounds > 100) {
    throw new UsageError(`--rounds: "${text}" is not a number from 1 to 100`);
  }
  return rounds;
}
