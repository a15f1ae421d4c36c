/** Reads the files that TLS needs, and checks that they fit together, before any of them is used. */
import { createPrivateKey, type KeyObject, X509Certificate } from "node:crypto";
import { open, readdir } from "node:fs/promises";
import { join } from "node:path";
import type { CertificateOptions } from "./options.ts";
import { fileProblem, TlsFileError } from "./tls-file-error.ts";

/** A file of certificates is far smaller; the limit keeps a wrong path from filling the memory. */
const LARGEST_FILE = 8 * 1024 * 1024;
const MOST_CA_FILES = 10_000;
/** Files of a CA folder: by extension, or by the names that `openssl rehash` gives. */
const CA_FILE = /\.(?:pem|crt|cer)$|^[0-9a-f]{8}\.\d+$/;

export interface CertificateFiles {
  readonly cert: Buffer;
  readonly key: Buffer;
  /** Empty: no client certificate can be verified. */
  readonly ca: string[];
  readonly crl: string[] | undefined;
  /** When the server's certificate expires, Unix ms. */
  readonly expires: number;
}

/** Rejects with TlsFileError. */
export async function readCertificateFiles(options: CertificateOptions): Promise<CertificateFiles> {
  const { certFile, keyFile, caFile, caPath, crlFile } = options;
  const cert = await readTlsFile(certFile);
  const key = await readTlsFile(keyFile);
  const [own] = certificatesIn(cert, certFile);
  if (own === undefined) throw new TlsFileError(certFile, "there is no certificate in it");
  if (!own.checkPrivateKey(privateKey(key, keyFile))) {
    throw new TlsFileError(keyFile, `it is not the key of the certificate in ${certFile}`);
  }
  const ca: string[] = [];
  if (caFile !== undefined) ca.push(...(await authoritiesIn(caFile)));
  if (caPath !== undefined) {
    for (const file of await filesOfCaPath(caPath)) ca.push(...(await authoritiesIn(file)));
    if (ca.length === 0)
      throw new TlsFileError(caPath, "there is no CA certificate in any of its files");
  }
  const crl = crlFile === undefined ? undefined : await revocationsIn(crlFile);
  return { cert, key, ca: [...new Set(ca)], crl, expires: Date.parse(own.validTo) };
}

/** The files of a folder of CAs, in order of their names. Rejects with TlsFileError. */
export async function filesOfCaPath(folder: string): Promise<string[]> {
  try {
    const names = (await readdir(folder)).filter((name) => CA_FILE.test(name));
    return names
      .sort()
      .slice(0, MOST_CA_FILES)
      .map((name) => join(folder, name));
  } catch (error) {
    throw new TlsFileError(folder, fileProblem(error), error);
  }
}

/** A whole file, of bounded size. Rejects with TlsFileError. */
export async function readTlsFile(path: string): Promise<Buffer> {
  try {
    const file = await open(path);
    try {
      const { size } = await file.stat();
      if (size > LARGEST_FILE) throw new Error("it is too large for what it should be");
      return await file.readFile();
    } finally {
      await file.close();
    }
  } catch (error) {
    throw new TlsFileError(path, fileProblem(error), error);
  }
}

function privateKey(pem: Buffer, file: string): KeyObject {
  if (/ENCRYPTED/.test(pem.toString("latin1"))) {
    throw new TlsFileError(
      file,
      `the key is protected by a pass phrase, which nobody is there to type. Take it off: openssl pkey -in ${file} -out NEW-FILE`,
    );
  }
  try {
    return createPrivateKey(pem);
  } catch (error) {
    throw new TlsFileError(file, "there is no private key in PEM form in it", error);
  }
}

async function authoritiesIn(file: string): Promise<string[]> {
  const pem = await readTlsFile(file);
  if (certificatesIn(pem, file).length === 0) {
    throw new TlsFileError(file, "there is no certificate in it");
  }
  return blocksOf(pem, "CERTIFICATE");
}

async function revocationsIn(file: string): Promise<string[]> {
  const blocks = blocksOf(await readTlsFile(file), "X509 CRL");
  if (blocks.length === 0) {
    throw new TlsFileError(file, "there is no certificate revocation list in PEM form in it");
  }
  return blocks;
}

function certificatesIn(pem: Buffer, file: string): X509Certificate[] {
  return blocksOf(pem, "CERTIFICATE").map((block, index) => {
    try {
      return new X509Certificate(block);
    } catch (error) {
      throw new TlsFileError(file, `certificate ${index + 1} in it is damaged`, error);
    }
  });
}

/** The PEM blocks of one kind. One at a time, as the TLS library reads only the first of a text. */
function blocksOf(pem: Buffer, kind: "CERTIFICATE" | "X509 CRL"): string[] {
  const block = new RegExp(`-----BEGIN ${kind}-----[^-]*-----END ${kind}-----`, "g");
  return pem.toString("latin1").match(block) ?? [];
}
