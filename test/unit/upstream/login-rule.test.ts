/** User names and passwords by rule. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { loginRule } from "../../../src/upstream/login-rule.ts";

function told(rule: ReturnType<typeof loginRule>, clientId: string, link = "udp"): string {
  const { username, password } = rule(clientId, link);
  const secret = password === undefined ? "none" : new TextDecoder().decode(password);
  return `${username ?? "none"}:${secret}`;
}

test("%c is the ClientId, %l the link, %% a percent sign, and what comes of them stays as it is", () => {
  const rule = loginRule({ username: "%l-%c-%%c-%x", password: "%c", nodes: [] });
  assert.equal(told(rule, "n"), "udp-n-%c-%x:n");
  assert.equal(told(rule, "%l"), "udp-%l-%c-%x:%l");
});

test("empty is none", () => {
  assert.equal(told(loginRule({ username: "", password: "", nodes: [] }), "n"), "none:none");
});

test("the most exact of the named logins counts", () => {
  const nodes = [
    { clientId: "*", username: "all", password: "" },
    { clientId: "s-*", username: "some", password: "%c" },
    { clientId: "s-1", username: "one", password: "1" },
  ];
  const rule = loginRule({ username: "rest", password: "", nodes });
  assert.deepEqual(
    ["s-1", "s-2", "x"].map((id) => told(rule, id)),
    ["one:1", "some:s-2", "all:none"],
  );
});
