/** Loading plugins: what users get wrong, said by file and in words. */
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { PluginError } from "../../../../src/system/plugins/plugin-error.ts";
import { type PluginModule, pluginHost } from "../../../kit/plugin-stand.ts";

async function problemOf(t: TestContext, module: PluginModule): Promise<string> {
  const { host, folder, log } = pluginHost(t, { door: module });
  try {
    await host.start();
  } catch (error) {
    assert.ok(error instanceof PluginError, String(error));
    assert.equal(error.code, "MIDGE_PLUGIN_FAILED");
    assert.deepEqual(
      log.lines.filter((line) => line.startsWith("error")),
      [],
    );
    assert.equal(error.message.startsWith(`plugin "door" (${folder}/door.mjs): `), true);
    return error.message.slice(`plugin "door" (${folder}/door.mjs): `.length);
  }
  return "";
}

test("what is wrong with a module is said with its file", async (t) => {
  const cases: readonly (readonly [string, RegExp])[] = [
    ["export const create = 1;", /^its default export must be a function .*; it has none$/],
    ["export default 5;", /^its default export must be a function .*; not a number$/],
    ["export default { authenticate() {} };", /not an object$/],
    [
      "export default () => {\n  return {\n};",
      /^cannot be loaded: SyntaxError: .*\(door\.mjs:3\)$/,
    ],
    ['import "./nowhere.mjs";', /^cannot be loaded: .*nowhere\.mjs/],
    ['import "no-such-package-anywhere";', /^cannot be loaded: .*no-such-package-anywhere/],
    [
      "\nthrow new TypeError('bad start');",
      /^cannot be loaded: TypeError: bad start \(door\.mjs:2:7\)$/,
    ],
    [
      "export default () => {\n  throw new Error('no host\\nin options');\n};",
      /^could not be made: no host in options \(door\.mjs:2:9\)$/,
    ],
    ["export default async () => { throw 'why'; };", /^could not be made: threw why$/],
    ["export default () => {};", /^its function must answer the plugin, an object, not undefined$/],
    ["export default () => null;", /not null$/],
    [
      "export default () => ({ authorize: 'yes' });",
      /^authorize must be a function, not a string$/,
    ],
    ["export default () => ({ onpublish() {} });", /^onpublish must be spelt onPublish$/],
    [
      "export default () => ({ extendedAuthentication: { method: 'X' } });",
      /^extendedAuthentication needs method, a text, and begin, a function$/,
    ],
    [
      "const one = { method: 'X', begin() {} };\nexport default () => ({ extendedAuthentication: [one, one] });",
      /^extendedAuthentication has "X" twice$/,
    ],
  ];
  for (const [module, expected] of cases) assert.match(await problemOf(t, module), expected);
});

test("a file that is not there is said to be so", async (t) => {
  const { host, folder } = pluginHost(t, {});
  await host.start();
  assert.equal(host.modules.size, 0);
  const missing = pluginHost(t, { door: "" });
  const { rmSync, mkdirSync } = await import("node:fs");
  rmSync(`${missing.folder}/door.mjs`);
  await assert.rejects(missing.host.start(), {
    message: `plugin "door" (${missing.folder}/door.mjs): there is no such file`,
  });
  mkdirSync(`${missing.folder}/door.mjs`);
  await assert.rejects(missing.host.start(), /is no file$/);
  assert.notEqual(folder, missing.folder);
});

test("a plugin that is never ready stops the start", async (t) => {
  const { host, clock, folder } = pluginHost(t, {
    door: "export default () => new Promise(() => {});",
  });
  const started = host.start();
  const failed = assert.rejects(started, {
    message: `plugin "door" (${folder}/door.mjs): is not ready after 30 s`,
  });
  // Until the module is imported.
  while (clock.scheduler.nextDeadline() === undefined) {
    await new Promise((done) => setImmediate(done));
  }
  clock.advance(30_000);
  await failed;
});

test("plugins are made in their order, each with its name and its options, and stopped backwards", async (t) => {
  const seen: string[] = [];
  const make = async ({ name, options }: { name: string; options: object }) => {
    seen.push(`${name} ${JSON.stringify(options)}`);
    return { stop: () => void seen.push(`stop ${name}`) };
  };
  const { host, log } = pluginHost(t, { one: make, two: make }, { limit: 5 });
  await host.start();
  await host.stop();
  assert.deepEqual(seen, ['one {"limit":5}', 'two {"limit":5}', "stop two", "stop one"]);
  assert.match(log.lines.join("\n"), /info: Plugin one loaded from .*one\.mjs\./);
});

test("if one cannot be made, those before it are stopped", async (t) => {
  let stopped = 0;
  const { host } = pluginHost(t, {
    one: () => ({ stop: () => void stopped++ }),
    two: "export default 1;",
  });
  await assert.rejects(host.start());
  assert.equal(stopped, 1);
});

test("a plugin may be an object of a class", async (t) => {
  const module = `class Door {
    #allowed = "ada";
    authenticate({ username }) { return username === this.#allowed ? "allow" : "deny"; }
  }
  export default () => new Door();`;
  const { host } = pluginHost(t, { door: module });
  await host.start();
  assert.notEqual(host.modules.get("door")?.authenticator, undefined);
  assert.equal(host.modules.get("door")?.authorizer, undefined);
});
