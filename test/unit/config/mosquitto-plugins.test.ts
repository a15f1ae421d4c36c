/** Plugins in mosquitto.conf: Mosquitto's own are built in, modules are Midge's. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { load, problemsOf, warningsOf } from "../../kit/config-file.ts";

const NAME = "mosquitto.conf";
const LIB = "/usr/lib/x86_64-linux-gnu";

test("the plugins that come with Mosquitto are known by their file's name", (t) => {
  for (const path of [
    `${LIB}/mosquitto_password_file.so`,
    "mosquitto_password_file",
    "C:\\Program Files\\Mosquitto\\mosquitto_password_file.dll",
  ]) {
    const text = `listener 1\nplugin ${path}\nplugin_opt_password_file /p w\n`;
    assert.equal(load(t, text, NAME).config.access.password_file, "/p w");
  }
  const text = `listener 1
global_plugin ${LIB}/mosquitto_acl_file.so
plugin_opt_acl_file /a
auth_plugin ${LIB}/mosquitto_dynamic_security.so
auth_opt_config_file /d.json
plugin_opt_password_init_file /init
plugin ${LIB}/mosquitto_persist_sqlite.so
plugin_opt_sync normal
`;
  const { access, store, plugin, listener } = load(t, text, NAME).config;
  assert.equal(access.acl_file, "/a");
  assert.deepEqual([access.dynamic_security, access.dynamic_security_import], [true, "/d.json"]);
  assert.equal(access.dynamic_security_password_init_file, "/init");
  assert.equal(listener[0]?.dynamic_security, true);
  assert.equal(store.mode, "strict");
  assert.deepEqual(plugin, []);
});

test("a plugin that is loaded by name has a say on the listeners that use it", (t) => {
  const text = `plugin_load pw ${LIB}/mosquitto_password_file.so
plugin_opt_password_file /p
plugin_load acl ${LIB}/mosquitto_acl_file.so
plugin_opt_acl_file /a
plugin_load dyn ${LIB}/mosquitto_dynamic_security.so
plugin_opt_config_file /d.json
listener 1
plugin_use pw
plugin_use acl
listener 2
plugin_use dyn
listener 3
listener_allow_anonymous true
`;
  const { config, warnings } = load(t, text, NAME);
  assert.deepEqual(warnings, []);
  assert.deepEqual(
    config.listener.map((one) => [one.password_file, one.acl_file, one.dynamic_security]),
    [
      ["/p", "/a", false],
      ["", "", true],
      ["", "", false],
    ],
  );
  const { access } = config;
  assert.deepEqual([access.password_file, access.dynamic_security], ["", false]);
  assert.equal(access.dynamic_security_import, "/d.json");
});

test("with per_listener_settings a plugin is its listener's, a global one everybody's", (t) => {
  const text = `per_listener_settings true
global_plugin /plugins/all.mjs
listener 1
plugin /plugins/one.js
plugin_opt_level 5
plugin_opt_words two words
listener 2
`;
  const { plugin, listener } = load(t, text, NAME).config;
  assert.deepEqual(plugin, [
    { module: "/plugins/all.mjs", name: "all", options: {} },
    { module: "/plugins/one.js", name: "one", options: { level: "5", words: "two words" } },
  ]);
  assert.deepEqual(
    listener.map(({ plugins }) => plugins),
    [["all", "one"], ["all"]],
  );
});

test("modules of one name are told apart, and keep the names they are loaded by", (t) => {
  const text = `listener 1
plugin /a/door.mjs
plugin /b/door.mjs
plugin_load gate /c/door.mjs
auth_plugin_deny_special_chars false
`;
  const { plugin, listener, access } = load(t, text, NAME).config;
  assert.deepEqual(
    plugin.map(({ name }) => name),
    ["door", "door-2", "gate"],
  );
  assert.deepEqual(listener[0]?.plugins, ["door", "door-2"]);
  assert.equal(access.auth_plugin_deny_special_chars, false);
});

/** What stands in the file, and the problems without the file's name. */
const MISTAKES: readonly (readonly [string, ...string[]])[] = [
  [
    "listener 1\nplugin /usr/lib/go-auth.so",
    '2: plugin: "/usr/lib/go-auth.so" is a plugin for Mosquitto: Midge has those that come with Mosquitto built in, and takes JavaScript modules for others',
  ],
  [
    "listener 1\nplugin mosquitto_acl_file.so",
    "2: plugin: needs a line plugin_opt_acl_file with the file behind it",
  ],
  [
    "listener 1\nplugin mosquitto_dynamic_security.so",
    "2: plugin: needs a line plugin_opt_config_file with the file behind it",
  ],
  [
    "listener 1\nplugin mosquitto_acl_file.so\nplugin_opt_acl_file /a\nplugin_opt_aclfile /b",
    "4: plugin_opt_aclfile: unknown option of this plugin, which has plugin_opt_acl_file",
  ],
  ["plugin_opt_a b", "1: plugin_opt_a: needs a plugin line before it"],
  [
    "auth_plugin_deny_special_chars 1",
    "1: auth_plugin_deny_special_chars: needs a plugin line before it",
  ],
  ["plugin", "1: plugin: has no value"],
  ["plugin_load x", "1: plugin_load: has no value"],
  ["plugin_load x a.mjs\nplugin_load x b.mjs", '2: plugin_load: a plugin "x" is loaded already'],
  ["listener 1\nplugin_use x", '2: plugin_use: no plugin "x" is loaded before'],
  ["plugin_load x a.mjs\nplugin_use x", "2: plugin_use: needs a listener line before it"],
  [
    "listener 1\nplugin a.mjs\nplugin_opt_",
    "3: plugin_opt_: the name of the plugin's option is missing",
  ],
  [
    "listener 1\npassword_file /p\nplugin mosquitto_password_file.so\nplugin_opt_password_file /q",
    "4: plugin_opt_password_file: Midge takes one password_file for a listener, and there is another",
  ],
  [
    "acl_file /a\nplugin_load acl mosquitto_acl_file.so\nplugin_opt_acl_file /b\nlistener 1\nplugin_use acl",
    "3: plugin_opt_acl_file: Midge takes one acl_file for a listener, and there is another",
  ],
  [
    "plugin mosquitto_dynamic_security.so\nplugin_opt_config_file /a\nplugin mosquitto_dynamic_security.so\nplugin_opt_config_file /b\nlistener 1",
    "4: plugin_opt_config_file: Midge has one set of dynamic security for all listeners",
  ],
];

for (const [text, ...expected] of MISTAKES) {
  test(`${JSON.stringify(text)} is refused with the line and the reason`, (t) => {
    assert.deepEqual(
      problemsOf(t, text, NAME),
      expected.map((line) => `${NAME}:${line}`),
    );
  });
}

test("plugins are users enough: nobody is said to be shut out", (t) => {
  const text = "listener 1\nplugin a.mjs\n";
  assert.deepEqual(warningsOf(t, text, NAME), []);
});
