/** Certificates, keys, CAs and revocation lists of a running Midge change under it; connections go on. */
import assert from "node:assert/strict";
import { copyFileSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, type TestContext, test } from "node:test";
import { connect } from "node:tls";
import { type Issued, TestCa } from "../kit/certificates.ts";
import { freePort } from "../kit/ports.ts";
import { midge, mosquittoSub, type Program, runToEnd, temporaryFolder } from "../kit/processes.ts";

interface Site {
  readonly program: Program;
  readonly port: number;
  readonly folder: string;
  readonly ca: TestCa;
  /** The files that the listener names. */
  readonly files: Issued;
}

const READ_AGAIN = "listener[0]: TLS files read again.";
const KEPT = "listener[0]: TLS files stay as they were: ";

/** Midge with a TLS listener that asks for client certificates, by a mosquitto.conf. */
async function site(t: TestContext): Promise<Site> {
  const folder = temporaryFolder(t);
  const ca = new TestCa(folder);
  const port = await freePort();
  const files = { cert: join(folder, "live.crt"), key: join(folder, "live.key") };
  writeOver(ca.issue("first"), files);
  const file = join(folder, "mosquitto.conf");
  writeFileSync(
    file,
    `listener ${port} 127.0.0.1
allow_anonymous true
certfile ${files.cert}
keyfile ${files.key}
cafile ${ca.cert}
crlfile ${ca.crl()}
require_certificate true
persistence_location ${folder}
`,
  );
  const program = midge(t, "-c", file, "-v");
  await program.until((text) => text.includes("Midge is ready."), "readiness");
  return { program, port, folder, ca, files };
}

/** Under the same names, by way of files beside them. */
function renameOver(from: Issued, to: Issued): void {
  for (const kind of ["cert", "key"] as const) {
    copyFileSync(from[kind], `${to[kind]}.new`);
    renameSync(`${to[kind]}.new`, to[kind]);
  }
}

/** Into the very files. */
function writeOver(from: Issued, to: Issued): void {
  for (const kind of ["cert", "key"] as const) writeFileSync(to[kind], readFileSync(from[kind]));
}

/** Common name of the certificate that a new connection is shown. */
function servedName({ port, ca }: Site, { cert, key }: Issued): Promise<string> {
  const identity = { cert: readFileSync(cert), key: readFileSync(key) };
  return new Promise((resolve, reject) => {
    const options = { host: "127.0.0.1", port, ca: readFileSync(ca.cert), ...identity };
    const socket = connect(options, () => {
      resolve(String(socket.getPeerCertificate().subject.CN));
      socket.destroy();
    });
    socket.on("error", reject);
  });
}

function count(program: Program, line: string): number {
  return (program.output + program.errors).split(line).length - 1;
}

async function logged(program: Program, line: string, times: number): Promise<void> {
  await program.until(() => count(program, line) >= times, `${line} (${times})`);
}

function words({ cert, key }: Issued, ca: TestCa): string[] {
  return ["--cafile", ca.cert, "--cert", cert, "--key", key];
}

async function publish(t: TestContext, { port, ca }: Site, who: Issued, payload: string) {
  const target = ["-h", "127.0.0.1", "-p", String(port), "-t", "plant/pot", "-q", "1"];
  return runToEnd(t, "mosquitto_pub", [...target, "-m", payload, ...words(who, ca)]);
}

describe("new files are taken without being told, and old connections go on", () => {
  for (const [how, replace] of [
    ["renamed over the old ones", renameOver],
    ["written into the old ones", writeOver],
  ] as const) {
    test(how, async (t) => {
      const here = await site(t);
      const { program, port, ca, files } = here;
      const client = ca.issue("client");
      const sub = await mosquittoSub(t, port, "plant/#", ...words(client, ca), "-q", "1");
      assert.equal(await servedName(here, client), "first");
      for (const [index, name] of ["second", "third"].entries()) {
        replace(ca.issue(name), files);
        await logged(program, READ_AGAIN, index + 1);
        assert.equal(await servedName(here, client), name);
        assert.equal((await publish(t, here, client, name)).code, 0);
        await sub.until((text) => text.includes(`plant/pot ${name}`), name);
      }
    });
  }
});

test("a broken new file leaves the old one in force until it is mended", async (t) => {
  const here = await site(t);
  const { program, ca, files } = here;
  const client = ca.issue("client");
  writeFileSync(files.cert, "-----BEGIN CERTIFICATE-----\nnonsense\n");
  await logged(program, `${KEPT}${files.cert}: `, 1);
  assert.equal(await servedName(here, client), "first");
  // A certificate without its key, as when only one of the two has been written yet.
  writeFileSync(files.cert, readFileSync(ca.issue("second").cert));
  await logged(program, `${KEPT}${files.key}: it is not the key`, 1);
  assert.equal(await servedName(here, client), "first");
  program.signal("SIGHUP");
  await logged(program, `${KEPT}${files.key}: it is not the key`, 2);
  assert.equal(await servedName(here, client), "first");
  renameOver(ca.issue("third"), files);
  await logged(program, READ_AGAIN, 1);
  assert.equal(await servedName(here, client), "third");
});

test("who is revoked stays out from then on, and who is in stays in", async (t) => {
  const here = await site(t);
  const { program, port, ca } = here;
  const [client, other] = [ca.issue("client"), ca.issue("other")];
  const sub = await mosquittoSub(t, port, "plant/#", ...words(client, ca), "-q", "1");
  ca.revoke(client);
  ca.crl();
  await logged(program, READ_AGAIN, 1);
  assert.notEqual((await publish(t, here, client, "revoked")).code, 0);
  await logged(program, "rejected, its certificate is revoked.", 1);
  assert.equal((await publish(t, here, other, "fine")).code, 0);
  await sub.until((text) => text.includes("plant/pot fine"), "the message");
  assert.doesNotMatch(sub.output, /plant\/pot revoked/);
});

test("a CA that is added is trusted, on SIGHUP at once", async (t) => {
  const here = await site(t);
  const { program, ca, folder } = here;
  const added = new TestCa(folder, "added");
  const stranger = added.issue("stranger");
  assert.notEqual((await publish(t, here, stranger, "early")).code, 0);
  // Whoever has a revocation list needs one of every CA.
  const crl = join(folder, "ca.crl");
  writeFileSync(crl, readFileSync(crl, "utf8") + readFileSync(added.crl(), "utf8"));
  writeFileSync(ca.cert, readFileSync(ca.cert, "utf8") + readFileSync(added.cert, "utf8"));
  program.signal("SIGHUP");
  await logged(program, READ_AGAIN, 1);
  assert.equal((await publish(t, here, stranger, "late")).code, 0);
});
