/** `midge ctrl -o FILE`: the options of the connection from a file, as mosquitto_ctrl takes them. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, type TestContext, test } from "node:test";
import { freePort } from "../kit/ports.ts";
import { MIDGE, runToEnd, startMidge, temporaryFolder } from "../kit/processes.ts";

function ctrl(t: TestContext, ...words: string[]) {
  return runToEnd(t, process.execPath, [MIDGE, "ctrl", ...words]);
}

function optionsFile(t: TestContext, text: string): string {
  const file = join(temporaryFolder(t), "options");
  writeFileSync(file, text);
  return file;
}

const ACCESS = "[access]\nenable_control_api = true\n";

test("the file says where the broker is and who asks; the command line counts first", async (t) => {
  const { mqttPort } = await startMidge(t, { more: ACCESS });
  const closed = await freePort();
  const file = optionsFile(t, `# Ours\n\n-h   127.0.0.1\n--port ${mqttPort}\n-i a name\n`);
  const first = await ctrl(t, "-o", file, "broker", "listListeners");
  assert.deepEqual([first.code, first.errors], [0, ""]);
  assert.match(first.output, new RegExp(`${mqttPort} mqtt`));
  assert.notEqual((await ctrl(t, "-o", file, "-p", String(closed), "broker", "x")).code, 0);
  const away = await ctrl(t, "-p", String(closed), "-o", file, "broker", "listListeners");
  assert.notEqual(away.code, 0);
});

describe("what is wrong with the file is told with its line", () => {
  for (const [text, problem] of [
    ["-h localhost\n-p x\n", /options:2: .*-p, --port.*1 to 65535/],
    ["host localhost\n", /options:1: expected an option such as -h, got host\./],
    ["--nonsense 1\n", /options:1: unknown option '--nonsense/],
    ["-h\n", /options:1: .*argument missing/],
    ["-h localhost\n-f x\n", /options:2: unknown option '-f/],
  ] as const) {
    test(text.trim(), async (t) => {
      const { code, errors } = await ctrl(t, "-o", optionsFile(t, text), "broker", "listPlugins");
      assert.equal(code, 1);
      assert.match(errors, problem);
      assert.equal(errors.trim().split("\n").length, 1);
    });
  }
  test("no such file", async (t) => {
    const { code, errors } = await ctrl(t, "-o", "/none/x", "broker", "listPlugins");
    assert.equal(code, 1);
    assert.match(errors, /Cannot read the options in \/none\/x: there is no such file\./);
  });
});
