/** What is generated from the schema: the example file and README's table of options. */
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { basename } from "node:path";
import { test } from "node:test";
import { allOptions, describeConfig } from "../../../src/config/describe.ts";
import { exampleFile } from "../../../src/config/example.ts";
import { loadConfig } from "../../../src/config/load.ts";
import {
  optionsTable,
  TABLE_BEGIN,
  TABLE_END,
  withOptionsTable,
} from "../../../src/config/options-table.ts";
import { load } from "../../kit/config-file.ts";

const COMMITTED = new URL("../../../config/midge.toml", import.meta.url);
const README = new URL("../../../README.md", import.meta.url);

test("config/midge.toml is what `midge check --example` writes", () => {
  assert.equal(readFileSync(COMMITTED, "utf8"), exampleFile());
});

test("the example loads to exactly the defaults", (t) => {
  const { config, warnings } = load(t, exampleFile());
  assert.deepEqual(config, loadConfig({}).config);
  assert.deepEqual(warnings, []);
});

test("the example with every option uncommented loads to the defaults, and its one bridge", (t) => {
  const uncommented = exampleFile().replaceAll(/^#(\[\[|[a-z_0-9]+ = )/gm, "$1");
  const { config, warnings } = load(t, uncommented);
  const { bridge, plugin, predefined_topic, node, upstream_login, ...rest } = config;
  const {
    bridge: _bridge,
    plugin: _plugin,
    predefined_topic: _topics,
    node: _nodes,
    upstream_login: _logins,
    ...defaults
  } = loadConfig({}).config;
  // Shown as it comes out by default, which no fixed value is.
  const access = { ...defaults.access, allow_anonymous: true };
  const link = defaults.link.map((one) => ({
    ...one,
    gateway_id: 1,
    advertise_interval: 900,
    max_nodes: 1000,
  }));
  assert.deepEqual(rest, { ...defaults, access, link });
  assert.deepEqual(warnings, []);
  assert.deepEqual([bridge.length, bridge[0]?.topic.length, predefined_topic.length], [1, 1, 1]);
  assert.deepEqual([node.length, upstream_login.length], [1, 1]);
  assert.deepEqual(
    plugin.map(({ module, name, options }) => ({ module: basename(module), name, options })),
    [{ module: "door.mjs", name: "door", options: {} }],
  );
});

test("the example shows every option once, with its description", () => {
  const example = exampleFile();
  const joined = example.replaceAll("\n# ", " ");
  for (const option of allOptions()) {
    const [before = ""] = option.description.split("\n");
    assert.ok(joined.includes(before), option.path);
  }
  const shown = example.match(/^#[a-z_0-9]+ = /gm) ?? [];
  assert.equal(shown.length, allOptions().length);
  assert.ok(example.split("\n").every((line) => line.length <= 100));
});

test("every section and option is described in whole sentences", () => {
  const sentence = /^[A-Z"].*\.$/;
  for (const section of describeConfig()) assert.match(section.description, sentence);
  for (const option of allOptions()) assert.match(option.description, sentence, option.path);
});

test("options as data tell unit, default, secret, choices and whether a restart is needed", () => {
  const byPath = new Map(allOptions().map((option) => [option.path, option]));
  assert.equal(byPath.get("broker.sys_interval")?.unit, "seconds");
  assert.equal(byPath.get("broker.sys_interval")?.default, 10);
  assert.equal(byPath.get("bridge.password")?.secret, true);
  assert.equal(byPath.get("http.port")?.restart, true);
  assert.equal(byPath.get("broker.max_queued_messages")?.restart, undefined);
  assert.deepEqual(byPath.get("store.mode")?.choices, ["strict", "interval", "memory"]);
  assert.equal(byPath.get("bridge.topic.pattern")?.required, true);
  assert.equal(byPath.get("http.optional"), undefined);
});

test("the table has a row for every option, and its markers around it", () => {
  const table = optionsTable();
  assert.ok(table.startsWith(TABLE_BEGIN) && table.endsWith(TABLE_END));
  const rows = table.match(/^\| `/gm) ?? [];
  assert.equal(rows.length, allOptions().length);
  // A cell that is broken by an unescaped bar would add columns.
  for (const row of table.split("\n").filter((line) => line.startsWith("|"))) {
    assert.equal(row.match(/(?<!\\)\|/g)?.length, 5, row);
  }
});

test("a README is brought up to date between the markers only", () => {
  const stale = `before\n${TABLE_BEGIN}\nold\n${TABLE_END}\nafter\n`;
  assert.equal(withOptionsTable(stale), `before\n${optionsTable()}\nafter\n`);
  assert.equal(withOptionsTable("no markers"), undefined);
});

const readme = existsSync(README) ? readFileSync(README, "utf8") : "";
const skip = readme.includes(TABLE_BEGIN) ? false : "README has no table of options";

test("README's table is what `midge check --options-table` writes", { skip }, () => {
  assert.equal(withOptionsTable(readme), readme);
});
