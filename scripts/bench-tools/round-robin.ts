/** Measures several things in turn, round by round, so that a disturbance hits all alike. */
import type { Cores, Row } from "./comparison.ts";

export interface Contestant<Result> {
  readonly name: string;
  measure(): Promise<Result>;
}

/** Each round begins with another of them. A failure is noted, and the others go on. */
export async function roundRobin<Result extends Cores>(
  contestants: readonly Contestant<Result>[],
  rounds: number,
): Promise<readonly Row<Result>[]> {
  const rows = contestants.map(({ name }) => ({
    name,
    rounds: [] as Result[],
    errors: [] as string[],
  }));
  for (let round = 0; round < rounds; round++) {
    for (let turn = 0; turn < contestants.length; turn++) {
      const index = (round + turn) % contestants.length;
      const row = rows[index] as (typeof rows)[number];
      try {
        row.rounds.push(await (contestants[index] as Contestant<Result>).measure());
      } catch (error) {
        row.errors.push((error as Error).message);
      }
    }
  }
  return rows;
}
