/** Who holds a port. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { closeSync, openSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { flockHolder, lockHolder, openHolder } from "../../../src/links/port-holder.ts";
import { temporaryFolder } from "../../kit/config-file.ts";

test("a running program's note is believed, one of a program that is gone is not", async (t) => {
  const folder = temporaryFolder(t);
  const note = join(folder, "LCK..ttyUSB0");
  assert.equal(await lockHolder("/dev/ttyUSB0", [folder]), undefined);
  writeFileSync(note, `      ${process.ppid} minicom root\n`);
  const holder = await lockHolder("/dev/ttyUSB0", [join(folder, "none"), folder]);
  assert.match(holder ?? "", new RegExp(`^.+ \\(process ${process.ppid}\\)$`));
  // Above the highest there can be.
  writeFileSync(note, "4194305\n");
  assert.equal(await lockHolder("/dev/ttyUSB0", [folder]), undefined);
  writeFileSync(note, "rubbish");
  assert.equal(await lockHolder("/dev/ttyUSB0", [folder]), undefined);
});

test("a program that has locked a file is named", async (t) => {
  const file = join(temporaryFolder(t), "port");
  writeFileSync(file, "");
  assert.equal(await flockHolder(file), undefined);
  const child = spawn("flock", ["--no-fork", file, "sleep", "60"], { stdio: "ignore" });
  t.after(() => child.kill("SIGKILL"));
  const wanted = `sleep (process ${child.pid})`;
  for (let round = 0; round < 500 && (await flockHolder(file)) !== wanted; round++) {
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  assert.equal(await flockHolder(file), wanted);
});

test("a program that has a file open is named", async (t) => {
  const file = join(temporaryFolder(t), "port");
  const fd = openSync(file, "w");
  const child = spawn("sleep", ["60"], { stdio: ["ignore", "ignore", "ignore", fd] });
  t.after(() => child.kill("SIGKILL"));
  closeSync(fd);
  await new Promise((resolve) => child.once("spawn", resolve));
  assert.equal(await openHolder(file), `sleep (process ${child.pid})`);
  assert.equal(await openHolder(`${file}2`), undefined);
});
