/** The table of the broker cases. */
import { REFERENCE } from "./broker-under-test.ts";
import { figure, percent, times } from "./format.ts";
import type { LoadResult } from "./load.ts";
import { mediansOf, ratio } from "./statistics.ts";

export interface BrokerRow {
  readonly broker: string;
  readonly rounds: readonly LoadResult[];
  /** Why rounds gave no result. */
  readonly errors: readonly string[];
}

export interface BrokerGroup {
  readonly case: string;
  readonly title: string;
  readonly qos: number;
  readonly rows: readonly BrokerRow[];
}

interface Column {
  readonly figure: "deliveredRate" | "cpuPerMessage" | "latencyMedian" | "latency99" | "memory";
  readonly title: string;
  /** What the figure is divided by to be shown. */
  readonly unit: number;
}

const COLUMNS: readonly Column[] = [
  { figure: "deliveredRate", title: "delivered/s", unit: 1 },
  { figure: "cpuPerMessage", title: "CPU µs/msg", unit: 1 },
  { figure: "latencyMedian", title: "p50 ms", unit: 1000 },
  { figure: "latency99", title: "p99 ms", unit: 1000 },
  { figure: "memory", title: "RSS MB", unit: 1e6 },
];
const FIGURES = COLUMNS.map((column) => column.figure);
const NAME_WIDTH = 12;
const VALUE_WIDTH = 11;
const RATIO_WIDTH = 7;

/** A generator that is busier than this may be what limits the rate. */
const GENERATOR_BUSY = 0.9;
/** Other programs that use more cores than this take them from the broker or the generator. */
const OTHERS_BUSY = 0.2;

/** Medians over the rounds, and what they are to the reference's. */
export function summaryOf(group: BrokerGroup) {
  const medians = new Map(
    group.rows.map(({ broker, rounds }) => [broker, mediansOf(FIGURES, rounds)]),
  );
  const reference = medians.get(REFERENCE);
  return group.rows.map(({ broker }) => {
    const median = medians.get(broker) as NonNullable<typeof reference>;
    const ratios = FIGURES.map((name) => [name, ratio(median[name], reference?.[name])]);
    return { broker, median, ratio: Object.fromEntries(ratios) as typeof median };
  });
}

/** What a reader must know to judge a row. */
function notesOn({ rounds, errors }: BrokerRow): string[] {
  const notes: string[] = [];
  const sum = (name: "expected" | "lost" | "unacknowledged"): number =>
    rounds.reduce((total, round) => total + round[name], 0);
  if (sum("lost") > 0) {
    const until = Math.min(...rounds.map(({ elapsed }) => elapsed)) / 1e6;
    notes.push(
      `LOST ${figure(sum("lost"))} of ${figure(sum("expected"))} messages; ` +
        `figures until the first loss (after ${figure(until)} s)`,
    );
  }
  if (sum("unacknowledged") > 0)
    notes.push(`NO PUBACK for ${figure(sum("unacknowledged"))} messages`);
  if (rounds.some(({ deliveredRate }) => deliveredRate === 0)) notes.push("STALLED");
  for (const error of new Set(errors)) notes.push(`FAILED: ${error}`);
  const { generatorCores = 0, serverCores = 0 } = mediansOf(
    ["generatorCores", "serverCores"],
    rounds,
  );
  if (generatorCores > GENERATOR_BUSY) {
    notes.push(
      `the load generator used ${percent(generatorCores)} of a core, the broker ` +
        `${percent(serverCores)}: trust CPU per message rather than the rate`,
    );
  }
  return notes;
}

function line(name: string, cells: readonly (readonly [value: string, ratio: string])[]): string {
  const columns = cells.map(
    ([value, times]) => value.padStart(VALUE_WIDTH) + times.padStart(RATIO_WIDTH),
  );
  return `${name.padEnd(NAME_WIDTH)}${columns.join("")}`.trimEnd();
}

/** The lines of one case: a heading, a row for each broker, and under it what is to be noted. */
export function groupText(group: BrokerGroup): string {
  const lines = [
    `${group.title}, QoS ${group.qos}`,
    line(
      "",
      COLUMNS.map(({ title }) => [title, ""]),
    ),
  ];
  const summary = summaryOf(group);
  for (const [index, row] of group.rows.entries()) {
    const { median, ratio } = summary[index] as (typeof summary)[number];
    const cells = COLUMNS.map(({ figure: name, unit }) => {
      const value = median[name];
      return [
        figure(value === undefined ? undefined : value / unit),
        row.broker === REFERENCE ? "" : times(ratio[name]),
      ] as const;
    });
    lines.push(line(row.broker, cells));
    for (const note of notesOn(row)) lines.push(`${" ".repeat(NAME_WIDTH)}  ${note}`);
  }
  return `${lines.join("\n")}\n`;
}

/** Tells if other programs used the machine, too; empty if not. */
export function disturbanceText(groups: readonly BrokerGroup[]): string {
  const rounds = groups.flatMap(({ rows }) => rows.flatMap((row) => row.rounds));
  const { otherCores = 0 } = mediansOf(["otherCores"], rounds);
  if (otherCores <= OTHERS_BUSY) return "";
  return (
    `Other programs used ${percent(otherCores)} of a core meanwhile (median): ` +
    "trust CPU per message and ratios rather than rates.\n"
  );
}
