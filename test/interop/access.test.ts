/** Access control of a running Midge, seen with Mosquitto's own programs and files. */
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import mqtt, { type MqttClient } from "mqtt";
import { freePort } from "../kit/ports.ts";
import {
  MIDGE,
  midge,
  mosquittoSub,
  type Program,
  runToEnd,
  startMidge,
  startMosquitto,
  temporaryFolder,
} from "../kit/processes.ts";

const PLUGIN = "/usr/lib/x86_64-linux-gnu/mosquitto_dynamic_security.so";
/** CONNACK of 3.1.1: not authorised. */
const REFUSED = 5;

/** mosquitto_pub as this user; answers its exit code, which is that of CONNACK where it is refused. */
async function publish(
  t: TestContext,
  port: number,
  user: string | undefined,
  ...words: string[]
): Promise<number | string> {
  const [name, password] = user?.split(":") ?? [];
  const who = name === undefined ? [] : ["-u", name, "-P", password ?? ""];
  const base = ["-h", "127.0.0.1", "-p", String(port), ...who];
  return (await runToEnd(t, "mosquitto_pub", [...base, ...words])).code;
}

/** A Midge that runs by this mosquitto.conf; its log is to be read. */
async function startByMosquittoConf(
  t: TestContext,
  folder: string,
  more: string,
): Promise<{ program: Program; port: number }> {
  const port = await freePort();
  const file = join(folder, "mosquitto.conf");
  writeFileSync(
    file,
    `listener ${port} 127.0.0.1\npersistence true\npersistence_location ${folder}/\n${more}\n`,
  );
  const program = midge(t, "-c", file, "-v");
  await program.until((text) => text.includes("Midge is ready."), "readiness");
  return { program, port };
}

async function connect(port: number, username: string, password: string): Promise<MqttClient> {
  return mqtt.connectAsync(`mqtt://127.0.0.1:${port}`, {
    username,
    password,
    protocolVersion: 5,
    reconnectPeriod: 0,
  });
}

/** Ends a Midge that runs by the mosquitto.conf of this folder, and starts it again. */
async function restart(t: TestContext, program: Program, folder: string): Promise<Program> {
  program.signal("SIGTERM");
  assert.equal(await program.end(), 0);
  const again = midge(t, "-c", join(folder, "mosquitto.conf"), "-v");
  await again.until((text) => text.includes("Midge is ready."), "readiness");
  return again;
}

/** The retained messages under "a" and "b" that a user gets, who may publish to "m". */
async function retainedFor(port: number, username: string, password: string): Promise<string[]> {
  const client = await connect(port, username, password);
  const seen: string[] = [];
  const last = new Promise<void>((resolve) => {
    client.on("message", (topic, payload) => {
      if (topic === "m") resolve();
      else seen.push(`${topic} ${payload}`);
    });
  });
  await client.subscribeAsync(["a/#", "b/#", "m"], { qos: 1 });
  // They come before what is published after SUBACK.
  await client.publishAsync("m", "", { qos: 1 });
  await last;
  await client.endAsync();
  return seen.sort();
}

test("password and ACL files of Mosquitto decide who comes in and what he may do", async (t) => {
  const folder = temporaryFolder(t);
  const passwords = join(folder, "pw");
  const acl = join(folder, "acl");
  for (const [user, ...words] of [
    ["ann", "-c"],
    ["bob", "-H", "sha512"],
  ]) {
    const made = await runToEnd(t, "mosquitto_passwd", [
      ...words,
      "-b",
      passwords,
      user ?? "",
      "pw",
    ]);
    assert.equal(made.code, 0, made.errors);
  }
  writeFileSync(acl, "user ann\ntopic readwrite a/#\nuser bob\ntopic read a/#\ntopic deny a/no\n");
  const { port } = await startByMosquittoConf(
    t,
    folder,
    `password_file ${passwords}\nacl_file ${acl}`,
  );
  assert.equal(await publish(t, port, undefined, "-t", "a/1", "-m", "x"), REFUSED);
  assert.equal(await publish(t, port, "ann:wrong", "-t", "a/1", "-m", "x"), REFUSED);
  assert.equal(await publish(t, port, "eve:pw", "-t", "a/1", "-m", "x"), REFUSED);
  const sub = await mosquittoSub(t, port, "#", "-u", "bob", "-P", "pw", "-q", "1");
  assert.equal(await publish(t, port, "ann:pw", "-t", "b/1", "-m", "hidden", "-q", "1"), 0);
  assert.equal(await publish(t, port, "ann:pw", "-t", "a/no", "-m", "hidden", "-q", "1"), 0);
  assert.equal(await publish(t, port, "bob:pw", "-t", "a/1", "-m", "hidden", "-q", "1"), 0);
  assert.equal(await publish(t, port, "ann:pw", "-t", "a/1", "-m", "seen", "-q", "1"), 0);
  await sub.until((text) => text.includes("a/1 seen"), "the message");
  assert.doesNotMatch(sub.output, /hidden/);
});

test("on SIGHUP new files hold, also for who is connected; bad ones change nothing", async (t) => {
  const folder = temporaryFolder(t);
  const passwords = join(folder, "pw");
  const acl = join(folder, "acl");
  const set = async (user: string, password: string, ...words: string[]): Promise<void> => {
    const words2 = [MIDGE, "passwd", ...words, "-b", passwords, user, password];
    assert.equal((await runToEnd(t, process.execPath, words2)).code, 0);
  };
  await set("ann", "pw", "-c");
  await set("bob", "pw");
  writeFileSync(acl, "user ann\ntopic a/#\nuser bob\ntopic a/#\n");
  const { program, port } = await startByMosquittoConf(
    t,
    folder,
    `password_file ${passwords}\nacl_file ${acl}`,
  );
  const reload = async (told: string): Promise<void> => {
    program.signal("SIGHUP");
    await program.until((text) => text.includes(told), told);
  };
  const ann = await connect(port, "ann", "pw");
  const bob = await connect(port, "bob", "pw");
  t.after(() => Promise.all([ann.endAsync(true), bob.endAsync(true)]));
  await ann.subscribeAsync("a/#", { qos: 1 });
  const seen: string[] = [];
  ann.on("message", (topic) => seen.push(topic));
  await bob.publishAsync("a/1", "x", { qos: 1 });
  writeFileSync(acl, "usr ann\ntopic #\n");
  await reload("acl:1: ");
  await bob.publishAsync("a/2", "x", { qos: 1 });
  const gone = new Promise((resolve) => bob.once("close", () => resolve("gone")));
  await set("bob", "new");
  writeFileSync(acl, "user ann\ntopic a/none\nuser cat\ntopic a/#\n");
  await set("cat", "pw");
  program.signal("SIGHUP");
  assert.equal(await gone, "gone");
  assert.equal(await publish(t, port, "bob:pw", "-t", "a/3", "-m", "x"), REFUSED);
  assert.equal(await publish(t, port, "cat:pw", "-t", "a/3", "-m", "x", "-q", "1"), 0);
  assert.equal(await publish(t, port, "cat:pw", "-t", "a/none", "-m", "x", "-q", "1"), 0);
  await new Promise<void>((resolve) => {
    if (seen.includes("a/none")) resolve();
    ann.on("message", (topic) => {
      if (topic === "a/none") resolve();
    });
  });
  assert.deepEqual(seen, ["a/1", "a/2", "a/none"]);
});

test("a retained message is kept back when its publisher has lost the right, over a restart and by SIGHUP", async (t) => {
  const folder = temporaryFolder(t);
  const passwords = join(folder, "pw");
  const acl = join(folder, "acl");
  for (const [user, ...words] of [["ann", "-c"], ["bob"]]) {
    const line = ["passwd", ...words, "-b", passwords, user ?? "", "pw"];
    assert.equal((await runToEnd(t, process.execPath, [MIDGE, ...line])).code, 0);
  }
  const rules =
    "user ann\ntopic a/#\ntopic b/#\nuser bob\ntopic read a/#\ntopic read b/#\ntopic m\n";
  writeFileSync(acl, rules);
  const access = `password_file ${passwords}\nacl_file ${acl}`;
  const { program, port } = await startByMosquittoConf(t, folder, access);
  for (const topic of ["a/1", "b/1"]) {
    const words = ["-t", topic, "-m", "kept", "-q", "1", "-r"];
    assert.equal(await publish(t, port, "ann:pw", ...words), 0);
  }
  assert.deepEqual(await retainedFor(port, "bob", "pw"), ["a/1 kept", "b/1 kept"]);
  writeFileSync(acl, rules.replace("topic a/#\n", ""));
  const again = await restart(t, program, folder);
  assert.deepEqual(await retainedFor(port, "bob", "pw"), ["b/1 kept"]);
  for (const [text, expected] of [
    [rules, ["a/1 kept", "b/1 kept"]],
    [rules.replace("user ann\ntopic a/#\ntopic b/#\n", ""), []],
  ] as const) {
    writeFileSync(acl, text);
    const told = again.output.split("Configuration").length;
    again.signal("SIGHUP");
    await again.until((text) => text.split("Configuration").length > told, "the reload");
    assert.deepEqual(await retainedFor(port, "bob", "pw"), expected);
  }
});

test("files with mistakes keep Midge from starting, with file and line", async (t) => {
  const folder = temporaryFolder(t);
  const acl = join(folder, "acl");
  const file = join(folder, "mosquitto.conf");
  writeFileSync(acl, "topic a\ntopic readd b\n");
  writeFileSync(
    file,
    `listener ${await freePort()} 127.0.0.1\nallow_anonymous true\nacl_file ${acl}\n`,
  );
  const program = midge(t, "-c", file);
  assert.equal(await program.end(), 3);
  assert.match(program.output + program.errors, /acl:2: "readd" is no kind of access/);
});

test("strict: SUBSCRIBE is refused where no message could ever come, in midge.toml", async (t) => {
  const acl = join(temporaryFolder(t), "acl");
  writeFileSync(acl, "topic read open/#\n");
  const { mqttPort } = await startMidge(t, {
    more: `[access]\nallow_anonymous = true\nacl_file = ${JSON.stringify(acl)}`,
  });
  for (const [filter, granted] of [
    ["open/+", 0],
    ["#", 0],
    ["shut/#", 128],
  ] as const) {
    const { code, output, errors } = await runToEnd(t, "mosquitto_sub", [
      ...["-h", "127.0.0.1", "-p", String(mqttPort), "-t", filter, "-W", "1", "-d"],
    ]);
    const told = /Subscribed \(mid: \d+\): (\d+)/.exec(output);
    assert.equal(Number(told?.[1]), granted, `${filter}: ${code} ${output}${errors}`);
  }
});

/** mosquitto_ctrl dynsec as the administrator. */
async function control(
  t: TestContext,
  port: number,
  ...words: string[]
): Promise<{ output: string; errors: string }> {
  const base = ["-h", "127.0.0.1", "-p", String(port), "-u", "admin", "-P", "adminpw", "dynsec"];
  const { output, errors } = await runToEnd(t, "mosquitto_ctrl", [...base, ...words]);
  // It warns of the missing encryption whatever it does.
  return { output, errors: errors.replace(/^Warning:[\s\S]*?\n\n/, "") };
}

async function startManaged(
  t: TestContext,
): Promise<{ program: Program; port: number; folder: string }> {
  const folder = temporaryFolder(t);
  const file = join(folder, "dynamic-security.json");
  const made = await runToEnd(t, "mosquitto_ctrl", ["dynsec", "init", file, "admin", "adminpw"]);
  assert.equal(made.code, 0, made.errors);
  const started = await startByMosquittoConf(
    t,
    folder,
    `plugin ${PLUGIN}\nplugin_opt_config_file ${file}`,
  );
  return { ...started, folder };
}

test("Debian's mosquitto_ctrl manages clients, groups and roles of Midge", async (t) => {
  const { port } = await startManaged(t);
  const ok = async (...words: string[]): Promise<string> => {
    const { output, errors } = await control(t, port, ...words);
    assert.equal(errors, "", words.join(" "));
    return output;
  };
  await ok("createRole", "sensor");
  await ok("addRoleACL", "sensor", "publishClientSend", "s/%u/#", "allow", "5");
  await ok("addRoleACL", "sensor", "subscribePattern", "cmd/#", "allow");
  await ok("createGroup", "field");
  await ok("addGroupRole", "field", "sensor");
  await ok("createClient", "s1", "-p", "pw");
  assert.equal(await publish(t, port, "s1:pw", "-t", "s/s1/t", "-m", "1", "-q", "1"), 0);
  await ok("addGroupClient", "field", "s1", "7");
  assert.match(await ok("listClients"), /^admin\ns1\n$/);
  assert.match(await ok("getClient", "s1"), /Username: +s1[\s\S]*Groups: +field \(priority: 7\)/);
  assert.match(
    await ok("getRole", "sensor"),
    /publishClientSend +: allow : s\/%u\/# \(priority: 5\)/,
  );
  assert.match(await ok("getGroup", "field"), /Roles: +sensor[\s\S]*Clients: +s1/);
  assert.match(await ok("getDefaultACLAccess"), /publishClientSend +: deny/);
  await ok("setDefaultACLAccess", "unsubscribe", "deny");
  assert.match(await ok("getDefaultACLAccess"), /unsubscribe +: deny/);
  const { errors } = await control(t, port, "getRole", "none");
  assert.match(errors, /getRole: Error: Role not found/);
  const watcher = await connect(port, "admin", "adminpw");
  t.after(() => watcher.endAsync(true));
  await watcher.subscribeAsync("s/#", { qos: 1 });
  const seen: string[] = [];
  const last = new Promise<void>((resolve) => {
    watcher.on("message", (topic) => {
      seen.push(topic);
      if (topic === "s/s1/last") resolve();
    });
  });
  for (const topic of ["s/s2/t", "s/s1/t", "s/s1/last"]) {
    assert.equal(await publish(t, port, "s1:pw", "-t", topic, "-m", "1", "-q", "1"), 0);
  }
  await last;
  assert.deepEqual(seen, ["s/s1/t", "s/s1/last"]);
});

test("disabling, deleting and a new password throw a client out at once", async (t) => {
  const { port } = await startManaged(t);
  for (const [name, ...change] of [
    ["c1", "disableClient"],
    ["c2", "deleteClient"],
    ["c3", "setClientPassword", "new"],
  ] as const) {
    await control(t, port, "createClient", name, "-p", "pw");
    const client = await connect(port, name, "pw");
    const reason = new Promise((resolve) => {
      client.once("disconnect", (packet) => resolve(packet.reasonCode));
      client.once("close", () => resolve("closed"));
    });
    const [command, ...rest] = change;
    const { errors } = await control(t, port, command, name, ...rest);
    assert.equal(errors, "");
    assert.equal(await reason, 0x98, command);
    await client.endAsync(true);
    assert.equal(await publish(t, port, `${name}:pw`, "-t", "x", "-m", "x"), REFUSED, command);
  }
});

test("what was managed is there after a restart, and Mosquitto's file stays as it was", async (t) => {
  const { program, port, folder } = await startManaged(t);
  const file = join(folder, "dynamic-security.json");
  const before = readFileSync(file, "utf8");
  await control(t, port, "createClient", "kept", "-p", "pw");
  await restart(t, program, folder);
  assert.equal(readFileSync(file, "utf8"), before);
  assert.match((await control(t, port, "listClients")).output, /^admin\nkept\n$/);
});

test("retained messages of a client whose role mosquitto_ctrl takes are kept back, over a restart", async (t) => {
  const { program, port, folder } = await startManaged(t);
  const ok = async (...words: string[]): Promise<void> => {
    assert.equal((await control(t, port, ...words)).errors, "", words.join(" "));
  };
  await ok("createRole", "sensor");
  await ok("addRoleACL", "sensor", "publishClientSend", "a/#", "allow");
  for (const client of ["s1", "s2"]) {
    await ok("createClient", client, "-p", "pw");
    await ok("addClientRole", client, "sensor");
    const words = ["-t", `a/${client}`, "-m", "kept", "-q", "1", "-r"];
    assert.equal(await publish(t, port, `${client}:pw`, ...words), 0);
  }
  await ok("createRole", "reader");
  for (const type of ["publishClientSend", "publishClientReceive", "subscribePattern"]) {
    await ok("addRoleACL", "reader", type, "m", "allow");
    if (type !== "publishClientSend") await ok("addRoleACL", "reader", type, "a/#", "allow");
  }
  await ok("addRoleACL", "reader", "subscribePattern", "b/#", "allow");
  await ok("createClient", "bob", "-p", "pw");
  await ok("addClientRole", "bob", "reader");
  assert.deepEqual(await retainedFor(port, "bob", "pw"), ["a/s1 kept", "a/s2 kept"]);
  await restart(t, program, folder);
  assert.deepEqual(await retainedFor(port, "bob", "pw"), ["a/s1 kept", "a/s2 kept"]);
  await ok("removeClientRole", "s1", "sensor");
  assert.deepEqual(await retainedFor(port, "bob", "pw"), ["a/s2 kept"]);
  await ok("deleteClient", "s2");
  assert.deepEqual(await retainedFor(port, "bob", "pw"), []);
});

test("who has not been given the right cannot manage anything", async (t) => {
  const { port } = await startManaged(t);
  await control(t, port, "createClient", "eve", "-p", "pw");
  const { output, errors } = await runToEnd(t, "mosquitto_ctrl", [
    ...["-h", "127.0.0.1", "-p", String(port), "-u", "eve", "-P", "pw"],
    ...["dynsec", "deleteClient", "admin"],
  ]);
  assert.match(output + errors, /error|denied|authori[sz]ed/i);
  const words = ["-t", "$CONTROL/dynamic-security/v1", "-q", "1", "-m"];
  const request = '{"commands":[{"command":"deleteClient","username":"admin"}]}';
  assert.equal(await publish(t, port, "eve:pw", ...words, request), 0);
  const will = ["--will-topic", "$CONTROL/dynamic-security/v1", "--will-payload", request];
  await publish(t, port, "eve:pw", "-t", "x", "-m", "x", ...will);
  assert.match((await control(t, port, "listClients")).output, /^admin\neve\n$/);
});

test("midge ctrl has the words of mosquitto_ctrl, and prints the same", async (t) => {
  const { port } = await startManaged(t);
  const ctrl = async (...words: string[]) => {
    const base = ["-h", "127.0.0.1", "-p", String(port), "-u", "admin", "-P", "adminpw"];
    return runToEnd(t, process.execPath, [MIDGE, "ctrl", ...base, ...words]);
  };
  const ok = async (...words: string[]): Promise<string> => {
    const { code, output, errors } = await ctrl(...words);
    assert.equal(code, 0, `${words.join(" ")}: ${errors}`);
    return output;
  };
  await ok("dynsec", "createRole", "r");
  await ok("dynsec", "addRoleACL", "r", "publishClientSend", "a/#", "allow", "3");
  await ok("dynsec", "createClient", "ann", "-c", "id", "-p", "pw");
  await ok("dynsec", "addClientRole", "ann", "r", "2");
  await ok("dynsec", "modifyClient", "ann", '{"textname":"Ann"}');
  for (const words of [
    ["listClients"],
    ["getClient", "ann"],
    ["getRole", "r"],
    ["getDefaultACLAccess"],
  ]) {
    const ours = await ok("dynsec", ...words);
    const theirs = (await control(t, port, ...words)).output;
    const [command = ""] = words;
    // Versions of mosquitto_ctrl after 2.0.11 show connections, too.
    const same = (text: string): string =>
      text.replace(/^Connections:.*\n/gm, "").replace(/ +/g, " ");
    assert.equal(same(ours), same(theirs), command);
  }
  assert.match(await ok("dynsec", "getDetails"), /clientCount: 2/);
  const missing = await ctrl("dynsec", "getClient", "none");
  assert.equal(missing.code, 1);
  assert.match(missing.errors, /getClient: Error: Client not found\./);
  for (const words of [
    ["dynsec", "nonsense"],
    ["dynsec", "getClient"],
    ["nonsense", "x"],
    ["dynsec"],
  ]) {
    const wrong = await ctrl(...words);
    assert.equal(wrong.code, 1, words.join(" "));
    assert.doesNotMatch(wrong.errors, /\n {4}at /);
  }
});

test("midge ctrl manages Mosquitto, which begins with a file of midge ctrl dynsec init", async (t) => {
  const file = join(temporaryFolder(t), "dynsec.json");
  const init = [MIDGE, "ctrl", "dynsec", "init", file, "boss", "secret"];
  assert.equal((await runToEnd(t, process.execPath, init)).code, 0);
  const { port } = await startMosquitto(t, {
    more: `user root\nplugin ${PLUGIN}\nplugin_opt_config_file ${file}`,
  });
  const ctrl = [MIDGE, "ctrl", "-h", "127.0.0.1", "-p", String(port), "-u", "boss", "-P", "secret"];
  const create = await runToEnd(t, process.execPath, [...ctrl, "dynsec", "createGroup", "g"]);
  assert.equal(create.code, 0, create.errors);
  const list = await runToEnd(t, process.execPath, [...ctrl, "dynsec", "listGroups"]);
  assert.equal(list.output, "g\nunauthenticated\n");
});

test("midge ctrl dynsec init makes a file that Midge begins with", async (t) => {
  const folder = temporaryFolder(t);
  const file = join(folder, "dynsec.json");
  const words = [MIDGE, "ctrl", "dynsec", "init", file, "boss", "secret"];
  assert.equal((await runToEnd(t, process.execPath, words)).code, 0);
  const again = await runToEnd(t, process.execPath, words);
  assert.equal(again.code, 1);
  assert.match(again.errors, /exists already/);
  const change = [MIDGE, "ctrl", "-f", file, "dynsec", "setClientPassword", "boss", "other"];
  assert.equal((await runToEnd(t, process.execPath, change)).code, 0);
  const { mqttPort } = await startMidge(t, {
    more: `[access]\ndynamic_security = true\ndynamic_security_import = ${JSON.stringify(file)}`,
  });
  const list = [MIDGE, "ctrl", "-p", String(mqttPort), "-u", "boss", "-P", "other"];
  const listed = await runToEnd(t, process.execPath, [...list, "dynsec", "listRoles"]);
  assert.match(listed.output, /super-admin/);
});
