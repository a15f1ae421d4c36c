/** The command line of scripts/fuzz. */
import { parseArgs } from "node:util";

export const HELP = `Usage: scripts/fuzz [OPTIONS]

Feeds a Midge of its own mutated packets on every port, while a publisher and a subscriber that
behave, and an MQTT-SN node that does, check that messages go through. What counts as a failure stands at the head of scripts/fuzz.

  --links        feed the MQTT-SN links only: UDP and all framings of lines
  --seconds N    for how long (60; with --links 600)
  --seed S       send what the run of this seed sent
  --replay FILE  send the conversations of this file, once, and nothing else
  --help         print this text
`;

export interface FuzzOptions {
  readonly links: boolean;
  readonly seconds: number;
  readonly seed: number;
  readonly replay: string | undefined;
  readonly help: boolean;
}

/** A mistake on the command line, in words for the user. */
export class UsageError extends Error {}

/** Throws UsageError. `chosen` is the seed where none is given. */
export function readOptions(words: readonly string[], chosen: number): FuzzOptions {
  const { links, seconds, seed, replay, help } = parse(words);
  return {
    links: links === true,
    seconds:
      seconds === undefined
        ? links === true
          ? 600
          : 60
        : wholeNumber("--seconds", seconds, 1, 1_000_000),
    seed: seed === undefined ? chosen : wholeNumber("--seed", seed, 0, 0xffffffff),
    replay,
    help: help === true,
  };
}

function parse(words: readonly string[]) {
  try {
    return parseArgs({
      args: [...words],
      options: {
        links: { type: "boolean" },
        seconds: { type: "string" },
        seed: { type: "string" },
        replay: { type: "string" },
        help: { type: "boolean" },
      },
    }).values;
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

function wholeNumber(option: string, word: string, least: number, most: number): number {
  const number = Number(word);
  if (/^\d+$/.test(word) && number >= least && number <= most) return number;
  throw new UsageError(`${option} takes a whole number from ${least} to ${most}, not "${word}"`);
}
