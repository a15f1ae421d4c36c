/** What a listener is told: where it listens, what is spoken there, and who may come in. */

export interface ListenerOptions {
  /** The part of the configuration that the listener comes from, for error messages: `listener[0]`. */
  readonly setting: string;
  /** TCP port; 0 takes any that is free. Not used with `unix`. */
  readonly port: number;
  /** IP address or host name; empty for every address. Not used with `unix`. */
  readonly address: string;
  /** Of the addresses, those of one version of IP only. */
  readonly socketDomain?: "ipv4" | "ipv6" | undefined;
  /** Listens on each address of this network interface, whatever `address` says. */
  readonly bindInterface?: string | undefined;
  /** Listens on a Unix socket instead. */
  readonly unix?: UnixSocketOptions | undefined;
  readonly protocol: "mqtt" | "websockets";
  /** Connections at a time, over all addresses; more are closed at once. Undefined is no limit. */
  readonly maxConnections?: number | undefined;
  readonly tls?: TlsOptions | undefined;
  readonly proxy?: ProxyOptions | undefined;
  /** Goes with protocol "websockets". */
  readonly webSocket?: WebSocketOptions | undefined;
}

export interface UnixSocketOptions {
  readonly path: string;
  /** File permissions; undefined leaves them to the process's umask. */
  readonly mode?: number | undefined;
}

/** What a proved name becomes: the user name is the common name, or the whole subject, of the certificate. */
export type UserNameFrom = "common-name" | "subject";

export interface TlsOptions {
  readonly identification: CertificateOptions | PskOptions;
  readonly minimumVersion: "TLSv1.2" | "TLSv1.3";
  /** As OpenSSL writes them, of TLS 1.2; undefined for the usual ones. */
  readonly ciphers?: string | undefined;
  /** The same of TLS 1.3. */
  readonly ciphersTls13?: string | undefined;
  /** Diffie-Hellman parameters; undefined for well-known ones. */
  readonly dhparamFile?: string | undefined;
  /** Protocols that ALPN may settle on. None: what clients offer is not looked at. */
  readonly alpn: readonly string[];
}

export interface CertificateOptions {
  readonly kind: "certificate";
  /** The certificate, with those between it and the CA behind it, PEM. */
  readonly certFile: string;
  readonly keyFile: string;
  /** CAs that client certificates must come from, PEM. */
  readonly caFile?: string | undefined;
  /** A folder of such files. */
  readonly caPath?: string | undefined;
  readonly crlFile?: string | undefined;
  /** Clients must show a certificate that verifies. A user name from it requires one, too. */
  readonly requireCertificate: boolean;
  readonly userNameFrom?: UserNameFrom | undefined;
  /** Client certificates count before and after their time. Not with `crlFile`. */
  readonly ignoreDates?: boolean | undefined;
}

export interface PskOptions {
  readonly kind: "psk";
  readonly hint: string;
  readonly file: string;
  /** The identity becomes the user name. */
  readonly useIdentityAsUsername: boolean;
}

export interface ProxyOptions {
  readonly version: 1 | 2;
  /** The client must have come to the load balancer by TLS; version 2 only. */
  readonly requireTls: boolean;
  /** The load balancer must have verified a certificate of the client; version 2 only. */
  readonly requireCertificate: boolean;
  /** The common name in that certificate becomes the user name; version 2 only. */
  readonly useIdentityAsUsername: boolean;
}

export interface WebSocketOptions {
  /** Web sites whose pages may connect, as browsers write them in Origin; undefined is any. */
  readonly origins: readonly string[] | undefined;
  /**
   * On a loopback address, take pages of this machine only: no page of elsewhere is to reach a
   * listener that asks for no password.
   */
  readonly guardLoopback: boolean;
  /** The longest request headers, bytes. */
  readonly headersSize: number;
  /** The longest WebSocket message, bytes. */
  readonly maximumPayload: number;
  /** A folder whose files plain HTTP requests get; undefined for none. */
  readonly files?: string | undefined;
}
