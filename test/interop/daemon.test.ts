/** `midge -d`: in the background once it runs, and in the foreground while it cannot. */
import assert from "node:assert/strict";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { freePort } from "../kit/ports.ts";
import { midge, mosquittoPub, temporaryFolder } from "../kit/processes.ts";

async function prepare(t: TestContext, more = "") {
  const folder = temporaryFolder(t);
  const port = await freePort();
  const [file, log, pidFile] = ["m.conf", "m.log", "m.pid"].map((name) => join(folder, name));
  const text = `listener ${port} 127.0.0.1\nallow_anonymous true\npid_file ${pidFile}\n`;
  writeFileSync(file as string, `${text}log_dest file ${log}\n${more}`);
  return { port, file: file as string, log: log as string, pidFile: pidFile as string };
}

async function gone(pid: number): Promise<void> {
  const deadline = Date.now() + 10_000;
  while (existsSync(`/proc/${pid}`)) {
    if (Date.now() > deadline) throw new Error(`process ${pid} is still there`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

test("the command ends with 0 when Midge runs, which holds no terminal and obeys signals", async (t) => {
  const { port, file, log, pidFile } = await prepare(t);
  const command = midge(t, "-c", file, "-dv");
  // Its output has ended, too: nobody holds the other end any more.
  assert.equal(await command.end(), 0);
  const pid = Number(readFileSync(pidFile, "utf8"));
  t.after(() => {
    if (existsSync(`/proc/${pid}`)) process.kill(pid, "SIGKILL");
  });
  assert.notEqual(pid, command.pid);
  await mosquittoPub(t, port, "-t", "a", "-m", "b", "-q", "1");
  assert.match(readFileSync(log, "utf8"), /Midge is ready\.[\s\S]*New client connected/);
  process.kill(pid, "SIGTERM");
  await gone(pid);
  assert.equal(existsSync(pidFile), false);
});

test("a configuration that is wrong ends it with 3, before anything is in the background", async (t) => {
  const { file, pidFile } = await prepare(t, "nonsense 1\n");
  const command = midge(t, "-c", file, "-d");
  assert.equal(await command.end(), 3);
  assert.match(command.errors, /m\.conf:5: nonsense: unknown option\n$/);
  assert.equal(existsSync(pidFile), false);
});

test("a port that is taken ends it with 1, and the reason is in the log", async (t) => {
  const { port, file, log } = await prepare(t, "log_dest stderr\n");
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  t.after(() => server.close());
  const command = midge(t, "-c", file, "-d");
  assert.equal(await command.end(), 1);
  assert.match(command.errors, /the port is in use by another program/);
  assert.match(readFileSync(log, "utf8"), /the port is in use by another program/);
});
