/** What listeners and the web server leave to `[access]` and `[broker]`. */
import assert from "node:assert/strict";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { load, problemsOf } from "../../kit/config-file.ts";

test("a listener falls back on [access] and [broker], and goes before them", (t) => {
  const content = `
[broker]
max_qos = 1
max_keepalive = 60
max_topic_alias = 5
max_topic_alias_broker = 6
allow_zero_length_clientid = false
auto_id_prefix = "b-"
[access]
password_file = "/p"
acl_file = "/a"
psk_file = "/k"
dynamic_security = true
clientid_prefixes = ["x-"]
allow_anonymous = true
[[listener]]
[[listener]]
port = 2
max_qos = 0
max_keepalive = 7
max_topic_alias = 0
max_topic_alias_broker = 0
allow_zero_length_clientid = true
auto_id_prefix = ""
password_file = "/p2"
acl_file = "/a2"
psk_file = "/k2"
dynamic_security = false
clientid_prefixes = []
allow_anonymous = false
`;
  const { listener, http } = load(t, content).config;
  const facts = listener.map((one) => [
    [one.max_qos, one.max_keepalive, one.max_topic_alias, one.max_topic_alias_broker],
    [one.allow_zero_length_clientid, one.auto_id_prefix],
    [one.password_file, one.acl_file, one.psk_file],
    [one.dynamic_security, one.clientid_prefixes, one.allow_anonymous],
  ]);
  assert.deepEqual(facts, [
    [
      [1, 60, 5, 6],
      [false, "b-"],
      ["/p", "/a", "/k"],
      [true, ["x-"], true],
    ],
    [
      [0, 7, 0, 0],
      [true, ""],
      ["/p2", "/a2", "/k2"],
      [false, [], false],
    ],
  ]);
  assert.equal(http.allow_anonymous, true);
});

/** What the file says, and whether its listener and the web server let anonymous clients in. */
const ANONYMOUS: readonly (readonly [string, boolean, boolean])[] = [
  ["", true, true],
  ['[access]\npassword_file = "/p"', false, false],
  ["[access]\ndynamic_security = true", false, false],
  ['[[plugin]]\nmodule = "a.mjs"', false, false],
  ['[[listener]]\npassword_file = "/p"', false, false],
  ['[[plugin]]\nmodule = "a.mjs"\n[[listener]]\nplugins = []', true, false],
  ["[access]\nallow_anonymous = false", false, false],
  ['[[listener]]\naddress = ""\n[access]\nallow_anonymous = true', true, true],
  ['[[listener]]\npath = "/run/mqtt.sock"', true, true],
  ['[[listener]]\naddress = ""\nbind_interface = "lo"', true, true],
  ['[[listener]]\nbind_interface = "eth0"', false, true],
  ['[http]\naddress = ""', true, false],
];

for (const [content, listener, http] of ANONYMOUS) {
  test(`${JSON.stringify(content)} lets anonymous clients in: ${listener}, ${http}`, (t) => {
    const { config } = load(t, content);
    assert.deepEqual(
      [config.listener[0]?.allow_anonymous, config.http.allow_anonymous],
      [listener, http],
    );
  });
}

test("receive_maximum is max_inflight_messages unless given", (t) => {
  const receiveMaximum = (content: string) => load(t, content).config.broker.receive_maximum;
  assert.equal(receiveMaximum(""), 20);
  assert.equal(receiveMaximum("[broker]\nmax_inflight_messages = 0"), 65_535);
  assert.equal(receiveMaximum("[broker]\nmax_inflight_messages = 9\nreceive_maximum = 3"), 3);
});

test("a plugin is called what its file is called, unless given a name", (t) => {
  const content =
    '[[plugin]]\nmodule = "/x/door.v2.mjs"\n[[plugin]]\nmodule = "y"\nname = "z"\noptions = { a = 1, b = true, c = "d" }';
  const { config, file = "" } = load(t, content);
  const { plugin, listener } = config;
  // Modules lie where the file sees them.
  const folder = dirname(file);
  assert.deepEqual(plugin, [
    { module: "/x/door.v2.mjs", name: "door.v2", options: {} },
    { module: join(folder, "y"), name: "z", options: { a: 1, b: true, c: "d" } },
  ]);
  assert.deepEqual(listener[0]?.plugins, ["door.v2", "z"]);
});

/** What the file says, and the problems without the file's name. */
const CLASHES: readonly (readonly [string, ...string[]])[] = [
  [
    '[[plugin]]\nmodule = "a.mjs"\n[[plugin]]\nmodule = "b/a.mjs"',
    '3: plugin[1].name: "a" is the name of another plugin already',
  ],
  ['[[listener]]\nplugins = [\n"a"]', '3: listener[0].plugins[0]: there is no plugin "a"'],
  [
    '[[listener]]\npath = "/run/x"\nport = 1883\naddress = "::1"',
    "3: listener[0].port: a Unix socket, which path names, has none",
    "4: listener[0].address: a Unix socket, which path names, has none",
  ],
  [
    `[[listener]]\npath = "/${"x".repeat(107)}"`,
    "2: listener[0].path: must not have more than 107 bytes",
  ],
  [
    '[[listener]]\nunix_mode = "rw"',
    '2: listener[0].unix_mode: expected file permissions such as "0660", got "rw"',
  ],
  [
    "[[listener]]\naccept_protocol_versions = [3.1]",
    "2: listener[0].accept_protocol_versions[0]: expected 3, 4 or 5, got 3.1",
  ],
];

for (const [content, ...expected] of CLASHES) {
  test(`${JSON.stringify(content).slice(0, 70)} is refused`, (t) => {
    assert.deepEqual(
      problemsOf(t, content),
      expected.map((line) => `midge.toml:${line}`),
    );
  });
}
