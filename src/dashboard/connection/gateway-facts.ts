/** What the page asks of the gateway by HTTP: its name, its version, its health, and what time it thinks it is. */
import type { HealthProblem } from "../model/notices.ts";

export interface GatewayFacts {
  readonly name: string;
  readonly version: string;
  /** Gateway time minus browser time, ms. */
  readonly clockOffset: number;
  readonly problems: readonly HealthProblem[];
}

const LONGEST_TEXT = 64;
const LONGEST_SENTENCE = 512;
const MOST_PROBLEMS = 20;

/** Asks the gateway; undefined if it does not answer, or with something else. */
export async function fetchGatewayFacts(): Promise<GatewayFacts | undefined> {
  try {
    const asked = Date.now();
    const response = await fetch("/api/v1/health", { signal: AbortSignal.timeout(10_000) });
    const answered = Date.now();
    const body: unknown = await response.json();
    if (typeof body !== "object" || body === null) return undefined;
    const { name, version, time, problems } = body as Readonly<Record<string, unknown>>;
    return {
      name: text(name),
      version: text(version),
      clockOffset: typeof time === "number" ? time - (asked + answered) / 2 : 0,
      problems: Array.isArray(problems) ? problems.slice(0, MOST_PROBLEMS).map(problemOf) : [],
    };
  } catch {
    return undefined;
  }
}

function problemOf(value: unknown): HealthProblem {
  const fields = (value ?? {}) as Readonly<Record<string, unknown>>;
  return {
    part: text(fields.part),
    name: text(fields.name),
    isFailing: fields.severity === "failing",
    text: text(fields.text, LONGEST_SENTENCE),
  };
}

function text(value: unknown, longest = LONGEST_TEXT): string {
  return typeof value === "string" ? value.slice(0, longest) : "";
}
