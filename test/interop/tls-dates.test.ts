/** Client certificates on a machine that does not know the time: their dates do not count, all else does. */
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, type TestContext, test } from "node:test";
import { connect } from "node:tls";
import type { CertificateOptions, TlsOptions } from "../../src/listeners/options.ts";
import { type Issued, type IssueOptions, opensslOutput, TestCa } from "../kit/certificates.ts";
import { type ListenerRig, prepareListener, startListener } from "../kit/listener-rig.ts";
import { runToEnd, temporaryFolder } from "../kit/processes.ts";
import { type TlsSite, tlsOptions, tlsSite } from "../kit/tls-site.ts";

/** Certificates are wanted, and their dates do not count. */
function timeless(here: TlsSite, more: Partial<CertificateOptions> = {}): TlsOptions {
  const certificates = {
    requireCertificate: true,
    userNameFrom: "common-name",
    ignoreDates: true,
  } as const;
  return tlsOptions(here, { ...certificates, ...more });
}

/** Whether what is sent comes back. */
function echoes(rig: ListenerRig, who: Issued | undefined, version: Version): Promise<boolean> {
  const identity = who && { cert: readFileSync(who.cert), key: readFileSync(who.key) };
  const versions = { minVersion: version, maxVersion: version };
  const { port } = rig;
  return new Promise((resolve) => {
    const options = { host: "127.0.0.1", port, rejectUnauthorized: false, ...versions };
    const socket = connect({ ...options, ...identity }, () => socket.write("hello"));
    socket.on("error", () => {});
    socket.on("data", () => {
      resolve(true);
      socket.destroy();
    });
    socket.on("close", () => resolve(false));
  });
}

const VERSIONS = ["TLSv1.2", "TLSv1.3"] as const;
type Version = (typeof VERSIONS)[number];

/** A CA under the test's own, whose certificate has these lines of extensions. */
function authority({ folder, ca }: TlsSite, options: IssueOptions): TestCa {
  ca.issue("middle", options);
  return new TestCa(folder, "middle", true);
}

const CA_EXTENSIONS = "basicConstraints = critical,CA:true\nkeyUsage = critical,keyCertSign\n";

/** The certificate of `who` with that of `above` behind it, as clients send it. */
function withChain({ folder }: TlsSite, who: Issued, above: TestCa): Issued {
  const cert = join(folder, "chain.crt");
  writeFileSync(cert, readFileSync(who.cert, "utf8") + readFileSync(above.cert, "utf8"));
  return { cert, key: who.key };
}

/** Whether OpenSSL counts a path as good is told by the titles. */
const GOOD: readonly (readonly [string, (here: TlsSite) => Issued])[] = [
  ["of today", ({ ca }) => ca.issue("client")],
  ["that has expired", ({ ca }) => ca.issue("client", { expired: true })],
  ["that is not valid yet", ({ ca }) => ca.issue("client", { early: true })],
  [
    "that has expired, by a CA that has expired, too",
    (here) => {
      const middle = authority(here, { expired: true, extensions: CA_EXTENSIONS });
      return withChain(here, middle.issue("client", { expired: true }), middle);
    },
  ],
  [
    "that has expired, for clients only",
    ({ ca }) =>
      ca.issue("client", {
        expired: true,
        extensions:
          "keyUsage = critical,digitalSignature\nextendedKeyUsage = critical,clientAuth\n",
      }),
  ],
];

const UNTRUSTED = "its certificate comes from a CA that is not trusted here";
const NO_CA = "its certificate comes from one that is no CA";
const PURPOSE = "its certificate is not one for clients";

const BAD: readonly (readonly [string, (here: TlsSite) => Issued | undefined, string])[] = [
  ["none at all", () => undefined, "it showed no certificate"],
  [
    "one of another CA",
    ({ folder }) => new TestCa(folder, "other").issue("client", { expired: true }),
    UNTRUSTED,
  ],
  [
    "one of another CA of the same name",
    (here) => {
      const folder = temporaryFolder(contexts.get(here) as TestContext);
      return new TestCa(folder).issue("client", { expired: true });
    },
    UNTRUSTED,
  ],
  [
    "one that is signed by itself",
    ({ ca, folder }) => {
      const { cert, key } = ca.issue("client");
      const request = ["-in", join(folder, "client.csr"), "-keyfile", key, "-out", cert];
      const dates = ["-startdate", "20200101000000Z", "-enddate", "20200201000000Z"];
      const settings = ["-config", join(folder, "ca.settings")];
      opensslOutput("ca", "-batch", "-selfsign", "-notext", ...settings, ...request, ...dates);
      return { cert, key };
    },
    "its certificate is signed by no CA",
  ],
  [
    "one that a client has signed",
    (here) => {
      const middle = authority(here, {});
      return withChain(here, middle.issue("client", { expired: true }), middle);
    },
    NO_CA,
  ],
  [
    "one that stands deeper than its CA may sign",
    (here) => {
      const extensions = `basicConstraints = critical,CA:true,pathlen:0\nkeyUsage = keyCertSign\n`;
      const middle = authority(here, { extensions });
      middle.issue("lower", { extensions: CA_EXTENSIONS });
      const lower = new TestCa(here.folder, "lower", true);
      const client = lower.issue("client", { expired: true });
      return withChain(here, withChain(here, client, lower), middle);
    },
    NO_CA,
  ],
  [
    "one by a CA that may sign certain names only",
    (here) => {
      const extensions = `${CA_EXTENSIONS}nameConstraints = critical,permitted;DNS:example\n`;
      const middle = authority(here, { extensions });
      const nameless = { expired: true, extensions: "keyUsage = digitalSignature\n" };
      return withChain(here, middle.issue("client", nameless), middle);
    },
    NO_CA,
  ],
  [
    "one for servers",
    ({ ca }) => ca.issue("client", { expired: true, extensions: "extendedKeyUsage=serverAuth\n" }),
    PURPOSE,
  ],
  [
    "one for encipherment",
    ({ ca }) => ca.issue("client", { expired: true, extensions: "keyUsage=keyEncipherment\n" }),
    PURPOSE,
  ],
  [
    "one with a critical extension that nobody knows",
    ({ ca }) => ca.issue("client", { expired: true, extensions: "1.2.3.4 = critical,DER:0500\n" }),
    "its certificate has limits that cannot be verified here",
  ],
];

const contexts = new WeakMap<TlsSite, TestContext>();

describe("a certificate whose dates do not count is taken", () => {
  for (const [title, issue] of GOOD) {
    test(title, async (t) => {
      const here = tlsSite(t);
      const rig = await startListener(t, { options: { tls: timeless(here) } });
      const who = issue(here);
      for (const version of VERSIONS) assert.equal(await echoes(rig, who, version), true, version);
      const names = rig.ends.map(({ wire }) => wire.identity?.username);
      assert.deepEqual(names, ["client", "client"]);
    });
  }
});

describe("and refused for all else", () => {
  for (const [title, issue, problem] of BAD) {
    test(title, async (t) => {
      const here = tlsSite(t);
      contexts.set(here, t);
      const rig = await startListener(t, { options: { tls: timeless(here) } });
      const who = issue(here);
      for (const version of VERSIONS) assert.equal(await echoes(rig, who, version), false, version);
      const told = () => rig.log.lines.filter((one) => one.startsWith("connection: "));
      await rig.until(() => told().length > 1, "two lines in the log");
      const line = `connection: Connection from IT rejected, ${problem}.`;
      assert.deepEqual(
        told().map((one) => one.replace(/127\.0\.0\.1:\d+/, "IT")),
        [line, line],
      );
      assert.equal(rig.ends.length, 0);
    });
  }
});

test("mosquitto_pub comes in with a certificate that has expired", async (t) => {
  const here = tlsSite(t);
  const rig = await startListener(t, { options: { tls: timeless(here) } });
  const { cert, key } = here.ca.issue("client", { expired: true });
  const words = ["-h", "127.0.0.1", "-p", String(rig.port), "--cafile", here.ca.cert];
  const client = runToEnd(t, "mosquitto_pub", [
    ...words,
    "--cert",
    cert,
    "--key",
    key,
    "-t",
    "a",
    "-n",
  ]);
  await rig.until(() => rig.ends.length === 1, "a connection");
  rig.ends[0]?.wire.close();
  await client;
});

for (const version of VERSIONS) {
  test(`no session of ${version} is resumed, as it would say less of the certificate`, async (t) => {
    const here = tlsSite(t);
    const rig = await startListener(t, { options: { tls: timeless(here) } });
    const { cert, key } = here.ca.issue("client", { expired: true });
    const target = [
      "-connect",
      `127.0.0.1:${rig.port}`,
      version === "TLSv1.2" ? "-tls1_2" : "-tls1_3",
    ];
    const client = ["s_client", ...target, "-cert", cert, "-key", key, "-CAfile", here.ca.cert];
    const { output } = await runToEnd(t, "openssl", [...client, "-reconnect"], "Q\n");
    assert.match(output, /^New, TLS/m);
    assert.doesNotMatch(output, /^Reused/m);
  });
}

test("with a revocation list it cannot be, as dates would hide who is revoked", async (t) => {
  const here = tlsSite(t);
  const tls = timeless(here, { crlFile: here.ca.crl() });
  const { listener } = prepareListener(t, { options: { tls } });
  await assert.rejects(listener.start(), { message: /^cannot listen on port 0: with crlfile/ });
});
