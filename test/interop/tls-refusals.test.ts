/** What a TLS listener says in its log of handshakes that come to nothing, each made for real. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { connect as connectTcp } from "node:net";
import { describe, type TestContext, test } from "node:test";
import { type ConnectionOptions, connect } from "node:tls";
import type { TlsOptions } from "../../src/listeners/options.ts";
import { TestCa } from "../kit/certificates.ts";
import { type ListenerRig, startListener } from "../kit/listener-rig.ts";
import { runToEnd } from "../kit/processes.ts";
import { type TlsSite, tlsOptions, tlsSite } from "../kit/tls-site.ts";

type Dial = (rig: ListenerRig, here: TlsSite, t: TestContext) => Promise<unknown>;

/** By Node's TLS; fulfilled when it is over. */
function byNode(options: (here: TlsSite) => ConnectionOptions): Dial {
  return (rig, here) =>
    new Promise((resolve) => {
      const { port } = rig;
      const ca = readFileSync(here.ca.cert);
      const socket = connect({ host: "127.0.0.1", port, ca, ...options(here) });
      socket.on("error", () => {});
      socket.on("close", resolve);
      // Whatever comes in is of no interest, but must be read for the end to be seen.
      socket.resume();
    });
}

/** By mosquitto_pub, with these words. */
function byMosquitto(words: (here: TlsSite) => readonly string[]): Dial {
  return (rig, here, t) => {
    const target = ["-h", "127.0.0.1", "-p", String(rig.port), "-t", "a", "-m", "b", "-q", "1"];
    return runToEnd(t, "mosquitto_pub", [...target, ...words(here)]);
  };
}

/** Bytes that are no TLS. */
function byBytes(bytes: Uint8Array | string): Dial {
  return (rig) =>
    new Promise((resolve) => {
      const socket = connectTcp(rig.port, "127.0.0.1");
      socket.on("error", () => {});
      socket.on("close", resolve);
      socket.resume();
      socket.write(bytes);
    });
}

const CONNECT = Uint8Array.from([16, 16, 0, 4, 77, 81, 84, 84, 4, 2, 0, 60, 0, 4, 97, 98, 99, 100]);
const AES_256 = "ECDHE-ECDSA-AES256-GCM-SHA384";
const AES_128 = "ECDHE-ECDSA-AES128-GCM-SHA256";

const CASES: readonly (readonly [
  title: string,
  listener: (here: TlsSite) => TlsOptions,
  dial: Dial,
  problem: string,
])[] = [
  ["plain MQTT", tlsOptions, byBytes(CONNECT), "it does not speak TLS"],
  ["mosquitto_pub without TLS", tlsOptions, byMosquitto(() => []), "it does not speak TLS"],
  ["a PROXY header", tlsOptions, byBytes("PROXY UNKNOWN\r\n"), "it does not speak TLS"],
  [
    "a browser",
    tlsOptions,
    byBytes("GET / HTTP/1.1\r\n\r\n"),
    "it speaks HTTP, and TLS is spoken here",
  ],
  [
    "a version that is too old",
    (here) => tlsOptions(here, {}, { minimumVersion: "TLSv1.3" }),
    byNode(() => ({ maxVersion: "TLSv1.2" })),
    "it offers no version of TLS that is allowed here",
  ],
  [
    "no shared cipher, by TLS 1.2",
    (here) => tlsOptions(here, {}, { ciphers: AES_256 }),
    byNode(() => ({ maxVersion: "TLSv1.2", ciphers: AES_128 })),
    "it offers no cipher that is allowed here",
  ],
  [
    "no shared cipher, by TLS 1.3",
    (here) => tlsOptions(here, {}, { ciphersTls13: "TLS_AES_256_GCM_SHA384" }),
    byNode(() => ({ minVersion: "TLSv1.3", ciphers: "TLS_AES_128_GCM_SHA256" })),
    "it offers no cipher that is allowed here",
  ],
  [
    "no shared application protocol",
    (here) => tlsOptions(here, {}, { alpn: ["mqtt"] }),
    byNode(() => ({ ALPNProtocols: ["h2"] })),
    "it offers none of the protocols of tls_alpn",
  ],
  [
    "no client certificate",
    (here) => tlsOptions(here, { requireCertificate: true }),
    byMosquitto(({ ca }) => ["--cafile", ca.cert]),
    "it showed no certificate",
  ],
  [
    "a client that trusts another CA",
    tlsOptions,
    byMosquitto(({ folder }) => ["--cafile", new TestCa(folder, "other").cert]),
    "it does not trust the CA of our certificate",
  ],
  [
    "a client that sees that our certificate has expired",
    (here) => {
      const { cert, key } = here.ca.issue("old", { expired: true });
      return tlsOptions(here, { certFile: cert, keyFile: key });
    },
    byMosquitto(({ ca }) => ["--cafile", ca.cert]),
    "it says that our certificate has expired",
  ],
  [
    "a client that breaks off",
    tlsOptions,
    (rig) =>
      new Promise((resolve) => {
        const socket = connectTcp(rig.port, "127.0.0.1", () => socket.resetAndDestroy());
        socket.on("error", () => {});
        socket.on("close", resolve);
      }),
    "it ended within the TLS handshake",
  ],
];

describe("the log says why there is no connection", () => {
  for (const [title, listener, dial, problem] of CASES) {
    test(title, async (t) => {
      const here = tlsSite(t);
      const rig = await startListener(t, { options: { tls: listener(here) } });
      await dial(rig, here, t);
      const lines = () => rig.log.lines.filter((line) => line.startsWith("connection: "));
      await rig.until(() => lines().length > 0, "a line in the log");
      assert.deepEqual(
        lines().map((line) => line.replace(/127\.0\.0\.1:\d+/, "IT")),
        [`connection: Connection from IT rejected, ${problem}.`],
      );
      assert.equal(rig.ends.length, 0);
    });
  }
});
