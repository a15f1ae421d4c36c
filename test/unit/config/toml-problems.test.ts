/** Each mistake in a TOML file gives one line that says what, where, and what was expected. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { problemsOf } from "../../kit/config-file.ts";

/** What the file says, and the problems without the file's name. */
const MISTAKES: readonly (readonly [string, ...string[]])[] = [
  // Whole numbers
  [
    "[broker]\nmax_inflight_messages = -1",
    "2: broker.max_inflight_messages: expected a whole number from 0 to 65535, got -1",
  ],
  [
    "[broker]\nmax_inflight_messages = 1.5",
    "2: broker.max_inflight_messages: expected a whole number from 0 to 65535, got 1.5",
  ],
  [
    "[broker]\nmax_inflight_messages = nan",
    "2: broker.max_inflight_messages: expected a whole number from 0 to 65535, got nan",
  ],
  [
    "[broker]\nmax_inflight_messages = -inf",
    "2: broker.max_inflight_messages: expected a whole number from 0 to 65535, got -inf",
  ],
  [
    "[broker]\nsys_interval = true",
    "2: broker.sys_interval: expected a whole number from 0 to 65535 (seconds), got true",
  ],
  [
    "[broker]\nsys_interval = 1979-05-27",
    "2: broker.sys_interval: expected a whole number from 0 to 65535 (seconds), got a date",
  ],
  [
    "[broker]\nglobal_max_connections = 0",
    "2: broker.global_max_connections: expected a whole number from 1 to 1000000000, or -1 for no limit, got 0",
  ],
  [
    '[broker]\nserver_reference = "mqtt://other:1883"',
    '2: broker.server_reference: expected "host", "host:port" or "[IPv6 address]:port", several separated by one space, got "mqtt://other:1883"',
  ],
  // Ports
  [
    '\n[[listener]]\nport = "abc"',
    '3: listener[0].port: expected a port number from 1 to 65535, got "abc"',
  ],
  ["[http]\nport = 65536", "2: http.port: expected a port number from 1 to 65535, got 65536"],
  ["[[link]]\nport = 0", "2: link[0].port: expected a port number from 1 to 65535, got 0"],
  // Flags and choices
  [
    '[broker]\nretain_available = "yes"',
    '2: broker.retain_available: expected true or false, got "yes"',
  ],
  [
    '[[listener]]\nprotocol = "tcp"',
    '2: listener[0].protocol: expected "mqtt" or "websockets", got "tcp"',
  ],
  [
    '[log]\nlog_type = ["verbose"]',
    '2: log.log_type[0]: expected "debug", "error", "warning", "notice", "information", "subscribe", "unsubscribe", "websockets", "internal", "none" or "all", got "verbose"',
  ],
  [
    "[log]\nlog_type = []",
    '2: log.log_type: expected a list, each "debug", "error", "warning", "notice", "information", "subscribe", "unsubscribe", "websockets", "internal", "none" or "all", got a list',
  ],
  [
    '[[plugin]]\nmodule = "x"\noptions = { a = [] }',
    "3: plugin[0].options.a: expected a table of texts, numbers, true and false, got a list",
  ],
  [
    '[[bridge]]\nname = "a"\naddress = "b"\n[[bridge.topic]]\npattern = "#"\nqos = 3',
    "6: bridge[0].topic[0].qos: expected 0, 1 or 2, got 3",
  ],
  // Texts
  ["[store]\npath = 7", "2: store.path: expected text in quotes, got 7"],
  [
    '[store]\npath = "a\\u0000b"',
    "2: store.path: must not have control characters or more than 65535 bytes",
  ],
  [
    '[gateway]\nqos_minus_one_client_id = ""',
    '2: gateway.qos_minus_one_client_id: expected text that is not empty, got ""',
  ],
  // Addresses
  [
    '[[listener]]\naddress = "127.0.0.256"',
    '2: listener[0].address: expected an IP address, a host name, or "" for all addresses, got "127.0.0.256"',
  ],
  [
    '[http]\naddress = "all hosts"',
    '2: http.address: expected an IP address, a host name, or "" for all addresses, got "all hosts"',
  ],
  [
    '[[link]]\nmulticast_group = "10.0.0.1"',
    '2: link[0].multicast_group: expected a multicast address such as "225.1.1.1", or "", got "10.0.0.1"',
  ],
  [
    '[http]\nallowed_origins = ["https://a.example/"]',
    '2: http.allowed_origins[0]: expected an origin as browsers send it, such as "https://panel.example", got "https://a.example/"',
  ],
  [
    '[http]\nallowed_origins = "x"',
    '2: http.allowed_origins: expected a list, each an origin as browsers send it, such as "https://panel.example", got "x"',
  ],
  [
    '[[bridge]]\nname = "a"\naddress = "b:99999"',
    '3: bridge[0].address: expected "host", "host:port" or "[IPv6 address]:port", got "b:99999"',
  ],
  [
    '[[bridge]]\nname = "a"\naddress = "::1"',
    '3: bridge[0].address: expected "host", "host:port" or "[IPv6 address]:port", got "::1"',
  ],
  [
    '[[bridge]]\nname = "a"\naddress = ["b", 5]',
    '3: bridge[0].address[1]: expected "host", "host:port" or "[IPv6 address]:port", got 5',
  ],
  [
    '[[bridge]]\nname = "a"\naddress = []',
    "3: bridge[0].address: expected at least one address, got a list",
  ],
  // Durations
  [
    '[broker]\npersistent_client_expiration = "2 fortnights"',
    '2: broker.persistent_client_expiration: expected a number of seconds, or text such as "90s", "12h", "2d", "1w", "6m" or "1y", got "2 fortnights"',
  ],
  [
    "[broker]\npersistent_client_expiration = -5",
    '2: broker.persistent_client_expiration: expected a number of seconds, or text such as "90s", "12h", "2d", "1w", "6m" or "1y", got -5',
  ],
  [
    "[broker]\npersistent_client_expiration = []",
    '2: broker.persistent_client_expiration: expected a number of seconds, or text such as "90s", "12h", "2d", "1w", "6m" or "1y", got a list',
  ],
  // Topics
  [
    '[[predefined_topic]]\nid = 1\nname = "a/+"',
    '3: predefined_topic[0].name: expected a topic name without wildcards, got "a/+"',
  ],
  [
    '[[predefined_topic]]\nid = 65535\nname = "a"',
    "2: predefined_topic[0].id: expected a topic id from 1 to 65534, got 65535",
  ],
  [
    '[[bridge]]\nname = "a"\naddress = "b"\ntopic = [{ pattern = "a#" }]',
    '4: bridge[0].topic[0].pattern: expected a topic filter, or "", got "a#"',
  ],
  [
    '[[bridge]]\nname = "a"\naddress = "b"\ntopic = [{ pattern = "#", local_prefix = "+/" }]',
    '4: bridge[0].topic[0].local_prefix: expected a topic prefix without wildcards, or "", got "+/"',
  ],
  // Missing keys
  [
    "[[predefined_topic]]\nid = 1",
    "1: predefined_topic[0]: name is missing; expected a topic name without wildcards",
  ],
  [
    "\n\n[[bridge]]",
    "3: bridge[0]: name is missing; expected text that is not empty, without +, # and spaces",
    '3: bridge[0]: address is missing; expected "host", "host:port" or "[IPv6 address]:port", or a list of these',
  ],
  // Unknown keys
  [
    "[broker]\nmax_inflight_mesages = 1",
    "2: broker.max_inflight_mesages: unknown key; did you mean max_inflight_messages?",
  ],
  ["[[listener]]\nProt = 1", "2: listener[0].Prot: unknown key; did you mean port?"],
  ["[brokr]", "1: brokr: unknown key; did you mean broker?"],
  ["retry_limit = 1", "1: retry_limit: unknown key here; it belongs to [[link]]"],
  [
    "[store]\nport = 1",
    "2: store.port: unknown key here; it belongs to [[listener]] or [http] or [[link]]",
  ],
  [
    "[log]\ncolour = 1",
    "2: log.colour: unknown key; known here are log_dest, log_type, connection_messages, log_timestamp, log_timestamp_format, log_facility, format",
  ],
  [
    '[log]\n"a\\u001bb" = 1',
    '2: log."a\\u001bb": unknown key; known here are log_dest, log_type, connection_messages, log_timestamp, log_timestamp_format, log_facility, format',
  ],
  [
    "[http]\noptional = true",
    "2: http.optional: unknown key; known here are enabled, port, address, allow_anonymous, metrics, allowed_origins",
  ],
  [
    "[broker]\n__proto__ = 1",
    "2: broker.__proto__: unknown key; `midge check --example` shows all",
  ],
  [
    "constructor = 1",
    "1: constructor: unknown key; known here are broker, access, listener, plugin, http, gateway, predefined_topic, link, node, upstream_login, bridge, store, log, process",
  ],
  // Sections of the wrong kind
  [
    "[listener]\nport = 1",
    "1: listener: expected a list of sections: write [[listener]] with double brackets",
  ],
  [
    "[[broker]]",
    "1: broker: expected one section: write [broker] with single brackets, and only once",
  ],
  ["broker = 1", "1: broker: expected a section [broker], got 1"],
  ["link = 1", "1: link: expected sections [[link]], got 1"],
  ["link = [1]", "1: link[0]: expected a section [link], got 1"],
  [
    '[[bridge]]\nname = "a"\naddress = "b"\n[bridge.topic]\npattern = "#"',
    "4: bridge[0].topic: expected a list of sections: write [[bridge.topic]] with double brackets",
  ],
  // Syntax
  ["[broker]\nmax_queued_messages = \n", "2: invalid value (column 23)"],
  ["[broker]\n[broker]", "2: trying to redefine an already defined table or value (column 2)"],
];

for (const [content, ...expected] of MISTAKES) {
  test(`${JSON.stringify(content)} is refused with the line and the reason`, (t) => {
    const lines = expected.map((line) => `midge.toml:${line}`);
    assert.deepEqual(problemsOf(t, content), lines);
  });
}

test("all mistakes of a file are told at once, in the order of the lines", (t) => {
  const content =
    '[store]\nmode = "x"\n\n[[link]]\nport = 0\n[broker]\nsys_interval = "y"\nfoo = 1\n';
  const keys = problemsOf(t, content).map((line) => line.split(": ")[0]);
  assert.deepEqual(
    keys,
    [2, 5, 7, 8].map((line) => `midge.toml:${line}`),
  );
});

test("a secret is never repeated", (t) => {
  const content = '[[bridge]]\nname = "a"\naddress = "b"\nusername = "u"\npassword = 123456789';
  assert.deepEqual(problemsOf(t, content), [
    "midge.toml:5: bridge[0].password: expected text in quotes",
  ]);
});

test("long values are cut and shown on one line", (t) => {
  const [line = ""] = problemsOf(t, `[log]\nformat = """\n${"long ".repeat(50)}"""`);
  assert.match(line, /^midge\.toml:2: log\.format: .*, got "(long )+l?o?n?g?\.\.\."$/);
  assert.ok(line.length < 150);
});

test("of a file with thousands of mistakes, a hundred are told and the others counted", (t) => {
  const content = Array.from({ length: 5000 }, (_, index) => `key${index} = 1`).join("\n");
  const lines = problemsOf(t, content);
  assert.equal(lines.length, 101);
  assert.equal(lines.at(-1), "midge.toml: and 4900 more mistakes");
});
