/** From a listener's TLS options to what the TLS library is told, checked before it is put into force. */
import { constants, X509Certificate } from "node:crypto";
import { createSecureContext, DEFAULT_CIPHERS, type SecureContextOptions } from "node:tls";
import type { CertificateOptions, PskOptions, TlsOptions } from "./options.ts";
import { type PskTable, parsePskFile } from "./psk-file.ts";
import { TlsFileError } from "./tls-file-error.ts";
import { filesOfCaPath, readCertificateFiles, readTlsFile } from "./tls-files.ts";

export interface LoadedTls {
  readonly context: SecureContextOptions;
  /** Keys by identity; empty with certificates. */
  readonly keys: PskTable;
  /** When the server's certificate expires, Unix ms; undefined with pre-shared keys. */
  readonly expires: number | undefined;
  /** The CAs that client certificates must come from. */
  readonly trusted: readonly X509Certificate[];
  /** What was read, folders included. */
  readonly files: readonly string[];
}

const NO_KEYS: PskTable = new Map();
/** Renegotiation has been of no use but to attackers. */
const NO_RENEGOTIATION = constants.SSL_OP_NO_RENEGOTIATION;
/** A session that is resumed says less of the client than the one that it began with. */
const NO_RESUMPTION = NO_RENEGOTIATION | constants.SSL_OP_NO_TICKET;

const [TLS13_CIPHERS, CERTIFICATE_CIPHERS] = splitByVersion(DEFAULT_CIPHERS);
/** Suites of pre-shared keys, those with forward secrecy first. */
const PSK_CIPHERS = "kECDHEPSK+HIGH:kDHEPSK+HIGH:kPSK+HIGH:!CAMELLIA:!ARIA";

/** Rejects with TlsFileError, or with an Error that names the option. */
export async function loadTls(options: TlsOptions): Promise<LoadedTls> {
  const { identification, dhparamFile } = options;
  const common = commonContext(options);
  const dhparam = dhparamFile === undefined ? "auto" : await readParameters(dhparamFile);
  const context = { ...common, dhparam };
  const files = dhparamFile === undefined ? [] : [dhparamFile];
  return identification.kind === "psk"
    ? await withKeys(identification, context, files)
    : await withCertificates(identification, context, files);
}

function commonContext(options: TlsOptions): SecureContextOptions {
  const { identification, ciphers, ciphersTls13, minimumVersion } = options;
  const usual = identification.kind === "psk" ? PSK_CIPHERS : CERTIFICATE_CIPHERS;
  for (const [name, value] of [
    ["ciphers", ciphers],
    ["ciphers_tls1.3", ciphersTls13],
  ] as const) {
    if (value === undefined) continue;
    attempt({ ciphers: value }, (why) => new Error(`${name}: ${why}`));
  }
  return {
    minVersion: minimumVersion,
    ciphers: `${ciphersTls13 ?? TLS13_CIPHERS}:${ciphers ?? usual}`,
    honorCipherOrder: true,
    secureOptions: NO_RENEGOTIATION,
  };
}

async function readParameters(file: string): Promise<Buffer> {
  const dhparam = await readTlsFile(file);
  // The TLS library passes over what it cannot read, without a word.
  if (!dhparam.includes("-----BEGIN DH PARAMETERS-----")) {
    throw new TlsFileError(file, "there are no Diffie-Hellman parameters in PEM form in it");
  }
  attempt({ dhparam }, (why) => new TlsFileError(file, `no usable parameters: ${why}`));
  return dhparam;
}

async function withCertificates(
  options: CertificateOptions,
  common: SecureContextOptions,
  files: readonly string[],
): Promise<LoadedTls> {
  const { certFile, keyFile, caFile, caPath, crlFile } = options;
  const { cert, key, ca, crl, expires } = await readCertificateFiles(options);
  if (crl !== undefined && crlFile !== undefined) {
    attempt({ crl }, (why) => new TlsFileError(crlFile, `no usable revocation list: ${why}`));
  }
  const context = {
    ...common,
    cert,
    key,
    ca,
    ...(crl === undefined ? {} : { crl }),
    ...(options.ignoreDates === true ? { secureOptions: NO_RESUMPTION } : {}),
  };
  attempt(context, (why) => new TlsFileError(certFile, `the TLS library refuses it: ${why}`));
  const optional = [caFile, caPath, crlFile].filter((file) => file !== undefined);
  const inFolder = caPath === undefined ? [] : await filesOfCaPath(caPath);
  return {
    context,
    keys: NO_KEYS,
    expires,
    trusted: options.ignoreDates === true ? ca.map((pem) => new X509Certificate(pem)) : [],
    files: [...files, certFile, keyFile, ...optional, ...inFolder],
  };
}

async function withKeys(
  { file }: PskOptions,
  common: SecureContextOptions,
  files: readonly string[],
): Promise<LoadedTls> {
  const keys = parsePskFile(await readTlsFile(file));
  if ("problem" in keys) throw new TlsFileError(file, keys.problem);
  const context = { ...common, secureOptions: NO_RESUMPTION, ca: [] };
  return { context, keys, expires: undefined, trusted: [], files: [...files, file] };
}

/** Has the TLS library look at options; throws what `error` makes of its complaint. */
function attempt(context: SecureContextOptions, error: (why: string) => Error): void {
  try {
    createSecureContext(context);
  } catch (complaint) {
    const { reason, message } = complaint as Error & { readonly reason?: string };
    throw Object.assign(error(reason ?? message), { cause: complaint });
  }
}

/** Suites of TLS 1.3, and those before it, of a list that holds both. */
function splitByVersion(ciphers: string): readonly [string, string] {
  const names = ciphers.split(":");
  const isNew = (name: string): boolean => name.startsWith("TLS_");
  return [names.filter(isNew).join(":"), names.filter((name) => !isNew(name)).join(":")];
}
