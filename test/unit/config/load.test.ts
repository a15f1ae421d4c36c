/** Loading: defaults, what a file changes, the command line, and files that cannot be read. */
import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { ConfigError } from "../../../src/config/config-error.ts";
import { loadConfig } from "../../../src/config/load.ts";
import { attempt } from "../../../src/config/read-text.ts";
import { load, problemsIn, problemsOf, temporaryFolder } from "../../kit/config-file.ts";

test("without a file everything has its default, and listens on loopback only", () => {
  const { config, warnings, file } = loadConfig({});
  assert.deepEqual(warnings, []);
  assert.equal(file, undefined);
  assert.deepEqual(
    config.listener.map(({ name, port, address, protocol, allow_anonymous, max_connections }) => ({
      name,
      port,
      address,
      protocol,
      allow_anonymous,
      max_connections,
    })),
    [
      {
        name: "mqtt-1883",
        port: 1883,
        address: "localhost",
        protocol: "mqtt",
        allow_anonymous: true,
        max_connections: -1,
      },
    ],
  );
  const { http, link } = config;
  assert.deepEqual([http.enabled, http.port, http.address], [true, 8080, "127.0.0.1"]);
  assert.equal(http.allow_anonymous, true);
  assert.deepEqual(
    link.map(({ name, type, port, address }) => ({ name, type, port, address })),
    [{ name: "udp-1884", type: "udp", port: 1884, address: "127.0.0.1" }],
  );
  assert.deepEqual([config.bridge, config.predefined_topic], [[], []]);
  assert.equal(config.broker.persistent_client_expiration, 0);
});

test("an empty file, one of comments, and one with a byte order mark are the defaults", (t) => {
  const { config } = loadConfig({});
  for (const content of ["", "# nothing\r\n", "\ufeff[broker]\n"]) {
    assert.deepEqual(load(t, content).config, config);
  }
});

test("a listener section replaces the default listener, and an empty list removes it", (t) => {
  const { config } = load(t, "[[listener]]\nport = 2883\n[[listener]]\nport = 2884\n");
  assert.deepEqual(
    config.listener.map((listener) => listener.port),
    [2883, 2884],
  );
  assert.deepEqual(load(t, "listener = []\nlink = []\n").config.listener, []);
});

test("anonymous clients are let in by default on loopback addresses only", (t) => {
  for (const [address, allowed] of [
    ["127.0.0.1", true],
    ["127.8.8.8", true],
    ["::1", true],
    ["localhost", true],
    ["", false],
    ["0.0.0.0", false],
    ["::", false],
    ["192.168.1.5", false],
    ["127.0.0.1.example", false],
  ] as const) {
    const { config } = load(
      t,
      `[[listener]]\naddress = "${address}"\n[http]\naddress = "${address}"`,
    );
    assert.equal(config.listener[0]?.allow_anonymous, allowed, address);
    assert.equal(config.http.allow_anonymous, allowed, address);
  }
  const { config } = load(t, '[[listener]]\naddress = ""\nallow_anonymous = true');
  assert.equal(config.listener[0]?.allow_anonymous, true);
});

test("a bridge fills in what is not given", (t) => {
  const { config } = load(
    t,
    `[[bridge]]
name = "cloud"
address = ["broker.example", "10.0.0.1:8883", "[fd00::1]:1884"]
clean_session = true
restart_timeout = 60
[[bridge.topic]]
pattern = "a/#"
[[bridge.topic]]
pattern = ""
direction = "both"
qos = 2
local_prefix = "l"
remote_prefix = "r"
`,
  );
  const [bridge] = config.bridge;
  assert.deepEqual(bridge?.address, [
    { host: "broker.example", port: 1883 },
    { host: "10.0.0.1", port: 8883 },
    { host: "fd00::1", port: 1884 },
  ]);
  assert.equal(bridge.local_clean_session, true);
  assert.equal(bridge.restart_timeout_cap, 60);
  assert.deepEqual(bridge.topic, [
    { pattern: "a/#", direction: "out", qos: 0, local_prefix: "", remote_prefix: "" },
    { pattern: "", direction: "both", qos: 2, local_prefix: "l", remote_prefix: "r" },
  ]);
});

test("a limit of 0 messages in flight is the protocol's own limit", (t) => {
  assert.equal(
    load(t, "[broker]\nmax_inflight_messages = 0").config.broker.max_inflight_messages,
    65_535,
  );
});

test("durations are seconds, or words", (t) => {
  const expiration = (text: string) =>
    load(t, `[broker]\npersistent_client_expiration = ${text}`).config.broker
      .persistent_client_expiration;
  assert.deepEqual(
    ['""', "0", "90", '"90s"', '"12h"', '"2d"', '"1 w"', '"6m"', '"1y"'].map(expiration),
    [0, 0, 90, 90, 43_200, 172_800, 604_800, 15_552_000, 31_536_000],
  );
});

test("a port from the command line moves the default listener", (t) => {
  const { config } = loadConfig({ overrides: { ports: [2883] } });
  assert.deepEqual([config.listener[0]?.port, config.listener[0]?.name], [2883, "mqtt-2883"]);
  assert.equal(load(t, "[log]\n", "x.toml", { ports: [2883] }).config.listener[0]?.port, 2883);
});

test("a port from the command line does nothing where the file has listeners, which is told", (t) => {
  const { config, warnings } = load(t, "[[listener]]\nport = 1999", "x.toml", { ports: [2883] });
  assert.equal(config.listener[0]?.port, 1999);
  assert.deepEqual(warnings, [
    {
      file: "command line",
      line: 0,
      key: "-p",
      message: "has no effect, as the file has listeners of its own",
    },
  ]);
});

test("an impossible port from the command line is refused as the command line's", (t) => {
  for (const [port, shown] of [
    [0, "0"],
    [70_000, "70000"],
    [Number.NaN, "nan"],
  ] as const) {
    assert.deepEqual(problemsOf(t, "", "x.toml", { ports: [port] }), [
      `command line: -p: expected a port number from 1 to 65535, got ${shown}`,
    ]);
  }
  assert.deepEqual(problemsOf(t, "", "x.toml", { ports: [8080] }), [
    "command line: -p: TCP port 8080 is taken by [http] already",
  ]);
});

test("verbose logs everything, whatever the file says", (t) => {
  assert.deepEqual(loadConfig({ overrides: { verbose: true } }).config.log.log_type, ["all"]);
  const content = '[log]\nlog_type = ["error"]\nformat = "json"';
  const { log } = load(t, content, "x.toml", { verbose: true }).config;
  assert.deepEqual([log.log_type, log.format], [["all"], "json"]);
  const silent = load(t, content, "x.toml", { verbose: true, quiet: true }).config.log;
  assert.deepEqual(silent.log_type, ["none"]);
  assert.deepEqual(problemsOf(t, "log = 1", "x.toml", { verbose: true }), [
    "x.toml:1: log: expected a section [log], got 1",
  ]);
});

test("a configuration error has a stable code and its problems as data", (t) => {
  assert.throws(
    () => load(t, "[log]\nformat = 1"),
    (error) => {
      assert.ok(error instanceof ConfigError);
      assert.equal(error.code, "MIDGE_CONFIG_INVALID");
      assert.deepEqual(
        error.problems.map(({ line, key }) => ({ line, key })),
        [{ line: 2, key: "log.format" }],
      );
      return true;
    },
  );
});

test("files that cannot be read are told in one line", (t) => {
  const folder = temporaryFolder(t);
  mkdirSync(join(folder, "folder.toml"));
  assert.deepEqual(problemsIn(folder, "folder.toml"), ["folder.toml: is a directory, not a file"]);
  assert.deepEqual(problemsIn(folder, "none.toml"), ["none.toml: no such file"]);
  assert.deepEqual(problemsIn(folder, "none.conf"), ["none.conf: no such file"]);
  assert.deepEqual(problemsIn(folder, "none/none.toml"), ["none/none.toml: no such file"]);
  assert.deepEqual(problemsIn("/dev", "zero"), ["zero: is not a regular file"]);
});

test("a file that is refused for its permissions or its disk is told in one line", () => {
  for (const [code, message] of [
    ["EACCES", "x.toml: may not be read: permission denied"],
    ["EIO", "x.toml: cannot be read (EIO)"],
  ] as const) {
    const fail = () => {
      throw Object.assign(new Error("from the system"), { code });
    };
    assert.throws(() => attempt("x.toml", fail), { name: "ConfigError", message });
  }
});

test("a file of more than 1 MB is refused", (t) => {
  const content = `# ${"x".repeat(1_048_576)}`;
  const refusal = "is larger than 1 MB: this is no configuration";
  assert.deepEqual(problemsOf(t, content), [`midge.toml: ${refusal}`]);
  assert.deepEqual(problemsOf(t, content, "m.conf"), [`m.conf: ${refusal}`]);
});

test("text that is not UTF-8 is refused with its line", (t) => {
  const content = Uint8Array.of(35, 10, 35, 10, 35, 0xc3, 0x28, 10, 35);
  assert.deepEqual(problemsOf(t, content), ["midge.toml:3: is not UTF-8 text"]);
  assert.deepEqual(problemsOf(t, Uint8Array.of(10, 0xff), "m.conf"), [
    "m.conf:2: is not UTF-8 text",
  ]);
});
