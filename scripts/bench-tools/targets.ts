/** What the figures are to come to, and whether they do. */
import { count, figure, times } from "./format.ts";

/** A limit to one figure of one row: `least`, `most`, or both. */
export interface Target<Name extends string> {
  readonly row: string;
  readonly figure: Name;
  /** Whether the limit is to the figure itself or to its ratio to the reference. */
  readonly of: "value" | "ratio";
  readonly least?: number | undefined;
  readonly most?: number | undefined;
}

export interface Verdict {
  readonly title: string;
  readonly row: string;
  readonly figure: string;
  /** What the figure is called in the table. */
  readonly what: string;
  readonly limit: string;
  /** What was measured, as it is shown. */
  readonly found: string;
  /** Not known where the figure, or what its ratio is to, was not measured. */
  readonly outcome: "met" | "missed" | "unknown";
}

interface Measured<Name extends string> {
  readonly name: string;
  readonly median: Readonly<Record<Name, number | undefined>>;
  readonly ratio: Readonly<Record<Name, number | undefined>>;
}

/** `≥3×`, `≤12`; `unit` is what a value is divided by to be shown. */
export function limitText<Name extends string>(target: Target<Name>, unit: number): string {
  const { of, least, most } = target;
  const shown = (limit: number): string => (of === "ratio" ? `${limit}×` : String(limit / unit));
  const parts: string[] = [];
  if (least !== undefined) parts.push(`≥${shown(least)}`);
  if (most !== undefined) parts.push(`≤${shown(most)}`);
  return parts.join(" ");
}

export function judge<Name extends string>(
  target: Target<Name>,
  title: string,
  columns: readonly { readonly figure: Name; readonly title: string; readonly unit: number }[],
  summary: readonly Measured<Name>[],
): Verdict {
  const { row, figure: name, of } = target;
  const measured = summary.find((one) => one.name === row);
  const found = (of === "ratio" ? measured?.ratio : measured?.median)?.[name];
  const column = columns.find((one) => one.figure === name);
  const unit = column?.unit ?? 1;
  const shown = of === "ratio" ? times(found) : figure(found === undefined ? found : found / unit);
  return {
    title,
    row,
    figure: name,
    what: column?.title ?? name,
    limit: limitText(target, unit),
    found: shown,
    outcome: outcomeOf(target, found),
  };
}

function outcomeOf(
  { least = Number.NEGATIVE_INFINITY, most = Number.POSITIVE_INFINITY }: Target<string>,
  found: number | undefined,
): Verdict["outcome"] {
  if (found === undefined) return "unknown";
  return found >= least && found <= most ? "met" : "missed";
}

/** How many were met, and which were not; empty where there were none. */
export function verdictsText(verdicts: readonly Verdict[]): string {
  if (verdicts.length === 0) return "";
  const having = (outcome: Verdict["outcome"]): readonly Verdict[] =>
    verdicts.filter((verdict) => verdict.outcome === outcome);
  const lines = [`Of ${count(verdicts.length)} targets ${count(having("met").length)} were met.`];
  for (const { title, row, what, limit, found } of having("missed")) {
    lines.push(`  missed: ${title}, ${row}: ${what} ${found}, not ${limit}`);
  }
  for (const { title, row, what, limit } of having("unknown")) {
    lines.push(`  not measured: ${title}, ${row}: ${what} ${limit}`);
  }
  return `${lines.join("\n")}\n`;
}
