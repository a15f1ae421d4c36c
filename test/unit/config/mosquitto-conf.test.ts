/** mosquitto.conf(5) as Midge reads it: what it takes over, and what it says of the rest. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { loadConfig } from "../../../src/config/load.ts";
import { bridgeOptionsFrom } from "../../../src/options-from-config.ts";
import { load, problemsIn, problemsOf, warningsOf, writeFiles } from "../../kit/config-file.ts";

const NAME = "mosquitto.conf";

test("listeners on one port at two addresses are kept apart by name", (t) => {
  const text = "listener 1883 127.0.0.1\nlistener 1883 ::1\nlistener 1884\nallow_anonymous true\n";
  assert.deepEqual(
    load(t, text, NAME).config.listener.map((listener) => listener.name),
    ["mqtt-1883-127.0.0.1", "mqtt-1883-::1", "mqtt-1884"],
  );
});

test("an empty file serves this machine only, in memory, as Mosquitto does", (t) => {
  const { config, warnings } = load(t, "", NAME);
  assert.deepEqual(warnings, []);
  assert.deepEqual(
    config.listener.map(({ port, address, allow_anonymous }) => ({
      port,
      address,
      allow_anonymous,
    })),
    [{ port: 1883, address: "localhost", allow_anonymous: true }],
  );
  assert.equal(config.store.mode, "memory");
  assert.deepEqual(config.log.log_dest, ["stderr"]);
  assert.equal(config.log.log_timestamp_format, "");
});

test("Midge's own parts stay at their defaults, and a taken port there is no obstacle", (t) => {
  const { config, warnings } = load(t, "listener 8080\nallow_anonymous true\n", NAME);
  assert.deepEqual([config.http.optional, config.link[0]?.optional], [true, true]);
  assert.deepEqual(
    warnings.map(({ line, message }) => ({ line, message })),
    [{ line: 1, message: "TCP port 8080 is taken by [http] already" }],
  );
});

test("options of the broker are taken over", (t) => {
  const { config } = load(
    t,
    `max_inflight_messages 5
max_queued_messages 7
max_queued_bytes 0x100
queue_qos0_messages 1
max_packet_size 1000
max_keepalive 0
sys_interval 010
retain_available false
persistent_client_expiration 2m
global_max_connections 50
global_max_clients 60
max_inflight_bytes 70
memory_limit 80
message_size_limit 90
retain_expiry_interval 3
upgrade_outgoing_qos true
allow_duplicate_messages false
`,
    NAME,
  );
  const { broker } = config;
  assert.deepEqual(
    [broker.max_inflight_messages, broker.max_queued_messages, broker.max_queued_bytes],
    [5, 7, 256],
  );
  assert.deepEqual([broker.queue_qos0_messages, broker.retain_available], [true, false]);
  assert.deepEqual([broker.max_packet_size, broker.max_keepalive], [1000, 0]);
  assert.deepEqual([broker.sys_interval, broker.global_max_connections], [8, 50]);
  assert.deepEqual([broker.global_max_clients, broker.max_inflight_bytes], [60, 70]);
  assert.deepEqual([broker.memory_limit, broker.message_size_limit], [80, 90]);
  assert.equal(broker.retain_expiry_interval, 3);
  assert.deepEqual([broker.upgrade_outgoing_qos, broker.allow_duplicate_messages], [true, false]);
  assert.equal(broker.persistent_client_expiration, 5_184_000);
});

test("negative numbers mean no limit where they do in Mosquitto", (t) => {
  const text = "max_queued_messages -1\nmax_queued_bytes -1\nlistener 1\nmax_connections -5\n";
  const { broker, listener } = load(t, text, NAME).config;
  assert.deepEqual([broker.max_queued_messages, broker.max_queued_bytes], [0, 0]);
  assert.equal(listener[0]?.max_connections, -1);
});

/** What stands in the file, and the listeners that come of it. */
const LISTENERS: readonly (readonly [string, ...(readonly [number, string, string, boolean])[]])[] =
  [
    ["listener 1884", [1884, "", "mqtt", false]],
    ["listener 1884 # here", [1884, "", "mqtt", false]],
    ["listener 1884 127.0.0.1", [1884, "127.0.0.1", "mqtt", false]],
    ["listener 1884\nallow_anonymous true", [1884, "", "mqtt", true]],
    [
      "allow_anonymous true\nlistener 1884\nlistener 1885",
      [1884, "", "mqtt", true],
      [1885, "", "mqtt", true],
    ],
    ["port 1884", [1884, "", "mqtt", false]],
    ["bind_address 10.0.0.1", [1883, "10.0.0.1", "mqtt", false]],
    [
      "bind_address localhost\nport 1884\nlistener 9001\nprotocol websockets",
      [1884, "localhost", "mqtt", false],
      [9001, "", "websockets", false],
    ],
    ["allow_anonymous false", [1883, "localhost", "mqtt", false]],
    ["max_connections 5", [1883, "localhost", "mqtt", true]],
    ["protocol websockets", [1883, "localhost", "websockets", true]],
    ["listener 1\nsocket_domain ipv4", [1, "", "mqtt", false]],
    ["listener 1\nsocket_domain ipv6", [1, "", "mqtt", false]],
    ["listener 1 ::1\nsocket_domain ipv6", [1, "::1", "mqtt", false]],
    [
      "per_listener_settings true\nlistener 1\nallow_anonymous true\nlistener 2",
      [1, "", "mqtt", true],
      [2, "", "mqtt", false],
    ],
    [
      "per_listener_settings true\nper_listener_settings false\nlistener 1\nallow_anonymous true\nlistener 2",
      [1, "", "mqtt", true],
      [2, "", "mqtt", false],
    ],
    [
      "listener 1\nlistener_allow_anonymous true\nlistener 2\nallow_anonymous false",
      [1, "", "mqtt", true],
      [2, "", "mqtt", false],
    ],
  ];

for (const [text, ...expected] of LISTENERS) {
  test(`${JSON.stringify(text)} listens where Mosquitto does, and lets in whom it does`, (t) => {
    const { listener } = load(t, text, NAME).config;
    assert.deepEqual(
      listener.map((one) => [one.port, one.address, one.protocol, one.allow_anonymous]),
      expected,
    );
  });
}

test("a port from the command line holds where the file does not say where to listen", (t) => {
  const port = (text: string) => load(t, text, NAME, { ports: [2883] }).config.listener[0]?.port;
  assert.deepEqual(
    ["", "max_connections 5", "allow_anonymous false", "listener 1884"].map(port),
    [2883, 2883, 2883, 1884],
  );
});

test("persistence decides whether and where there is a store", (t) => {
  const store = (text: string) => load(t, text, NAME).config.store;
  assert.deepEqual([store("").mode, store("persistence 0").mode], ["memory", "memory"]);
  assert.deepEqual(
    [store("persistence true").mode, store("persistence true").path],
    ["strict", ""],
  );
  const text = "persistence_location  /var/lib/mosquitto/ \npersistence true";
  assert.equal(store(text).path, "/var/lib/mosquitto/midge");
});

test("the log goes to all places that are named, until none is", (t) => {
  const places = (text: string) => load(t, text, NAME).config.log.log_dest;
  assert.deepEqual(places("log_dest file /a b.log"), ["file /a b.log"]);
  assert.deepEqual(
    places("log_dest stdout\nlog_dest topic\nlog_dest syslog\nlog_dest stdout\nlog_dest file x"),
    ["stdout", "topic", "syslog", "file x"],
  );
  assert.deepEqual(places("log_dest stdout\nlog_dest none"), ["none"]);
  assert.deepEqual(places("log_dest none\nlog_dest stdout"), ["stdout"]);
  assert.deepEqual(places("log_dest dlt"), ["stderr"]);
  assert.deepEqual(warningsOf(t, "log_dest dlt\nlog_dest stdout\n", NAME), [
    "mosquitto.conf:1: log_dest: Midge does not log to dlt",
  ]);
});

test("the log tells all types that are named, until none is", (t) => {
  const types = (...names: string[]) =>
    load(t, names.map((name) => `log_type ${name}\n`).join(""), NAME).config.log.log_type;
  assert.deepEqual(types(), ["error", "warning", "notice", "information"]);
  assert.deepEqual(types("error", "debug"), ["error", "debug"]);
  assert.deepEqual(types("all", "none"), ["none"]);
  assert.deepEqual(types("none", "subscribe"), ["subscribe"]);
});

test("the rest of the log's options is taken over", (t) => {
  const text = `log_timestamp false
log_timestamp_format %Y-%m-%d %H:%M
log_facility 5
connection_messages false
`;
  const { log } = load(t, text, NAME).config;
  assert.deepEqual(
    [log.log_timestamp, log.log_timestamp_format, log.log_facility, log.connection_messages],
    [false, "%Y-%m-%d %H:%M", 5, false],
  );
});

test("a bridge is taken over with Mosquitto's defaults", (t) => {
  const { config } = load(
    t,
    "connection cloud\naddress broker.example\ntopic sensors/# out 1\n",
    NAME,
  );
  const [bridge] = config.bridge;
  assert.deepEqual(bridge?.address, [{ host: "broker.example", port: 1883 }]);
  assert.deepEqual(
    [bridge.protocol, bridge.keepalive, bridge.start_type],
    ["mqttv311", 60, "automatic"],
  );
  assert.deepEqual([bridge.clean_session, bridge.local_clean_session], [false, false]);
  assert.deepEqual([bridge.round_robin, bridge.attempt_unsubscribe], [false, true]);
  assert.deepEqual([bridge.try_private, bridge.outgoing_retain], [true, true]);
  assert.deepEqual([bridge.notifications, bridge.notifications_local_only], [true, false]);
  assert.deepEqual([bridge.restart_timeout, bridge.restart_timeout_cap], [5, 30]);
  assert.deepEqual([bridge.threshold, bridge.idle_timeout, bridge.reload_type], [10, 60, "lazy"]);
  assert.deepEqual([bridge.max_topic_alias, bridge.max_packet_size], [10, 0]);
  assert.deepEqual(bridge.topic, [
    { pattern: "sensors/#", direction: "out", qos: 1, local_prefix: "", remote_prefix: "" },
  ]);
});

test("a bridge's options of MQTT 5.0, TLS and the connection are taken over", (t) => {
  const { config, warnings } = load(
    t,
    `connection cloud
address broker.example
topic sensors/# out 1
bridge_protocol_version mqttv50
bridge_session_expiry_interval 0xFFFFFFFF
bridge_receive_maximum 50
bridge_max_topic_alias 5
bridge_max_packet_size 1000
bridge_outgoing_retain false
bridge_bind_address 127.0.0.1
bridge_tcp_keepalive 30 1 10
bridge_reload_type immediate
bridge_cafile /ca
bridge_capath /cas
bridge_tls_use_os_certs true
bridge_certfile /cert
bridge_keyfile /key
bridge_insecure true
bridge_alpn mqtt
bridge_tls_version tlsv1.3
bridge_ciphers A:B
bridge_ciphers_tls1.3 C
start_type lazy
threshold 3
idle_timeout 7
restart_timeout 10 60 30
connection other
address broker.example:8883
topic a
bridge_identity me
bridge_psk 0aBc
start_type once
`,
    NAME,
  );
  assert.deepEqual(warnings, []);
  const [bridge, other] = config.bridge;
  assert.deepEqual(
    [bridge?.protocol, bridge?.session_expiry_interval, bridge?.receive_maximum],
    ["mqttv50", 0xffffffff, 50],
  );
  assert.deepEqual(
    [bridge?.max_topic_alias, bridge?.max_packet_size, bridge?.outgoing_retain],
    [5, 1000, false],
  );
  assert.deepEqual(
    [bridge?.bind_address, bridge?.tcp_keepalive, bridge?.reload_type],
    ["127.0.0.1", 30, "immediate"],
  );
  assert.deepEqual(
    [bridge?.cafile, bridge?.capath, bridge?.use_os_certs, bridge?.certfile, bridge?.keyfile],
    ["/ca", "/cas", true, "/cert", "/key"],
  );
  assert.deepEqual(
    [bridge?.insecure, bridge?.alpn, bridge?.tls_version, bridge?.ciphers, bridge?.ciphers_tls13],
    [true, "mqtt", "tlsv1.3", "A:B", "C"],
  );
  assert.deepEqual(
    [bridge?.start_type, bridge?.threshold, bridge?.idle_timeout, bridge?.restart_timeout_stable],
    ["lazy", 3, 7, 30],
  );
  // The port is 1883 whatever the transport, as in Mosquitto.
  assert.deepEqual(bridge?.address, [{ host: "broker.example", port: 1883 }]);
  assert.deepEqual([other?.psk_identity, other?.psk, other?.start_type], ["me", "0aBc", "once"]);
});

test("every option of a bridge that Midge has is taken over", (t) => {
  const { config, warnings } = load(
    t,
    `max_inflight_messages 3
connection cloud
addresses 10.0.0.1:1884 ::1:1885 [::1]:1886 host # comment
topic # both
remote_clientid far away
remote_username user
remote_password pass word
local_clientid near
local_username here
bridge_attempt_unsubscribe false
keepalive_interval 3
cleansession true
local_cleansession false
notifications true
notifications_local_only true
notification_topic a/b
try_private false
bridge_protocol_version mqttv31
start_type automatic
restart_timeout 10 60
round_robin true
`,
    NAME,
  );
  assert.deepEqual(warnings, []);
  const [bridge] = config.bridge;
  assert.deepEqual(bridge?.address, [
    { host: "10.0.0.1", port: 1884 },
    { host: "::1", port: 1885 },
    { host: "::1", port: 1886 },
    { host: "host", port: 1883 },
  ]);
  assert.deepEqual([bridge.client_id, bridge.local_client_id], ["far away", "near"]);
  assert.deepEqual([bridge.username, bridge.password], ["user", "pass word"]);
  assert.deepEqual([bridge.keepalive, bridge.protocol], [5, "mqttv31"]);
  assert.deepEqual([bridge.clean_session, bridge.local_clean_session], [true, false]);
  assert.deepEqual([bridge.notifications_local_only, bridge.notification_topic], [true, "a/b"]);
  assert.deepEqual([bridge.try_private, bridge.max_inflight_messages], [false, 3]);
  assert.deepEqual([bridge.restart_timeout, bridge.restart_timeout_cap], [10, 60]);
  assert.deepEqual([bridge.round_robin, bridge.attempt_unsubscribe], [true, false]);
  const options = bridgeOptionsFrom(bridge, config);
  assert.equal(options.localUsername, "here");
  assert.deepEqual([options.roundRobin, options.attemptUnsubscribe], [true, false]);
});

test("the old names of a bridge's options are taken, too", (t) => {
  const text = "connection c\naddress h\ntopic a\nclientid i\nusername u\npassword p\n";
  const [bridge] = load(t, text, NAME).config.bridge;
  assert.deepEqual([bridge?.client_id, bridge?.username, bridge?.password], ["i", "u", "p"]);
});

/** The words after `topic`: pattern, direction, QoS and prefixes that come of them. */
const TOPICS: readonly (readonly [string, string, string, number, string, string])[] = [
  ["a/#", "a/#", "out", 0, "", ""],
  ["a in", "a", "in", 0, "", ""],
  ["a BOTH 2", "a", "both", 2, "", ""],
  ["a out 1 l/", "a", "out", 1, "l/", ""],
  ["a out 1 l/ r/", "a", "out", 1, "l/", "r/"],
  ["a in 0 l/ r/ # comment", "a", "in", 0, "l/", "r/"],
  ['# both 2 "" r/', "#", "both", 2, "", "r/"],
  ['# both 2 l/ ""', "#", "both", 2, "l/", ""],
  ['"" out 0 l r', "", "out", 0, "l", "r"],
  ['"with some space/#" in 1', "with some space/#", "in", 1, "", ""],
  ['"quoted" in', "quoted", "in", 0, "", ""],
  ["a out # comment with words", "a", "out", 0, "", ""],
  ["a out 1 # comment with words", "a", "out", 1, "", ""],
  ["  a   out   1  ", "a", "out", 1, "", ""],
  [
    "clients/total in 0 test/mosquitto/org/ $SYS/broker/",
    "clients/total",
    "in",
    0,
    "test/mosquitto/org/",
    "$SYS/broker/",
  ],
];

for (const [words, pattern, direction, qos, local_prefix, remote_prefix] of TOPICS) {
  test(`topic ${words} is read as Mosquitto reads it`, (t) => {
    const { config } = load(t, `connection c\naddress h\ntopic ${words}\n`, NAME);
    assert.deepEqual(config.bridge[0]?.topic, [
      { pattern, direction, qos, local_prefix, remote_prefix },
    ]);
  });
}

test("a topic that stands twice counts once", (t) => {
  const text = "connection c\naddress h\ntopic a out 1\ntopic a out 1\ntopic a out 2\n";
  assert.equal(load(t, text, NAME).config.bridge[0]?.topic.length, 2);
  assert.deepEqual(warningsOf(t, text, NAME), [
    "mosquitto.conf:4: topic: the same topic stands before: once is enough",
  ]);
});

test("one number of restart_timeout makes the wait constant, and limits are kept to", (t) => {
  const wait = (words: string) => {
    const text = `connection c\naddress h\ntopic a\nrestart_timeout ${words}\n`;
    const [bridge] = load(t, text, NAME).config.bridge;
    return [bridge?.restart_timeout, bridge?.restart_timeout_cap];
  };
  assert.deepEqual(wait("20"), [20, 20]);
  assert.deepEqual(wait("0"), [1, 1]);
  assert.deepEqual(wait("5000 9000"), [3600, 7200]);
});

test("comments, blank lines, carriage returns and a byte order mark are no options", (t) => {
  const text = "\ufeff# a\r\n\r\n   \n  # indented\nsys_interval 5 # seconds\r\n";
  assert.equal(load(t, text, NAME).config.broker.sys_interval, 5);
});

const BRIDGE = "connection c\naddress h\ntopic a\n";

/** What stands in the file, and the problems without the file's name. */
const MISTAKES: readonly (readonly [string, ...string[]])[] = [
  ["max_conections 5", "1: max_conections: unknown option; did you mean max_connections?"],
  ["listener\t1884", "1: listener\\u00091884: a space must follow the option's name, not a tab"],
  ["xyzzy", "1: xyzzy: unknown option"],
  ["sys_interval", "1: sys_interval: has no value"],
  ["sys_interval ten", '1: sys_interval: expected a number, got "ten"'],
  ["sys_interval 5s", '1: sys_interval: expected a number, got "5s"'],
  [
    "sys_interval 99999",
    "1: sys_interval: expected a whole number from 0 to 65535 (seconds), got 99999",
  ],
  ["sys_interval 99999999999", '1: sys_interval: the number "99999999999" is out of range'],
  [
    "max_packet_size 10",
    "1: max_packet_size: expected a whole number from 20 to 268435461 (bytes), got 10",
  ],
  ["retain_available yes", '1: retain_available: expected true or false, got "yes"'],
  [
    "persistent_client_expiration 5",
    '1: persistent_client_expiration: expected a number and one of s, h, d, w, m and y, such as 14d, got "5"',
  ],
  ["persistence_location /a\npersistence_location /b", "2: persistence_location: given twice"],
  [
    "log_type verbose",
    '1: log_type: expected debug or error or warning or notice or information or subscribe or unsubscribe or websockets or internal or none or all, got "verbose"',
  ],
  [
    "log_dest paper",
    '1: log_dest: expected none or syslog or stdout or stderr or topic or dlt or android or file, got "paper"',
  ],
  [
    "log_facility 8",
    '1: log_facility: expected a whole number from 0 to 7, or -1 for the facility "daemon", got 8',
  ],
  ["log_dest file /a\nlog_dest file /b", "2: log_dest: a second file is not possible"],
  ["log_dest file", "1: log_dest: has no value"],
  // Listeners
  ["listener 99999", "1: listener: expected a port number from 1 to 65535, got 99999"],
  ["listener x", '1: listener: expected a number, got "x"'],
  ["listener 0", "1: listener: port 0 means a Unix socket: its path is missing"],
  [
    "listener 1883 1.2.3.4.5",
    '1: listener: expected an IP address, a host name, or "" for all addresses, got "1.2.3.4.5"',
  ],
  [
    "listener 1884\nlistener 1884",
    "2: listener: TCP port 1884 is taken by the listener of line 1 already",
  ],
  ["listener 1\nprotocol xmpp", '2: protocol: expected mqtt or websockets or http_api, got "xmpp"'],
  ["listener 1 127.0.0.1\nsocket_domain ipv6", '2: socket_domain: "127.0.0.1" is no ipv6 address'],
  [
    "listener 1\naccept_protocol_versions 4,6",
    '2: accept_protocol_versions: expected 3, 4 and 5 with commas between, got "6"',
  ],
  ["listener 1\naccept_protocol_versions", "2: accept_protocol_versions: has no value"],
  ["listener 1\nenable_proxy_protocol 3", "2: enable_proxy_protocol: expected 0, 1 or 2, got 3"],
  ["listener 1\nmax_qos 3", "2: max_qos: expected a whole number from 0 to 2, got 3"],
  [
    "listener 1\nmount_point a/#",
    '2: mount_point: expected a topic prefix without wildcards, or "", got "a/#"',
  ],
  [
    "listener 1\ntls_version tlsv1.1",
    '2: tls_version: expected "tlsv1.2" or "tlsv1.3", got "tlsv1.1"',
  ],
  [
    "websockets_headers_size 70000",
    "1: websockets_headers_size: expected a number from 0 to 65535",
  ],
  [
    "listener 0 /run/x\nlistener 0 /run/x",
    '2: listener: "/run/x" is taken by the listener of line 1 already',
  ],
  ["listener_allow_anonymous true", "1: listener_allow_anonymous: needs a listener line before it"],
  [
    "per_listener_settings true\nallow_anonymous true",
    "2: allow_anonymous: needs a listener line before it",
  ],
  [
    "allow_anonymous true\nper_listener_settings true",
    "2: per_listener_settings: must stand before the settings that it is about",
  ],
  // Bridges
  ["address h", "1: address: needs a connection line before it"],
  ["topic a", "1: topic: needs a connection line before it"],
  ["connection", "1: connection: has no value"],
  [
    "connection c\ntopic a",
    '1: connection: address is missing; expected "host", "host:port" or "[IPv6 address]:port", or a list of these',
  ],
  [`${BRIDGE}address h`, "4: address: only allowed once in a connection"],
  [
    "connection c\naddress\ntopic a",
    "2: address: has no value",
    '1: connection: address is missing; expected "host", "host:port" or "[IPv6 address]:port", or a list of these',
  ],
  [
    "connection c\naddress h:0\ntopic a",
    '2: address: expected "host", "host:port" or "[IPv6 address]:port", got "h:0"',
  ],
  [`${BRIDGE}${BRIDGE}`, '4: connection: "c" is the name of the bridge of line 1 already'],
  [
    `${BRIDGE}topic a sideways`,
    '4: topic: expected out, in or both after the topic, got "sideways"',
  ],
  [`${BRIDGE}topic a out 3`, '4: topic: expected QoS 0, 1 or 2, got "3"'],
  [`${BRIDGE}topic "a b`, "4: topic: the closing quote is missing"],
  [
    `${BRIDGE}topic "" out 0 l`,
    "4: topic: an empty pattern needs both local_prefix and remote_prefix",
  ],
  [`${BRIDGE}topic a#`, '4: topic: expected a topic filter, or "", got "a#"'],
  [
    `${BRIDGE}topic # out 0 +/`,
    '4: topic: expected a topic prefix without wildcards, or "", got "+/"',
  ],
  [`${BRIDGE}remote_clientid a\nclientid b`, "5: clientid: given twice"],
  [
    `${BRIDGE}keepalive_interval 99999`,
    "4: keepalive_interval: expected a whole number from 5 to 65535 (seconds), got 99999",
  ],
  [
    `${BRIDGE}restart_timeout 9 8`,
    "4: restart_timeout: the second number, 8, is lower than the first",
  ],
  [`${BRIDGE}start_type manual`, '4: start_type: expected automatic or lazy or once, got "manual"'],
  [
    `${BRIDGE}bridge_session_expiry_interval 4294967296`,
    '4: bridge_session_expiry_interval: expected 0 to 4294967295, got "4294967296"',
  ],
  [`${BRIDGE}bridge_tcp_keepalive 5`, "4: bridge_tcp_keepalive: has no value"],
  [`${BRIDGE}bridge_certfile c\nbridge_cafile a`, "4: bridge_certfile: needs keyfile"],
  [
    `${BRIDGE}bridge_insecure true`,
    "4: bridge_insecure: has no effect without TLS: set cafile, capath or use_os_certs, too",
  ],
  // What Midge does not have
  [
    "listener 1\ntls_engine tpm",
    "2: tls_engine: OpenSSL engines are not supported: give the key as a PEM file",
  ],
  [
    "listener 1\ncertfile c\nkeyfile k\ncafile a\nrequire_certificate true\ncrlfile r\ndisable_client_cert_date_checks true",
    "7: disable_client_cert_date_checks: cannot be used with crlfile: it would hide which certificates are revoked",
  ],
  [
    "listener 1\ntls_keyform engine",
    "2: tls_keyform: OpenSSL engines are not supported: give the key as a PEM file",
  ],
  [
    `${BRIDGE}bridge_require_ocsp true`,
    "4: bridge_require_ocsp: certificates of other brokers are not checked by OCSP",
  ],
];

for (const [text, ...expected] of MISTAKES) {
  test(`${JSON.stringify(text)} is refused with the line and the reason`, (t) => {
    assert.deepEqual(
      problemsOf(t, text, NAME).toSorted(),
      expected.map((line) => `${NAME}:${line}`).toSorted(),
    );
  });
}

test("all mistakes of a file are told at once, in the order of the lines", (t) => {
  const lines = problemsOf(t, "sys_interval x\nfoo\nlistener 99999\ntls_engine a\n", NAME);
  assert.deepEqual(
    lines.map((line) => line.split(": ")[0]),
    [1, 2, 3, 4].map((line) => `${NAME}:${line}`),
  );
});

test("what Midge does anyway may be said, and what does not matter is a warning", (t) => {
  const text = [
    "max_inflight_bytes 0",
    "message_size_limit 0",
    "upgrade_outgoing_qos 0",
    "allow_zero_length_clientid true",
    "set_tcp_nodelay true",
    "connection_messages true",
    "log_timestamp true",
    "max_qos 2",
    "tls_keyform pem",
    "autosave_interval 30",
    "persistence_file mosquitto.db",
    "dhparamfile /etc/dh.pem",
    "set_tcp_nodelay false",
  ];
  assert.deepEqual(warningsOf(t, text.join("\n"), NAME), [
    "mosquitto.conf:10: autosave_interval: has no effect: Midge writes the disk by its own rules",
    "mosquitto.conf:11: persistence_file: has no effect: Midge's store has file names of its own",
    "mosquitto.conf:12: dhparamfile: has no effect: it is no longer required",
    "mosquitto.conf:13: set_tcp_nodelay: has no effect: Midge always sends at once",
  ]);
});

test("include_dir reads the .conf files of a folder, upper case before lower case", (t) => {
  const folder = writeFiles(t, {
    "d/b.conf": "listener 6",
    "d/B.conf": "listener 5",
    "d/a.conf": "listener 4",
    "d/A.conf": "listener 3",
    "d/01.conf": "listener 2",
    "d/00.conf": "listener 1",
    "d/.conf": "listener 7",
    "d/x.conf.off": "listener 8",
  });
  const file = join(writeFiles(t, { [NAME]: `include_dir ${folder}/d\nlistener 9\n` }), NAME);
  assert.deepEqual(
    loadConfig({ file }).config.listener.map((listener) => listener.port),
    [1, 2, 3, 4, 5, 6, 9],
  );
});

test("listeners and connections end with their file, and problems name it", (t) => {
  const folder = writeFiles(t, {
    "d/a.conf": "\nlistener_allow_anonymous true\ntopic a\ninclude_dir /tmp\n",
    "d/b.conf/x": "",
  });
  const main = `listener 1\nconnection c\naddress h\ninclude_dir ${folder}/d\ntopic b\nfoo`;
  const from = writeFiles(t, { [NAME]: main });
  assert.deepEqual(
    problemsIn(from, NAME).map((line) => line.replace(`${folder}/`, "")),
    [
      "d/a.conf:2: listener_allow_anonymous: needs a listener line before it",
      "d/a.conf:3: topic: needs a connection line before it",
      "d/a.conf:4: include_dir: only the main file may include others",
      "d/b.conf: is a directory, not a file",
      "mosquitto.conf:6: foo: unknown option",
    ],
  );
});

test("a folder to include that is not there is told with its line", (t) => {
  const [line = ""] = problemsOf(t, "include_dir /none/such\n", NAME);
  assert.equal(line, "mosquitto.conf:1: include_dir: /none/such: no such file");
});
