/** TLS listeners on real sockets: mosquitto's clients, mqtt.js, openssl and Node's TLS as the other end. */
import assert from "node:assert/strict";
import { randomBytes, X509Certificate } from "node:crypto";
import { once } from "node:events";
import {
  copyFileSync,
  mkdirSync,
  readFileSync,
  renameSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { connect as connectTcp } from "node:net";
import { join } from "node:path";
import { describe, type TestContext, test } from "node:test";
import { type ConnectionOptions, connect, type TLSSocket } from "node:tls";
import mqtt from "mqtt";
import { WebSocket } from "ws";
import type { CertificateOptions } from "../../src/listeners/options.ts";
import { subjectOf, subjectText } from "../../src/listeners/x509-subject.ts";
import type { Wire, WireEnd } from "../../src/seams/wire.ts";
import { aedesBehindWires } from "../kit/aedes-behind-wire.ts";
import { type Issued, opensslOutput, selfSigned, TestCa } from "../kit/certificates.ts";
import { type ListenerRig, prepareListener, startListener } from "../kit/listener-rig.ts";
import { mosquittoSub, Program, runToEnd, temporaryFolder } from "../kit/processes.ts";
import { type TlsSite, tlsOptions, tlsSite } from "../kit/tls-site.ts";

const VERSIONS = ["TLSv1.2", "TLSv1.3"] as const;

function identified(who: Issued | undefined): { cert?: Buffer; key?: Buffer } {
  return who === undefined ? {} : { cert: readFileSync(who.cert), key: readFileSync(who.key) };
}

/** Connects, and ends with the test. */
function dial(t: TestContext, rig: ListenerRig, ca: TestCa, more: ConnectionOptions): TLSSocket {
  const socket = connect({ host: "127.0.0.1", port: rig.port, ca: readFileSync(ca.cert), ...more });
  socket.on("error", () => {});
  t.after(() => socket.destroy());
  return socket;
}

/** Whether what is sent comes back, or the connection ends. */
function echoes(socket: TLSSocket, text = "hello"): Promise<boolean> {
  return new Promise((resolve) => {
    const say = (): void => {
      socket.write(text);
    };
    if (socket.getProtocol() !== null && !socket.connecting && socket.authorized) say();
    else socket.once("secureConnect", say);
    socket.once("data", (data: Buffer) => resolve(data.toString() === text));
    socket.once("close", () => resolve(false));
  });
}

/** Common name of the certificate that a new connection is shown. */
async function servedName(t: TestContext, rig: ListenerRig, ca: TestCa): Promise<string> {
  const socket = dial(t, rig, ca, {});
  await once(socket, "secureConnect");
  const name = socket.getPeerCertificate().subject.CN;
  socket.destroy();
  return String(name);
}

describe("mosquitto's clients", () => {
  test("publish and subscribe over TLS, by every version that is allowed", async (t) => {
    const here = tlsSite(t);
    const broker = await aedesBehindWires();
    t.after(() => broker.stop());
    const { port } = await startListener(t, {
      accept: broker.accept,
      options: { tls: tlsOptions(here, {}, { alpn: ["mqtt"] }) },
    });
    const secure = ["--cafile", here.ca.cert];
    const sub = await mosquittoSub(t, port, "plant/#", ...secure, "-q", "1");
    const pub = ["-h", "127.0.0.1", "-p", String(port), "-t", "plant/pot", "-q", "1"];
    for (const [words, payload] of [
      [["--tls-version", "tlsv1.2"], "twelve"],
      [["--tls-version", "tlsv1.3"], "thirteen"],
      [["--insecure"], "insecure"],
      [["--tls-alpn", "mqtt"], "alpn"],
      [["--ciphers", "ECDHE-ECDSA-AES256-GCM-SHA384", "--tls-version", "tlsv1.2"], "ciphers"],
    ] as const) {
      const result = await runToEnd(t, "mosquitto_pub", [
        ...pub,
        "-m",
        payload,
        ...secure,
        ...words,
      ]);
      assert.equal(result.code, 0, result.errors);
      await sub.until((text) => text.includes(`plant/pot ${payload}`), payload);
    }
    const foreign = await runToEnd(t, "mosquitto_pub", [
      ...pub,
      "-m",
      "x",
      "--tls-alpn",
      "h2",
      ...secure,
    ]);
    assert.notEqual(foreign.code, 0);
  });

  test("come in with a certificate, and not without", async (t) => {
    const here = tlsSite(t);
    const client = here.ca.issue("client");
    const broker = await aedesBehindWires();
    t.after(() => broker.stop());
    const { port } = await startListener(t, {
      accept: broker.accept,
      options: { tls: tlsOptions(here, { requireCertificate: true }) },
    });
    const pub = ["-h", "127.0.0.1", "-p", String(port), "-t", "a", "-m", "b", "-q", "1"];
    const secure = [...pub, "--cafile", here.ca.cert];
    const own = ["--cert", client.cert, "--key", client.key];
    assert.equal((await runToEnd(t, "mosquitto_pub", [...secure, ...own])).code, 0);
    assert.notEqual((await runToEnd(t, "mosquitto_pub", secure)).code, 0);
    assert.notEqual((await runToEnd(t, "mosquitto_pub", pub)).code, 0);
  });
});

test("mqtt.js publishes and subscribes over TLS and over secure WebSocket", async (t) => {
  const here = tlsSite(t);
  const client = here.ca.issue("client");
  const broker = await aedesBehindWires();
  t.after(() => broker.stop());
  const tls = tlsOptions(here, { requireCertificate: true });
  for (const protocol of ["mqtt", "websockets"] as const) {
    const { port } = await startListener(t, { accept: broker.accept, options: { tls, protocol } });
    const url = protocol === "mqtt" ? `mqtts://127.0.0.1:${port}` : `wss://127.0.0.1:${port}/any`;
    const trust = { ca: readFileSync(here.ca.cert), ...identified(client) };
    const connection = await mqtt.connectAsync(url, { ...trust, wsOptions: trust });
    await connection.subscribeAsync(`${protocol}/#`, { qos: 1 });
    const arrived = new Promise<[string, Buffer]>((resolve) =>
      connection.once("message", (topic, payload) => resolve([topic, payload])),
    );
    await connection.publishAsync(`${protocol}/pot`, "wet", { qos: 2 });
    const [topic, payload] = await arrived;
    assert.deepEqual([topic, payload.toString()], [`${protocol}/pot`, "wet"]);
    await connection.endAsync();
  }
});

test("client certificates", async (t) => {
  const here = tlsSite(t);
  const { ca, folder } = here;
  const revoked = ca.issue("revoked");
  ca.revoke(revoked);
  const tls = tlsOptions(here, { requireCertificate: true, crlFile: ca.crl() });
  const rig = await startListener(t, { options: { tls } });

  const CLOCK = "\\(or the clock of this machine is wrong\\)";
  const OUT_OF_DATE = `its certificate has expired ${CLOCK}`;
  const refusals: readonly (readonly [string, Issued | undefined, string])[] = [
    ["expired", ca.issue("expired", { expired: true }), OUT_OF_DATE],
    ["revoked", revoked, "its certificate is revoked"],
    [
      "of another CA",
      new TestCa(folder, "elsewhere").issue("foreign"),
      "its certificate comes from a CA that is not trusted here",
    ],
    ["missing", undefined, "it showed no certificate"],
  ];
  for (const [what, issued, problem] of refusals) {
    for (const version of VERSIONS) {
      await t.test(`${what} by ${version}: refused, and the log says why`, async (t) => {
        const lines = rig.log.lines.length;
        const options = { ...identified(issued), minVersion: version, maxVersion: version };
        assert.equal(await echoes(dial(t, rig, ca, options)), false);
        await rig.until(() => rig.log.lines.length > lines, "a line in the log");
        const line = rig.log.lines[lines] ?? "";
        assert.match(line, new RegExp(`from 127\\.0\\.0\\.1:\\d+ rejected, ${problem}\\.`));
        assert.equal(rig.ends.length, 0);
      });
    }
  }

  await t.test("good: taken, with no user name where none was asked for", async (t) => {
    assert.equal(await echoes(dial(t, rig, ca, identified(ca.issue("good")))), true);
    assert.equal(rig.ends[0]?.wire.identity, undefined);
    assert.equal(rig.ends[0]?.wire.address, "127.0.0.1");
  });
});

describe("the user name from a certificate", () => {
  test("is its common name, or its whole subject", async (t) => {
    const here = tlsSite(t);
    const client = here.ca.issue("client", {
      subject: "/C=GB/L=Nottingham/O=Server/OU=Production/CN=test cliënt",
    });
    for (const [userNameFrom, username] of [
      ["common-name", "test cliënt"],
      ["subject", "CN=test cli\\C3\\ABnt,OU=Production,O=Server,L=Nottingham,C=GB"],
    ] as const) {
      const rig = await startListener(t, { options: { tls: tlsOptions(here, { userNameFrom }) } });
      assert.equal(await echoes(dial(t, rig, here.ca, identified(client))), true);
      assert.deepEqual(rig.ends[0]?.wire.identity, {
        username,
        verified: true,
        kind: "certificate",
      });
    }
  });

  test("is known again when a TLS session is resumed", async (t) => {
    const here = tlsSite(t);
    const client = here.ca.issue("client");
    const rig = await startListener(t, {
      options: { tls: tlsOptions(here, { userNameFrom: "common-name" }) },
    });
    for (const version of VERSIONS) {
      const options = { ...identified(client), minVersion: version, maxVersion: version };
      const session = await sessionOf(dial(t, rig, here.ca, options));
      const again = dial(t, rig, here.ca, { ...options, session });
      assert.equal(await echoes(again), true);
      assert.equal(again.isSessionReused(), true);
      assert.equal(rig.ends.at(-1)?.wire.identity?.username, "client");
    }
  });

  for (const [what, subject] of [
    ["no common name", "/O=nobody"],
    ["a control character in it", "/CN=a\tb"],
  ] as const) {
    test(`with ${what}: refused`, async (t) => {
      const here = tlsSite(t);
      const client = here.ca.issue("client", { subject });
      const rig = await startListener(t, {
        options: { tls: tlsOptions(here, { userNameFrom: "common-name" }) },
      });
      assert.equal(await echoes(dial(t, rig, here.ca, identified(client))), false);
      assert.equal(rig.ends.length, 0);
      await rig.until(() => rig.log.lines.some((line) => line.includes("common name")), "the log");
    });
  }

  test("is demanded even where require_certificate is not set", async (t) => {
    const here = tlsSite(t);
    const rig = await startListener(t, {
      options: { tls: tlsOptions(here, { userNameFrom: "common-name" }) },
    });
    assert.equal(await echoes(dial(t, rig, here.ca, {})), false);
    assert.equal(rig.ends.length, 0);
  });
});

test("a folder of CAs is trusted as a file of them is", async (t) => {
  const here = tlsSite(t);
  const client = here.ca.issue("client");
  const capath = join(here.folder, "authorities");
  mkdirSync(capath);
  copyFileSync(here.ca.cert, join(capath, "ours.pem"));
  copyFileSync(new TestCa(here.folder, "more").cert, join(capath, "more.crt"));
  writeFileSync(join(capath, "README"), "no certificate");
  const rig = await startListener(t, {
    options: {
      tls: tlsOptions(here, { caFile: undefined, caPath: capath, requireCertificate: true }),
    },
  });
  assert.equal(await echoes(dial(t, rig, here.ca, identified(client))), true);
});

describe("versions and ciphers", () => {
  test("below the lowest version: refused", async (t) => {
    const here = tlsSite(t);
    const rig = await startListener(t, {
      options: { tls: tlsOptions(here, {}, { minimumVersion: "TLSv1.3" }) },
    });
    assert.equal(await echoes(dial(t, rig, here.ca, { maxVersion: "TLSv1.2" })), false);
    assert.equal(await echoes(dial(t, rig, here.ca, {})), true);
  });

  test("only those that the options name", async (t) => {
    const here = tlsSite(t);
    const ciphers = "ECDHE-ECDSA-AES256-GCM-SHA384";
    const rig = await startListener(t, {
      options: { tls: tlsOptions(here, {}, { ciphers, ciphersTls13: "TLS_AES_128_GCM_SHA256" }) },
    });
    const old = { maxVersion: "TLSv1.2" } as const;
    const first = dial(t, rig, here.ca, old);
    assert.equal(await echoes(first), true);
    assert.equal(first.getCipher().name, ciphers);
    const other = { ...old, ciphers: "ECDHE-ECDSA-AES128-GCM-SHA256" };
    assert.equal(await echoes(dial(t, rig, here.ca, other)), false);
    const newer = dial(t, rig, here.ca, {});
    assert.equal(await echoes(newer), true);
    assert.equal(newer.getCipher().name, "TLS_AES_128_GCM_SHA256");
  });
});

describe("files that are read again", () => {
  test("new handshakes see the new certificate, and old connections go on", async (t) => {
    const here = tlsSite(t);
    const rig = await startListener(t, { options: { tls: tlsOptions(here) } });
    const old = dial(t, rig, here.ca, {});
    assert.equal(await echoes(old), true);
    replace(here.ca.issue("renewed"), here.server);
    await rig.listener.reload();
    assert.equal(await servedName(t, rig, here.ca), "renewed");
    assert.equal(await echoes(old, "still there"), true);
    assert.equal(old.getPeerCertificate().subject.CN, "server");
  });

  test("a change is noticed without being told", async (t) => {
    const here = tlsSite(t);
    const rig = await startListener(t, { options: { tls: tlsOptions(here) } });
    replace(here.ca.issue("renewed"), here.server);
    await rig.until(
      () => rig.log.lines.some((line) => line.includes("read again")),
      "a reload",
      1000,
    );
    assert.equal(await servedName(t, rig, here.ca), "renewed");
  });

  test("so is a link that points elsewhere", async (t) => {
    const here = tlsSite(t);
    const [cert, key] = [join(here.folder, "live.crt"), join(here.folder, "live.key")];
    symlinkSync(here.server.cert, cert);
    symlinkSync(here.server.key, key);
    const files = { certFile: cert, keyFile: key };
    const rig = await startListener(t, { options: { tls: tlsOptions(here, files) } });
    const renewed = here.ca.issue("renewed");
    for (const [link, target] of [
      [cert, renewed.cert],
      [key, renewed.key],
    ] as const) {
      unlinkSync(link);
      symlinkSync(target, link);
    }
    await rig.until(
      () => rig.log.lines.some((line) => line.includes("read again")),
      "a reload",
      1000,
    );
    assert.equal(await servedName(t, rig, here.ca), "renewed");
  });

  test("and a file that a link leads to in another folder", async (t) => {
    const here = tlsSite(t);
    const away = join(here.folder, "away");
    mkdirSync(away);
    const stored = { cert: join(away, "s.crt"), key: join(away, "s.key") };
    replace(here.server, stored);
    const [certFile, keyFile] = [join(here.folder, "live.crt"), join(here.folder, "live.key")];
    symlinkSync(stored.cert, certFile);
    symlinkSync(stored.key, keyFile);
    const rig = await startListener(t, {
      options: { tls: tlsOptions(here, { certFile, keyFile }) },
    });
    replace(here.ca.issue("renewed"), stored);
    const reloaded = (): boolean => rig.log.lines.some((line) => line.includes("read again"));
    await rig.until(reloaded, "a reload", 1000);
    assert.equal(await servedName(t, rig, here.ca), "renewed");
  });

  test("a bad new file leaves everything as it was, and the log says so", async (t) => {
    const here = tlsSite(t);
    const rig = await startListener(t, { options: { tls: tlsOptions(here) } });
    const bad: readonly (() => void)[] = [
      () => writeFileSync(here.server.cert, "nonsense"),
      () => unlinkSync(here.server.cert),
      () => replace({ ...here.server, cert: here.ca.issue("keyless").cert }, here.server),
    ];
    for (const spoil of bad) {
      spoil();
      await rig.listener.reload();
      assert.match(
        rig.log.lines.at(-1) ?? "",
        /^error: listener\[0\]: TLS files stay as they were: \S+\.(crt|key): /,
      );
      assert.equal(await servedName(t, rig, here.ca), "server");
    }
  });

  for (const version of VERSIONS) {
    test(`whoever is revoked cannot come back, nor resume a session of ${version}`, async (t) => {
      const here = tlsSite(t);
      const [client, other] = [here.ca.issue("client"), here.ca.issue("other")];
      const crlFile = here.ca.crl();
      const tls = tlsOptions(here, { requireCertificate: true, crlFile });
      const rig = await startListener(t, { options: { tls } });
      const options = { ...identified(client), minVersion: version, maxVersion: version };
      const session = await sessionOf(dial(t, rig, here.ca, options));
      here.ca.revoke(client);
      here.ca.crl();
      await rig.listener.reload();
      assert.equal(await echoes(dial(t, rig, here.ca, { ...options, session })), false);
      assert.equal(await echoes(dial(t, rig, here.ca, identified(other))), true);
    });
  }
});

describe("what cannot be used is told before anything is opened", () => {
  const cases: readonly (readonly [
    string,
    (here: TlsSite) => Partial<CertificateOptions>,
    RegExp,
  ])[] = [
    [
      "no such file",
      () => ({ certFile: "/nowhere/s.crt" }),
      /^cannot listen on port 0: \/nowhere\/s\.crt: there is no such file \(set by listener\[0\]\)$/,
    ],
    ["a folder", ({ folder }) => ({ certFile: folder }), /it is a folder, not a file \(set/],
    [
      "no certificate",
      ({ server }) => ({ certFile: server.key }),
      /server\.key: there is no certificate in it \(set/,
    ],
    [
      "no key",
      ({ server }) => ({ keyFile: server.cert }),
      /server\.crt: there is no private key in PEM form in it \(set/,
    ],
    [
      "the key of another",
      ({ ca }) => ({ keyFile: ca.issue("x").key }),
      /x\.key: it is not the key of the certificate in \S+server\.crt \(set/,
    ],
    [
      "an encrypted key",
      encryptedKey,
      /protected by a pass phrase.*openssl pkey -in \S+ -out NEW-FILE \(set/,
    ],
    ["a damaged certificate", damaged, /damaged\.crt: certificate 2 in it is damaged \(set/],
    ["no CA", ({ server }) => ({ caFile: server.key }), /there is no certificate in it \(set/],
    ["an empty CA folder", emptyFolder, /no CA certificate in any of its files \(set/],
    [
      "no revocation list",
      ({ ca }) => ({ crlFile: ca.cert }),
      /no certificate revocation list in PEM form in it \(set/,
    ],
    [
      "no CA to verify with",
      () => ({ caFile: undefined, requireCertificate: true }),
      /without cafile or capath no client certificate can be verified/,
    ],
  ];
  for (const [what, options, message] of cases) {
    test(what, async (t) => {
      const here = tlsSite(t);
      const tls = tlsOptions(here, options(here));
      const { listener } = prepareListener(t, { options: { tls } });
      await assert.rejects(listener.start(), { message });
    });
  }

  for (const [what, options, message] of [
    ["no such cipher", { ciphers: "NONE-SUCH" }, /: ciphers: no cipher match \(set/],
    [
      "no such cipher of TLS 1.3",
      { ciphersTls13: "TLS_NONE" },
      /: ciphers_tls1\.3: no cipher match \(set/,
    ],
    [
      "no parameters",
      { dhparamFile: "/etc/hostname" },
      /: \/etc\/hostname: there are no Diffie-Hellman parameters/,
    ],
  ] as const) {
    test(what, async (t) => {
      const { listener } = prepareListener(t, {
        options: { tls: tlsOptions(tlsSite(t), {}, options) },
      });
      await assert.rejects(listener.start(), { message });
    });
  }

  test("an expired certificate of our own is a warning: the clock may be wrong", async (t) => {
    const here = tlsSite(t);
    const old = here.ca.issue("old", { expired: true });
    const rig = await startListener(t, {
      options: { tls: tlsOptions(here, { certFile: old.cert, keyFile: old.key }) },
    });
    assert.deepEqual(rig.log.lines, [
      "warn: listener[0].certfile: the certificate expired on 2020-02-01; clients will not accept it.",
    ]);
  });
});

describe("bad handshakes harm nobody", () => {
  for (const [what, bytes, problem] of [
    [
      "plain MQTT",
      Buffer.from("101000044d5154540402003c000474657374", "hex"),
      /does not speak TLS|TLS handshake failed/,
    ],
    ["HTTP", Buffer.from("GET / HTTP/1.1\r\n\r\n"), /it speaks HTTP/],
    ["noise", Buffer.alloc(5000, 0xa5), /does not speak TLS|TLS handshake failed/],
    ["a record that is too long", Buffer.from("160301ffff01", "hex"), /TLS handshake failed/],
  ] as const) {
    test(`${what} instead of a ClientHello: closed`, async (t) => {
      const rig = await startListener(t, { options: { tls: tlsOptions(tlsSite(t)) } });
      const socket = connectTcp(rig.port, "127.0.0.1", () => socket.write(bytes));
      socket.on("error", () => {}).resume();
      await once(socket, "close");
      await rig.until(() => rig.log.lines.length > 0, "the log");
      assert.match(rig.log.lines[0] ?? "", problem);
      await rig.until(() => rig.listener.connections === 0, "the end");
    });
  }

  test("a handshake that does not go on is ended in time", async (t) => {
    const rig = await startListener(t, { options: { tls: tlsOptions(tlsSite(t)) } });
    const sockets = ["", "\x16\x03", "\x16\x03\x01\x02\x00\x01"].map((start) => {
      const socket = connectTcp(rig.port, "127.0.0.1", () => socket.write(start, "latin1"));
      return socket.on("error", () => {}).resume();
    });
    await rig.until(() => rig.listener.connections === 3, "three connections");
    rig.clock.advance(29_999);
    assert.equal(rig.listener.connections, 3);
    rig.clock.advance(1);
    await Promise.all(sockets.map((socket) => once(socket, "close")));
    await rig.until(() => rig.listener.connections === 0, "the end");
    assert.equal(rig.log.lines.filter((line) => line.includes("not ready within 30 s")).length, 3);
  });

  test("a peer that goes away within the handshake leaves nothing behind", async (t) => {
    const rig = await startListener(t, { options: { tls: tlsOptions(tlsSite(t)) } });
    for (let count = 0; count < 20; count++) {
      const socket = connectTcp(rig.port, "127.0.0.1", () => socket.end("\x16\x03\x01", "latin1"));
      socket.on("error", () => {}).resume();
      await once(socket, "close");
    }
    await rig.until(() => rig.listener.connections === 0 && rig.room.taken === 0, "the end");
  });

  test("noise within an encrypted connection ends it, with a cause in one line", async (t) => {
    const here = tlsSite(t);
    const rig = await startListener(t, { options: { tls: tlsOptions(here) } });
    const raw = connectTcp(rig.port, "127.0.0.1");
    t.after(() => raw.destroy());
    const socket = dial(t, rig, here.ca, { socket: raw });
    assert.equal(await echoes(socket), true);
    raw.write(Buffer.alloc(100, 0x17));
    await rig.until(() => rig.ends[0]?.isClosed === true, "the end");
    assert.match(rig.ends[0]?.closedBecause ?? "", /^TLS error: [a-z ]+$/);
    assert.equal(rig.room.taken, 0);
  });

  test("renegotiation is refused, and the listener serves on", async (t) => {
    const here = tlsSite(t);
    const rig = await startListener(t, { options: { tls: tlsOptions(here) } });
    const words = [
      "s_client",
      "-connect",
      `127.0.0.1:${rig.port}`,
      "-tls1_2",
      "-CAfile",
      here.ca.cert,
    ];
    const client = new Program(t, "openssl", words);
    await client.until((text) => text.includes("Verify return code"), "a handshake");
    client.input("R\nR\nR\nR\n");
    await client.end();
    assert.match(client.errors, /no renegotiation|handshake failure|RENEGOTIATING/i);
    assert.equal(await echoes(dial(t, rig, here.ca, {})), true);
  });
});

describe("what is sent in many pieces comes back whole and in order", () => {
  const pieces = Array.from({ length: 3000 }, (_, at) => randomBytes(1 + ((at * 7919) % 3000)));
  const whole = Buffer.concat(pieces);

  test("over TLS, on several connections side by side", async (t) => {
    const here = tlsSite(t);
    const rig = await startListener(t, { options: { tls: tlsOptions(here) }, accept: echo });
    const sockets = [1, 2, 3].map(() => dial(t, rig, here.ca, {}));
    const answers = sockets.map(async (socket) => {
      const chunks: Buffer[] = [];
      let length = 0;
      for await (const chunk of socket as AsyncIterable<Buffer>) {
        chunks.push(chunk);
        length += chunk.length;
        if (length >= whole.length) break;
      }
      return Buffer.concat(chunks);
    });
    for (const piece of pieces) for (const socket of sockets) socket.write(piece);
    for (const answer of await Promise.all(answers)) assert.ok(answer.equals(whole));
  });

  test("over secure WebSocket", async (t) => {
    const here = tlsSite(t);
    const options = { tls: tlsOptions(here), protocol: "websockets" } as const;
    const rig = await startListener(t, { options, accept: echo });
    const ca = readFileSync(here.ca.cert);
    const socket = new WebSocket(`wss://127.0.0.1:${rig.port}/`, ["mqtt"], { ca });
    await once(socket, "open");
    const chunks: Buffer[] = [];
    let length = 0;
    const answer = new Promise<void>((resolve) => {
      socket.on("message", (data: Buffer) => {
        chunks.push(data);
        length += data.length;
        if (length >= whole.length) resolve();
      });
    });
    for (const piece of pieces) socket.send(piece);
    await answer;
    assert.ok(Buffer.concat(chunks).equals(whole));
    socket.terminate();
  });
});

test("secure WebSocket takes headers of bounded size only", async (t) => {
  const here = tlsSite(t);
  const rig = await startListener(t, {
    options: { tls: tlsOptions(here), protocol: "websockets" },
  });
  const status = (headers: Record<string, string>): Promise<number> =>
    new Promise((resolve) => {
      const url = `wss://127.0.0.1:${rig.port}/mqtt`;
      const socket = new WebSocket(url, ["mqtt"], { ca: readFileSync(here.ca.cert), headers });
      socket.on("error", () => {});
      socket.on("open", () => {
        socket.terminate();
        resolve(101);
      });
      socket.on("unexpected-response", (_request, response) => {
        response.resume();
        resolve(response.statusCode ?? 0);
      });
    });
  assert.equal(await status({ Cookie: "x".repeat(10_000) }), 101);
  assert.equal(await status({ Cookie: "x".repeat(20_000) }), 431);
});

function echo(wire: Wire): WireEnd {
  return {
    receive(bytes) {
      wire.output.raw(bytes);
      wire.flush();
    },
    drained() {},
    closed() {},
  };
}

/** The session that a client may resume, once the server has given it. */
async function sessionOf(socket: TLSSocket): Promise<Buffer> {
  const given = once(socket, "session") as Promise<[Buffer]>;
  assert.equal(await echoes(socket), true);
  const [session] = await given;
  socket.destroy();
  return session;
}

function replace(from: Issued, to: Issued): void {
  for (const kind of ["cert", "key"] as const) {
    if (from[kind] === to[kind]) continue;
    copyFileSync(from[kind], `${to[kind]}.new`);
    renameSync(`${to[kind]}.new`, to[kind]);
  }
}

function encryptedKey({ server, folder }: TlsSite): Partial<CertificateOptions> {
  const keyFile = join(folder, "locked.key");
  opensslOutput("pkey", "-in", server.key, "-aes256", "-passout", "pass:secret", "-out", keyFile);
  return { keyFile };
}

function damaged({ server, folder }: TlsSite): Partial<CertificateOptions> {
  const certFile = join(folder, "damaged.crt");
  const whole = readFileSync(server.cert, "latin1");
  writeFileSync(certFile, whole + whole.replace(/\n[^-]{20}/, "\nAAAA"));
  return { certFile };
}

function emptyFolder({ folder }: TlsSite): Partial<CertificateOptions> {
  const caPath = join(folder, "none");
  mkdirSync(caPath);
  return { caPath, caFile: undefined };
}

test("subjects are written as openssl writes them", (t) => {
  const folder = temporaryFolder(t);
  for (const subject of [
    "/C=GB/ST=Nottinghamshire/L=Nottingham/O=Server/OU=Production/CN=test client",
    '/O=Serv\\/er, Inc/OU= lead"ing<>;\\\\ /OU=#hash/CN=tést ü\u{1f600}+UID=u1/emailAddress=a@b.c/title=t',
    "/DC=example/DC=plant/CN=a\tb\\+c = d/serialNumber=7/SN=x/GN=y/street=z",
  ]) {
    const cert = selfSigned(folder, subject);
    const { raw } = new X509Certificate(readFileSync(cert));
    const read = subjectOf(raw) ?? assert.fail();
    const words = ["x509", "-in", cert, "-noout", "-subject", "-nameopt", "RFC2253"];
    assert.equal(`subject=${subjectText(read)}\n`, opensslOutput(...words));
  }
});
