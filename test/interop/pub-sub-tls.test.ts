/** `midge pub` and `midge sub` over TLS, pre-shared keys, WebSocket and Unix sockets, against Mosquitto. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { TestCa } from "../kit/certificates.ts";
import { freePort } from "../kit/ports.ts";
import { Program, runToEnd, temporaryFolder } from "../kit/processes.ts";

const MAIN = join(import.meta.dirname, "../../src/main.ts");

function midgePub(t: TestContext, ...words: string[]) {
  return runToEnd(t, process.execPath, [MAIN, "pub", "-t", "t", "-m", "x", ...words]);
}

function mosquittoPub(t: TestContext, ...words: string[]) {
  return runToEnd(t, "mosquitto_pub", ["-t", "t", "-m", "x", ...words]);
}

const LISTENERS = ["plain", "tls", "mutual", "expired", "elsewhere", "psk", "ws", "wss"] as const;
type Listener = (typeof LISTENERS)[number];

interface Stand {
  readonly ports: Readonly<Record<Listener, string>>;
  readonly ca: TestCa;
  readonly folder: string;
  readonly broker: Program;
  readonly unix: string;
  /** Of a client. */
  readonly cert: string;
  readonly key: string;
}

/** A Mosquitto with a listener of each kind. */
async function start(t: TestContext): Promise<Stand> {
  const folder = temporaryFolder(t);
  const ca = new TestCa(folder);
  const server = ca.issue("server");
  const expired = ca.issue("expired", { expired: true });
  const other = ca.issue("other", { names: "DNS:broker.example" });
  const { cert, key } = ca.issue("client");
  const unix = join(folder, "socket");
  const psk = join(folder, "psk");
  writeFileSync(psk, "sensor:0102ab\n");
  const ports = {} as Record<Listener, string>;
  for (const name of LISTENERS) ports[name] = String(await freePort());
  const tls = (files: { cert: string; key: string }): string =>
    `cafile ${ca.cert}\ncertfile ${files.cert}\nkeyfile ${files.key}\n`;
  const options: Readonly<Record<Listener, string>> = {
    plain: "",
    tls: tls(server),
    mutual: `${tls(server)}require_certificate true\n`,
    expired: tls(expired),
    elsewhere: tls(other),
    psk: `psk_hint hint\npsk_file ${psk}\n`,
    ws: "protocol websockets\n",
    wss: `protocol websockets\n${tls(server)}`,
  };
  const listeners = LISTENERS.map(
    (name) => `listener ${ports[name]} 127.0.0.1\n${options[name]}`,
  ).join("");
  const conf = join(folder, "mosquitto.conf");
  // As root it would give up the right to read the keys.
  writeFileSync(
    conf,
    `user root\nmax_queued_messages 0\nallow_anonymous true\n${listeners}listener 0 ${unix}\n`,
  );
  const broker = new Program(t, "/usr/sbin/mosquitto", ["-c", conf, "-v"]);
  await broker.until((text) => text.includes("running"), "readiness");
  return { ports, ca, folder, broker, unix, cert, key };
}

test("every way of connecting reaches the broker, at each protocol version", async (t) => {
  const { ports, ca, unix, cert, key, folder, broker } = await start(t);
  const trust = ["--cafile", ca.cert];
  const at = (name: Listener, host = "127.0.0.1"): string[] => ["-h", host, "-p", ports[name]];
  const capath = join(folder, "cas");
  mkdirSync(capath);
  writeFileSync(join(capath, "ours.crt"), readFileSync(ca.cert));
  const ways: readonly (readonly string[])[] = [
    [...at("tls"), ...trust],
    [...at("tls", "localhost"), ...trust, "-V", "5"],
    [...at("tls"), "--capath", capath],
    [...at("tls"), ...trust, "--tls-version", "tlsv1.3"],
    [...at("tls"), ...trust, "--tls-version", "tlsv1.2", "--ciphers", "ECDHE+AESGCM"],
    [...at("tls"), ...trust, "--tls-alpn", "mqtt", "--tls-use-os-certs"],
    [...at("mutual"), ...trust, "--cert", cert, "--key", key, "--keyform", "pem"],
    [...at("elsewhere"), ...trust, "--insecure"],
    [...at("psk"), "--psk", "0102AB", "--psk-identity", "sensor", "-V", "5"],
    [...at("psk"), "--psk", "102ab", "--psk-identity", "sensor"],
    [...at("ws"), "--ws"],
    [...at("wss"), "--ws", ...trust, "-V", "31"],
    ["--unix", unix, "-V", "5"],
    ["-L", `mqtts://localhost:${ports.tls}/t`, ...trust],
    ["-L", `ws://127.0.0.1:${ports.ws}/t`, "-V", "5"],
    ["-L", `wss://127.0.0.1:${ports.wss}/t`, ...trust],
    ["-L", `mqtt://127.0.0.1:${ports.plain}/t`, "-A", "127.0.0.1", "--nodelay"],
  ];
  for (const [index, words] of ways.entries()) {
    const { code, errors } = await midgePub(t, "-q", "1", "-i", `way-${index}`, ...words);
    assert.deepEqual([code, errors], [0, ""], words.join(" "));
    const left = `Received DISCONNECT from way-${index}\n`;
    await broker.until((text) => text.includes(left), `DISCONNECT after ${words.join(" ")}`);
  }
});

const TRUST_ADVICE = /CA that is not trusted here\. Name the file of its CA with --cafile\.\n$/;

test("what TLS does not like is told in one line, with what to do", async (t) => {
  const { ports, ca, folder } = await start(t);
  const trust = ["--cafile", ca.cert];
  const at = (name: Listener): string[] => ["-h", "127.0.0.1", "-p", ports[name]];
  const stranger = new TestCa(folder, "stranger");
  const cases: readonly (readonly [readonly string[], RegExp])[] = [
    [[...at("tls"), "--tls-use-os-certs"], TRUST_ADVICE],
    [[...at("tls"), "--cafile", stranger.cert], TRUST_ADVICE],
    [["-L", `mqtts://127.0.0.1:${ports.tls}/t`], TRUST_ADVICE],
    [["-L", `wss://127.0.0.1:${ports.wss}/t`], TRUST_ADVICE],
    [[...at("tls"), "--cafile", stranger.cert, "--insecure"], TRUST_ADVICE],
    [[...at("expired"), ...trust], /certificate has expired .*The broker needs a new one\.\n$/],
    [[...at("expired"), ...trust, "--insecure"], /certificate has expired/],
    [
      [...at("elsewhere"), ...trust],
      /is for DNS:broker\.example, not for 127\.0\.0\.1\. Connect by one of those names.*--insecure\.\n$/,
    ],
    [[...at("plain"), ...trust], /within the TLS handshake\n$|does not speak TLS on this port/],
    [[...at("psk"), "--psk", "0102ac", "--psk-identity", "sensor"], /another pre-shared key/],
    [
      [...at("psk"), "--psk", "0102ab", "--psk-identity", "nobody"],
      /does not know our .* identity/,
    ],
    [[...at("psk"), ...trust], /none of our ciphers.*--psk\?\n$/],
  ];
  for (const [words, expected] of cases) {
    const [ours, theirs] = await Promise.all([midgePub(t, ...words), mosquittoPub(t, ...words)]);
    assert.match(ours.errors, expected, words.join(" "));
    assert.match(ours.errors, /^Error: cannot connect to 127\.0\.0\.1:\d+: .*\n$/);
    assert.equal(ours.code, 8, words.join(" "));
    assert.notEqual(theirs.code, 0, words.join(" "));
  }
  const unshown = await midgePub(t, ...at("mutual"), ...trust);
  assert.equal(unshown.code, 7);
  assert.match(unshown.errors, /^Error: .*(--cert, --key|requires a certificate).*\n$/);
  const inTheClear = await midgePub(t, ...at("tls"));
  assert.equal(inTheClear.code, 7);
  assert.match(inTheClear.errors, /^Error: The connection was lost before .*TLS or WebSocket.*\n$/);
  const webSocket = await midgePub(t, ...at("plain"), "--ws");
  assert.match(webSocket.errors, /^Error: cannot connect to .*WebSocket.*\n$/);
  const mqtt = await midgePub(t, ...at("ws"));
  assert.deepEqual([mqtt.code, (await mosquittoPub(t, ...at("ws"))).code], [2, 2]);
  assert.match(mqtt.errors, /Is it an MQTT port\?\n$/);
});

test("options that do not fit together, and files that are none, are told before connecting", async (t) => {
  const folder = temporaryFolder(t);
  const ca = new TestCa(folder);
  const { cert, key } = ca.issue("client");
  const other = ca.issue("other");
  const trust = ["--cafile", ca.cert];
  const empty = join(folder, "empty");
  mkdirSync(empty);
  const locked = join(folder, "locked.key");
  writeFileSync(locked, "-----BEGIN ENCRYPTED PRIVATE KEY-----\n");
  const cases: readonly (readonly [readonly string[], RegExp])[] = [
    [["--cafile", "/nonexistent"], /--cafile: cannot read "\/nonexistent": there is no such file/],
    [["--cafile", key], /--cafile: there is no certificate in PEM form/],
    [["--capath", "/nonexistent"], /--capath: cannot read/],
    [["--capath", empty], /--capath: no file in .* holds a CA certificate/],
    [[...trust, "--cert", cert], /--cert and --key go together/],
    [[...trust, "--key", key], /--cert and --key go together/],
    [[...trust, "--cert", cert, "--key", other.key], /is not the key of the certificate/],
    [[...trust, "--cert", cert, "--key", cert], /no private key in PEM form/],
    [[...trust, "--cert", cert, "--key", locked], /protected by a pass phrase.*openssl pkey/],
    [[...trust, "--keyform", "pem"], /--keyform needs --key/],
    [[...trust, "--psk", "01", "--psk-identity", "a"], /Only one of --psk and --cafile/],
    [["--psk", "01"], /--psk needs --psk-identity/],
    [["--psk-identity", "a"], /--psk-identity needs --psk/],
    [["--psk", "zz", "--psk-identity", "a"], /hexadecimal/],
    [["--insecure"], /--insecure has no effect without TLS/],
    [["--tls-version", "tlsv1.2"], /--tls-version has no effect without TLS/],
    [[...trust, "--tls-version", "tlsv9"], /tlsv1\.3, tlsv1\.2 or tlsv1\.1/],
    [[...trust, "--ciphers", "nonsense"], /knows no cipher/],
    [["--unix", "/x", "-h", "localhost"], /--unix takes the place of -h/],
    [["--unix", join(folder, "nothing")], /cannot connect to .*nothing: there is no such file/],
    [["-L", "mqttx://localhost/t"], /mqtts:\/\/, ws:\/\/ or wss:\/\//],
  ];
  for (const [words, expected] of cases) {
    const { code, errors } = await midgePub(t, ...words);
    assert.match(errors, expected, words.join(" "));
    assert.match(errors, /^[Ee]rror: .*\n$/);
    assert.equal(code, 1, words.join(" "));
  }
});

test("large messages and many lines come through TLS and WebSocket whole and in order", async (t) => {
  const { ports, ca, folder } = await start(t);
  const trust = ["--cafile", ca.cert];
  const size = (words: readonly string[]): number => (words.includes("--ws") ? 100_000 : 3_000_000);
  const lines = Array.from({ length: 3000 }, (_, index) => `line ${index}`).join("\n");
  for (const words of [
    ["-p", ports.tls, ...trust],
    ["-p", ports.wss, "--ws", ...trust],
    ["-p", ports.ws, "--ws", "-V", "5"],
  ]) {
    const base = ["-h", "127.0.0.1", ...words];
    const file = join(folder, "big");
    // Larger ones are too much for Mosquitto's own WebSocket.
    writeFileSync(file, Buffer.alloc(size(words), "midge"));
    const sub = new Program(t, process.execPath, [
      ...[MAIN, "sub", ...base, "-t", "#", "-q", "1", "-C", "3001", "-F", "%l", "-d"],
    ]);
    await sub.until((text) => text.includes("Subscribed"), "SUBACK");
    const pub = (more: readonly string[], input?: string) =>
      runToEnd(t, process.execPath, [MAIN, "pub", ...base, "-q", "1", ...more], input);
    assert.equal((await pub(["-t", "big", "-f", file])).code, 0);
    assert.equal((await pub(["-t", "lines", "-l"], lines)).code, 0);
    assert.equal(await sub.end(), 0);
    const lengths = sub.lines.filter((line) => /^\d+$/.test(line));
    assert.equal(lengths[0], String(size(words)));
    assert.deepEqual(
      lengths.slice(1),
      lines.split("\n").map(({ length }) => String(length)),
    );
  }
});

test("a broker that agrees to WebSocket but not to MQTT over it, is told", async (t) => {
  const serve = async (answer: (key: string) => string | undefined): Promise<string> => {
    const server = createServer((socket) => {
      socket.on("error", () => {});
      socket.once("data", (request) => {
        const key = /sec-websocket-key: (.*)\r\n/i.exec(request.toString())?.[1] ?? "";
        const text = answer(key);
        if (text !== undefined) socket.write(text);
      });
    });
    t.after(() => server.close());
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const address = server.address();
    return String(typeof address === "object" ? address?.port : 0);
  };
  const accept = (key: string): string =>
    createHash("sha1").update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest("base64");
  const upgrade =
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n";
  for (const [answer, expected] of [
    [
      (key: string) => `${upgrade}Sec-WebSocket-Accept: ${accept(key)}\r\n\r\n`,
      /MQTT over WebSocket/,
    ],
    [() => "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", /HTTP status 404/],
    [() => "\x20\x02\x00\x00", /does not speak WebSocket on this port/],
  ] as const) {
    const port = await serve(answer);
    const { code, errors } = await midgePub(t, "-h", "127.0.0.1", "-p", port, "--ws");
    assert.match(errors, expected);
    assert.match(errors, /^Error: cannot connect to .*\n$/);
    assert.equal(code, 1);
  }
});
