/** `gateway.upstream` and what belongs to it. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { parseUpstream } from "../../../src/config/upstream-address.ts";
import { load, problemsOf, warningsOf } from "../../kit/config-file.ts";
import { temporaryFolder } from "../../kit/processes.ts";

const plain = { tls: false, webSocketPath: undefined };

for (const [url, address] of [
  ["mqtt://host", { host: "host", port: 1883, ...plain }],
  ["MQTT://host:1/", { host: "host", port: 1, ...plain }],
  ["mqtts://[::1]", { host: "::1", port: 8883, tls: true, webSocketPath: undefined }],
  ["ws://10.0.0.1", { host: "10.0.0.1", port: 80, tls: false, webSocketPath: "/mqtt" }],
  ["wss://h:9001/a/b", { host: "h", port: 9001, tls: true, webSocketPath: "/a/b" }],
] as const) {
  test(`${url} says where to connect`, () => {
    assert.deepEqual(parseUpstream(url), address);
  });
}

for (const url of [
  "",
  "host",
  "http://host",
  "mqtt://",
  "mqtt://user:secret@host",
  "mqtt://host:0",
  "mqtt://host:70000",
  "mqtt://host/topic",
  "mqtt://ho st",
  "mqtt://1.2.3",
]) {
  test(`"${url}" is no upstream`, () => {
    assert.equal(parseUpstream(url), undefined);
  });
}

test("nodes stay here by default", (t) => {
  const { gateway } = load(t, "").config;
  assert.deepEqual([gateway.upstream, gateway.upstream_mode], ["", "transparent"]);
});

const NEEDS = 'needs upstream, such as upstream = "mqtt://broker.example"';

for (const [what, text, ...problems] of [
  [
    "a mode without an upstream",
    '[gateway]\nupstream_mode = "aggregating"',
    `2: gateway.upstream_mode: ${NEEDS}`,
  ],
  [
    "a user name without an upstream",
    '[gateway]\nupstream_username = "u"',
    `2: gateway.upstream_username: ${NEEDS}`,
  ],
  [
    "a password without a user name",
    '[gateway]\nupstream = "mqtt://h"\nupstream_password = "p"',
    "3: gateway.upstream_password: a password needs upstream_username",
  ],
  [
    "a named login of a password alone",
    '[gateway]\nupstream = "mqtt://h"\n[[upstream_login]]\nclient_id = "a"\npassword = "p"',
    "5: upstream_login[0].password: a password needs username",
  ],
  [
    "two logins of one node",
    '[[upstream_login]]\nclient_id = "a"\n[[upstream_login]]\nclient_id = "a"',
    '4: upstream_login[1].client_id: "a" has a login already',
  ],
  [
    "a ClientId in transparent mode",
    '[gateway]\nupstream = "mqtt://h"\nupstream_client_id = "g"',
    '3: gateway.upstream_client_id: needs upstream_mode = "aggregating": else every node has its own client id there',
  ],
  [
    "a URL with a password in it, which is not shown",
    '[gateway]\nupstream = "mqtt://u:p@h"',
    "2: gateway.upstream: must not hold a user name: use upstream_username and upstream_password",
  ],
] as const) {
  test(`${what} is an error`, (t) => {
    assert.deepEqual(
      problemsOf(t, text),
      problems.map((problem) => `midge.toml:${problem}`),
    );
  });
}

test("CAs are of use with TLS only", (t) => {
  const file = join(temporaryFolder(t), "ca.pem");
  writeFileSync(file, "");
  const upstream = (url: string) =>
    `[gateway]\nupstream = "${url}"\nupstream_ca_file = ${JSON.stringify(file)}`;
  assert.deepEqual(problemsOf(t, upstream("mqtt://h")), [
    "midge.toml:3: gateway.upstream_ca_file: needs an upstream that begins with mqtts:// or wss://",
  ]);
  assert.equal(load(t, upstream("mqtts://h")).config.gateway.upstream_ca_file, file);
});

test("logins of nodes have no effect where all share a connection", (t) => {
  const text =
    '[gateway]\nupstream = "mqtt://h"\nupstream_mode = "aggregating"\n[[upstream_login]]\nclient_id = "a"';
  assert.equal(warningsOf(t, text).length, 1);
});
