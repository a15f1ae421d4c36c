/** Compares servers by the medians of their rounds, and lays that out as a table. */
import { figure, percent, times } from "./format.ts";
import { mediansOf, ratio } from "./statistics.ts";

/** What every round tells about the machine, in cores. */
export interface Cores {
  readonly serverCores: number;
  readonly generatorCores: number;
  /** All other programs. */
  readonly otherCores: number;
}

export interface Row<Result extends Cores> {
  readonly name: string;
  readonly rounds: readonly Result[];
  /** Why rounds gave no result. */
  readonly errors: readonly string[];
}

/** What is compared with each other. */
export interface Group<Result extends Cores> {
  readonly case: string;
  readonly title: string;
  readonly rows: readonly Row<Result>[];
}

export interface Column<Name extends string> {
  readonly figure: Name;
  readonly title: string;
  /** What the figure is divided by to be shown. */
  readonly unit: number;
}

export interface Table<Name extends string, Result> {
  readonly columns: readonly Column<Name>[];
  /** The row that ratios are to. */
  readonly reference: string;
  /** What else a reader must know to judge a row. */
  readonly notesOn: (rounds: readonly Result[]) => readonly string[];
}

type Figures<Name extends string> = Readonly<Record<Name, number | undefined>>;

const NAME_WIDTH = 20;
const VALUE_WIDTH = 11;
const RATIO_WIDTH = 7;

/** A generator that is busier than this may be what limits the rate. */
const GENERATOR_BUSY = 0.9;
/** Other programs that use more cores than this take them from the server or the generator. */
const OTHERS_BUSY = 0.2;

/** The medians of each row, and how many times the reference's they are. */
export function summaryOf<Name extends string, Result extends Cores & Figures<Name>>(
  { columns, reference }: Table<Name, Result>,
  { rows }: Group<Result>,
) {
  const names = columns.map((column) => column.figure);
  const medians = rows.map(({ rounds }) => mediansOf(names, rounds));
  const base = medians[rows.findIndex(({ name }) => name === reference)];
  return rows.map(({ name }, index) => {
    const median = medians[index] as Figures<Name>;
    const ratios = names.map((figure) => [figure, ratio(median[figure], base?.[figure])]);
    return { name, median, ratio: Object.fromEntries(ratios) as Figures<Name> };
  });
}

/** The lines of one group: a heading, its rows, and under each what is to be noted. */
export function groupText<Name extends string, Result extends Cores & Figures<Name>>(
  table: Table<Name, Result>,
  group: Group<Result>,
): string {
  const { columns, reference, notesOn } = table;
  const lines = [
    line(
      group.title,
      columns.map(({ title }) => [title, ""] as const),
    ),
  ];
  for (const [index, { name, median, ratio }] of summaryOf(table, group).entries()) {
    const cells = columns.map(({ figure: key, unit }) => {
      const value = median[key];
      const shown = figure(value === undefined ? undefined : value / unit);
      return [shown, name === reference ? "" : times(ratio[key])] as const;
    });
    lines.push(line(`  ${name}`, cells));
    const { rounds, errors } = group.rows[index] as Row<Result>;
    const notes = [...notesOn(rounds), ...generatorNote(rounds), ...failures(errors)];
    for (const note of notes) lines.push(`      ${note}`);
  }
  return `${lines.join("\n")}\n`;
}

function line(title: string, cells: readonly (readonly [value: string, ratio: string])[]): string {
  const columns = cells.map(
    ([value, times]) => value.padStart(VALUE_WIDTH) + times.padStart(RATIO_WIDTH),
  );
  return `${title.padEnd(NAME_WIDTH)}${columns.join("")}`.trimEnd();
}

function generatorNote(rounds: readonly Cores[]): readonly string[] {
  const median = mediansOf(["generatorCores", "serverCores"], rounds);
  const { generatorCores = 0, serverCores = 0 } = median;
  if (generatorCores <= GENERATOR_BUSY) return [];
  return [
    `The load generator used ${percent(generatorCores)} of a core, the server ` +
      `${percent(serverCores)}: trust CPU per message rather than the rate.`,
  ];
}

function failures(errors: readonly string[]): readonly string[] {
  return [...new Set(errors)].map((error) => `FAILED: ${error}`);
}

/** Tells if other programs used the machine, too; empty if not. */
export function disturbanceText(groups: readonly Group<Cores>[]): string {
  const rounds = groups.flatMap(({ rows }) => rows.flatMap((row) => row.rounds));
  const { otherCores = 0 } = mediansOf(["otherCores"], rounds);
  if (otherCores <= OTHERS_BUSY) return "";
  return (
    `Other programs used ${percent(otherCores)} of a core meanwhile (median): ` +
    "trust CPU per message and ratios rather than rates.\n"
  );
}
