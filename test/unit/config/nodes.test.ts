/** Links and nodes: what they fall back on, and what must fit together. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { accessSettingsFrom } from "../../../src/access-from-config.ts";
import { gatewayOptionsFrom } from "../../../src/options-from-config.ts";
import { load, problemsOf } from "../../kit/config-file.ts";

const PLUGIN = '[[plugin]]\nmodule = "door.mjs"\n';

test("a link falls back on [gateway] and [access], and goes before them", (t) => {
  const { config } = load(
    t,
    `${PLUGIN}[access]
acl_file = "/rules"
dynamic_security = true
[gateway]
admission = "known"
username = "sn-%c"
[[node]]
client_id = "a*"
[[link]]
name = "one"
[[link]]
name = "two"
port = 1885
admission = "pairing"
username = ""
acl_file = "/own"
dynamic_security = false
plugins = []
max_nodes = 7
`,
  );
  const options = gatewayOptionsFrom(config);
  assert.deepEqual(
    [...options.links],
    [
      ["one", { admission: "known", maxNodes: undefined, username: "sn-%c" }],
      ["two", { admission: "pairing", maxNodes: 7, username: "" }],
    ],
  );
  assert.deepEqual(options.knownNodes, [{ clientId: "a*", link: "" }]);
  const { nodes } = accessSettingsFrom(config);
  assert.deepEqual(
    [...nodes].map(([name, { allowAnonymous, chain }]) => [name, allowAnonymous, chain]),
    [
      [
        "one",
        true,
        [
          { kind: "dynamic-security" },
          { kind: "plugin", name: "door" },
          { kind: "acl-file", path: "/rules" },
        ],
      ],
      ["two", true, [{ kind: "acl-file", path: "/own" }]],
    ],
  );
});

test("without access control there are no rules for nodes", (t) => {
  const { config } = load(t, "");
  assert.deepEqual(accessSettingsFrom(config).nodes.get("udp-1884")?.chain, []);
});

test("a node's link and a link's plugins must exist", (t) => {
  const problems = problemsOf(
    t,
    '[[node]]\nclient_id = "a"\nlink = "serial"\n[[link]]\nplugins = ["gate"]\n',
  );
  assert.deepEqual(problems, [
    'midge.toml:3: node[0].link: there is no link "serial"',
    'midge.toml:5: link[0].plugins[0]: there is no plugin "gate"',
  ]);
});

test("a mode that lets nobody in, and senders of nowhere, are worth a warning", (t) => {
  const text =
    '[gateway]\nadmission = "known"\nqos_minus_one_from = ["10.0.0.0/8", "10.0.0.0/40"]\n';
  const { warnings } = load(t, text);
  assert.deepEqual(
    warnings.map(({ key, message }) => [key, message.slice(0, 45)]),
    [
      ["link[0].admission", 'with "known" no node can connect, as there is'],
      ["gateway.qos_minus_one_from[1]", '"10.0.0.0/40" is neither a link nor an IP add'],
    ],
  );
});

test("a user name that a node can choose, and an open link without rules, are worth advice", (t) => {
  const chosen = load(t, '[access]\ndynamic_security = true\n[gateway]\nusername = "%c"\n').advice;
  assert.ok(chosen.some(({ key }) => key === "link[0].username"));
  const open = load(t, '[[link]]\naddress = ""\n').advice;
  assert.ok(
    open.some(({ key, message }) => key === "link[0].admission" && /as a node/.test(message)),
  );
  const paired = load(t, '[[link]]\naddress = ""\nadmission = "pairing"\n').advice;
  assert.equal(paired.length, 0);
});
