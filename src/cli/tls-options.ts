/** The TLS options that Mosquitto's clients have, and the files that they name. */
import { createPrivateKey, X509Certificate } from "node:crypto";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { createSecureContext, getCACertificates, type SecureContextOptions } from "node:tls";
import { type Command, InvalidArgumentError } from "commander";
import type { ClientTls } from "../sockets/tls-client.ts";
import { readWhole } from "./message-source.ts";
import { fail } from "./option-values.ts";

/** As commander hands them over. */
export interface TlsFlags {
  readonly cafile?: string | undefined;
  readonly capath?: string | undefined;
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
  readonly keyform?: string | undefined;
  readonly ciphers?: string | undefined;
  readonly insecure?: boolean | undefined;
  readonly tlsVersion?: TlsVersion | undefined;
  readonly tlsAlpn?: string | undefined;
  readonly tlsUseOsCerts?: boolean | undefined;
  readonly psk?: Uint8Array | undefined;
  readonly pskIdentity?: string | undefined;
}

type TlsVersion = "TLSv1.1" | "TLSv1.2" | "TLSv1.3";

export function addTlsOptions(command: Command): Command {
  return command
    .option("--cafile <file>", "use TLS, and trust the CA certificates in this file")
    .option("--capath <folder>", "use TLS, and trust the CA certificates in this folder's files")
    .option("--tls-use-os-certs", "use TLS, and trust the CAs that the operating system trusts")
    .option("--cert <file>", "certificate to show to the broker; needs --key")
    .option("--key <file>", "private key of that certificate")
    .option("--keyform <form>", "form of the private key: pem", keyForm)
    .option("--insecure", "do not check that the certificate is for the broker's name; for tests")
    .option("--tls-version <version>", "oldest version: tlsv1.3, tlsv1.2 or tlsv1.1", tlsVersion)
    .option("--tls-alpn <protocol>", "application protocol to ask for", alpn)
    .option("--ciphers <list>", "ciphers to offer up to TLS 1.2, as OpenSSL writes them")
    .option("--psk <key>", "use TLS with this pre-shared key, in hexadecimal", hexadecimalKey)
    .option("--psk-identity <identity>", "identity that the pre-shared key belongs to");
}

function keyForm(value: string): string {
  if (value !== "pem") throw new InvalidArgumentError("Private keys are read from PEM files only.");
  return value;
}

const VERSIONS: Readonly<Record<string, TlsVersion>> = {
  "tlsv1.1": "TLSv1.1",
  "tlsv1.2": "TLSv1.2",
  "tlsv1.3": "TLSv1.3",
};

function tlsVersion(value: string): TlsVersion {
  const version = VERSIONS[value.toLowerCase()];
  if (version === undefined) {
    throw new InvalidArgumentError("It must be tlsv1.3, tlsv1.2 or tlsv1.1.");
  }
  return version;
}

function alpn(value: string): string {
  if (value.length === 0 || Buffer.byteLength(value) > 255) {
    throw new InvalidArgumentError("A protocol has a name of 1 to 255 bytes.");
  }
  return value;
}

const LONGEST_KEY = 512;

function hexadecimalKey(value: string): Uint8Array {
  if (!/^[0-9a-f]+$/i.test(value) || value.length > LONGEST_KEY) {
    throw new InvalidArgumentError("A key is 1 to 256 bytes in hexadecimal, without 0x.");
  }
  return Buffer.from(value.length % 2 === 0 ? value : `0${value}`, "hex");
}

/** TLS as the options say; `wanted` is whether the URL or the port asks for it already. Undefined is none. */
export function tlsSettings(
  command: Command,
  flags: TlsFlags,
  wanted: boolean,
): ClientTls | undefined {
  const { cafile, capath, cert, key, keyform, psk, pskIdentity } = flags;
  const hasCa = cafile !== undefined || capath !== undefined;
  if ((cert === undefined) !== (key === undefined)) {
    fail(command, "--cert and --key go together.");
  }
  if (keyform !== undefined && key === undefined) fail(command, "--keyform needs --key.");
  if (psk !== undefined && hasCa) {
    fail(command, "Only one of --psk and --cafile or --capath can be used.");
  }
  if (psk !== undefined && pskIdentity === undefined) fail(command, "--psk needs --psk-identity.");
  if (psk === undefined && pskIdentity !== undefined) fail(command, "--psk-identity needs --psk.");
  if (!wanted && !hasCa && psk === undefined && flags.tlsUseOsCerts !== true) {
    refuseWithoutTls(command, flags);
    return undefined;
  }
  const context: SecureContextOptions = {
    ...(flags.tlsVersion === undefined ? {} : { minVersion: flags.tlsVersion }),
    ca: psk === undefined ? authorities(command, flags, wanted) : [],
    ...(cert === undefined || key === undefined ? {} : identityOf(command, cert, key)),
  };
  const tls: ClientTls = {
    context,
    ciphers: flags.ciphers ?? (flags.tlsVersion === "TLSv1.1" ? CIPHERS_BEFORE_12 : undefined),
    verifyName: flags.insecure !== true,
    alpn: flags.tlsAlpn,
    psk:
      psk === undefined || pskIdentity === undefined
        ? undefined
        : { identity: pskIdentity, key: psk },
  };
  checkCiphers(command, flags.ciphers);
  return tls;
}

/** What would say something about TLS must not be passed over while the connection is in the clear. */
function refuseWithoutTls(command: Command, flags: TlsFlags): void {
  const names = ["cert", "insecure", "tlsVersion", "tlsAlpn", "ciphers"] as const;
  const name = names.find((one) => flags[one] !== undefined);
  if (name === undefined) return;
  const option = command.options.find((one) => one.attributeName() === name)?.long ?? name;
  fail(
    command,
    `${option} has no effect without TLS: give --cafile, --capath, --tls-use-os-certs or --psk, too.`,
  );
}

/** The TLS library has switched off versions before 1.2 unless its security level is lowered. */
const CIPHERS_BEFORE_12 = "DEFAULT@SECLEVEL=0";

function checkCiphers(command: Command, ciphers: string | undefined): void {
  if (ciphers === undefined) return;
  try {
    createSecureContext({ ciphers });
  } catch {
    fail(command, `--ciphers: the TLS library knows no cipher of "${ciphers}".`);
  }
}

function authorities(
  command: Command,
  { cafile, capath, tlsUseOsCerts }: TlsFlags,
  wanted: boolean,
): string[] {
  const found: string[] = [];
  if (cafile !== undefined) found.push(...certificatesIn(command, "--cafile", cafile));
  if (capath !== undefined) found.push(...certificatesUnder(command, capath));
  if (tlsUseOsCerts === true || wanted) found.push(...getCACertificates("system"));
  return found;
}

/** Files of a CA folder: by extension, or by the names that `openssl rehash` gives. */
const CA_FILE = /\.(?:pem|crt|cer)$|^[0-9a-f]{8}\.\d+$/;

function certificatesUnder(command: Command, folder: string): string[] {
  let names: string[];
  try {
    names = readdirSync(folder).filter((name) => CA_FILE.test(name));
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    fail(
      command,
      `--capath: cannot read "${folder}": ${code === "ENOENT" ? "there is no such folder" : message}.`,
    );
  }
  const found = names.flatMap((name) => {
    const bytes = readWhole(join(folder, name));
    return typeof bytes === "string" ? [] : blocksOf(bytes);
  });
  if (found.length === 0) {
    fail(command, `--capath: no file in "${folder}" holds a CA certificate (.crt, .pem).`);
  }
  return [...new Set(found)];
}

function certificatesIn(command: Command, option: string, file: string): string[] {
  const blocks = blocksOf(readFile(command, option, file));
  if (blocks.length === 0) {
    fail(command, `${option}: there is no certificate in PEM form in "${file}".`);
  }
  for (const block of blocks) {
    try {
      new X509Certificate(block);
    } catch {
      fail(command, `${option}: a certificate in "${file}" is damaged.`);
    }
  }
  return blocks;
}

function blocksOf(bytes: Uint8Array): string[] {
  const text = Buffer.from(bytes).toString("latin1");
  return text.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g) ?? [];
}

function readFile(command: Command, option: string, file: string): Uint8Array {
  const bytes = readWhole(file);
  if (typeof bytes === "string") fail(command, `${option}: ${bytes}`);
  return bytes;
}

function identityOf(command: Command, certFile: string, keyFile: string): SecureContextOptions {
  const chain = certificatesIn(command, "--cert", certFile);
  const key = Buffer.from(readFile(command, "--key", keyFile));
  if (/ENCRYPTED/.test(key.toString("latin1"))) {
    fail(
      command,
      `--key: "${keyFile}" is protected by a pass phrase; take it off with openssl pkey -in "${keyFile}" -out NEW-FILE.`,
    );
  }
  let fits: boolean;
  try {
    fits = new X509Certificate(chain[0] as string).checkPrivateKey(createPrivateKey(key));
  } catch {
    fail(command, `--key: there is no private key in PEM form in "${keyFile}".`);
  }
  if (!fits) {
    fail(command, `--key: "${keyFile}" is not the key of the certificate in "${certFile}".`);
  }
  return { cert: chain.join("\n"), key };
}
