/** GET /metrics: a login where the page needs one, then the metrics. */
import type { HttpBindings } from "@hono/node-server";
import type { Context } from "hono";
import { bareAddress } from "../../sockets/peer-info.ts";
import type { Scrape } from "./metrics.ts";
import type { ScraperLogin, Verdict } from "./scraper-login.ts";

export interface MetricsDoor {
  /** Whether there are metrics here at all; asked for each request. */
  readonly isOpen: () => boolean;
  readonly login: Pick<ScraperLogin, "check">;
  readonly scrape: () => Promise<Scrape>;
}

/** Seconds. */
const COME_BACK = "30";

interface Refusal {
  readonly status: 401 | 403 | 503;
  readonly text: string;
  readonly headers: Readonly<Record<string, string>>;
}

const REFUSALS: Readonly<Record<Exclude<Verdict, "allowed">, Refusal>> = {
  login: {
    status: 401,
    text: "Metrics need a user name and a password of this broker, by HTTP Basic.",
    headers: { "WWW-Authenticate": 'Basic realm="Midge", charset="UTF-8"' },
  },
  forbidden: {
    status: 403,
    text: "Metrics are for those who may read $SYS/broker/#.",
    headers: {},
  },
  busy: {
    status: 503,
    text: "Too many wrong passwords came from here. Try again later.",
    headers: { "Retry-After": COME_BACK },
  },
};

export async function serveMetrics(
  context: Context<{ Bindings: HttpBindings }>,
  { login, scrape }: MetricsDoor,
): Promise<Response> {
  const { remoteAddress = "" } = context.env.incoming.socket;
  const verdict = await login.check(
    context.req.header("authorization"),
    bareAddress(remoteAddress),
  );
  if (verdict !== "allowed") {
    const { status, text, headers } = REFUSALS[verdict];
    return context.text(`${text}\n`, status, headers);
  }
  const { contentType, text } = await scrape();
  return context.body(text, 200, { "Content-Type": contentType });
}
