/** Files that a WebSocket listener serves to browsers: which, how, and which not. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, rmSync, statSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { Agent, request } from "node:http";
import { connect } from "node:net";
import { join } from "node:path";
import { describe, type TestContext, test } from "node:test";
import { WebSocket } from "ws";
import { type ListenerRig, startListener } from "../kit/listener-rig.ts";
import { temporaryFolder } from "../kit/processes.ts";

interface Site {
  readonly rig: ListenerRig;
  readonly port: number;
  /** What is served. */
  readonly folder: string;
}

/** A listener on a folder "site", beside which lies "secret.txt". */
async function site(t: TestContext): Promise<Site> {
  const outside = temporaryFolder(t);
  const folder = join(outside, "site");
  mkdirSync(join(folder, "sub"), { recursive: true });
  mkdirSync(join(folder, "empty"));
  mkdirSync(join(outside, "site-two"));
  writeFileSync(join(outside, "secret.txt"), "secret");
  writeFileSync(join(outside, "site-two", "x.txt"), "secret");
  writeFileSync(join(folder, "index.html"), "<h1>front</h1>");
  writeFileSync(join(folder, "sub", "index.html"), "<h1>sub</h1>");
  writeFileSync(join(folder, "app.js"), "run()");
  writeFileSync(join(folder, "größe 1.css"), "a{}");
  writeFileSync(join(folder, "nothing"), "");
  writeFileSync(join(folder, ".htpasswd"), "secret");
  symlinkSync("app.js", join(folder, "inside.js"));
  symlinkSync("../secret.txt", join(folder, "outside.txt"));
  symlinkSync("..", join(folder, "up"));
  symlinkSync("loop", join(folder, "loop"));
  execFileSync("mkfifo", [join(folder, "pipe")]);
  const webSocket = {
    origins: undefined,
    guardLoopback: false,
    headersSize: 16_384,
    maximumPayload: 1_000_000,
    files: folder,
  };
  const rig = await startListener(t, { options: { protocol: "websockets", webSocket } });
  return { rig, port: rig.port, folder };
}

interface Answer {
  readonly status: number | undefined;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Buffer;
}

interface Asked {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly agent?: Agent;
}

/** `path` goes out as it is. */
function ask(port: number, path: string, asked: Asked = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = request({ host: "127.0.0.1", port, path, ...asked }, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("end", () => {
        const { statusCode: status, headers } = response;
        resolve({ status, headers, body: Buffer.concat(chunks) });
      });
      response.on("error", reject);
    });
    sent.on("error", reject);
    sent.end();
  });
}

test("files come with their kind and length, a folder by its index.html", async (t) => {
  const { port } = await site(t);
  for (const [path, type, body] of [
    ["/", "text/html; charset=utf-8", "<h1>front</h1>"],
    ["/?v=1", "text/html; charset=utf-8", "<h1>front</h1>"],
    ["/index.html", "text/html; charset=utf-8", "<h1>front</h1>"],
    ["/sub/", "text/html; charset=utf-8", "<h1>sub</h1>"],
    ["/app.js", "text/javascript; charset=utf-8", "run()"],
    ["/inside.js", "text/javascript; charset=utf-8", "run()"],
    ["/gr%C3%B6%C3%9Fe%201.css", "text/css; charset=utf-8", "a{}"],
    ["/nothing", "application/octet-stream", ""],
    ["/sub/../app.js", "text/javascript; charset=utf-8", "run()"],
    ["http://elsewhere/app.js", "text/javascript; charset=utf-8", "run()"],
  ] as const) {
    const { status, headers, body: got } = await ask(port, path);
    assert.deepEqual([status, got.toString()], [200, body], path);
    assert.equal(headers["content-type"], type, path);
    assert.equal(headers["content-length"], String(body.length), path);
    assert.equal(headers["x-content-type-options"], "nosniff");
  }
});

test("a folder without its slash is found behind it", async (t) => {
  const { port } = await site(t);
  const { status, headers } = await ask(port, "/sub");
  assert.deepEqual([status, headers.location], [302, "./sub/"]);
});

test("HEAD answers as GET, without the file", async (t) => {
  const { port } = await site(t);
  const { status, headers, body } = await ask(port, "/app.js", { method: "HEAD" });
  assert.deepEqual([status, headers["content-length"], body.length], [200, "5", 0]);
});

describe("what is nobody's business is not there", () => {
  for (const path of [
    "/none",
    "/empty/",
    "/app.js/",
    "/.htpasswd",
    "/sub/.hidden",
    "/../secret.txt",
    "/%2e%2e/secret.txt",
    "/..%2fsecret.txt",
    "/sub/..%2f..%2fsecret.txt",
    "/%2e%2e%2fsite-two/x.txt",
    "/outside.txt",
    "/up/secret.txt",
    "/loop",
    "/pipe",
    "//etc/passwd",
    "/..%5csecret.txt",
  ]) {
    test(path, async (t) => {
      const { port } = await site(t);
      const { status, body } = await ask(port, path);
      assert.equal(status, 404);
      assert.doesNotMatch(body.toString(), /secret$/);
    });
  }
  for (const path of ["/a%00b", "/%", "/%ff"]) {
    test(`${path} is no path`, async (t) => {
      const { port } = await site(t);
      assert.equal((await ask(port, path)).status, 400);
    });
  }
  test("a name that is too long", async (t) => {
    const { port } = await site(t);
    assert.equal((await ask(port, `/${"a".repeat(300)}`)).status, 414);
  });
});

for (const method of ["POST", "PUT", "DELETE", "OPTIONS"]) {
  test(`${method} is refused`, async (t) => {
    const { port } = await site(t);
    const { status, headers } = await ask(port, "/app.js", { method });
    assert.deepEqual([status, headers.allow], [405, "GET, HEAD"]);
  });
}

test("a browser that has the file is told so, until it changes", async (t) => {
  const { port, folder } = await site(t);
  const first = await ask(port, "/app.js");
  const { etag, "last-modified": modified } = first.headers;
  const known = async (headers: Readonly<Record<string, string>>) =>
    (await ask(port, "/app.js", { headers })).status;
  assert.equal(await known({ "If-None-Match": String(etag) }), 304);
  assert.equal(await known({ "If-None-Match": '"other"' }), 200);
  assert.equal(await known({ "If-Modified-Since": String(modified) }), 304);
  assert.equal(await known({ "If-Modified-Since": "nonsense" }), 200);
  writeFileSync(join(folder, "app.js"), "run(1)");
  assert.equal(await known({ "If-None-Match": String(etag) }), 200);
});

test("a page and its parts come on one connection, and MQTT over WebSocket beside it", async (t) => {
  const { port, rig, folder } = await site(t);
  const large = join(folder, "large.bin");
  writeFileSync(large, "x");
  truncateSync(large, 3_000_000);
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  t.after(() => agent.destroy());
  for (const path of ["/", "/app.js", "/large.bin", "/none", "/sub", "/app.js"]) {
    const { body } = await ask(port, path, { agent });
    if (path === "/large.bin") assert.equal(body.length, statSync(large).size);
  }
  assert.equal(rig.room.taken, 1);
  const socket = new WebSocket(`ws://127.0.0.1:${port}/`, ["mqtt"]);
  await new Promise((resolve) => socket.once("open", resolve));
  socket.send(Buffer.from("hello"));
  await rig.until(() => rig.ends[0]?.text === "hello", "what was sent");
  socket.terminate();
  agent.destroy();
  await rig.until(() => rig.room.taken === 0, "the end of both");
});

test("requests that do not wait for their answers end the connection", async (t) => {
  const { port, rig } = await site(t);
  const socket = connect(port, "127.0.0.1");
  t.after(() => socket.destroy());
  socket.on("error", () => {});
  socket.resume();
  socket.write("GET /app.js HTTP/1.1\r\nHost: x\r\n\r\n".repeat(500));
  await new Promise((resolve) => socket.once("close", resolve));
  await rig.until(() => rig.room.taken === 0, "the end");
});

test("connections of browsers end: idle ones soon, all in the end, and with the listener", async (t) => {
  const { port, rig } = await site(t);
  const agent = new Agent({ keepAlive: true });
  t.after(() => agent.destroy());
  await ask(port, "/app.js", { agent });
  assert.equal(rig.room.taken, 1);
  rig.clock.advance(600_000);
  await rig.until(() => rig.room.taken === 0, "the end");
  await ask(port, "/app.js", { agent });
  await rig.listener.stop();
  await rig.until(() => rig.room.taken === 0, "the end, too");
});

test("a folder that is gone has no files, and one that comes back has", async (t) => {
  const { port, folder } = await site(t);
  rmSync(folder, { recursive: true });
  assert.equal((await ask(port, "/app.js")).status, 404);
  mkdirSync(folder);
  writeFileSync(join(folder, "app.js"), "again()");
  assert.equal((await ask(port, "/app.js")).body.toString(), "again()");
});
