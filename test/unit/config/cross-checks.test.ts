/** Options that are right in themselves but do not fit together. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { problemsOf, warningsOf } from "../../kit/config-file.ts";

const CLOUD = '[[bridge]]\nname = "cloud"\naddress = "cloud.example"\n';

/** What the file says, and the problems without the file's name. */
const CLASHES: readonly (readonly [string, string, ...string[]])[] = [
  [
    "two listeners on one port",
    '[[listener]]\n[[listener]]\nname = "b"',
    "2: listener[1].port: TCP port 1883 is taken by listener[0] already",
  ],
  [
    "a listener on all addresses and one on loopback",
    '[[listener]]\naddress = ""\nallow_anonymous = true\n[[listener]]\nname = "b"',
    "4: listener[1].port: TCP port 1883 is taken by listener[0] already",
  ],
  [
    "a listener on the web server's default port",
    "[[listener]]\nport = 8080",
    "2: listener[0].port: TCP port 8080 is taken by [http] already",
  ],
  [
    "the web server on the default listener's port",
    "[http]\nport = 1883",
    "2: http.port: TCP port 1883 is taken by listener[0] already",
  ],
  [
    "two links on one port",
    '[[link]]\n[[link]]\nname = "b"',
    "2: link[1].port: UDP port 1884 is taken by link[0] already",
  ],
  [
    "two listeners of one name",
    '[[listener]]\nname = "a"\n[[listener]]\nname = "a"\nport = 2',
    '4: listener[1].name: "a" is the name of listener[0] already',
  ],
  [
    "two bridges of one name",
    `${CLOUD}topic = [{ pattern = "a" }]\n${CLOUD}topic = [{ pattern = "a" }]`,
    '6: bridge[1].name: "cloud" is the name of bridge[0] already',
  ],
  [
    "two bridges of one local client id",
    `${CLOUD}local_client_id = "x"\n[[bridge]]\nname = "b"\naddress = "b"\nlocal_client_id = "x"`,
    '8: bridge[1].local_client_id: client id "x" is that of bridge[0] already',
  ],
  [
    "a topic id defined twice for all nodes",
    '[[predefined_topic]]\nid = 5\nname = "a"\n[[predefined_topic]]\nid = 5\nname = "b"',
    "5: predefined_topic[1].id: topic id 5 is defined for all nodes by predefined_topic[0] already",
  ],
  [
    "a topic id defined twice for one node",
    '[[predefined_topic]]\nid = 5\nname = "a"\nnode = "n"\n[[predefined_topic]]\nid = 5\nname = "b"\nnode = "n"',
    '6: predefined_topic[1].id: topic id 5 is defined for node "n" by predefined_topic[0] already',
  ],
  [
    "a topic id of two patterns that fit one node",
    '[[predefined_topic]]\nid = 5\nname = "a"\nnode = "n*"\n[[predefined_topic]]\nid = 5\nname = "b"\nnode = "*m"',
    '6: predefined_topic[1].id: topic id 5 of nodes "*m" is another topic for nodes "n*" by predefined_topic[0], and a node may fit both',
  ],
  [
    "a password without a user name",
    `${CLOUD}password = "p"`,
    "4: bridge[0].password: a password needs a username",
  ],
  [
    "a cap below the first wait",
    `${CLOUD}restart_timeout = 9\nrestart_timeout_cap = 8`,
    "5: bridge[0].restart_timeout_cap: must not be below restart_timeout, which is 9",
  ],
  [
    "an empty pattern with one prefix",
    `${CLOUD}topic = [{ pattern = "", local_prefix = "a" }]`,
    "4: bridge[0].topic[0].pattern: an empty pattern needs both local_prefix and remote_prefix",
  ],
  [
    "a prefix that spoils the pattern",
    `${CLOUD}topic = [\n{ pattern = "a" },\n{ pattern = "+/b", remote_prefix = "site" }]`,
    '6: bridge[0].topic[1].pattern: "site+/b" is no topic filter',
  ],
  [
    "a client id that makes no topic",
    `${CLOUD}client_id = "a+b"`,
    "4: bridge[0].client_id: with + or # in it, no topic can be made of it: set notification_topic",
  ],
];

for (const [title, content, ...expected] of CLASHES) {
  test(`${title} is refused`, (t) => {
    assert.deepEqual(
      problemsOf(t, content),
      expected.map((line) => `midge.toml:${line}`),
    );
  });
}

/** What does fit together. */
const PEACE: readonly (readonly [string, string])[] = [
  [
    "one port on two addresses",
    '[[listener]]\naddress = "127.0.0.1"\n[[listener]]\naddress = "::1"',
  ],
  ["TCP and UDP on one port", "[[link]]\nport = 1883"],
  [
    "the port of a web server that is turned off",
    "[[listener]]\nport = 8080\n[http]\nenabled = false",
  ],
  [
    "two links on one port of a gateway that is turned off",
    '[gateway]\nenabled = false\n[[link]]\n[[link]]\nname = "b"',
  ],
  [
    "a topic id for all nodes and another for one node",
    '[[predefined_topic]]\nid = 5\nname = "a"\n[[predefined_topic]]\nid = 5\nname = "b"\nnode = "n"',
  ],
];

for (const [title, content] of PEACE) {
  test(`${title} is no clash`, (t) => {
    assert.deepEqual(problemsOf(t, content), []);
  });
}

test("clashes are told together with other mistakes, and not of sections that are wrong", (t) => {
  const content =
    '[[listener]]\nport = 8080\n[[listener]]\nport = -1\n[[listener]]\nport = 8080\nname = "c"';
  assert.deepEqual(problemsOf(t, content), [
    "midge.toml:2: listener[0].port: TCP port 8080 is taken by [http] already",
    "midge.toml:4: listener[1].port: expected a port number from 1 to 65535, got -1",
    "midge.toml:6: listener[2].port: TCP port 8080 is taken by listener[0] already",
  ]);
});

test("a bridge without topics is worth a warning", (t) => {
  assert.deepEqual(warningsOf(t, CLOUD), [
    "midge.toml:1: bridge[0]: the bridge shares nothing: it has no topics",
  ]);
});

test("a listener that lets nobody in is worth a warning", (t) => {
  const nobody = "no client can connect: allow_anonymous is false, and no users are configured";
  assert.deepEqual(warningsOf(t, '[[listener]]\naddress = ""\n[http]\naddress = ""'), [
    `midge.toml:1: listener[0].allow_anonymous: ${nobody}`,
    `midge.toml:3: http.allow_anonymous: ${nobody}`,
  ]);
});
