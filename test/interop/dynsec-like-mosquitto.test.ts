/** Dynamic security beside Mosquitto's own plugin: the same commands, the same answers. */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import mqtt from "mqtt";
import { DynamicSecurity } from "../../src/auth/dynsec/dynamic-security.ts";
import { encodeUtf8 } from "../../src/bytes/utf8.ts";
import { ThreadPoolHasher } from "../../src/system/password-hasher.ts";
import { RealTime } from "../../src/system/real-time.ts";
import { LocalTextFiles } from "../../src/system/text-files.ts";
import { KeptLog } from "../kit/kept-log.ts";
import { MemoryDocuments } from "../kit/memory-documents.ts";
import { runToEnd, startMosquitto, temporaryFolder } from "../kit/processes.ts";

const PLUGIN = "/usr/lib/x86_64-linux-gnu/mosquitto_dynamic_security.so";
const TOPIC = "$CONTROL/dynamic-security/v1";

type Json = Record<string, unknown>;

/**
 * One batch after the other, each building on those before. (Mosquitto 2.0.11 shows freed memory where
 * a role is deleted that came with the creation of a client or group; such things are left out.)
 */
const BATCHES: readonly (readonly Json[])[] = [
  [
    { command: "createRole", rolename: "r1", textname: "R", textdescription: "one" },
    { command: "createRole", rolename: "r1" },
    { command: "createRole" },
    { command: "createRole", rolename: 5 },
    {
      command: "addRoleACL",
      rolename: "r1",
      acltype: "publishClientSend",
      topic: "a/#",
      allow: true,
    },
    {
      command: "addRoleACL",
      rolename: "r1",
      acltype: "publishClientSend",
      topic: "a/#",
      allow: true,
    },
    {
      command: "addRoleACL",
      rolename: "r1",
      acltype: "subscribePattern",
      topic: "b/+",
      priority: 4,
    },
    {
      command: "addRoleACL",
      rolename: "r1",
      acltype: "subscribePattern",
      topic: "c/+",
      priority: 9,
    },
    { command: "addRoleACL", rolename: "none", acltype: "subscribePattern", topic: "c/+" },
    { command: "addRoleACL", rolename: "r1", acltype: "publish", topic: "c/+" },
    { command: "addRoleACL", rolename: "r1", topic: "c/+" },
    { command: "addRoleACL", rolename: "r1", acltype: "subscribeLiteral" },
    { command: "addRoleACL", rolename: "r1", acltype: "subscribeLiteral", topic: "a/#/b" },
    { command: "removeRoleACL", rolename: "r1", acltype: "subscribePattern", topic: "none" },
    { command: "getRole", rolename: "r1", correlationData: "x" },
    { command: "getRole", rolename: "none" },
    { command: "listRoles" },
  ],
  [
    { command: "createGroup", groupname: "g1", roles: [{ rolename: "r1", priority: 3 }] },
    { command: "createGroup", groupname: "g1" },
    { command: "createGroup" },
    { command: "createGroup", groupname: "gx", roles: [{ rolename: "none" }] },
    { command: "createGroup", groupname: "g0", textname: "zero" },
    { command: "getGroup", groupname: "g1" },
    { command: "getGroup", groupname: "none" },
    { command: "listGroups" },
    { command: "listGroups", verbose: true, count: 1 },
    { command: "addGroupRole", groupname: "g0", rolename: "r1" },
    { command: "addGroupRole", groupname: "g0", rolename: "none" },
    { command: "addGroupRole", groupname: "none", rolename: "r1" },
    { command: "removeGroupRole", groupname: "g0", rolename: "r1" },
  ],
  [
    { command: "createClient", username: "u1", password: "p", roles: [{ rolename: "r1" }] },
    { command: "createClient", username: "u1", password: "p" },
    { command: "createClient", password: "p" },
    { command: "createClient", username: "u2", groups: [{ groupname: "g1", priority: 6 }] },
    { command: "createClient", username: "u3", roles: [{ rolename: "none" }] },
    { command: "createClient", username: "u4", groups: [{ groupname: "none" }] },
    { command: "createClient", username: "u0", clientid: "c0", textname: "T" },
    { command: "addGroupClient", groupname: "g1", username: "u1" },
    { command: "addGroupClient", groupname: "g1", username: "none" },
    { command: "addGroupClient", groupname: "none", username: "u1" },
    { command: "removeGroupClient", groupname: "none", username: "u1" },
    { command: "addClientRole", username: "u0", rolename: "r1", priority: 8 },
    { command: "addClientRole", username: "none", rolename: "r1" },
    { command: "addClientRole", username: "u0", rolename: "none" },
    { command: "removeClientRole", username: "u0", rolename: "none" },
    { command: "getClient", username: "u0" },
    { command: "getClient", username: "u1" },
    { command: "getClient", username: "u2" },
    { command: "getClient", username: "none" },
    { command: "listClients" },
    { command: "listClients", count: 2, offset: 1 },
    { command: "getGroup", groupname: "g1" },
  ],
  [
    { command: "setClientId", username: "u0" },
    { command: "setClientId", username: "none" },
    { command: "setClientPassword", username: "u0", password: "" },
    { command: "setClientPassword", username: "u0" },
    { command: "setClientPassword", username: "none", password: "x" },
    { command: "setClientPassword", username: "u0", password: "x" },
    { command: "disableClient", username: "u0" },
    { command: "getClient", username: "u0" },
    { command: "enableClient", username: "u0" },
    { command: "enableClient" },
    { command: "modifyClient", username: "u0", textname: "TT", groups: [{ groupname: "g0" }] },
    { command: "modifyClient", username: "none" },
    { command: "getClient", username: "u0" },
    { command: "modifyGroup", groupname: "g0", clients: [{ username: "u1", priority: 2 }] },
    { command: "modifyGroup", groupname: "none" },
    { command: "getGroup", groupname: "g0" },
    { command: "getClient", username: "u1" },
    { command: "modifyRole", rolename: "none" },
    { command: "modifyRole", rolename: "r1", textname: "RR" },
    { command: "getRole", rolename: "r1" },
  ],
  [
    { command: "getAnonymousGroup" },
    { command: "setAnonymousGroup", groupname: "none" },
    { command: "setAnonymousGroup", groupname: "g0" },
    { command: "getAnonymousGroup" },
    { command: "setDefaultACLAccess", acls: [{ acltype: "subscribe", allow: true }] },
    { command: "setDefaultACLAccess" },
    { command: "getDefaultACLAccess", correlationData: "y" },
    { command: "removeRoleACL", rolename: "r1", acltype: "subscribePattern", topic: "b/+" },
    { command: "removeGroupRole", groupname: "g1", rolename: "r1" },
    { command: "removeClientRole", username: "u1", rolename: "r1" },
    { command: "createRole", rolename: "r2" },
    { command: "deleteRole", rolename: "r2" },
    { command: "deleteRole", rolename: "r2" },
    { command: "deleteClient", username: "u1" },
    { command: "deleteClient", username: "u1" },
    { command: "deleteGroup", groupname: "g1" },
    { command: "deleteGroup", groupname: "g1" },
    { command: "listClients" },
    { command: "listGroups" },
    { command: "listRoles" },
    { command: "nonsense" },
  ],
];

/** What versions after 2.0.11 answer in addition. */
const LATER = new Set(["allowwildcardsubs", "connections"]);

function withoutLater(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value), (key, inner) => (LATER.has(key) ? undefined : inner));
}

test("commands are answered as by Mosquitto", { skip: !existsSync(PLUGIN) }, async (t) => {
  const file = join(temporaryFolder(t), "dynamic-security.json");
  const made = await runToEnd(t, "mosquitto_ctrl", ["dynsec", "init", file, "admin", "adminpw"]);
  assert.equal(made.code, 0, made.errors);
  const read = new LocalTextFiles().read(file, false);
  assert.ok(read.ok);
  const mosquitto = await startMosquitto(t, {
    more: `user root\nplugin ${PLUGIN}\nplugin_opt_config_file ${file}`,
  });
  const time = new RealTime();
  time.start();
  t.after(() => time.stop());
  const security = new DynamicSecurity({
    documents: new MemoryDocuments(),
    hasher: new ThreadPoolHasher(),
    scheduler: time.scheduler,
    log: new KeptLog(),
  });
  assert.equal(security.adopt(JSON.parse(read.text)), undefined);
  const client = await mqtt.connectAsync(`mqtt://127.0.0.1:${mosquitto.port}`, {
    username: "admin",
    password: "adminpw",
  });
  t.after(() => client.endAsync(true));
  await client.subscribeAsync(`${TOPIC}/response`);
  for (const [index, commands] of BATCHES.entries()) {
    const payload = JSON.stringify({ commands });
    const theirs = new Promise<string>((resolve) =>
      client.once("message", (_topic, message) => resolve(message.toString())),
    );
    await client.publishAsync(TOPIC, payload);
    const ours = new Promise<string>((resolve) =>
      security.handle(encodeUtf8(payload), { clientId: "c", username: "admin" }, (response) =>
        resolve(new TextDecoder().decode(response)),
      ),
    );
    const expected = JSON.parse(await theirs).responses;
    const actual = JSON.parse(await ours).responses;
    for (const [at, response] of expected.entries()) {
      assert.deepEqual(
        withoutLater(actual[at]),
        withoutLater(response),
        `batch ${index}: ${JSON.stringify(commands[at])}`,
      );
    }
    assert.equal(actual.length, expected.length);
  }
});
