/** A folder with a CA, a server's certificate, and the options of a listener that shows it. */
import type { TestContext } from "node:test";
import type { CertificateOptions, TlsOptions } from "../../src/listeners/options.ts";
import { type Issued, TestCa } from "./certificates.ts";
import { temporaryFolder } from "./processes.ts";

export interface TlsSite {
  readonly folder: string;
  readonly ca: TestCa;
  readonly server: Issued;
}

export function tlsSite(t: TestContext): TlsSite {
  const folder = temporaryFolder(t);
  const ca = new TestCa(folder);
  return { folder, ca, server: ca.issue("server") };
}

export function tlsOptions(
  { ca, server }: TlsSite,
  certificates: Partial<CertificateOptions> = {},
  more: Partial<TlsOptions> = {},
): TlsOptions {
  return {
    identification: {
      kind: "certificate",
      certFile: server.cert,
      keyFile: server.key,
      caFile: ca.cert,
      requireCertificate: false,
      ...certificates,
    },
    minimumVersion: "TLSv1.2",
    alpn: [],
    ...more,
  };
}
