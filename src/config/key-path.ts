/** Paths to values in a configuration: keys, and indexes into lists from 0. */

export type KeyPath = readonly (string | number)[];

const BARE_KEY = /^[A-Za-z0-9_-]+$/;

/** As problems show it: `bridge[0].topic[2].pattern`; unusual keys are quoted. */
export function formatPath(path: KeyPath): string {
  let text = "";
  for (const step of path) {
    if (typeof step === "number") text += `[${step}]`;
    else text += `${text === "" ? "" : "."}${BARE_KEY.test(step) ? step : JSON.stringify(step)}`;
  }
  return text;
}

/** Where a value stands. */
export interface Place {
  readonly file: string;
  /** Counted from 1; 0 where the value stands nowhere, such as a default. */
  readonly line: number;
  /** What the user calls it. */
  readonly key: string;
}

export type Locate = (path: KeyPath) => Place;
