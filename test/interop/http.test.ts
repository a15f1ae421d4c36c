/** The web server over real sockets: what it serves, and that rubbish on its port harms nobody. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { request as httpRequest, type IncomingHttpHeaders } from "node:http";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { brotliCompressSync, brotliDecompressSync, gunzipSync, gzipSync } from "node:zlib";
import type { MetricFacts } from "../../src/http/facts.ts";
import { healthOf } from "../../src/http/health.ts";
import { HttpListenError } from "../../src/http/http-listen-error.ts";
import { HttpServer, type HttpServerOptions } from "../../src/http/http-server.ts";
import { Metrics } from "../../src/http/metrics/metrics.ts";
import type { Verdict } from "../../src/http/metrics/scraper-login.ts";
import { parseExposition } from "../kit/exposition.ts";
import { BRIDGE, FACTS, STORE } from "../kit/process-facts.ts";
import { head, rawExchange } from "../kit/raw-http.ts";
import { SilentLog } from "../kit/silent-log.ts";

const INDEX = `<!doctype html><title>Midge</title>${"<p>page</p>".repeat(50)}`;
const SCRIPT = `console.log("${"x".repeat(500)}")`;
const SILENT = new SilentLog();

let assets: string;
let server: HttpServer;
let facts: MetricFacts = FACTS;
let verdict: Verdict = "allowed";
/** The Authorization header and the address that a login was asked about last. */
let asked: readonly (string | undefined)[] = [];
let hasMetrics = true;
const metrics = new Metrics(() => facts);

function options(overrides: Partial<HttpServerOptions> = {}): HttpServerOptions {
  return {
    address: "127.0.0.1",
    port: 0,
    assets,
    upgrades: new Map(),
    log: SILENT,
    api: {
      name: "greenhouse",
      version: "1.2.3",
      clock: { now: () => 0, wall: () => 1_700_000_000_000 },
      health: () => healthOf(facts),
    },
    metrics: {
      isOpen: () => hasMetrics,
      login: {
        check: async (...given) => {
          asked = given;
          return verdict;
        },
      },
      scrape: () => metrics.scrape(),
    },
    ...overrides,
  };
}

interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

function ask(path: string, headers: Record<string, string> = {}, method = "GET"): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = httpRequest(
      { host: "127.0.0.1", port: server.port, path, headers, method, agent: false },
      (response) => {
        const chunks: Buffer[] = [];
        response.on("data", (chunk: Buffer) => chunks.push(chunk));
        response.on("end", () =>
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            body: Buffer.concat(chunks),
          }),
        );
      },
    );
    request.on("error", reject);
    request.end();
  });
}

before(async () => {
  assets = await mkdtemp(join(tmpdir(), "midge-page-"));
  for (const [name, content] of [
    ["index.html", INDEX],
    ["main-ABCDEFG2.js", SCRIPT],
  ] as const) {
    await writeFile(join(assets, name), content);
    await writeFile(join(assets, `${name}.br`), brotliCompressSync(content));
    await writeFile(join(assets, `${name}.gz`), gzipSync(content));
  }
  server = new HttpServer(options());
  await server.start();
});

after(async () => {
  await server.stop();
  await rm(assets, { recursive: true });
});

describe("the page", () => {
  test("is served as it is, or in the smallest form that the client takes", async () => {
    const plain = await ask("/");
    assert.equal(plain.headers["content-encoding"], undefined);
    assert.equal(plain.body.toString(), INDEX);
    const gzip = await ask("/", { "Accept-Encoding": "gzip" });
    assert.equal(gzip.headers["content-encoding"], "gzip");
    assert.equal(gunzipSync(gzip.body).toString(), INDEX);
    const brotli = await ask("/", { "Accept-Encoding": "gzip, deflate, br" });
    assert.equal(brotli.headers["content-encoding"], "br");
    assert.equal(brotliDecompressSync(brotli.body).toString(), INDEX);
    const refused = await ask("/", { "Accept-Encoding": "br;q=0, gzip;q=0.0" });
    assert.equal(refused.headers["content-encoding"], undefined);
  });

  test("is asked for anew each time, its hashed files never again", async () => {
    const index = await ask("/");
    assert.equal(index.headers["cache-control"], "no-cache");
    const again = await ask("/", { "If-None-Match": index.headers.etag ?? "" });
    assert.equal(again.status, 304);
    assert.equal(again.body.length, 0);
    const otherForm = await ask("/", {
      "If-None-Match": index.headers.etag ?? "",
      "Accept-Encoding": "br",
    });
    assert.equal(otherForm.status, 200);
    const script = await ask("/main-ABCDEFG2.js");
    assert.equal(script.headers["cache-control"], "public, max-age=31536000, immutable");
    assert.match(script.headers["content-type"] ?? "", /^text\/javascript/);
  });

  test("runs nothing from elsewhere and is framed by nobody", async () => {
    const { headers } = await ask("/", { Host: "localhost:8080" });
    const policy = headers["content-security-policy"] as string;
    assert.match(policy, /default-src 'self'/);
    assert.match(policy, /frame-ancestors 'none'/);
    assert.match(policy, /connect-src 'self' ws:\/\/localhost:8080 wss:\/\/localhost:8080;/);
    assert.equal(headers["x-content-type-options"], "nosniff");
    assert.equal(headers["referrer-policy"], "no-referrer");
  });

  test("answers HEAD without a body, and other methods with 405", async () => {
    const headOnly = await ask("/", {}, "HEAD");
    assert.equal(headOnly.status, 200);
    assert.equal(headOnly.body.length, 0);
    const post = await ask("/", {}, "POST");
    assert.equal(post.status, 405);
    assert.equal(post.headers.allow, "GET, HEAD");
  });

  test("an unknown path is a small page that leads back", async () => {
    const { status, headers, body } = await ask("/nothing<script>");
    assert.equal(status, 404);
    assert.match(headers["content-type"] ?? "", /^text\/html/);
    assert.doesNotMatch(body.toString(), /<script>/);
  });

  test("before it was built, says how to build it", async () => {
    const bare = new HttpServer(options({ assets: join(assets, "missing") }));
    await bare.start();
    try {
      const answer = await fetch(`http://127.0.0.1:${bare.port}/`);
      assert.equal(answer.status, 503);
      assert.match(await answer.text(), /scripts\/build/);
    } finally {
      await bare.stop();
    }
  });
});

describe("/api/v1", () => {
  test("tells product, version and name", async () => {
    const { body, headers } = await ask("/api/v1/version");
    assert.deepEqual(JSON.parse(body.toString()), {
      product: "midge",
      version: "1.2.3",
      name: "greenhouse",
    });
    assert.equal(headers["cache-control"], "no-store");
  });

  test("tells health in the status code, in codes and in words", async (t) => {
    t.after(() => {
      facts = FACTS;
    });
    const good = await ask("/api/v1/health");
    assert.equal(good.status, 200);
    const { status, problems, time } = JSON.parse(good.body.toString());
    assert.deepEqual([status, problems, time], ["ok", [], 1_700_000_000_000]);
    for (const [what, some, expected] of [
      ["degraded", { bridges: [{ ...BRIDGE, state: "offline" }] }, 200],
      ["failing", { store: { ...STORE, state: "low" } }, 503],
    ] as const) {
      facts = { ...FACTS, ...some };
      const answer = await ask("/api/v1/health");
      assert.equal(answer.status, expected);
      assert.equal(JSON.parse(answer.body.toString()).status, what);
      assert.equal((await ask("/api/v1/health", {}, "HEAD")).status, expected);
    }
  });

  test("answers an unknown path and a wrong method in JSON", async () => {
    for (const [path, method, status] of [
      ["/api/v2/version", "GET", 404],
      ["/api", "GET", 404],
      ["/api/v1/version", "DELETE", 405],
    ] as const) {
      const answer = await ask(path, {}, method);
      assert.equal(answer.status, status);
      assert.equal(typeof JSON.parse(answer.body.toString()).error, "string");
    }
  });
});

describe("/metrics", () => {
  test("are in Prometheus' text format", async () => {
    const { status, headers, body } = await ask("/metrics");
    assert.equal(status, 200);
    assert.equal(headers["content-type"], "text/plain; version=0.0.4; charset=utf-8");
    assert.equal(headers["cache-control"], "no-store");
    assert.equal(parseExposition(body.toString()).get("midge_subscriptions")?.type, "gauge");
  });

  test("are for those whom the login lets in", async (t) => {
    t.after(() => {
      verdict = "allowed";
    });
    await ask("/metrics", { Authorization: "Basic YTpi" });
    assert.deepEqual(asked, ["Basic YTpi", "127.0.0.1"]);
    for (const [word, expected] of [
      ["login", 401],
      ["forbidden", 403],
      ["busy", 503],
    ] as const) {
      verdict = word;
      const { status, headers, body } = await ask("/metrics");
      assert.equal(status, expected);
      assert.doesNotMatch(body.toString(), /midge_/);
      assert.equal(headers["www-authenticate"] !== undefined, word === "login");
    }
  });

  test("are nowhere when they are turned off", async (t) => {
    t.after(() => {
      hasMetrics = true;
    });
    hasMetrics = false;
    assert.equal((await ask("/metrics")).status, 404);
  });
});

describe("who may ask a server on loopback", () => {
  test("whoever names this machine in Host", async () => {
    for (const host of ["localhost", "LOCALHOST:8080", "127.0.0.1:1", "[::1]:8080", "127.0.0.2"])
      assert.equal((await ask("/", { Host: host })).status, 200, host);
  });

  test("no page that reaches it through another name", async () => {
    for (const host of [
      "rebound.example",
      "localhost.example:8080",
      "127.0.0.1.example",
      "example@localhost",
      "[::1].example",
    ])
      assert.equal((await ask("/", { Host: host })).status, 403, host);
    const answer = await rawExchange(server.port, head("GET / HTTP/1.0"));
    assert.match(answer, /^HTTP\/1\.1 403 /);
  });
});

describe("rubbish on the port", () => {
  const upgrade = (path: string) =>
    head(
      `GET ${path} HTTP/1.1`,
      "Host: localhost",
      "Connection: Upgrade",
      "Upgrade: websocket",
      "Sec-WebSocket-Version: 13",
      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    );

  const cases: readonly (readonly [string, string | Uint8Array, RegExp])[] = [
    ["random bytes", randomBytes(4096), /^HTTP\/1\.1 400 |^$/],
    [
      "an MQTT CONNECT",
      new Uint8Array([16, 13, 0, 4, 77, 81, 84, 84, 4, 2, 0, 60, 0, 1, 97]),
      /^HTTP\/1\.1 400 |^$/,
    ],
    [
      "huge headers",
      head("GET / HTTP/1.1", "Host: localhost", `X: ${"y".repeat(40_000)}`),
      /^HTTP\/1\.1 431 /,
    ],
    [
      "a huge body",
      head("POST / HTTP/1.1", "Host: localhost", "Content-Length: 999999999"),
      /^HTTP\/1\.1 413 /,
    ],
    [
      "a body of unknown length",
      head("POST / HTTP/1.1", "Host: localhost", "Transfer-Encoding: chunked"),
      /^HTTP\/1\.1 411 /,
    ],
    [
      "two lengths",
      head("POST / HTTP/1.1", "Host: localhost", "Content-Length: 3", "Content-Length: 4"),
      /^HTTP\/1\.1 400 /,
    ],
    ["CONNECT", head("CONNECT example:443 HTTP/1.1", "Host: localhost"), /^$/],
    ["an upgrade to an unknown path", upgrade("/elsewhere"), /^HTTP\/1\.1 404 /],
    [
      "an upgrade from another Host",
      upgrade("/mqtt").replace("localhost", "rebound.example"),
      /^HTTP\/1\.1 403 /,
    ],
  ];
  for (const [name, bytes, expected] of cases)
    test(`${name} is refused, and the next request is served`, async () => {
      assert.match(await rawExchange(server.port, bytes), expected);
      assert.equal((await ask("/api/v1/version")).status, 200);
    });

  test("path traversal finds nothing", async () => {
    for (const path of [
      "/../../etc/passwd",
      "/..%2f..%2fetc%2fpasswd",
      "/%2e%2e/%2e%2e/etc/passwd",
      "/main-ABCDEFG2.js/../../../etc/passwd",
      "//etc/passwd",
      "/%00",
      "/index.html.br",
      "/constructor",
      "/__proto__",
    ]) {
      const answer = await rawExchange(
        server.port,
        head(`GET ${path} HTTP/1.1`, "Host: localhost", "Connection: close"),
      );
      assert.match(answer, /^HTTP\/1\.1 40[04] /, path);
      assert.doesNotMatch(answer, /root:/);
    }
  });

  test("an upgrade to another protocol is answered as a plain request", async () => {
    const answer = await rawExchange(
      server.port,
      head(
        "GET /api/v1/version HTTP/1.1",
        "Host: localhost",
        "Connection: Upgrade, close",
        "Upgrade: h2c",
      ),
    );
    assert.match(answer, /^HTTP\/1\.1 200 /);
  });

  test("half a request does not keep the server from stopping", async () => {
    const other = new HttpServer(options());
    await other.start();
    const socket = connect(other.port, "127.0.0.1");
    const closed = new Promise((resolve) => socket.once("close", resolve));
    socket.on("error", () => {});
    await new Promise<void>((resolve) =>
      socket.write("GET / HTTP/1.1\r\nHost: loc", () => resolve()),
    );
    await other.stop();
    await closed;
  });
});

describe("a port that cannot be opened", () => {
  test("is an error with a stable code that names the address and the setting", async () => {
    const second = new HttpServer(options({ port: server.port }));
    await assert.rejects(second.start(), (error) => {
      assert.ok(error instanceof HttpListenError);
      assert.equal(error.code, "MIDGE_HTTP_LISTEN_FAILED");
      assert.ok(error.message.includes(`127.0.0.1:${server.port}`));
      assert.match(error.message, /\[http\] port/);
      return true;
    });
  });

  test("an address that this machine does not have is told as such", async () => {
    const elsewhere = new HttpServer(options({ address: "192.0.2.1" }));
    await assert.rejects(elsewhere.start(), /192\.0\.2\.1:0: this machine has no such address/);
  });
});
