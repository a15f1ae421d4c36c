/** What the web server answers: the page's files, /api/v1, /metrics, and plain words for everything else. */
import type { HttpBindings } from "@hono/node-server";
import { type Context, Hono } from "hono";
import { type ApiV1Options, apiV1 } from "./api-v1.ts";
import { type MetricsDoor, serveMetrics } from "./metrics/serve-metrics.ts";
import { type Asset, chooseForm, matchesEtag } from "./page-assets.ts";
import { securityHeaders } from "./security-headers.ts";

export function routes(
  page: ReadonlyMap<string, Asset>,
  api: ApiV1Options,
  metrics: MetricsDoor | undefined,
  onError: (error: Error) => void,
): Hono<{ Bindings: HttpBindings }> {
  const app = new Hono<{ Bindings: HttpBindings }>();
  app.use(async (context, next) => {
    await next();
    const headers = securityHeaders(context.req.header("host"));
    for (const [name, value] of Object.entries(headers)) context.header(name, value);
    if (isForPrograms(context)) context.header("Cache-Control", "no-store");
  });
  app.use(async (context, next) => {
    if (context.req.method === "GET" || context.req.method === "HEAD") return next();
    context.header("Allow", "GET, HEAD");
    return problem(context, 405, "Only GET and HEAD are served here.");
  });
  app.route("/api/v1", apiV1(api));
  app.get("/metrics", async (context, next) => {
    if (metrics?.isOpen() !== true) return next();
    return serveMetrics(context, metrics);
  });
  app.get("*", (context) => {
    const asset = page.get(context.req.path);
    if (asset !== undefined) return serveAsset(context, asset);
    if (context.req.path === "/")
      return problem(context, 503, "The dashboard has not been built. Run scripts/build.");
    return problem(context, 404, "There is nothing here.");
  });
  app.onError((error, context) => {
    onError(error);
    return problem(context, 500, "Something went wrong inside Midge; its log says what.");
  });
  return app;
}

function isApi(context: Context): boolean {
  const { path } = context.req;
  return path === "/api" || path.startsWith("/api/");
}

/** What changes from one request to the next. */
function isForPrograms(context: Context): boolean {
  return isApi(context) || context.req.path === "/metrics";
}

function serveAsset(context: Context, asset: Asset): Response {
  const form = chooseForm(asset, context.req.header("accept-encoding"));
  context.header("ETag", form.etag);
  context.header("Cache-Control", asset.cacheControl);
  context.header("Vary", "Accept-Encoding");
  if (matchesEtag(context.req.header("if-none-match"), form.etag)) return context.body(null, 304);
  context.header("Content-Type", asset.contentType);
  if (form.encoding !== "identity") context.header("Content-Encoding", form.encoding);
  return context.body(form.body);
}

type ProblemStatus = 404 | 405 | 500 | 503;

/** A failure in the form that its reader takes: JSON for programs, a small page for people. */
function problem(context: Context, status: ProblemStatus, text: string): Response {
  if (isApi(context)) return context.json({ error: text }, status);
  return context.html(
    `<!doctype html><html lang="en"><meta charset="utf-8">` +
      `<meta name="viewport" content="width=device-width"><meta name="color-scheme" content="light dark">` +
      `<title>${status} · Midge</title><h1>${status}</h1><p>${text}</p><p><a href="/">To the dashboard</a></p></html>`,
    status,
  );
}
