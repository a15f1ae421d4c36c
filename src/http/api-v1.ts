/** The JSON interface under /api/v1, as far as anybody may ask: who this is, and how it is. */
import { Hono } from "hono";
import type { Clock } from "../time/clock.ts";
import type { HealthReport } from "./health.ts";

export interface ApiV1Options {
  /** The gateway's name, as its operator calls it. */
  readonly name: string;
  readonly version: string;
  readonly clock: Clock;
  readonly health: () => HealthReport;
}

/** Routes relative to /api/v1. */
export function apiV1(options: ApiV1Options): Hono {
  const { name, version, clock, health } = options;
  const api = new Hono();
  api.get("/version", (context) => context.json({ product: "midge", version, name }));
  // `time` (Unix ms by the gateway's clock) lets a page show ages right when the two clocks differ.
  api.get("/health", (context) => {
    const report = health();
    const body = { ...report, name, version, time: clock.wall() };
    return context.json(body, report.status === "failing" ? 503 : 200);
  });
  return api;
}
