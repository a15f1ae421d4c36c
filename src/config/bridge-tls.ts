/** How a bridge speaks TLS and WebSocket, and logs in with tokens of its own making: parts of `[[bridge]]`. */
import * as v from "valibot";
import { choice, duration, flag, path, text } from "./fields.ts";

const CIPHERS_RULE = {
  expected: 'names of ciphers with colons between them, or ""',
  allows: (ciphers: string) => /^[A-Za-z0-9_+!@=:,.\- ]*$/.test(ciphers),
};

export const BRIDGE_TLS = {
  tls: v.optional(
    flag({
      description:
        "Speak TLS, and trust the CAs that the system trusts. So do cafile, capath, use_os_certs and psk.",
    }),
    false,
  ),
  cafile: v.optional(
    path({ description: "The CAs that the other broker's certificate may come from, PEM." }),
    "",
  ),
  capath: v.optional(path({ description: "A folder of files with such CAs, PEM." }), ""),
  use_os_certs: v.optional(
    flag({ description: "Trust the CAs that the system trusts, too." }),
    false,
  ),
  certfile: v.optional(
    path({
      description:
        "The bridge's own certificate, PEM. Read for each connection, as are the other files of TLS.",
    }),
    "",
  ),
  keyfile: v.optional(path({ description: "The key of that certificate, PEM." }), ""),
  psk: v.optional(
    text(
      {
        description: "A pre-shared key in hexadecimal, which takes the place of certificates.",
        secret: true,
      },
      {
        expected: 'a key of up to 256 bytes in hexadecimal, without 0x, or ""',
        allows: (key) => /^[0-9A-Fa-f]{0,512}$/.test(key),
      },
    ),
    "",
  ),
  psk_identity: v.optional(text({ description: "The identity that the key belongs to." }), ""),
  insecure: v.optional(
    flag({
      description: "Do not check that the other broker's certificate is for its name. For tests.",
    }),
    false,
  ),
  tls_version: v.optional(
    choice(["tlsv1.2", "tlsv1.3"], { description: "The lowest version of TLS that is spoken." }),
    "tlsv1.2",
  ),
  ciphers: v.optional(
    text(
      { description: 'The ciphers of TLS 1.2, as OpenSSL writes them; "" means the usual ones.' },
      CIPHERS_RULE,
    ),
    "",
  ),
  ciphers_tls13: v.optional(
    text(
      { description: 'The ciphers of TLS 1.3, as OpenSSL writes them; "" means the usual ones.' },
      CIPHERS_RULE,
    ),
    "",
  ),
  alpn: v.optional(
    text(
      { description: 'The protocol to ask for by ALPN, such as "mqtt"; "" means none.' },
      {
        expected: 'the name of a protocol, or ""',
        allows: (name) => /^[\x21-\x7e]{0,255}$/.test(name),
      },
    ),
    "",
  ),
  websocket_path: v.optional(
    text(
      {
        description:
          'The path at which the other broker serves MQTT over WebSocket, such as "/mqtt"; "" means MQTT without WebSocket.',
      },
      {
        expected: 'a path that begins with a slash, or ""',
        allows: (name) => name === "" || /^\/[\x21-\x7e]*$/.test(name),
      },
    ),
    "",
  ),
  shared_access_key: v.optional(
    text(
      {
        description:
          "The device's key at Azure IoT Hub, of which the bridge makes its passwords (SAS tokens).",
        secret: true,
      },
      {
        expected: 'a key in base64, or ""',
        allows: (key) => /^[A-Za-z0-9+/]*={0,2}$/.test(key),
      },
    ),
    "",
  ),
  jwt_keyfile: v.optional(
    path({
      description:
        "The device's private key (RSA or P-256, PEM), with which the bridge signs its passwords (JSON Web Tokens).",
    }),
    "",
  ),
  jwt_audience: v.optional(
    text({
      description: "The audience that those tokens are for.",
      defaultText: 'what follows "projects/" in the client id',
      example: "",
    }),
    "",
  ),
  token_lifetime: v.optional(
    duration({
      description:
        "For how long such a password is good. The bridge connects anew before it runs out.",
      unit: "seconds",
    }),
    43_200,
  ),
};

/** What decides whether a bridge speaks TLS. */
export interface BridgeTlsChoice {
  readonly tls: boolean;
  readonly cafile: string;
  readonly capath: string;
  readonly use_os_certs: boolean;
  readonly psk: string;
}

export function bridgeSpeaksTls(bridge: BridgeTlsChoice): boolean {
  const { tls, cafile, capath, use_os_certs, psk } = bridge;
  return tls || use_os_certs || [cafile, capath, psk].some((one) => one !== "");
}
