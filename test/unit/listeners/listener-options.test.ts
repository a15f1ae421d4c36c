import assert from "node:assert/strict";
import { describe, type TestContext, test } from "node:test";
import type { ListenerConfig } from "../../../src/config/schema.ts";
import {
  listenerOptionsFrom,
  listenerPolicyFrom,
  schemeOf,
} from "../../../src/listener-options.ts";
import { load } from "../../kit/config-file.ts";

/** The default listener with other settings. */
function config(t: TestContext, more: Partial<ListenerConfig>): ListenerConfig {
  const [listener] = load(t, "[[listener]]\nport = 8883\n").config.listener;
  assert.ok(listener);
  return { ...listener, ...more };
}

const CERTIFICATE = { certfile: "/s.crt", keyfile: "/s.key" };
const PSK = { psk_hint: "midge", psk_file: "/keys" };

describe("what asks for safety that the rest cannot give keeps the listener closed", () => {
  for (const [settings, problem] of [
    [{ certfile: "/s.crt" }, "certfile and keyfile go together"],
    [{ keyfile: "/s.key" }, "certfile and keyfile go together"],
    [
      { ...CERTIFICATE, ...PSK },
      "certificates (certfile) and pre-shared keys (psk_hint) need listeners of their own",
    ],
    [{ psk_hint: "x" }, "psk_hint needs a psk_file"],
    [{ ...PSK, require_certificate: true }, "with psk_hint there are no certificates"],
    [{ require_certificate: true }, "require_certificate needs certfile and keyfile"],
    [
      { use_identity_as_username: true },
      "use_identity_as_username needs certfile and keyfile, or psk_hint",
    ],
    [{ use_subject_as_username: true }, "use_subject_as_username needs certfile and keyfile"],
    [
      { use_subject_as_username: true, enable_proxy_protocol: 2 },
      "use_subject_as_username needs certfile and keyfile",
    ],
    [
      { proxy_protocol_v2_require_tls: true },
      "proxy_protocol_v2_require_tls needs enable_proxy_protocol 2",
    ],
  ] as const) {
    test(`${Object.keys(settings).join(", ")}: ${problem}`, (t) => {
      assert.throws(() => listenerOptionsFrom(config(t, settings), 3, 1000), {
        code: "MIDGE_LISTEN_FAILED",
        message: `cannot listen on port 8883: ${problem} (set by listener[3])`,
      });
    });
  }
});

describe("what is spoken", () => {
  for (const [settings, scheme] of [
    [{}, "mqtt"],
    [CERTIFICATE, "mqtts"],
    [PSK, "mqtts"],
    [{ protocol: "websockets" }, "ws"],
    [{ ...CERTIFICATE, protocol: "websockets" }, "wss"],
    [{ path: "/run/s" }, "mqtt+unix"],
  ] as const) {
    test(scheme, (t) => assert.equal(schemeOf(config(t, settings)), scheme));
  }
});

test("a plain listener has neither TLS nor PROXY header, and no limit", (t) => {
  const options = listenerOptionsFrom(config(t, {}), 0, 1000);
  assert.deepEqual(
    [options.tls, options.proxy, options.maxConnections, options.unix, options.bindInterface],
    [undefined, undefined, undefined, undefined, undefined],
  );
});

test("identity goes before subject as the user name", (t) => {
  const both = { ...CERTIFICATE, use_identity_as_username: true, use_subject_as_username: true };
  const { tls } = listenerOptionsFrom(config(t, both), 0, 1000);
  assert.ok(tls?.identification.kind === "certificate");
  assert.equal(tls.identification.userNameFrom, "common-name");
});

test("behind a load balancer, certificates are those it has verified", (t) => {
  const settings = {
    enable_proxy_protocol: 2,
    require_certificate: true,
    use_identity_as_username: true,
    proxy_protocol_v2_require_tls: true,
  } as const;
  assert.deepEqual(listenerOptionsFrom(config(t, settings), 0, 1000).proxy, {
    version: 2,
    requireTls: true,
    requireCertificate: true,
    useIdentityAsUsername: true,
  });
  const passedOn = listenerOptionsFrom(config(t, { ...settings, ...CERTIFICATE }), 0, 1000);
  assert.equal(passedOn.proxy?.requireCertificate, false);
  assert.ok(passedOn.tls?.identification.kind === "certificate");
  assert.equal(passedOn.tls.identification.requireCertificate, true);
});

test("a Unix socket has its permissions, and its path for a label", (t) => {
  const unix = config(t, { path: "/run/midge.sock", unix_mode: "0660" });
  assert.deepEqual(listenerOptionsFrom(unix, 0, 1000).unix, {
    path: "/run/midge.sock",
    mode: 0o660,
  });
  assert.equal(listenerPolicyFrom(unix).label, "/run/midge.sock");
  assert.equal(listenerPolicyFrom(config(t, {})).label, "port 8883");
});
