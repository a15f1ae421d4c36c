/** Certificates for tests, made with the openssl command in a folder that goes with the test. */
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";

export interface Issued {
  readonly cert: string;
  readonly key: string;
}

export interface IssueOptions {
  /** As `openssl req -subj` takes it; the name alone if not given. */
  readonly subject?: string | undefined;
  /** Already over. */
  readonly expired?: boolean | undefined;
  /** Not yet begun. */
  readonly early?: boolean | undefined;
  /** Lines of OpenSSL's configuration for extensions, instead of the usual ones. */
  readonly extensions?: string | undefined;
  /** Whom it is for, as in OpenSSL's subjectAltName; this machine if not given. */
  readonly names?: string | undefined;
}

const CURVE = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];

/** A CA, its files in `folder` under names that begin with `name`. */
export class TestCa {
  readonly cert: string;
  readonly #folder: string;
  readonly #name: string;
  readonly #config: string;

  /** `issued`: the CA's own certificate, where another signed it, in `folder` under the name `name`. */
  constructor(folder: string, name = "ca", issued = false) {
    this.#folder = folder;
    this.#name = name;
    this.cert = this.#path("crt");
    this.#config = this.#path("settings");
    writeFileSync(this.#path("index"), "");
    writeFileSync(this.#path("serial"), "01\n");
    writeFileSync(this.#path("crlnumber"), "01\n");
    writeFileSync(this.#config, this.#settings());
    if (issued) return;
    openssl(
      "req",
      "-x509",
      ...CURVE,
      "-keyout",
      this.#path("key"),
      "-out",
      this.cert,
    )(...["-subj", `/CN=Test ${name}`, "-days", "2", "-config", this.#config]);
  }

  /** A certificate for 127.0.0.1, ::1 and localhost, good for servers and clients. */
  issue(
    name: string,
    { subject = `/CN=${name}`, expired, early, names, extensions }: IssueOptions = {},
  ): Issued {
    const cert = join(this.#folder, `${name}.crt`);
    const key = join(this.#folder, `${name}.key`);
    const request = join(this.#folder, `${name}.csr`);
    openssl(
      "req",
      "-new",
      ...CURVE,
      "-keyout",
      key,
      "-out",
      request,
    )(...["-subj", subject, "-utf8", "-multivalue-rdn", "-config", this.#config]);
    const dates = expired
      ? ["-startdate", "20200101000000Z", "-enddate", "20200201000000Z"]
      : early
        ? ["-startdate", "20900101000000Z", "-enddate", "20900201000000Z"]
        : ["-days", "1"];
    const own = extensions ?? (names === undefined ? undefined : `subjectAltName = ${names}\n`);
    const file = join(this.#folder, `${name}.cnf`);
    if (own !== undefined) writeFileSync(file, own);
    const extra = own === undefined ? [] : ["-extfile", file];
    this.#ca("-in", request, "-out", cert, "-notext", ...dates, ...extra);
    return { cert, key };
  }

  revoke({ cert }: Issued): void {
    this.#ca("-revoke", cert);
  }

  /** Writes the revocation list as it is now, and answers its path. */
  crl(): string {
    const path = this.#path("crl");
    this.#ca("-gencrl", "-crldays", "1", "-out", path);
    return path;
  }

  #ca(...words: readonly string[]): void {
    openssl("ca", "-batch", "-config", this.#config)(...words);
  }

  #path(extension: string): string {
    return join(this.#folder, `${this.#name}.${extension}`);
  }

  #settings(): string {
    return `
[req]
distinguished_name = name
x509_extensions = authority
string_mask = utf8only
[name]
[authority]
basicConstraints = critical,CA:true
keyUsage = critical,keyCertSign,cRLSign
[ca]
default_ca = this
[this]
database = ${this.#path("index")}
serial = ${this.#path("serial")}
crlnumber = ${this.#path("crlnumber")}
new_certs_dir = ${this.#folder}
certificate = ${this.#path("crt")}
private_key = ${this.#path("key")}
default_md = sha256
unique_subject = no
preserve = yes
policy = any
x509_extensions = leaf
[any]
countryName = optional
localityName = optional
organizationName = optional
organizationalUnitName = optional
commonName = optional
[leaf]
basicConstraints = critical,CA:false
subjectAltName = IP:127.0.0.1,IP:::1,DNS:localhost
`;
  }
}

function openssl(...first: readonly string[]): (...more: readonly string[]) => void {
  return (...more) => {
    execFileSync("openssl", [...first, ...more], { stdio: "pipe" });
  };
}

/** A certificate in `folder` that is signed by nobody else, with this subject as `openssl req -subj` takes it. */
export function selfSigned(folder: string, subject: string): string {
  const cert = join(folder, "self.crt");
  const key = join(folder, "self.key");
  openssl(
    "req",
    "-x509",
    ...CURVE,
    "-keyout",
    key,
    "-out",
    cert,
  )(...["-subj", subject, "-utf8", "-multivalue-rdn", "-days", "2"]);
  return cert;
}

/** What openssl prints. */
export function opensslOutput(...words: readonly string[]): string {
  return execFileSync("openssl", words, { stdio: "pipe" }).toString();
}
