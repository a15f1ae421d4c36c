/** What signals ask of a running Midge, and what becomes of its log, its pid file and its rights. */
import assert from "node:assert/strict";
import { chmodSync, existsSync, readFileSync, renameSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { freePort } from "../kit/ports.ts";
import {
  midge,
  mosquittoPub,
  mosquittoSub,
  type Program,
  runToEnd,
  startMidge,
  temporaryFolder,
} from "../kit/processes.ts";

const root = process.getuid?.() === 0;

interface Started {
  readonly program: Program;
  readonly port: number;
  readonly folder: string;
  readonly file: string;
}

/** Midge on a mosquitto.conf, once it is ready; `conf` is told the port and the folder. */
async function startOn(
  t: TestContext,
  conf: (port: number, folder: string) => string,
  ...words: string[]
): Promise<Started> {
  const folder = temporaryFolder(t);
  const port = await freePort();
  const file = join(folder, "mosquitto.conf");
  writeFileSync(file, conf(port, folder));
  const program = midge(t, "-c", file, ...words);
  await program.until((text) => text.includes("Midge is ready."), "readiness");
  return { program, port, folder, file };
}

const OPEN = (port: number) => `listener ${port} 127.0.0.1\nallow_anonymous true\n`;

async function fileHas(path: string, text: string): Promise<void> {
  const deadline = Date.now() + 10_000;
  while (!existsSync(path) || !readFileSync(path, "utf8").includes(text)) {
    if (Date.now() > deadline) throw new Error(`${path} never had ${text}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

test("SIGUSR1 saves, and starts no debugger", async (t) => {
  const gateway = await startMidge(t);
  gateway.signal("SIGUSR1");
  await gateway.until((text) => text.includes("Everything is saved."), "the answer");
  gateway.signal("SIGTERM");
  assert.equal(await gateway.end(), 0);
  assert.doesNotMatch(gateway.errors, /[Dd]ebugger/);
});

test("SIGUSR2 logs who subscribes to what", async (t) => {
  const gateway = await startMidge(t);
  await mosquittoSub(t, gateway.mqttPort, "a/+", "-i", "one", "-q", "2");
  await mosquittoSub(t, gateway.mqttPort, "a/+", "-i", "two", "-q", "0");
  gateway.signal("SIGUSR2");
  await gateway.until((text) => text.includes("  a/+: one (QoS 2), two (QoS 0)"), "the line");
  assert.match(gateway.output, /\d+ topic filters are subscribed to by \d+ sessions:/);
});

test("SIGHUP opens the log file anew, and tells what changed and what needs a restart", async (t) => {
  const log = (folder: string) => join(folder, "midge.log");
  const conf = (port: number, folder: string) =>
    `${OPEN(port)}log_dest stdout\nlog_dest file ${log(folder)}\n`;
  const { program, port, folder, file } = await startOn(t, conf);
  renameSync(log(folder), `${log(folder)}.1`);
  writeFileSync(file, `${conf(port, folder)}max_connections 5\nretain_available false\n`);
  program.signal("SIGHUP");
  await fileHas(log(folder), "Restart Midge for the changes in listener[0].max_connections.");
  assert.match(readFileSync(`${log(folder)}.1`, "utf8"), /Midge is ready\./);
  assert.match(program.output, /Configuration changed: broker\.retain_available\./);
});

test("SIGHUP with a wrong file names every mistake, and leaves what was in force", async (t) => {
  const { program, port, file } = await startOn(t, OPEN, "-v");
  writeFileSync(file, `${OPEN(port)}retain_available maybe\npassword_file /none\n`);
  program.signal("SIGHUP");
  await program.until((text) => text.includes("stays as it was"), "the refusal");
  assert.match(program.errors, /mosquitto\.conf:3: retain_available: .*"maybe"/);
  assert.match(program.errors, /mosquitto\.conf:4: password_file: "\/none": no such file/);
  const sub = await mosquittoSub(t, port, "a");
  await mosquittoPub(t, port, "-t", "a", "-m", "x");
  await sub.until((text) => text.includes("a x"), "the message");
});

test("SIGHUP changes who may come in, and what listeners allow, without dropping anybody", async (t) => {
  const users = (folder: string) => join(folder, "users");
  const conf = (port: number, folder: string) => {
    writeFileSync(users(folder), "");
    chmodSync(users(folder), 0o600);
    return `${OPEN(port)}acl_file ${users(folder)}\n`;
  };
  const { program, port, folder, file } = await startOn(t, conf, "-v");
  writeFileSync(users(folder), "topic read a\n");
  program.signal("SIGHUP");
  await program.until((text) => text.includes("Configuration unchanged."), "the reload");
  const sub = await mosquittoSub(t, port, "a");
  await mosquittoPub(t, port, "-t", "a", "-m", "refused");
  writeFileSync(file, `listener ${port} 127.0.0.1\nmax_qos 1\nallow_anonymous true\n`);
  program.signal("SIGHUP");
  const changed = "Configuration changed: access.acl_file, listener[0].max_qos.";
  await program.until((text) => text.includes(changed), "the change");
  await mosquittoPub(t, port, "-t", "a", "-m", "taken");
  await sub.until((text) => text.includes("a taken"), "the message");
  assert.doesNotMatch(sub.output, /refused/);
  const words = ["-p", `${port}`, "-V", "5", "-t", "a", "-m", "x", "-q", "2", "-d"];
  const { output } = await runToEnd(t, "mosquitto_pub", ["-h", "127.0.0.1", ...words]);
  assert.doesNotMatch(output, /PUBREC/);
});

test("the log is published, and the subscriber's own messages do not feed it", async (t) => {
  const { program, port } = await startOn(
    t,
    (free) => `${OPEN(free)}log_dest topic\nlog_dest stderr\nlog_type all\n`,
  );
  const sub = await mosquittoSub(t, port, "$SYS/broker/log/#");
  await mosquittoPub(t, port, "-t", "a", "-m", "x", "-i", "publisher");
  await sub.until((text) => /\$SYS\/broker\/log\/[NI] \d+: .*publisher/.test(text), "the line");
  await program.until((text) => /\d+: .*publisher disconnected/.test(text), "the end");
  const lines = sub.output.split("\n").filter((line) => line.startsWith("$SYS/broker/log/"));
  assert.ok(lines.length < 20, sub.output);
});

test("the pid file has the process's id while it runs", async (t) => {
  const conf = (port: number, folder: string) => `${OPEN(port)}pid_file ${join(folder, "pid")}\n`;
  const { program, folder } = await startOn(t, conf);
  assert.equal(readFileSync(join(folder, "pid"), "utf8"), `${program.pid}\n`);
  program.signal("SIGTERM");
  assert.equal(await program.end(), 0);
  assert.equal(existsSync(join(folder, "pid")), false);
});

test("a pid file that cannot be written ends the start in words", async (t) => {
  const folder = temporaryFolder(t);
  const file = join(folder, "m.conf");
  writeFileSync(file, `${OPEN(await freePort())}pid_file ${folder}/none/pid\n`);
  const program = midge(t, "-c", file);
  assert.equal(await program.end(), 1);
  assert.match(program.errors, /cannot write the pid file .*ENOENT \(set by process\.pid_file\)/);
});

test("a log file that cannot be opened ends the start in words", async (t) => {
  const file = join(temporaryFolder(t), "m.conf");
  writeFileSync(file, `${OPEN(await freePort())}log_dest file /none/such/log\n`);
  const program = midge(t, "-c", file);
  assert.equal(await program.end(), 1);
  assert.equal(
    program.errors,
    "Error: cannot open the log file /none/such/log: ENOENT (set by log_dest)\n",
  );
});

test("root's rights are given up for those of the user", { skip: !root }, async (t) => {
  const conf = (port: number, folder: string) => {
    chmodSync(folder, 0o777);
    return `${OPEN(port)}user nobody
persistence true
persistence_location ${folder}
log_dest stdout
log_dest file ${folder}/midge.log
plugin mosquitto_dynamic_security.so
plugin_opt_config_file ${folder}/dynsec.json
`;
  };
  const { program, folder } = await startOn(t, conf);
  const status = readFileSync(`/proc/${program.pid}/status`, "utf8");
  const { uid } = statSync(join(folder, "midge/documents"));
  assert.notEqual(uid, 0);
  assert.match(status, new RegExp(`^Uid:\\t${uid}\\t${uid}\\t${uid}\\t${uid}$`, "m"));
  assert.doesNotMatch(status, /^Groups:\t.*\b0\b/m);
  assert.equal(statSync(join(folder, "midge.log")).uid, uid);
  assert.doesNotMatch(program.output, /root/);
  program.signal("SIGTERM");
  assert.equal(await program.end(), 0);
});

test("a user that does not exist ends the start in words", { skip: !root }, async (t) => {
  const file = join(temporaryFolder(t), "m.conf");
  writeFileSync(file, `${OPEN(await freePort())}user no_such_user\n`);
  const program = midge(t, "-c", file);
  assert.equal(await program.end(), 3);
  assert.equal(
    program.errors,
    'Error: there is no user "no_such_user" on this machine (set by process.user)\n',
  );
});

test("-q logs nothing, whatever the file says, and -p may be given several times", async (t) => {
  const folder = temporaryFolder(t);
  const file = join(folder, "m.conf");
  writeFileSync(file, `log_type all\npid_file ${folder}/pid\n`);
  const ports = [await freePort(), await freePort()];
  const program = midge(t, "-c", file, "-q", "-v", ...ports.flatMap((port) => ["-p", `${port}`]));
  await fileHas(join(folder, "pid"), `${program.pid}`);
  for (const port of ports) await mosquittoPub(t, port, "-t", "a", "-m", "x");
  program.signal("SIGTERM");
  assert.equal(await program.end(), 0);
  assert.deepEqual([program.output, program.errors], ["", ""]);
});

test("--test-config reads everything, listens nowhere, and exits 3 for a mistake", async (t) => {
  const taken = createServer();
  await new Promise<void>((resolve) => taken.listen(0, "127.0.0.1", resolve));
  t.after(() => taken.close());
  const { port } = taken.address() as { port: number };
  const file = join(temporaryFolder(t), "m.conf");
  writeFileSync(file, OPEN(port));
  const good = midge(t, "-c", file, "--test-config");
  assert.equal(await good.end(), 0);
  assert.equal(good.output, "Configuration file is OK.\n");
  writeFileSync(file, `${OPEN(port)}password_file /none\ncertfile /none\n`);
  const bad = midge(t, "--test-config", "--config-file", file);
  assert.equal(await bad.end(), 3);
  assert.equal(
    bad.errors.replaceAll(file, "m.conf"),
    `Error: m.conf:3: password_file: "/none": no such file
Error: m.conf:4: certfile: needs a keyfile
Error: m.conf:4: certfile: "/none": no such file
`,
  );
});
