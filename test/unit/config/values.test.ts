/** The small parts: addresses, durations, paths, quoting, suggestions, client ids of bridges. */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  isHost,
  isLoopback,
  isMulticast,
  overlaps,
  parseEndpoint,
} from "../../../src/config/addresses.ts";
import { bridgeClientIds } from "../../../src/config/bridge-client-ids.ts";
import { formatProblem } from "../../../src/config/config-error.ts";
import { parseDuration } from "../../../src/config/duration.ts";
import { formatPath } from "../../../src/config/key-path.ts";
import { quote, showKey, showValue } from "../../../src/config/show-value.ts";
import { suggest } from "../../../src/config/suggest.ts";

test("hosts are names and addresses, and no addresses gone wrong", () => {
  const good = ["localhost", "a.b-c.example", "_srv.x", "10.0.0.1", "::1", "fe80::1%eth0", "a."];
  for (const host of good) assert.ok(isHost(host), host);
  const bad = ["", "a b", "1.2.3", "1.2.3.4.5", "256.1.1.1", "-a", "a-", "a..b", "a/b", "[::1]"];
  for (const host of [...bad, "x".repeat(254)]) assert.ok(!isHost(host), host);
});

test("endpoints are a host with or without a port", () => {
  assert.deepEqual(parseEndpoint("a.example", 1883), { host: "a.example", port: 1883 });
  assert.deepEqual(parseEndpoint("a:1", 1883), { host: "a", port: 1 });
  assert.deepEqual(parseEndpoint("[::1]", 1883), { host: "::1", port: 1883 });
  assert.deepEqual(parseEndpoint("[::1]:65535", 1883), { host: "::1", port: 65_535 });
  const bad = [
    "",
    ":1",
    "a:",
    "a:0",
    "a:65536",
    "a:x",
    "::1",
    "[a]:1",
    "[::1",
    "a:1:2",
    "mqtt://a:1",
  ];
  for (const text of bad) assert.equal(parseEndpoint(text, 1883), undefined, text);
});

test("loopback and multicast addresses are known", () => {
  for (const address of ["127.0.0.1", "127.1.2.3", "::1", "localhost", "::ffff:127.0.0.1"]) {
    assert.ok(isLoopback(address), address);
  }
  for (const address of ["", "0.0.0.0", "::", "128.0.0.1", "127.example"]) {
    assert.ok(!isLoopback(address), address);
  }
  for (const address of ["225.1.1.1", "239.255.255.255", "ff02::1"])
    assert.ok(isMulticast(address));
  for (const address of ["223.1.1.1", "240.0.0.1", "fe80::1", "x"])
    assert.ok(!isMulticast(address));
});

test("sockets on one port are in each other's way where their addresses overlap", () => {
  for (const [a, b, expected] of [
    ["127.0.0.1", "127.0.0.1", true],
    ["localhost", "127.0.0.1", true],
    ["localhost", "::1", true],
    ["localhost", "10.0.0.1", false],
    ["", "10.0.0.1", true],
    ["::", "10.0.0.1", true],
    ["0.0.0.0", "10.0.0.1", true],
    ["0.0.0.0", "::1", false],
    ["127.0.0.1", "::1", false],
    ["10.0.0.1", "10.0.0.2", false],
  ] as const) {
    assert.equal(overlaps(a, b), expected, `${a} ${b}`);
    assert.equal(overlaps(b, a), expected, `${b} ${a}`);
  }
});

test("durations are bounded, and whole", () => {
  assert.equal(parseDuration("100y"), 3_153_600_000);
  for (const value of ["101y", 1.5, -1, Number.NaN, "1", "d", "1d2h", " 1d", "1.5d", true, null]) {
    assert.equal(parseDuration(value), undefined, String(value));
  }
});

test("paths and problems are written as people write them", () => {
  assert.equal(formatPath(["bridge", 0, "topic", 2, "pattern"]), "bridge[0].topic[2].pattern");
  assert.equal(formatPath(["a b", "c-d", ""]), '"a b".c-d.""');
  assert.equal(formatProblem({ file: "f", line: 3, key: "k", message: "m" }), "f:3: k: m");
  assert.equal(formatProblem({ file: "f", line: 0, key: "", message: "m" }), "f: m");
});

test("values are shown short, on one line, without control characters", () => {
  assert.equal(showValue('say "hi"\n'), '"say \\"hi\\"\\n"');
  assert.equal(quote("\u001b[31m\u007f\u202e"), '"\\u001b[31m\\u007f\\u202e"');
  assert.equal(showKey("\u001b[31m"), "\\u001b[31m");
  assert.equal(quote("x".repeat(41)), `"${"x".repeat(37)}..."`);
  assert.equal(quote("x".repeat(40)), `"${"x".repeat(40)}"`);
  assert.equal(quote("\u{1f99f}".repeat(40)), `"${"\u{1f99f}".repeat(40)}"`);
  assert.ok(showKey("k".repeat(1_000_000)).length <= 100);
  assert.deepEqual([[], {}, new Date(), undefined, null].map(showValue), [
    "a list",
    "a table",
    "a date",
    "nothing",
    "a table",
  ]);
});

test("a mistyped word suggests the word that is meant, and others nothing", () => {
  const known = ["port", "address", "max_connections", "max_queued_messages", "qos"];
  for (const [word, meant] of [
    ["prot", "port"],
    ["Port", "port"],
    ["adress", "address"],
    ["max-connections", "max_connections"],
    ["max_queud_message", "max_queued_messages"],
    ["maxconnections", "max_connections"],
    ["colour", undefined],
    ["x", undefined],
    ["", undefined],
    ["x".repeat(100_000), undefined],
  ] as const) {
    assert.equal(suggest(word, known), meant, word.slice(0, 20));
  }
});

test("client ids of a bridge are made as Mosquitto makes them", () => {
  const bridge = { name: "cloud", client_id: "", local_client_id: "" };
  assert.deepEqual(bridgeClientIds(bridge, "box"), {
    remote: "box.cloud",
    local: "local.box.cloud",
  });
  assert.deepEqual(bridgeClientIds({ ...bridge, client_id: "x" }, "box"), {
    remote: "x",
    local: "local.x",
  });
  assert.equal(bridgeClientIds({ ...bridge, local_client_id: "y" }, "box").local, "y");
});
