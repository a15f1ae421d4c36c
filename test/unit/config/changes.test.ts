/** What a new configuration changes, option by option. */
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { changesBetween } from "../../../src/config/changes.ts";
import { load } from "../../kit/config-file.ts";

function changes(t: TestContext, before: string, after: string) {
  return changesBetween(load(t, before).given, load(t, after).given);
}

test("the same configuration changes nothing", (t) => {
  const content =
    '[[listener]]\n[[bridge]]\nname = "b"\naddress = "b"\ntopic = [{ pattern = "a" }]';
  assert.deepEqual(changes(t, content, `# other words\n${content}`), { now: [], later: [] });
});

test("options are told by those that hold at once and those that need a restart", (t) => {
  const before = '[store]\nmode = "strict"\n[[listener]]\nport = 1\n';
  const after =
    '[broker]\nretain_available = false\n[log]\nlog_type = ["all"]\n[store]\nmode = "memory"\n[[listener]]\nport = 2\n';
  assert.deepEqual(changes(t, before, after), {
    now: ["broker.retain_available", "log.log_type"],
    later: ["listener[0].port", "store.mode"],
  });
});

test("an option that listeners fall back on is told once", (t) => {
  const content = (file: string) => `[access]\npassword_file = "${file}"\n[[listener]]`;
  assert.deepEqual(changes(t, content("/a"), content("/b")), {
    now: ["access.password_file"],
    later: [],
  });
});

test("sections that come or go are told as a whole", (t) => {
  assert.deepEqual(changes(t, "[[listener]]", "[[listener]]\n[[listener]]\nport = 2").later, [
    "[[listener]]",
  ]);
});

test("sections within sections are compared, too", (t) => {
  const bridge = (qos: number) =>
    `[[bridge]]\nname = "b"\naddress = "b"\ntopic = [{ pattern = "a", qos = ${qos} }]`;
  assert.deepEqual(changes(t, bridge(0), bridge(1)).now, ["bridge[0].topic[0].qos"]);
});
