/** mosquitto.conf(5) as Midge reads it: what it takes over, and what it says of the rest. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { loadConfig } from "../../../src/config/load.ts";
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
    [{ port: 1883, address: "127.0.0.1", allow_anonymous: true }],
  );
  assert.equal(config.store.mode, "memory");
  assert.equal(config.log.destination, "stderr");
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
`,
    NAME,
  );
  const { broker } = config;
  assert.deepEqual(
    [broker.max_inflight_messages, broker.max_queued_messages, broker.max_queued_bytes],
    [5, 7, 256],
  );
  assert.deepEqual([broker.queue_qos0_messages, broker.retain_available], [true, false]);
  assert.deepEqual([broker.max_packet_size, broker.max_keepalive], [1000, 65_535]);
  assert.deepEqual([broker.sys_interval, broker.max_connections], [8, 50]);
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
    ["allow_anonymous false", [1883, "127.0.0.1", "mqtt", false]],
    ["max_connections 5", [1883, "127.0.0.1", "mqtt", true]],
    ["protocol websockets", [1883, "127.0.0.1", "websockets", true]],
    ["listener 1\nsocket_domain ipv4", [1, "0.0.0.0", "mqtt", false]],
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
  const port = (text: string) => load(t, text, NAME, { port: 2883 }).config.listener[0]?.port;
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

test("the log goes to a file if one is named, else to the last place", (t) => {
  const log = (text: string) => load(t, text, NAME).config.log;
  assert.deepEqual(
    ["log_dest stdout", "log_dest file /a b.log", "log_dest stdout\nlog_dest stderr"].map(
      (text) => log(text).destination,
    ),
    ["stdout", "/a b.log", "stderr"],
  );
  assert.equal(log("log_dest none").level, "none");
  assert.equal(log("log_dest none\nlog_dest stdout").level, "info");
  assert.deepEqual(warningsOf(t, "log_dest syslog\nlog_dest file /x\n", NAME), [
    "mosquitto.conf:1: log_dest: Midge logs to one place only, and not to syslog",
  ]);
  assert.deepEqual(warningsOf(t, "log_dest syslog\n", NAME), [
    "mosquitto.conf:1: log_dest: Midge does not log to syslog, but to stderr",
  ]);
});

test("the level of the log is the one that shows all types asked for", (t) => {
  const level = (...types: string[]) =>
    load(t, types.map((type) => `log_type ${type}\n`).join(""), NAME).config.log.level;
  assert.equal(level(), "info");
  assert.equal(level("error"), "error");
  assert.equal(level("error", "warning"), "warn");
  assert.equal(level("notice"), "info");
  assert.equal(level("error", "debug"), "debug");
  assert.equal(level("all"), "debug");
  assert.equal(level("all", "none"), "none");
});

test("a bridge is taken over with Mosquitto's defaults", (t) => {
  const { config } = load(
    t,
    "connection cloud\naddress broker.example\ntopic sensors/# out 1\n",
    NAME,
  );
  const [bridge] = config.bridge;
  assert.deepEqual(bridge, {
    name: "cloud",
    address: [{ host: "broker.example", port: 1883 }],
    client_id: "",
    username: "",
    password: "",
    local_client_id: "",
    protocol: "mqttv311",
    keepalive: 60,
    clean_session: false,
    local_clean_session: false,
    max_inflight_messages: 20,
    try_private: true,
    notifications: true,
    notifications_local_only: false,
    notification_topic: "",
    start_type: "automatic",
    restart_timeout: 5,
    restart_timeout_cap: 30,
    topic: [
      { pattern: "sensors/#", direction: "out", qos: 1, local_prefix: "", remote_prefix: "" },
    ],
  });
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
round_robin false
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
const UNSUPPORTED = "not supported yet by this version of Midge";

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
    '1: log_type: expected none or information or notice or warning or error or debug or subscribe or unsubscribe or internal or websockets or all, got "verbose"',
  ],
  ["log_dest topic", `1: log_dest: logging to topics is ${UNSUPPORTED}`],
  ["log_dest file /a\nlog_dest file /b", "2: log_dest: a second file is not possible"],
  ["log_dest file", "1: log_dest: has no value"],
  // Listeners
  ["listener 99999", "1: listener: expected a port number from 1 to 65535, got 99999"],
  ["listener x", '1: listener: expected a number, got "x"'],
  ["listener 0 /run/mqtt.sock", `1: listener: Unix sockets are ${UNSUPPORTED}`],
  [
    "listener 1883 1.2.3.4.5",
    '1: listener: expected an IP address, a host name, or "" for all addresses, got "1.2.3.4.5"',
  ],
  [
    "listener 1884\nlistener 1884",
    "2: listener: TCP port 1884 is taken by the listener of line 1 already",
  ],
  ["listener 1\nprotocol http_api", `2: protocol: http_api is ${UNSUPPORTED}`],
  [
    "listener 1\nsocket_domain ipv6",
    `2: socket_domain: IPv6 alone is ${UNSUPPORTED}, unless the listener has an IPv6 address`,
  ],
  [
    "listener 1\naccept_protocol_versions 4,5",
    `2: accept_protocol_versions: refusing MQTT 3.1 or 3.1.1 is ${UNSUPPORTED}`,
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
  [`${BRIDGE}start_type lazy`, `4: start_type: lazy is ${UNSUPPORTED}`],
  [
    `${BRIDGE}bridge_protocol_version mqttv50`,
    `4: bridge_protocol_version: mqttv50 is ${UNSUPPORTED}`,
  ],
  // What Midge does not have
  ["password_file /etc/passwd", `1: password_file: ${UNSUPPORTED}`],
  ["listener 1\ncertfile x", `2: certfile: ${UNSUPPORTED}`],
  ["message_size_limit 10", `1: message_size_limit: ${UNSUPPORTED}`],
  ["plugin /x.so\nplugin_opt_a b", `1: plugin: ${UNSUPPORTED}`, `2: plugin_opt_a: ${UNSUPPORTED}`],
  [`${BRIDGE}bridge_cafile x`, `4: bridge_cafile: ${UNSUPPORTED}`],
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
  const lines = problemsOf(t, "sys_interval x\nfoo\nlistener 99999\nacl_file a\n", NAME);
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
    "autosave_interval 30",
    "user mosquitto",
    "log_timestamp false",
  ];
  assert.deepEqual(warningsOf(t, text.join("\n"), NAME), [
    "mosquitto.conf:9: autosave_interval: has no effect: Midge writes the disk by its own rules",
    "mosquitto.conf:10: user: has no effect: Midge runs as whoever starts it",
    "mosquitto.conf:11: log_timestamp: has no effect: the lines of Midge's log always bear the time",
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
