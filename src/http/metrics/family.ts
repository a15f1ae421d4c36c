/** A family of metrics as data: what it is called, and how facts become its samples. */
import type { MetricFacts } from "../facts.ts";

export interface Sample {
  readonly value: number;
  readonly labels?: Readonly<Record<string, string>> | undefined;
}

/**
 * Names have the unit in them, in base units, and counters end in `_total`, as Prometheus wants it. No
 * label's values may be as many as clients or nodes.
 */
export interface Family {
  readonly name: string;
  readonly help: string;
  readonly type: "counter" | "gauge";
  readonly labels: readonly string[];
  readonly samples: (facts: MetricFacts) => readonly Sample[];
}

type Read = (facts: MetricFacts) => number | undefined;

/** A number that only grows, from 0 at the start. */
export function counter(name: string, help: string, read: Read): Family {
  return { name, help, type: "counter", labels: [], samples: single(read) };
}

/** One number, or none while there is none to tell. */
export function gauge(name: string, help: string, read: Read): Family {
  return { name, help, type: "gauge", labels: [], samples: single(read) };
}

function single(read: Read): Family["samples"] {
  return (facts) => {
    const value = read(facts);
    return value === undefined ? [] : [{ value }];
  };
}

/** Which of several states holds: 1 for that one, 0 for the others. */
export function stateSamples<State extends string>(
  states: readonly State[],
  current: State,
  labels: Readonly<Record<string, string>> = {},
): Sample[] {
  return states.map((state) => ({
    value: state === current ? 1 : 0,
    labels: { ...labels, state },
  }));
}
