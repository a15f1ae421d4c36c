/** Listeners of every kind in one program, as a mosquitto.conf asks for them. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { copyFileSync, existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { connect as connectTls } from "node:tls";
import mqtt from "mqtt";
import { TestCa } from "../kit/certificates.ts";
import { freePort } from "../kit/ports.ts";
import { midge, mosquittoSub, runToEnd, temporaryFolder } from "../kit/processes.ts";
import { proxyV2 } from "../kit/proxy-header.ts";

const KEY = "00112233445566778899";

interface Ports {
  readonly plain: number;
  readonly tls: number;
  readonly psk: number;
  readonly webSocket: number;
  readonly secureWebSocket: number;
  readonly proxied: number;
  readonly bound: number;
}

async function start(t: TestContext) {
  const folder = temporaryFolder(t);
  const ca = new TestCa(folder);
  const server = ca.issue("server");
  const [plain, tls, psk, webSocket, secureWebSocket, proxied, bound] = await Promise.all(
    Array.from({ length: 7 }, freePort),
  );
  const ports = { plain, tls, psk, webSocket, secureWebSocket, proxied, bound } as Ports;
  const file = join(folder, "mosquitto.conf");
  const certificate = `certfile ${server.cert}\nkeyfile ${server.key}`;
  writeFileSync(join(folder, "keys"), `node:${KEY}\n`, { mode: 0o600 });
  writeFileSync(
    file,
    `allow_anonymous true
psk_file ${join(folder, "keys")}
listener ${plain} 127.0.0.1
listener ${tls} 127.0.0.1
${certificate}
cafile ${ca.cert}
crlfile ${ca.crl()}
require_certificate true
use_identity_as_username true
listener ${psk} 127.0.0.1
psk_hint midge
use_identity_as_username true
listener ${webSocket} 127.0.0.1
protocol websockets
listener ${secureWebSocket} 127.0.0.1
protocol websockets
${certificate}
listener ${proxied} 127.0.0.1
enable_proxy_protocol 2
listener ${bound}
bind_interface lo
socket_domain ipv4
listener 0 ${join(folder, "socket")}
`,
  );
  const program = midge(t, "-c", file, "-v");
  await program.until((text) => / running|Midge is ready/.test(text), "readiness");
  return { program, folder, ca, server, ports };
}

test("clients come in by every kind of listener, and messages go between them", async (t) => {
  const { program, folder, ca, ports } = await start(t);
  const client = ca.issue("client");
  const sub = await mosquittoSub(t, ports.plain, "#", "-q", "1");
  const by = (port: number): string[] => ["-h", "127.0.0.1", "-p", String(port)];
  for (const [name, words] of [
    ["tls", [...by(ports.tls), "--cafile", ca.cert, "--cert", client.cert, "--key", client.key]],
    ["psk", [...by(ports.psk), "--psk-identity", "node", "--psk", KEY]],
    ["bound", by(ports.bound)],
    ["unix", ["--unix", join(folder, "socket")]],
  ] as const) {
    const publish = ["-t", "from", "-m", name, "-q", "1", "-i", `id-${name}`];
    const result = await runToEnd(t, "mosquitto_pub", [...words, ...publish]);
    assert.equal(result.code, 0, `${name}: ${result.errors}`);
    await sub.until((text) => text.includes(`from ${name}\n`), name);
  }
  for (const [name, url] of [
    ["ws", `ws://127.0.0.1:${ports.webSocket}/mqtt`],
    ["wss", `wss://127.0.0.1:${ports.secureWebSocket}/mqtt`],
  ] as const) {
    const trust = { ca: readFileSync(ca.cert) };
    const connection = await mqtt.connectAsync(url, { ...trust, wsOptions: trust });
    await connection.publishAsync("from", name, { qos: 1 });
    await connection.endAsync();
    await sub.until((text) => text.includes(`from ${name}\n`), name);
  }
  assert.match(
    program.output + program.errors,
    /New client connected from 127\.0\.0\.1:\d+ as id-tls \(.*u'client'\)/,
  );
  assert.match(program.output + program.errors, /as id-psk \(.*u'node'\)/);
});

test("the address of a client behind a load balancer is what the log shows", async (t) => {
  const { program, ports } = await start(t);
  const socket = connect(ports.proxied, "127.0.0.1");
  t.after(() => socket.destroy());
  const packet = Buffer.from("101300044d5154540402003c000770726f78696564", "hex");
  socket.write(Buffer.concat([proxyV2(), packet]));
  const [answer] = (await once(socket, "data")) as [Buffer];
  assert.deepEqual([...answer], [0x20, 2, 0, 0]);
  await program.until(
    (text) => text.includes("connected from 192.0.2.5:6275 as proxied"),
    "the log",
  );
});

test("SIGHUP puts renewed certificates into force, and connections go on", async (t) => {
  const { program, ca, server, ports } = await start(t);
  const client = ca.issue("client");
  const own = ["--cafile", ca.cert, "--cert", client.cert, "--key", client.key];
  const sub = await mosquittoSub(t, ports.tls, "#", ...own);
  const renewed = ca.issue("renewed");
  for (const kind of ["cert", "key"] as const) {
    copyFileSync(renewed[kind], `${server[kind]}.new`);
    renameSync(`${server[kind]}.new`, server[kind]);
  }
  program.signal("SIGHUP");
  await program.until((text) => text.includes("listener[1]: TLS files read again"), "a reload");
  const socket = connectTls({
    host: "127.0.0.1",
    port: ports.tls,
    ca: readFileSync(ca.cert),
    cert: readFileSync(client.cert),
    key: readFileSync(client.key),
  });
  await once(socket, "secureConnect");
  assert.equal(socket.getPeerCertificate().subject.CN, "renewed");
  socket.destroy();
  const words = ["-h", "127.0.0.1", "-p", String(ports.plain), "-t", "still", "-m", "there"];
  assert.equal((await runToEnd(t, "mosquitto_pub", words)).code, 0);
  await sub.until((text) => text.includes("still there"), "the message");
});

test("SIGTERM ends all of them", async (t) => {
  const { program, folder, ports } = await start(t);
  const stuck = connect(ports.tls, "127.0.0.1");
  stuck.on("error", () => {});
  await once(stuck, "connect");
  program.signal("SIGTERM");
  assert.equal(await program.end(), 0);
  assert.equal(existsSync(join(folder, "socket")), false);
});

test("a certificate that is not there keeps the program from starting, in words", async (t) => {
  const folder = temporaryFolder(t);
  const file = join(folder, "mosquitto.conf");
  writeFileSync(
    file,
    `listener ${await freePort()} 127.0.0.1\ncertfile /nowhere/s.crt\nkeyfile /nowhere/s.key\n`,
  );
  const program = midge(t, "-c", file);
  assert.notEqual(await program.end(), 0);
  assert.match(program.output + program.errors, /\/nowhere\/s\.crt/);
  assert.doesNotMatch(program.output + program.errors, /^\s+at /m);
});
