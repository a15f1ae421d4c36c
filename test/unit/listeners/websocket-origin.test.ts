import assert from "node:assert/strict";
import { test } from "node:test";
import { isOriginAllowed } from "../../../src/listeners/websocket-origin.ts";

const NONE: ReadonlySet<string> = new Set();

test("a request that comes from no page may connect", () => {
  assert.equal(isOriginAllowed(undefined, "midge.local", NONE), true);
});

test("the gateway's own page may connect, also behind a proxy that speaks TLS", () => {
  for (const [origin, host] of [
    ["http://midge.local:8080", "midge.local:8080"],
    ["http://midge.local", "midge.local"],
    ["http://midge.local", "midge.local:80"],
    ["https://midge.example", "midge.example"],
    ["https://midge.example", "midge.example:443"],
    ["http://[fe80::1]:8080", "[FE80::1]:8080"],
    ["http://MIDGE.local:8080", "midge.local:8080"],
  ] as const)
    assert.equal(isOriginAllowed(origin, host, NONE), true, `${origin} at ${host}`);
});

test("pages of other hosts, ports and schemes may not", () => {
  for (const [origin, host] of [
    ["http://evil.example", "midge.local"],
    ["http://midge.local:8081", "midge.local:8080"],
    ["http://midge.local", "midge.local:8080"],
    ["http://midge.local.evil.example", "midge.local"],
    ["http://midge.local@evil.example", "midge.local"],
    ["file://midge.local", "midge.local"],
    ["null", "midge.local"],
    ["", "midge.local"],
    ["midge.local", "midge.local"],
    ["http://midge.local", undefined],
    ["http://midge.local", ""],
    ["http://midge.local", "evil.example/midge.local"],
  ] as const)
    assert.equal(isOriginAllowed(origin, host, NONE), false, `${origin} at ${host}`);
});

test("an allowed origin is taken as it is written", () => {
  const allowed = new Set(["https://panel.example"]);
  assert.equal(isOriginAllowed("https://panel.example", "midge.local", allowed), true);
  assert.equal(isOriginAllowed("http://panel.example", "midge.local", allowed), false);
});
