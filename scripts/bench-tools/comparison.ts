/** Compares servers by the medians of their rounds, and lays that out as a table. */
import { figure, percent, times } from "./format.ts";
import { mediansOf, ratio } from "./statistics.ts";
import { judge, limitText, type Target, type Verdict } from "./targets.ts";

/** What every round tells about the machine: how many cores were in use, on average. */
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
export interface Group<Result extends Cores, Name extends string = string> {
  readonly case: string;
  readonly title: string;
  readonly rows: readonly Row<Result>[];
  readonly targets?: readonly Target<Name>[] | undefined;
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
  /** The load generator never rests, so that its being busy tells nothing. */
  readonly spins?: boolean | undefined;
  /** What else a reader must know to judge a row. */
  readonly notesOn: (rounds: readonly Result[]) => readonly string[];
}

export type Figures<Name extends string> = Readonly<Record<Name, number | undefined>>;

/** One row in one line: the medians, and how many times the reference's they are. */
export interface Summary<Name extends string> {
  readonly name: string;
  readonly median: Figures<Name>;
  readonly ratio: Figures<Name>;
}

/** A group with what follows from its rounds. */
export interface Outcome extends Group<Cores> {
  readonly summary: readonly Summary<string>[];
  readonly verdicts: readonly Verdict[];
}

const NAME_WIDTH = 27;
const VALUE_WIDTH = 12;
const RATIO_WIDTH = 8;
const VERDICT_WIDTH = 7;

/** A generator that is busier than this may be what limits the rate. */
const GENERATOR_BUSY = 0.9;
/** Other programs that use more cores than this take them from the server or the generator. */
const OTHERS_BUSY = 0.2;

export function summaryOf<Name extends string, Result extends Cores & Figures<Name>>(
  { columns, reference }: Table<Name, Result>,
  { rows }: Group<Result, Name>,
): readonly Summary<Name>[] {
  const names = columns.map((column) => column.figure);
  const medians = rows.map(({ rounds }) => mediansOf(names, rounds));
  const base = medians[rows.findIndex(({ name }) => name === reference)];
  return rows.map(({ name }, index) => {
    const median = medians[index] as Figures<Name>;
    const ratios = names.map((figure) => [figure, ratio(median[figure], base?.[figure])]);
    return { name, median, ratio: Object.fromEntries(ratios) as Figures<Name> };
  });
}

export function outcomeOf<Name extends string, Result extends Cores & Figures<Name>>(
  table: Table<Name, Result>,
  group: Group<Result, Name>,
): Outcome {
  const summary = summaryOf(table, group);
  const { targets = [], title, ...rest } = group;
  return {
    ...rest,
    title,
    targets,
    summary,
    verdicts: targets.map((target) => judge(target, group.title, table.columns, summary)),
  };
}

/** The lines of one group: a heading, its rows, and under each what is to be noted. */
export function groupText<Name extends string, Result extends Cores & Figures<Name>>(
  table: Table<Name, Result>,
  group: Group<Result, Name>,
): string {
  const { columns, reference, notesOn, spins = false } = table;
  const { targets = [], rows, title } = group;
  const targetOf = (column: Column<Name>): Target<Name> | undefined =>
    targets.find((target) => target.figure === column.figure);
  const lines = [
    line(
      title,
      columns.map((column) => {
        const target = targetOf(column);
        const limit = target === undefined ? "" : limitText(target, column.unit);
        return { value: column.title, ratio: limit, verdict: target && "" };
      }),
    ),
  ];
  const { verdicts } = outcomeOf(table, group);
  for (const [index, { name, median, ratio }] of summaryOf(table, group).entries()) {
    const cells = columns.map((column) => {
      const { figure: key, unit } = column;
      const value = median[key];
      const verdict = verdicts.find(
        (one) => one.row === name && one.figure === key && one.outcome !== "unknown",
      );
      return {
        value: figure(value === undefined ? undefined : value / unit),
        ratio: name === reference ? "" : times(ratio[key]),
        verdict: targetOf(column) && (verdict?.outcome ?? ""),
      };
    });
    lines.push(line(`  ${name}`, cells));
    const { rounds, errors } = rows[index] as Row<Result>;
    const generator = spins ? [] : generatorNote(rounds);
    for (const note of [...notesOn(rounds), ...generator, ...failures(errors)]) {
      lines.push(`      ${note}`);
    }
  }
  return `${lines.join("\n")}\n`;
}

interface Cell {
  readonly value: string;
  readonly ratio: string;
  /** Undefined: the column has no target. */
  readonly verdict: string | undefined;
}

function line(title: string, cells: readonly Cell[]): string {
  const columns = cells.map(({ value, ratio, verdict }) => {
    const shown = value.padStart(VALUE_WIDTH) + ratio.padStart(RATIO_WIDTH);
    return verdict === undefined ? shown : `${shown} ${verdict.padEnd(VERDICT_WIDTH)}`;
  });
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
