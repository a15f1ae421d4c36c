/** What the page asks of the gateway by HTTP: its name, its version, and what time it thinks it is. */

export interface GatewayFacts {
  readonly name: string;
  readonly version: string;
  /** Gateway time minus browser time, ms. */
  readonly clockOffset: number;
}

const LONGEST_TEXT = 64;

/** Asks the gateway; undefined if it does not answer, or with something else. */
export async function fetchGatewayFacts(): Promise<GatewayFacts | undefined> {
  try {
    const asked = Date.now();
    const response = await fetch("/api/v1/health", { signal: AbortSignal.timeout(10_000) });
    const answered = Date.now();
    const body: unknown = await response.json();
    if (typeof body !== "object" || body === null) return undefined;
    const { name, version, time } = body as Readonly<Record<string, unknown>>;
    return {
      name: text(name),
      version: text(version),
      clockOffset: typeof time === "number" ? time - (asked + answered) / 2 : 0,
    };
  } catch {
    return undefined;
  }
}

function text(value: unknown): string {
  return typeof value === "string" ? value.slice(0, LONGEST_TEXT) : "";
}
