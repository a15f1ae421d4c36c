/** How a listener speaks TLS. */
import * as v from "valibot";
import { choice, flag, list, path, text } from "./fields.ts";

/** What OpenSSL takes for a list of ciphers. */
const CIPHERS_RULE = {
  expected: 'names of ciphers with colons between them, or ""',
  allows: (ciphers: string) => /^[A-Za-z0-9_+!@=:,.\- ]*$/.test(ciphers),
};

export const LISTENER_TLS = {
  certfile: v.optional(
    path({
      description:
        "The server's certificate, PEM, with the certificates between it and the CA behind it. With it the listener speaks TLS. Read again when it changes.",
      restart: true,
    }),
    "",
  ),
  keyfile: v.optional(
    path({
      description: "The key of that certificate, PEM. Read again when it changes.",
      restart: true,
    }),
    "",
  ),
  cafile: v.optional(
    path({
      description:
        "The CAs that client certificates must come from, PEM. Read again when it changes.",
      restart: true,
    }),
    "",
  ),
  capath: v.optional(
    path({
      description: "A folder of files with such CAs, PEM. Read again when it changes.",
      restart: true,
    }),
    "",
  ),
  crlfile: v.optional(
    path({
      description: "Client certificates that were revoked, PEM. Read again when it changes.",
      restart: true,
    }),
    "",
  ),
  require_certificate: v.optional(
    flag({ description: "Let in only those clients that show a certificate.", restart: true }),
    false,
  ),
  use_identity_as_username: v.optional(
    flag({
      description:
        "The common name of the client's certificate, or its identity with pre-shared keys, is its user name.",
      restart: true,
    }),
    false,
  ),
  use_subject_as_username: v.optional(
    flag({
      description: "The whole subject of the client's certificate is its user name.",
      restart: true,
    }),
    false,
  ),
  disable_client_cert_date_checks: v.optional(
    flag({
      description:
        "Take client certificates before and after their time, too: for machines that do not know the time. Not with crlfile.",
      restart: true,
    }),
    false,
  ),
  tls_version: v.optional(
    choice(["tlsv1.2", "tlsv1.3"], {
      description: "The lowest version of TLS that is spoken.",
      restart: true,
    }),
    "tlsv1.2",
  ),
  ciphers: v.optional(
    text(
      {
        description: 'The ciphers of TLS 1.2, as OpenSSL writes them; "" means the usual ones.',
        restart: true,
      },
      CIPHERS_RULE,
    ),
    "",
  ),
  ciphers_tls13: v.optional(
    text(
      {
        description:
          'The ciphers of TLS 1.3, as OpenSSL writes them; "" means the usual ones. Mosquitto calls it ciphers_tls1.3.',
        restart: true,
      },
      CIPHERS_RULE,
    ),
    "",
  ),
  dhparamfile: v.optional(
    path({
      description: 'Diffie-Hellman parameters, PEM; "" means well-known ones.',
      restart: true,
    }),
    "",
  ),
  tls_alpn: v.optional(
    list(
      {
        description: 'The protocols that are offered by ALPN, such as "mqtt". None: no ALPN.',
        restart: true,
      },
      {
        expected: "the name of a protocol",
        allows: (name) => /^[\x21-\x7e]{1,255}$/.test(name),
      },
    ),
    [],
  ),
  psk_hint: v.optional(
    text({
      description:
        "With it, clients come in by TLS with pre-shared keys, which psk_file tells. Any text: it is shown to the clients.",
      restart: true,
    }),
    "",
  ),
};
