/** `midge check` as a process: what it prints where, and its exit codes. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { chmodSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { writeFiles } from "../kit/config-file.ts";

const CHECK = new URL("../../src/cli/check.ts", import.meta.url).href;
const PROGRAM = `
import { command } from ${JSON.stringify(CHECK)};
await command().parseAsync(process.argv.slice(1), { from: "user" });
`;

function check(cwd: string, ...words: string[]) {
  const node = ["--input-type=module", "--eval", PROGRAM, "--", ...words];
  const { status, stdout, stderr } = spawnSync(process.execPath, node, {
    cwd,
    encoding: "utf8",
    timeout: 30_000,
  });
  return { status, stdout, stderr };
}

test("a valid file is said to be valid", (t) => {
  const folder = writeFiles(t, { "midge.toml": "[broker]\nsys_interval = 5\n" });
  assert.deepEqual(check(folder, "-c", "midge.toml"), {
    status: 0,
    stdout: "midge.toml is valid\n",
    stderr: "",
  });
});

test("without a file it is the defaults that are checked", (t) => {
  const { status, stdout } = check(writeFiles(t, {}));
  assert.deepEqual([status, stdout], [0, "No file given: the defaults are valid\n"]);
});

test("every mistake is told on one line, and the exit code is 3", (t) => {
  const folder = writeFiles(t, {
    "bad.toml": '[[listener]]\nport = "abc"\n[broker]\nsys_intervall = 1\n',
  });
  assert.deepEqual(check(folder, "--config", "bad.toml"), {
    status: 3,
    stdout: "",
    stderr:
      'bad.toml:2: listener[0].port: expected a port number from 1 to 65535, got "abc"\n' +
      "bad.toml:4: broker.sys_intervall: unknown key; did you mean sys_interval?\n",
  });
});

test("a missing file is told on one line, and the exit code is 3", (t) => {
  assert.deepEqual(check(writeFiles(t, {}), "-c", "none.toml"), {
    status: 3,
    stdout: "",
    stderr: "none.toml: no such file\n",
  });
});

test("warnings are told, and the file is valid all the same", (t) => {
  const folder = writeFiles(t, { "mosquitto.conf": "persistence_file m.db\n" });
  assert.deepEqual(check(folder, "-c", "mosquitto.conf"), {
    status: 0,
    stdout: "mosquitto.conf is valid\n",
    stderr:
      "warning: mosquitto.conf:1: persistence_file: has no effect: Midge's store has file names of its own\n",
  });
});

test("what is allowed but not wise is told as advice", (t) => {
  const folder = writeFiles(t, {
    "mosquitto.conf": "listener 1883\nallow_anonymous true\n",
  });
  assert.deepEqual(check(folder, "-c", "mosquitto.conf"), {
    status: 0,
    stdout: "mosquitto.conf is valid\n",
    stderr:
      "advice: mosquitto.conf:1: listener: whoever reaches this machine may publish and read everything\n",
  });
});

test("a file that is named and cannot be read is told on one line, and the exit code is 3", (t) => {
  const folder = writeFiles(t, { "midge.toml": '[access]\npassword_file = "none"\n' });
  assert.deepEqual(check(folder, "-c", "midge.toml"), {
    status: 3,
    stdout: "",
    stderr: 'midge.toml:2: access.password_file: "none": no such file\n',
  });
});

test("mistakes in the files of access control are told with file and line", (t) => {
  const folder = writeFiles(t, {
    "midge.toml": '[access]\npassword_file = "users"\nacl_file = "rules"\n',
    users: "anna:$9$nothing\n",
    rules: "user anna\ntopic sideways a\n",
  });
  chmodSync(join(folder, "users"), 0o600);
  const { status, stdout, stderr } = check(folder, "-c", "midge.toml");
  assert.deepEqual([status, stdout], [3, ""]);
  assert.match(stderr, /^users:1: .*\nrules:2: .*\n$/);
});

test("the example that is written is the one that is committed, and is valid", (t) => {
  const { status, stdout, stderr } = check(writeFiles(t, {}), "--example");
  assert.deepEqual([status, stderr], [0, ""]);
  const committed = readFileSync(new URL("../../config/midge.toml", import.meta.url), "utf8");
  assert.equal(stdout, committed);
  const folder = writeFiles(t, { "example.toml": stdout });
  assert.equal(check(folder, "-c", join(folder, "example.toml")).status, 0);
});

test("the table of options is written, though the help does not tell of it", (t) => {
  const folder = writeFiles(t, {});
  const { status, stdout } = check(folder, "--options-table");
  assert.equal(status, 0);
  assert.match(stdout, /^<!-- options: .*\| `sys_interval` \| `10` \|.*-->\n$/s);
  const help = check(folder, "--help").stdout;
  assert.match(help, /--example/);
  assert.doesNotMatch(help, /--options-table/);
});
