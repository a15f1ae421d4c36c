/** Bridges of a Midge as built to real Mosquittos: TLS with certificates and keys, WebSocket, MQTT 5.0. */
import assert from "node:assert/strict";
import { createHmac, generateKeyPairSync, verify } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { sasToken, webToken } from "../../src/uplink/device-tokens.ts";
import { TestCa } from "../kit/certificates.ts";
import { freePort } from "../kit/ports.ts";
import {
  mosquittoPub,
  mosquittoSub,
  type RunningMidge,
  startMidge,
  startMosquitto,
  temporaryFolder,
} from "../kit/processes.ts";

// Mosquitto is told to stay root where tests run as root, as the files are nobody else's to read.

/** A Midge with one bridge that shares `up/#` and `down/#`. */
function startSite(t: TestContext, lines: string): Promise<RunningMidge> {
  return startMidge(t, {
    more: `[[bridge]]
name = "cloud"
client_id = "box"
restart_timeout = 1
restart_timeout_cap = 1
${lines}
[[bridge.topic]]
pattern = "up/#"
qos = 2
[[bridge.topic]]
pattern = "down/#"
direction = "in"
qos = 2
`,
  });
}

/** One message each way. */
async function passes(t: TestContext, site: RunningMidge, remotePort: number): Promise<void> {
  await site.until((text) => text.includes("cloud: connected to"), "the bridge's connection");
  const there = await mosquittoSub(t, remotePort, "up/#", "-q", "2");
  const here = await mosquittoSub(t, site.mqttPort, "down/#", "-q", "2");
  await mosquittoPub(t, site.mqttPort, "-t", "up/a", "-m", "to the cloud", "-q", "2");
  await mosquittoPub(t, remotePort, "-t", "down/a", "-m", "from the cloud", "-q", "2");
  await there.until((text) => text.includes("up/a to the cloud"), "the message there");
  await here.until((text) => text.includes("down/a from the cloud"), "the message here");
}

test("over TLS with a client certificate, and a CA in a folder", async (t) => {
  const folder = temporaryFolder(t);
  const ca = new TestCa(folder);
  const server = ca.issue("server");
  const own = ca.issue("box");
  const tlsPort = await freePort();
  const remote = await startMosquitto(t, {
    more: `user root
listener ${tlsPort} 127.0.0.1
cafile ${ca.cert}
certfile ${server.cert}
keyfile ${server.key}
require_certificate true
allow_anonymous true`,
  });
  const site = await startSite(
    t,
    `address = "127.0.0.1:${tlsPort}"
capath = ${JSON.stringify(folder)}
certfile = ${JSON.stringify(own.cert)}
keyfile = ${JSON.stringify(own.key)}
tls_version = "tlsv1.3"
ciphers_tls13 = "TLS_AES_128_GCM_SHA256"`,
  );
  await passes(t, site, remote.port);
});

test("a certificate for another name is refused in words, unless that is insecure on purpose", async (t) => {
  const folder = temporaryFolder(t);
  const ca = new TestCa(folder);
  const server = ca.issue("server", { names: "DNS:elsewhere.example" });
  const tlsPort = await freePort();
  const remote = await startMosquitto(t, {
    more: `user root\nlistener ${tlsPort} 127.0.0.1\ncertfile ${server.cert}\nkeyfile ${server.key}`,
  });
  const lines = `address = "127.0.0.1:${tlsPort}"\ncafile = ${JSON.stringify(ca.cert)}`;
  const strict = await startSite(t, lines);
  await strict.until((text) => /is for DNS:elsewhere\.example, not for/.test(text), "the refusal");
  const site = await startSite(t, `${lines}\ninsecure = true`);
  await passes(t, site, remote.port);
});

test("over TLS with a pre-shared key", async (t) => {
  const folder = temporaryFolder(t);
  const keys = join(folder, "keys");
  writeFileSync(keys, "box:0a0b0c0d\n");
  const pskPort = await freePort();
  const remote = await startMosquitto(t, {
    more: `user root\nlistener ${pskPort} 127.0.0.1\npsk_hint here\npsk_file ${keys}\nallow_anonymous true`,
  });
  const site = await startSite(
    t,
    `address = "127.0.0.1:${pskPort}"\npsk = "0A0B0C0D"\npsk_identity = "box"`,
  );
  await passes(t, site, remote.port);
});

test("over WebSocket, with MQTT 5.0", async (t) => {
  const port = await freePort();
  const remote = await startMosquitto(t, {
    more: `listener ${port} 127.0.0.1\nprotocol websockets\nallow_anonymous true`,
  });
  const site = await startSite(
    t,
    `address = "127.0.0.1:${port}"\nwebsocket_path = "/mqtt"\nprotocol = "mqttv50"`,
  );
  await passes(t, site, remote.port);
});

test("MQTT 5.0 carries properties to Mosquitto and back, once, though the topic is shared both ways", async (t) => {
  const remote = await startMosquitto(t);
  const site = await startMidge(t, {
    more: `[[bridge]]
name = "cloud"
address = "127.0.0.1:${remote.port}"
protocol = "mqttv50"
age_property = "age"
[[bridge.topic]]
pattern = "both/#"
direction = "both"
qos = 1
`,
  });
  await site.until((text) => text.includes("cloud: connected to"), "the bridge's connection");
  const format = ["-V", "5", "-q", "1", "-F", "%t %p %C %P"];
  const there = await mosquittoSub(t, remote.port, "both/#", ...format);
  const here = await mosquittoSub(t, site.mqttPort, "both/#", ...format);
  const words = ["-V", "5", "-q", "1", "-D", "publish", "content-type", "text"];
  const more = ["-D", "publish", "user-property", "k", "v"];
  await mosquittoPub(t, site.mqttPort, "-t", "both/1", "-m", "x", ...words, ...more);
  await mosquittoPub(t, remote.port, "-t", "both/2", "-m", "y", ...words, ...more);
  const both = (text: string) => /^both\/2 y text/m.test(text) && /^both\/1 x text/m.test(text);
  await there.until(both, "both there");
  await here.until(both, "both here");
  const lines = (text: string) => text.split("\n").filter((line) => line.startsWith("both/"));
  assert.match(
    lines(there.output).join("\n"),
    /^both\/1 x text k:v ?age:0\.\d{3} ?midge-via:[0-9a-f]{8}$/m,
  );
  assert.equal(lines(there.output).length, 2);
  assert.equal(lines(here.output).length, 2);
});

test("a changed configuration takes effect when it is read again", async (t) => {
  const first = await startMosquitto(t);
  const second = await startMosquitto(t);
  const bridge = (port: number, extra = "") =>
    `[[bridge]]\nname = "cloud"\naddress = "127.0.0.1:${port}"\nreload_type = "immediate"\n${extra}` +
    `[[bridge.topic]]\npattern = "up/#"\nqos = 1\n`;
  const site = await startMidge(t, { more: bridge(first.port) });
  const connected = (port: number) => `cloud: connected to 127.0.0.1:${port}`;
  await site.until((text) => text.includes(connected(first.port)), "the first connection");
  const file = join(site.folder, "midge.toml");
  const { readFileSync } = await import("node:fs");
  const base = readFileSync(file, "utf8").replace(/\[\[bridge\]\][\s\S]*$/, "");
  writeFileSync(file, base + bridge(second.port));
  site.signal("SIGHUP");
  await site.until((text) => text.includes(connected(second.port)), "the second connection");
  const there = await mosquittoSub(t, second.port, "up/#");
  await mosquittoPub(t, site.mqttPort, "-t", "up/a", "-m", "x", "-q", "1");
  await there.until((text) => text.includes("up/a x"), "the message");
  writeFileSync(file, base);
  site.signal("SIGHUP");
  await site.until((text) => text.includes("the bridge is no longer configured"), "the end");
  await second.until((text) => /Received DISCONNECT from [^\n]*cloud/.test(text), "its good-bye");
});

test("an SAS token is signed as Azure IoT Hub checks it", () => {
  const key = Buffer.from("secret").toString("base64");
  const token = sasToken({ host: "hub.example", clientId: "dev/mod", key, expiry: 1_700_000_000 });
  const fields = new URLSearchParams(token.replace("SharedAccessSignature ", ""));
  assert.equal(fields.get("sr"), "hub.example/devices/dev/modules/mod");
  assert.equal(fields.get("se"), "1700000000");
  const signed = `${encodeURIComponent("hub.example/devices/dev/modules/mod")}\n1700000000`;
  assert.equal(fields.get("sig"), createHmac("sha256", "secret").update(signed).digest("base64"));
});

test("a JSON Web Token is signed with the device's key, RSA or P-256", () => {
  const pairs = [
    ["RS256", generateKeyPairSync("rsa", { modulusLength: 2048 })],
    ["ES256", generateKeyPairSync("ec", { namedCurve: "P-256" })],
  ] as const;
  for (const [algorithm, { privateKey, publicKey }] of pairs) {
    const parts = { key: privateKey, audience: "project", issuedAt: 100, expiry: 200 };
    const [header = "", claims = "", signature = ""] = webToken(parts).split(".");
    const read = (text: string) => JSON.parse(Buffer.from(text, "base64url").toString());
    assert.deepEqual(read(header), { alg: algorithm, typ: "JWT" });
    assert.deepEqual(read(claims), { iat: 100, exp: 200, aud: "project" });
    const key = { key: publicKey, dsaEncoding: "ieee-p1363" } as const;
    const bytes = Buffer.from(signature, "base64url");
    assert.equal(verify("sha256", Buffer.from(`${header}.${claims}`), key, bytes), true);
  }
});
