/** The files that TLS needs towards another broker, read and checked: what is wrong with them is told in words. */
import { createPrivateKey, X509Certificate } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { SecureContextOptions } from "node:tls";

/** A file cannot be used; the message names it. */
export class TlsFileFault extends Error {}

/** The CA certificates in a file. Throws TlsFileFault. */
export function authoritiesIn(file: string): string[] {
  const blocks = certificatesIn(read(file));
  if (blocks.length === 0) fault(file, "there is no certificate in PEM form in it");
  for (const [index, block] of blocks.entries()) {
    try {
      new X509Certificate(block);
    } catch {
      fault(file, `certificate ${index + 1} in it is damaged`);
    }
  }
  return blocks;
}

/** Files of a CA folder: by extension, or by the names that `openssl rehash` gives. */
const CA_FILE = /\.(?:pem|crt|cer)$|^[0-9a-f]{8}\.\d+$/;

/** The CA certificates in a folder's files. Throws TlsFileFault. */
export function authoritiesUnder(folder: string): string[] {
  let names: string[];
  try {
    names = readdirSync(folder).filter((name) => CA_FILE.test(name));
  } catch (error) {
    fault(folder, whyUnreadable(error));
  }
  const found = names.flatMap((name) => certificatesIn(read(join(folder, name))));
  if (found.length === 0) fault(folder, "no file in it holds a CA certificate (.crt, .pem)");
  return [...new Set(found)];
}

/** A certificate with those behind it, and its key. Throws TlsFileFault. */
export function identityFrom(certificate: string, keyFile: string): SecureContextOptions {
  const chain = authoritiesIn(certificate);
  const key = read(keyFile);
  if (key.includes("ENCRYPTED")) {
    fault(keyFile, "it is protected by a pass phrase: take that off with openssl pkey");
  }
  let fits: boolean;
  try {
    fits = new X509Certificate(chain[0] as string).checkPrivateKey(createPrivateKey(key));
  } catch {
    fault(keyFile, "there is no private key in PEM form in it");
  }
  if (!fits)
    fault(keyFile, `it is not the key of the certificate in ${JSON.stringify(certificate)}`);
  return { cert: chain.join("\n"), key };
}

function certificatesIn(text: string): string[] {
  return text.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g) ?? [];
}

function read(file: string): string {
  try {
    return readFileSync(file, "latin1");
  } catch (error) {
    return fault(file, whyUnreadable(error));
  }
}

function whyUnreadable(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === "ENOENT") return "there is no such file";
  return code === "EACCES" || code === "EPERM" ? "it may not be read" : message;
}

function fault(file: string, problem: string): never {
  throw new TlsFileFault(`${JSON.stringify(file)}: ${problem}`);
}
