/** Every option of a listener in mosquitto.conf, and which listeners it is for. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Config, ListenerConfig } from "../../../src/config/schema.ts";
import { load, problemsOf, warningsOf } from "../../kit/config-file.ts";

const NAME = "mosquitto.conf";

type Fields = Readonly<Record<string, unknown>>;

function pick(from: object, like: Fields): Fields {
  const source = from as Fields;
  return Object.fromEntries(Object.keys(like).map((key) => [key, source[key]]));
}

/** What stands below `listener 8883`, and what the listener has of it. */
const OPTIONS: readonly (readonly [string, Partial<ListenerConfig>])[] = [
  ["bind_interface eth0", { bind_interface: "eth0" }],
  ["socket_domain ipv6", { socket_domain: "ipv6" }],
  ["protocol websockets", { protocol: "websockets" }],
  [
    "protocol websockets\nwebsockets_origin https://a.example\nwebsockets_origin http://b.example:80",
    { websockets_origin: ["https://a.example", "http://b.example:80"] },
  ],
  ["max_connections 7", { max_connections: 7 }],
  ["max_connections 0", { max_connections: -1 }],
  ["max_qos 1", { max_qos: 1 }],
  ["maximum_qos 0", { max_qos: 0 }],
  ["max_topic_alias 0", { max_topic_alias: 0 }],
  ["max_topic_alias_broker 99", { max_topic_alias_broker: 99 }],
  ["mount_point site/7/", { mount_point: "site/7/" }],
  ["mount_point a\nmount_point b", { mount_point: "b" }],
  ["accept_protocol_versions 5", { accept_protocol_versions: [5] }],
  ["accept_protocol_versions 3, 4", { accept_protocol_versions: [3, 4] }],
  ["use_username_as_clientid true", { use_username_as_clientid: true }],
  ["listener_allow_anonymous true", { allow_anonymous: true }],
  ["listener_auto_id_prefix x-", { auto_id_prefix: "x-" }],
  ["enable_proxy_protocol 1", { enable_proxy_protocol: 1 }],
  [
    "enable_proxy_protocol 2\nproxy_protocol_v2_require_tls true\nrequire_certificate true\nuse_identity_as_username true",
    {
      enable_proxy_protocol: 2,
      proxy_protocol_v2_require_tls: true,
      require_certificate: true,
      use_identity_as_username: true,
    },
  ],
  ["certfile /c\nkeyfile /k", { certfile: "/c", keyfile: "/k" }],
  ["certfile /c\nkeyfile /k\ncertfile /d", { certfile: "/d" }],
  [
    `certfile /c
keyfile /k
cafile /ca
capath /cas
crlfile /crl
require_certificate true
use_subject_as_username true
disable_client_cert_date_checks false
tls_version tlsv1.3
ciphers ECDHE-RSA-AES128-GCM-SHA256:ECDHE-RSA-AES256-GCM-SHA384
ciphers_tls1.3 TLS_AES_128_GCM_SHA256
tls_keyform pem`,
    {
      cafile: "/ca",
      capath: "/cas",
      crlfile: "/crl",
      require_certificate: true,
      use_subject_as_username: true,
      tls_version: "tlsv1.3",
      ciphers: "ECDHE-RSA-AES128-GCM-SHA256:ECDHE-RSA-AES256-GCM-SHA384",
      ciphers_tls13: "TLS_AES_128_GCM_SHA256",
    },
  ],
  [
    "psk_hint any words\npsk_file /psk\nuse_identity_as_username true",
    { psk_hint: "any words", psk_file: "/psk", use_identity_as_username: true },
  ],
];

for (const [text, expected] of OPTIONS) {
  test(`${JSON.stringify(text)} is taken over for its listener`, (t) => {
    const { config, warnings } = load(t, `listener 8883\nallow_anonymous true\n${text}\n`, NAME);
    assert.deepEqual(warnings, []);
    assert.deepEqual(pick(config.listener[0] ?? {}, expected), expected);
  });
}

test("the option of one listener is not that of the next", (t) => {
  const text = "listener 1\nmax_qos 0\nmount_point a\nlistener 2\nlistener 3\nmax_qos 1\n";
  const { listener } = load(t, `allow_anonymous true\n${text}`, NAME).config;
  assert.deepEqual(
    listener.map(({ max_qos, mount_point }) => [max_qos, mount_point]),
    [
      [0, "a"],
      [2, ""],
      [1, ""],
    ],
  );
});

test("a Unix socket is port 0 and a path", (t) => {
  const { listener } = load(t, "allow_anonymous true\nlistener 0 /run/mqtt.sock\n", NAME).config;
  assert.deepEqual(
    listener.map(({ name, path }) => [name, path]),
    [["mqtt-/run/mqtt.sock", "/run/mqtt.sock"]],
  );
});

test("the size of WebSocket headers is that of all listeners, and never too small", (t) => {
  const sizes = (size: number) =>
    load(
      t,
      `allow_anonymous true\nlistener 1\nwebsockets_headers_size ${size}\nlistener 2\n`,
      NAME,
    ).config.listener.map((one) => one.websockets_headers_size);
  assert.deepEqual(sizes(4096), [4096, 4096]);
  assert.deepEqual(sizes(0), [1024, 1024]);
});

test("a listener for the HTTP API is where Midge's own web server goes", (t) => {
  const text = "listener 1883\nlistener 9883 127.0.0.1\nprotocol http_api\nhttp_dir /usr/share/x\n";
  const { config, warnings } = load(t, `allow_anonymous true\n${text}`, NAME);
  assert.deepEqual(
    config.listener.map(({ port }) => port),
    [1883],
  );
  assert.deepEqual([config.http.port, config.http.address], [9883, "127.0.0.1"]);
  assert.deepEqual(
    warnings.map(({ line, message }) => `${line}: ${message}`),
    ["5: has no effect: Midge serves its own dashboard here"],
  );
});

test("Midge's web server has one port, and no TLS", (t) => {
  const text = `listener 1
protocol http_api
listener 2
protocol http_api
listener 3
protocol http_api
certfile /c
keyfile /k
listener 0 /run/x
protocol http_api
`;
  assert.deepEqual(problemsOf(t, text, NAME), [
    "mosquitto.conf:4: protocol: Midge has one web server only, and it has a listener already",
    "mosquitto.conf:6: protocol: Midge has one web server only, and it has a listener already",
    "mosquitto.conf:10: protocol: Midge has one web server only, and it has a listener already",
  ]);
  assert.deepEqual(problemsOf(t, "listener 3\nprotocol http_api\ncertfile /c\nkeyfile /k", NAME), [
    "mosquitto.conf:2: protocol: Midge's web server does not speak TLS: put a proxy in front of it",
  ]);
  assert.deepEqual(problemsOf(t, "listener 0 /run/x\nprotocol http_api", NAME), [
    "mosquitto.conf:2: protocol: Midge's web server needs a port, not a Unix socket",
  ]);
});

/** A file, and what of `[access]` and its listeners comes of it. */
const SCOPES: readonly (readonly [string, Fields, ...Fields[]])[] = [
  [
    "password_file /p\nacl_file /a\nlistener 1\nlistener 2",
    { password_file: "/p", acl_file: "/a", allow_anonymous: false },
    { password_file: "/p", acl_file: "/a", allow_anonymous: false },
    { password_file: "/p", acl_file: "/a", allow_anonymous: false },
  ],
  [
    "listener 1\npassword_file /p\npassword_file /q\nlistener 2",
    { password_file: "/q" },
    { password_file: "/q" },
    { password_file: "/q" },
  ],
  [
    "per_listener_settings true\nlistener 1\npassword_file /p\nacl_file /a\nallow_zero_length_clientid false\nauto_id_prefix one-\nlistener 2\nallow_anonymous true\nacl_file /b",
    { password_file: "", acl_file: "" },
    {
      password_file: "/p",
      acl_file: "/a",
      allow_anonymous: false,
      allow_zero_length_clientid: false,
      auto_id_prefix: "one-",
    },
    {
      password_file: "",
      acl_file: "/b",
      allow_anonymous: true,
      allow_zero_length_clientid: true,
      auto_id_prefix: "auto-",
    },
  ],
  [
    "allow_zero_length_clientid false\nauto_id_prefix all-\nlistener 1\nlistener_auto_id_prefix one-\nlistener 2",
    {},
    { allow_zero_length_clientid: false, auto_id_prefix: "one-" },
    { allow_zero_length_clientid: false, auto_id_prefix: "all-" },
  ],
  [
    "clientid_prefixes secure-\nlistener 1",
    { clientid_prefixes: ["secure-"] },
    { clientid_prefixes: ["secure-"] },
  ],
  ["password_file /p", { allow_anonymous: true }, { allow_anonymous: true, password_file: "/p" }],
  [
    "password_file /p\nallow_anonymous false",
    { allow_anonymous: false },
    { allow_anonymous: false },
  ],
  [
    "check_retain_source false\nenable_control_api true\nlistener 1",
    { check_retain_source: false, enable_control_api: true, strict_subscribe: false },
    {},
  ],
];

for (const [text, access, ...listeners] of SCOPES) {
  test(`${JSON.stringify(text)} holds where Mosquitto has it hold`, (t) => {
    const { config } = load(t, text, NAME);
    assert.deepEqual(pick(config.access, access), access);
    assert.equal(config.listener.length, listeners.length);
    for (const [index, expected] of listeners.entries()) {
      assert.deepEqual(pick(config.listener[index] ?? {}, expected), expected);
    }
  });
}

test("the process's options are taken over", (t) => {
  const text = "pid_file /run/m.pid\nuser root\nuser mosquitto\nlistener 1\nallow_anonymous true\n";
  const { process } = load(t, text, NAME).config;
  assert.deepEqual(process, { user: "mosquitto", pid_file: "/run/m.pid" });
});

/** Below `listener 1`, and what is wrong with it. */
const WRONG: readonly (readonly [string, ...string[]])[] = [
  ["certfile /c", "3: certfile: needs a keyfile"],
  ["keyfile /k", "3: keyfile: needs a certfile"],
  ["cafile /ca", "3: cafile: needs a certfile and a keyfile"],
  ["require_certificate true", "3: require_certificate: needs a certfile and a keyfile"],
  [
    "certfile /c\nkeyfile /k\nrequire_certificate true",
    "5: require_certificate: needs a cafile or a capath to check certificates by",
  ],
  [
    "certfile /c\nkeyfile /k\nuse_identity_as_username true",
    "5: use_identity_as_username: needs require_certificate",
  ],
  ["psk_hint h", "3: psk_hint: needs a psk_file"],
  [
    "certfile /c\nkeyfile /k\npsk_hint h\npsk_file /p",
    "5: psk_hint: certificates and pre-shared keys need listeners of their own",
  ],
  [
    "enable_proxy_protocol 2\ncertfile /c\nkeyfile /k",
    "4: certfile: cannot be used with enable_proxy_protocol 2: the proxy ends TLS",
  ],
  [
    "enable_proxy_protocol 2\nuse_subject_as_username true",
    "4: use_subject_as_username: needs a certfile and a keyfile",
    "4: use_subject_as_username: cannot be used with enable_proxy_protocol 2: the proxy ends TLS",
  ],
];

for (const [text, ...expected] of WRONG) {
  test(`${JSON.stringify(text)} is refused, as it would not protect`, (t) => {
    assert.deepEqual(
      problemsOf(t, `listener 1\nallow_anonymous true\n${text}`, NAME),
      expected.map((line) => `${NAME}:${line}`),
    );
  });
}

test("what has no effect on a listener is a warning", (t) => {
  const text = `allow_anonymous true
listener 1
websockets_origin http://a
proxy_protocol_v2_require_tls true
`;
  assert.deepEqual(warningsOf(t, text, NAME), [
    'mosquitto.conf:3: websockets_origin: has no effect with protocol "mqtt"',
    "mosquitto.conf:4: proxy_protocol_v2_require_tls: has no effect without enable_proxy_protocol 2",
  ]);
});

test("one port on two interfaces, or for two versions of IP, is no clash", (t) => {
  const text = (one: string, other: string) =>
    `allow_anonymous true\nlistener 1\n${one}\nlistener 1\n${other}\n`;
  const names = (config: Config) => config.listener.map(({ name }) => name);
  const domains = load(t, text("socket_domain ipv4", "socket_domain ipv6"), NAME).config;
  assert.deepEqual(names(domains), ["mqtt-1-all", "mqtt-1-all-2"]);
  const interfaces = load(t, text("bind_interface eth0", "bind_interface eth1"), NAME).config;
  assert.equal(interfaces.listener.length, 2);
  for (const [one, other] of [
    ["socket_domain ipv4", ""],
    ["bind_interface eth0", "bind_interface eth0"],
    ["bind_interface eth0", ""],
  ] as const) {
    assert.deepEqual(problemsOf(t, text(one, other), NAME), [
      "mosquitto.conf:4: listener: TCP port 1 is taken by the listener of line 2 already",
    ]);
  }
});
