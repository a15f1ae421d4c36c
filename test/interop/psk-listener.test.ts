/** TLS with pre-shared keys, against mosquitto's clients and openssl. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, type TestContext, test } from "node:test";
import type { TlsOptions } from "../../src/listeners/options.ts";
import { aedesBehindWires } from "../kit/aedes-behind-wire.ts";
import { prepareListener, startListener } from "../kit/listener-rig.ts";
import { mosquittoSub, runToEnd, temporaryFolder } from "../kit/processes.ts";

const KEY = "deadbeef0123456789abcdef";

function keyFile(t: TestContext, content: string): string {
  const file = join(temporaryFolder(t), "keys");
  writeFileSync(file, content);
  return file;
}

function pskOptions(file: string, useIdentityAsUsername = false): TlsOptions {
  return {
    identification: { kind: "psk", hint: "midge", file, useIdentityAsUsername },
    minimumVersion: "TLSv1.2",
    alpn: [],
  };
}

function pub(port: number, identity: string, key: string, ...words: string[]): string[] {
  const to = ["-h", "127.0.0.1", "-p", String(port), "-t", "plant/pot", "-q", "1"];
  return [...to, "--psk-identity", identity, "--psk", key, ...words];
}

test("mosquitto's clients publish and subscribe with a key", async (t) => {
  const broker = await aedesBehindWires();
  t.after(() => broker.stop());
  const tls = pskOptions(keyFile(t, `# keys\nnode:${KEY}\nother:00\n`));
  const { port } = await startListener(t, { accept: broker.accept, options: { tls } });
  const sub = await mosquittoSub(t, port, "plant/#", "--psk-identity", "node", "--psk", KEY);
  const result = await runToEnd(t, "mosquitto_pub", pub(port, "node", KEY, "-m", "wet"));
  assert.equal(result.code, 0, result.errors);
  await sub.until((text) => text.includes("plant/pot wet"), "the message");
});

for (const version of ["tls1_2", "tls1_3"]) {
  test(`by ${version}: the right key comes in, and nothing else does`, async (t) => {
    const tls = pskOptions(keyFile(t, `node:${KEY}\n`));
    const rig = await startListener(t, { options: { tls } });
    const client = ["s_client", "-connect", `127.0.0.1:${rig.port}`, `-${version}`, "-brief"];
    for (const [identity, key, problem] of [
      ["node", "deadbeef", /its pre-shared key is not that of its identity|bad record mac/],
      ["stranger", KEY, /its identity is not in psk_file/],
      [undefined, undefined, /it offers no cipher|no suitable signature algorithm/],
    ] as const) {
      const words = identity === undefined ? [] : ["-psk_identity", identity, "-psk", key];
      const lines = rig.log.lines.length;
      assert.notEqual((await runToEnd(t, "openssl", [...client, ...words], "")).code, 0);
      await rig.until(() => rig.log.lines.length > lines, "a line in the log");
      assert.match(rig.log.lines[lines] ?? "", problem);
      assert.equal(rig.ends.length, 0);
    }
    const right = ["-psk_identity", "node", "-psk", KEY];
    assert.equal((await runToEnd(t, "openssl", [...client, ...right], "hello")).code, 0);
    await rig.until(() => rig.ends[0]?.text === "hello", "what was sent");
  });
}

test("the identity becomes the user name, where the listener says so", async (t) => {
  const file = keyFile(t, `knöten 1:${KEY}\n`);
  for (const [use, expected] of [
    [true, { username: "knöten 1", verified: true, kind: "psk" }],
    [false, undefined],
  ] as const) {
    const rig = await startListener(t, { options: { tls: pskOptions(file, use) } });
    const client = runToEnd(t, "mosquitto_pub", pub(rig.port, "knöten 1", KEY, "-m", "x"));
    await rig.until(() => rig.ends.length > 0, "a connection");
    assert.deepEqual(rig.ends[0]?.wire.identity, expected);
    rig.ends[0]?.wire.close();
    await client;
  }
});

test("keys are read again, while connections go on", async (t) => {
  const broker = await aedesBehindWires();
  t.after(() => broker.stop());
  const file = keyFile(t, `node:${KEY}\n`);
  const rig = await startListener(t, { accept: broker.accept, options: { tls: pskOptions(file) } });
  const { port } = rig;
  const sub = await mosquittoSub(t, port, "plant/#", "--psk-identity", "node", "--psk", KEY);
  writeFileSync(file, "fresh:0102\n");
  await rig.listener.reload();
  assert.notEqual(
    (await runToEnd(t, "mosquitto_pub", pub(port, "node", KEY, "-m", "old"))).code,
    0,
  );
  assert.equal(
    (await runToEnd(t, "mosquitto_pub", pub(port, "fresh", "0102", "-m", "new"))).code,
    0,
  );
  await sub.until((text) => text.includes("plant/pot new"), "the message");

  writeFileSync(file, "nonsense\n");
  await rig.listener.reload();
  assert.match(
    rig.log.lines.at(-1) ?? "",
    /stay as they were: \S+keys: line 1: expected identity:key/,
  );
  assert.equal(
    (await runToEnd(t, "mosquitto_pub", pub(port, "fresh", "0102", "-m", "yet"))).code,
    0,
  );
});

describe("a file of keys that cannot be used is told before anything is opened", () => {
  for (const [content, problem] of [
    ["node:xyz\n", "line 1: the key of node is not made of hexadecimal digits"],
    ["\nnode:\n", "line 2: the key of node is not made of hexadecimal digits"],
  ] as const) {
    test(problem, async (t) => {
      const file = keyFile(t, content);
      const { listener } = prepareListener(t, { options: { tls: pskOptions(file) } });
      await assert.rejects(listener.start(), {
        message: `cannot listen on port 0: ${file}: ${problem} (set by listener[0])`,
      });
    });
  }
});
