/** Dynamic security: its commands, what they answer, and what they do. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { DynamicSecurity } from "../../../src/auth/dynsec/dynamic-security.ts";
import { RightsProfile } from "../../../src/auth/rights-profile.ts";
import { encodeUtf8 } from "../../../src/bytes/utf8.ts";
import { Reason } from "../../../src/mqtt/reason-codes.ts";
import type { Credentials } from "../../../src/seams/access.ts";
import { KeptLog } from "../../kit/kept-log.ts";
import { MemoryDocuments } from "../../kit/memory-documents.ts";
import { PlainHasher } from "../../kit/plain-hasher.ts";
import { VirtualClock } from "../../kit/virtual-clock.ts";

type Json = Record<string, unknown>;

const DOCUMENT = "dynamic-security";
const CALLER = { clientId: "ctrl", username: "admin" };

function stand(content?: unknown) {
  const clock = new VirtualClock();
  const log = new KeptLog();
  const documents = new MemoryDocuments();
  if (content !== undefined) documents.kept.set(DOCUMENT, content);
  const hasher = new PlainHasher(clock.scheduler);
  const security = new DynamicSecurity({ documents, hasher, scheduler: clock.scheduler, log });
  const loaded = security.load();
  const kicked: (string | undefined)[] = [];
  let changes = 0;
  const clients = [
    { clientId: "c1", username: "ann" },
    { clientId: "c2", username: "bob" },
    { clientId: "c3", username: undefined },
  ];
  security.onChange = () => changes++;
  security.connected = {
    disconnect(picks, reason) {
      assert.equal(reason, Reason.administrativeAction);
      const gone = clients.filter(picks);
      kicked.push(...gone.map(({ username }) => username));
      return gone.length;
    },
    addresses: (picks) =>
      clients.filter(picks).map(({ clientId }) => `10.0.0.${clientId.slice(1)}`),
  };
  return { clock, log, documents, hasher, security, loaded, kicked, changes: () => changes };
}

type Stand = ReturnType<typeof stand>;

/** The raw response to a request. */
function request({ security, clock }: Stand, payload: Uint8Array | string): string {
  const answers: string[] = [];
  const bytes = typeof payload === "string" ? encodeUtf8(payload) : payload;
  security.handle(bytes, CALLER, (response) => answers.push(new TextDecoder().decode(response)));
  for (let count = 0; count < 1000 && answers.length === 0; count++) clock.advance(1);
  assert.equal(answers.length, 1);
  return answers[0] as string;
}

function send(all: Stand, ...commands: unknown[]): Json[] {
  return JSON.parse(request(all, JSON.stringify({ commands }))).responses;
}

/** Sends one command; answers its data, or fails with its error. */
function run(all: Stand, command: string, fields: Json = {}): Json {
  const [response] = send(all, { command, ...fields });
  assert.equal(response?.error, undefined, `${command}: ${response?.error}`);
  return (response?.data ?? {}) as Json;
}

function errorOf(all: Stand, command: string, fields: Json = {}): unknown {
  return send(all, { command, ...fields })[0]?.error;
}

function login(all: Stand, who: Partial<Credentials> & { pass?: string }): string {
  const { pass, ...rest } = who;
  const answers: string[] = [];
  const password = pass === undefined ? undefined : encodeUtf8(pass);
  all.security.authenticate(
    {
      clientId: "c1",
      username: "ann",
      password,
      verified: false,
      address: "10.0.0.1",
      listener: "main",
      origin: "mqtt",
      ...rest,
    },
    ({ verdict }) => answers.push(verdict),
  );
  all.clock.advance(5);
  assert.equal(answers.length, 1);
  return answers[0] as string;
}

/** "rw" and so on for what a client may do: receive, publish, subscribe, unsubscribe. */
function may(all: Stand, username: string | undefined, topic: string, clientId = "c1"): string {
  const links = [all.security.rightsOf({ username, clientId })];
  const profile = new RightsProfile(links, { strictSubscribe: false, memory: 10 });
  const isName = !/[+#]/.test(topic);
  return [
    isName && profile.mayReceive(topic) ? "r" : "",
    isName && profile.mayPublish(topic, new Uint8Array(0), 0, false) ? "w" : "",
    profile.maySubscribe(topic, 0) ? "s" : "",
    profile.mayUnsubscribe(topic) ? "u" : "",
  ].join("");
}

test("clients are created, shown, changed and deleted", () => {
  const all = stand();
  assert.equal(all.loaded, "none");
  run(all, "createRole", { rolename: "r1" });
  run(all, "createGroup", { groupname: "g1" });
  run(all, "createClient", {
    username: "ann",
    password: "secret",
    clientid: "c1",
    textname: "Ann",
    textdescription: "who is first",
    roles: [{ rolename: "r1", priority: 5 }],
    groups: [{ groupname: "g1", priority: 7 }],
  });
  assert.deepEqual(run(all, "getClient", { username: "ann" }), {
    client: {
      username: "ann",
      clientid: "c1",
      textname: "Ann",
      textdescription: "who is first",
      roles: [{ rolename: "r1", priority: 5 }],
      groups: [{ groupname: "g1", priority: 7 }],
      connections: [{ address: "10.0.0.1" }],
    },
  });
  run(all, "modifyClient", { username: "ann", clientid: "", textname: "A", roles: [], groups: [] });
  run(all, "disableClient", { username: "ann" });
  assert.deepEqual(run(all, "getClient", { username: "ann" }), {
    client: {
      username: "ann",
      textname: "A",
      textdescription: "who is first",
      disabled: true,
      roles: [],
      groups: [],
      connections: [{ address: "10.0.0.1" }],
    },
  });
  run(all, "deleteClient", { username: "ann" });
  assert.equal(errorOf(all, "getClient", { username: "ann" }), "Client not found");
});

test("logging in: right and wrong passwords, disabled, bound to a client id, none at all", () => {
  const all = stand();
  run(all, "createClient", { username: "ann", password: "secret", clientid: "c1" });
  run(all, "createClient", { username: "bob" });
  assert.equal(login(all, { pass: "secret" }), "allow");
  assert.equal(login(all, { pass: "other" }), "deny");
  assert.equal(login(all, { pass: "secret", clientId: "c9" }), "deny");
  assert.equal(login(all, { username: "nobody", pass: "secret" }), "defer");
  assert.equal(login(all, { username: undefined, pass: "secret" }), "defer");
  assert.equal(login(all, {}), "defer");
  assert.equal(login(all, { username: "bob", pass: "" }), "deny");
  run(all, "setClientId", { username: "ann", clientid: "c9" });
  assert.equal(login(all, { pass: "secret", clientId: "c9" }), "allow");
  run(all, "setClientPassword", { username: "ann", password: "new" });
  run(all, "setClientId", { username: "ann" });
  assert.equal(login(all, { pass: "secret" }), "deny");
  assert.equal(login(all, { pass: "new" }), "allow");
  run(all, "disableClient", { username: "ann" });
  assert.equal(login(all, { pass: "new" }), "deny");
  assert.equal(login(all, { verified: true }), "deny");
  run(all, "enableClient", { username: "ann" });
  assert.equal(login(all, { pass: "new" }), "allow");
  assert.equal(login(all, { verified: true }), "ignore");
});

test("an empty password is none, so that nobody logs in with it", () => {
  const all = stand();
  run(all, "createClient", { username: "ann", password: "" });
  assert.equal(login(all, { pass: "" }), "deny");
  assert.equal(
    errorOf(all, "setClientPassword", { username: "ann", password: "" }),
    "Empty password is not allowed",
  );
});

test("a client that is deleted while its password is checked is not let in", () => {
  const all = stand();
  run(all, "createClient", { username: "ann", password: "secret" });
  const answers: string[] = [];
  all.security.authenticate(
    {
      clientId: "c1",
      username: "ann",
      password: encodeUtf8("secret"),
      verified: false,
      address: "",
      listener: "",
      origin: "mqtt",
    },
    ({ verdict }) => answers.push(verdict),
  );
  all.security.handle(
    encodeUtf8('{"commands":[{"command":"deleteClient","username":"ann"}]}'),
    CALLER,
    () => {},
  );
  all.clock.advance(10);
  assert.deepEqual(answers, ["deny"]);
});

/** What Mosquitto answers to commands that cannot be carried out. */
const REFUSALS: readonly [string, Json, string][] = [
  ["noSuchCommand", {}, "Unknown command"],
  ["createClient", {}, "Invalid/missing username"],
  ["createClient", { username: 1 }, "Invalid/missing username"],
  ["createClient", { username: null }, "Invalid/missing username"],
  ["createClient", { username: "" }, "Empty username"],
  ["createClient", { username: "a\u0007" }, "Username not valid UTF-8"],
  ["createClient", { username: "x".repeat(65_536) }, "Username not valid UTF-8"],
  ["createClient", { username: "x", password: 1 }, "Invalid/missing password"],
  ["createClient", { username: "x", clientid: [] }, "Invalid/missing client id"],
  ["createClient", { username: "x", clientid: "\0" }, "Client ID not valid UTF-8"],
  ["createClient", { username: "x", textname: 1 }, "Invalid/missing textname"],
  ["createClient", { username: "x", textdescription: {} }, "Invalid/missing textdescription"],
  ["createClient", { username: "ann" }, "Client already exists"],
  ["createClient", { username: "x", roles: [{ rolename: "none" }] }, "Role not found"],
  [
    "createClient",
    { username: "x", roles: {} },
    "'roles' not an array or missing/invalid rolename",
  ],
  [
    "createClient",
    { username: "x", roles: [null] },
    "'roles' not an array or missing/invalid rolename",
  ],
  ["createClient", { username: "x", groups: [{ groupname: "none" }] }, "Group not found"],
  ["deleteClient", { username: "none" }, "Client not found"],
  ["enableClient", {}, "Invalid/missing username"],
  ["disableClient", { username: "none" }, "Client not found"],
  ["setClientId", { username: "ann", clientid: 1 }, "Invalid/missing client ID"],
  ["setClientPassword", { username: "ann" }, "Invalid/missing password"],
  ["modifyClient", { username: "none" }, "Client not found"],
  [
    "modifyClient",
    { username: "ann", groups: [{ groupname: "none" }] },
    "'groups' contains an object with a 'groupname' that does not exist",
  ],
  [
    "modifyClient",
    { username: "ann", groups: [{ groupname: 1 }] },
    "'groups' contains an object with an invalid 'groupname'",
  ],
  ["addClientRole", { username: "ann" }, "Invalid/missing rolename"],
  ["addClientRole", { username: "ann", rolename: "none" }, "Role not found"],
  ["removeClientRole", { username: "none", rolename: "role" }, "Client not found"],
  ["createGroup", {}, "Invalid/missing groupname"],
  ["createGroup", { groupname: "" }, "Empty groupname"],
  ["createGroup", { groupname: "\ud800" }, "Group name not valid UTF-8"],
  ["createGroup", { groupname: "group" }, "Group already exists"],
  ["createGroup", { groupname: "x", roles: [{ rolename: "none" }] }, "Role not found"],
  ["deleteGroup", { groupname: "none" }, "Group not found"],
  ["deleteGroup", { groupname: "anonymous" }, "Deleting the anonymous group is forbidden"],
  ["getGroup", { groupname: "none" }, "Group not found"],
  ["modifyGroup", { groupname: "none" }, "Group not found"],
  [
    "modifyGroup",
    { groupname: "group", clients: [{ username: "none" }] },
    "'clients' contains an object with a 'username' that does not exist",
  ],
  [
    "modifyGroup",
    { groupname: "group", clients: [{}] },
    "'clients' contains an object with an invalid 'username'",
  ],
  ["addGroupClient", { groupname: "group" }, "Invalid/missing username"],
  ["addGroupClient", { groupname: "none", username: "ann" }, "Group not found"],
  ["addGroupClient", { groupname: "group", username: "none" }, "Client not found"],
  ["addGroupClient", { groupname: "group", username: "ann" }, "Client is already in this group"],
  ["removeGroupClient", { groupname: "none", username: "ann" }, "Group not found"],
  ["addGroupRole", { groupname: "group", rolename: "none" }, "Role not found"],
  ["addGroupRole", { groupname: "group", rolename: "role" }, "Group is already in this role"],
  ["removeGroupRole", { groupname: "none", rolename: "role" }, "Group not found"],
  ["setAnonymousGroup", { groupname: "none" }, "Group not found"],
  ["createRole", { rolename: "" }, "Empty rolename"],
  ["createRole", { rolename: "role" }, "Role already exists"],
  ["createRole", { rolename: "x", allowwildcardsubs: 1 }, "Invalid allowwildcardsubs"],
  [
    "createRole",
    { rolename: "x", acls: [{ acltype: "subscribePattern", topic: "a/#/b" }] },
    "Invalid ACL topic",
  ],
  ["deleteRole", { rolename: "none" }, "Role not found"],
  ["getRole", {}, "Invalid/missing rolename"],
  ["modifyRole", { rolename: "none" }, "Role does not exist"],
  ["addRoleACL", { rolename: "role" }, "Invalid/missing acltype"],
  ["addRoleACL", { rolename: "role", acltype: "publish" }, "Unknown acltype"],
  ["addRoleACL", { rolename: "role", acltype: "subscribeLiteral" }, "Invalid/missing topic"],
  [
    "addRoleACL",
    { rolename: "role", acltype: "subscribeLiteral", topic: "a+" },
    "Invalid ACL topic",
  ],
  [
    "addRoleACL",
    { rolename: "role", acltype: "SUBSCRIBEpattern", topic: "a/#" },
    "ACL with this topic already exists",
  ],
  ["removeRoleACL", { rolename: "role", acltype: "subscribePattern", topic: "b" }, "ACL not found"],
  ["setDefaultACLAccess", { acls: {} }, "Missing/invalid actions array"],
];

function furnished(): Stand {
  const all = stand();
  run(all, "createRole", {
    rolename: "role",
    acls: [{ acltype: "subscribePattern", topic: "a/#", allow: true }],
  });
  run(all, "createGroup", { groupname: "group", roles: [{ rolename: "role" }] });
  run(all, "createGroup", { groupname: "anonymous" });
  run(all, "setAnonymousGroup", { groupname: "anonymous" });
  run(all, "createClient", { username: "ann", password: "x", groups: [{ groupname: "group" }] });
  return all;
}

for (const [command, fields, error] of REFUSALS) {
  const shown = JSON.stringify(fields).slice(0, 60);
  test(`${command} ${shown}: ${error}`, () => {
    const all = furnished();
    const before = JSON.stringify(all.documents.kept.get(DOCUMENT));
    all.kicked.length = 0;
    assert.equal(errorOf(all, command, fields), error);
    assert.equal(JSON.stringify(all.documents.kept.get(DOCUMENT)), before, "nothing was changed");
    assert.deepEqual(all.kicked, []);
  });
}

test("requests that are none are answered, and never carried out in part after the fault", () => {
  const all = furnished();
  const none = { command: "Unknown command" };
  const cases: readonly [Uint8Array | string, unknown][] = [
    ["", [{ ...none, error: "Payload not valid JSON" }]],
    ["{", [{ ...none, error: "Payload not valid JSON" }]],
    [Uint8Array.of(0x7b, 0xff, 0x7d), [{ ...none, error: "Payload not valid JSON" }]],
    [`${"[".repeat(100_000)}`, [{ ...none, error: "Payload not valid JSON" }]],
    ["[]", [{ ...none, error: "Invalid/missing commands" }]],
    ["null", [{ ...none, error: "Invalid/missing commands" }]],
    ['{"commands":{}}', [{ ...none, error: "Invalid/missing commands" }]],
    ['{"commands":[]}', []],
    ['{"commands":[1,{"command":"getDetails"}]}', [{ ...none, error: "Command not an object" }]],
    ['{"commands":[null]}', [{ ...none, error: "Command not an object" }]],
    ['{"commands":[{}]}', [{ ...none, error: "Missing command" }]],
    ['{"commands":[{"command":5}]}', [{ ...none, error: "Missing command" }]],
    [
      '{"commands":[{"command":"getDetails","correlationData":5},{"command":"getDetails"}]}',
      [{ command: "getDetails", error: "Invalid correlationData data type." }],
    ],
    ['{"__proto__":{"commands":[]}}', [{ ...none, error: "Invalid/missing commands" }]],
  ];
  for (const [payload, responses] of cases) {
    assert.deepEqual(
      JSON.parse(request(all, payload)).responses,
      responses,
      String(payload).slice(0, 50),
    );
  }
});

test("a batch is answered command by command, with its correlation data, in any case of letters", () => {
  const all = stand();
  assert.deepEqual(
    send(
      all,
      { command: "createrole", RoleName: "r", correlationData: "1" },
      { command: "createClient", username: "a", password: "p", correlationData: "2" },
      { command: "createClient", username: "a" },
      { command: "GETROLE", rolename: "r", correlationData: "4" },
    ),
    [
      { command: "createrole", correlationData: "1" },
      { command: "createClient", correlationData: "2" },
      { command: "createClient", error: "Client already exists" },
      {
        command: "getRole",
        data: { role: { rolename: "r", allowwildcardsubs: true, acls: [] } },
        correlationData: "4",
      },
    ],
  );
  assert.equal(all.documents.saves, 1);
});

test("lists come in order of names, in pages, short or in full", () => {
  const all = stand();
  for (const name of ["c", "a", "b"]) {
    run(all, "createClient", { username: name });
    run(all, "createGroup", { groupname: name });
    run(all, "createRole", { rolename: name });
  }
  const list = (command: string, fields: Json = {}): unknown => run(all, command, fields);
  assert.deepEqual(list("listClients"), { totalCount: 3, clients: ["a", "b", "c"] });
  assert.deepEqual(list("listGroups", { count: 1, offset: 1 }), { totalCount: 3, groups: ["b"] });
  assert.deepEqual(list("listRoles", { count: -1, offset: 2 }), { totalCount: 3, roles: ["c"] });
  assert.deepEqual(list("listRoles", { count: "x", offset: -5 }), {
    totalCount: 3,
    roles: ["a", "b", "c"],
  });
  assert.deepEqual(list("listClients", { verbose: true, count: 1 }), {
    totalCount: 3,
    clients: [{ username: "a", roles: [], groups: [], connections: [] }],
  });
  assert.deepEqual(list("listGroups", { verbose: true, count: 1 }), {
    totalCount: 3,
    groups: [{ groupname: "a", clients: [], roles: [] }],
  });
  assert.deepEqual(list("listRoles", { verbose: true, count: 1 }), {
    totalCount: 3,
    roles: [{ rolename: "a", allowwildcardsubs: true, acls: [] }],
  });
});

test("defaults, details and the anonymous group are told", () => {
  const all = furnished();
  run(all, "setDefaultACLAccess", {
    acls: [
      { acltype: "SUBSCRIBE", allow: true },
      { acltype: "unsubscribe", access: "allow" },
      { acltype: "publishClientSend", access: "maybe" },
      { acltype: "nonsense", allow: true },
      5,
    ],
  });
  assert.deepEqual(run(all, "getDefaultACLAccess"), {
    acls: [
      { acltype: "publishClientSend", allow: false },
      { acltype: "publishClientReceive", allow: false },
      { acltype: "subscribe", allow: true },
      { acltype: "unsubscribe", allow: true },
    ],
  });
  assert.deepEqual(run(all, "getAnonymousGroup"), { group: { groupname: "anonymous" } });
  assert.deepEqual(run(all, "getDetails"), {
    clientCount: 1,
    groupCount: 2,
    roleCount: 1,
    changeIndex: 6,
  });
});

test("roles are asked by priority: the client's own first, then its groups'", () => {
  const all = stand();
  const acl = (topic: string, allow: boolean, priority = 0): Json => ({
    acltype: "publishClientSend",
    topic,
    allow,
    priority,
  });
  run(all, "createRole", { rolename: "low", acls: [acl("a/#", true)] });
  run(all, "createRole", { rolename: "high", acls: [acl("a/b", false), acl("a/+", true, 1)] });
  run(all, "createRole", { rolename: "group", acls: [acl("#", true), acl("a/x/y", false, 5)] });
  run(all, "createGroup", { groupname: "g", roles: [{ rolename: "group" }] });
  run(all, "createClient", {
    username: "ann",
    roles: [{ rolename: "low" }, { rolename: "high", priority: 2 }],
    groups: [{ groupname: "g" }],
  });
  assert.equal(may(all, "ann", "a/b"), "w", "priority 1 comes before 0 within a role");
  run(all, "removeRoleACL", { rolename: "high", acltype: "publishClientSend", topic: "a/+" });
  assert.equal(may(all, "ann", "a/b"), "", "the higher role denies");
  assert.equal(may(all, "ann", "a/x/y"), "w", "the client's own roles come before the group's");
  assert.equal(may(all, "ann", "z"), "w");
  assert.equal(may(all, "ann", "$SYS/z"), "");
  assert.equal(may(all, "nobody", "z"), "");
});

test("subscriptions: literal, by pattern, by default, and none with wildcards", () => {
  const all = stand();
  run(all, "createRole", {
    rolename: "r",
    acls: [
      { acltype: "subscribeLiteral", topic: "lit/#", allow: true },
      { acltype: "subscribeLiteral", topic: "pat/no", allow: false },
      { acltype: "subscribePattern", topic: "pat/+/x", allow: true },
      { acltype: "subscribePattern", topic: "pat/#", allow: true, priority: -1 },
      { acltype: "subscribePattern", topic: "pat/deny/#", allow: false, priority: 9 },
      { acltype: "unsubscribePattern", topic: "#", allow: true },
    ],
  });
  run(all, "createClient", { username: "ann", roles: [{ rolename: "r" }] });
  assert.equal(may(all, "ann", "lit/#"), "su");
  assert.equal(may(all, "ann", "lit/a"), "u");
  assert.equal(may(all, "ann", "pat/+/x"), "su");
  assert.equal(may(all, "ann", "pat"), "su");
  assert.equal(may(all, "ann", "pat/no"), "u");
  assert.equal(may(all, "ann", "pat/deny/+"), "u");
  assert.equal(may(all, "ann", "#"), "u");
  run(all, "setDefaultACLAccess", { acls: [{ acltype: "subscribe", allow: true }] });
  assert.equal(may(all, "ann", "#"), "su");
  assert.equal(may(all, "ann", "$CONTROL/#"), "");
  run(all, "modifyRole", { rolename: "r", allowwildcardsubs: false });
  assert.equal(may(all, "ann", "lit/#"), "u");
  assert.equal(may(all, "ann", "pat/a/x"), "su");
});

test("what is managed is never left to a default", () => {
  const all = stand();
  run(all, "setDefaultACLAccess", {
    acls: ["publishClientSend", "publishClientReceive", "subscribe", "unsubscribe"].map(
      (acltype) => ({ acltype, allow: true }),
    ),
  });
  assert.equal(may(all, undefined, "any/thing"), "rwsu");
  assert.equal(may(all, undefined, "$SYS/x"), "rwsu");
  assert.equal(may(all, undefined, "$CONTROL/dynamic-security/v1"), "");
  assert.equal(may(all, "nobody", "any/thing"), "");
});

test("those without a name have the anonymous group's roles", () => {
  const all = furnished();
  run(all, "addRoleACL", {
    rolename: "role",
    acltype: "publishClientReceive",
    topic: "a/#",
    allow: true,
  });
  assert.equal(may(all, undefined, "a/b"), "");
  run(all, "addGroupRole", { groupname: "anonymous", rolename: "role" });
  assert.equal(may(all, undefined, "a/b"), "rs");
});

test("%c and %u in ACLs stand for names, save in literal ones", () => {
  const all = stand();
  run(all, "createRole", {
    rolename: "r",
    acls: [
      { acltype: "publishClientSend", topic: "c/%c/#", allow: true },
      { acltype: "publishClientReceive", topic: "u/%u", allow: true },
      { acltype: "subscribePattern", topic: "c/%c/#", allow: true },
      { acltype: "subscribeLiteral", topic: "l/%c", allow: true },
    ],
  });
  run(all, "createClient", { username: "ann", roles: [{ rolename: "r" }] });
  assert.equal(all.security.perClient, true);
  assert.equal(may(all, "ann", "c/c1/x"), "ws");
  assert.equal(may(all, "ann", "c/c2/x"), "");
  assert.equal(may(all, "ann", "u/ann"), "r");
  assert.equal(may(all, "ann", "l/c1"), "");
  assert.equal(may(all, "ann", "l/%c"), "s");
  assert.equal(may(all, "ann", "c/+/x", "+"), "");
  assert.equal(may(all, "ann", "c/a/b", "a/b"), "");
});

test("whoever loses or gains rights, or his password, is disconnected after the answer", () => {
  const cases: readonly [string, Json, (string | undefined)[]][] = [
    ["createClient", { username: "new" }, []],
    ["enableClient", { username: "ann" }, []],
    ["disableClient", { username: "ann" }, ["ann"]],
    ["deleteClient", { username: "ann" }, ["ann"]],
    ["setClientPassword", { username: "ann", password: "n" }, ["ann"]],
    ["setClientId", { username: "ann", clientid: "n" }, ["ann"]],
    ["modifyClient", { username: "ann" }, ["ann"]],
    ["addClientRole", { username: "ann", rolename: "role" }, ["ann"]],
    ["removeClientRole", { username: "ann", rolename: "role" }, ["ann"]],
    ["removeGroupClient", { groupname: "group", username: "ann" }, ["ann"]],
    ["addGroupClient", { groupname: "anonymous", username: "bob" }, ["bob"]],
    ["addGroupRole", { groupname: "anonymous", rolename: "role" }, [undefined]],
    ["removeGroupRole", { groupname: "group", rolename: "role" }, ["ann"]],
    ["modifyGroup", { groupname: "group", clients: [{ username: "bob" }] }, ["ann", "bob"]],
    ["deleteGroup", { groupname: "group" }, ["ann"]],
    ["setAnonymousGroup", { groupname: "group" }, [undefined]],
    ["modifyRole", { rolename: "role", textname: "x" }, []],
    ["modifyRole", { rolename: "role", acls: [] }, ["ann"]],
    ["deleteRole", { rolename: "role" }, ["ann"]],
    [
      "addRoleACL",
      { rolename: "role", acltype: "subscribePattern", topic: "n", allow: true },
      ["ann"],
    ],
    ["removeRoleACL", { rolename: "role", acltype: "subscribePattern", topic: "a/#" }, ["ann"]],
  ];
  for (const [command, fields, gone] of cases) {
    const all = furnished();
    run(all, "createClient", { username: "bob" });
    all.kicked.length = 0;
    let order = "";
    const { connected } = all.security;
    all.security.connected = {
      disconnect: (...words) => {
        order += "kick ";
        return connected?.disconnect(...words) ?? 0;
      },
    };
    all.security.onChange = () => {
      order += "change ";
    };
    all.security.handle(
      encodeUtf8(JSON.stringify({ commands: [{ command, ...fields }] })),
      CALLER,
      () => {
        order += "answer ";
      },
    );
    all.clock.advance(5);
    assert.deepEqual(all.kicked, gone, command);
    assert.equal(order, `change answer ${gone.length > 0 ? "kick " : ""}`, command);
  }
});

test("the anonymous group cannot be deleted, and nobody is disconnected for the attempt", () => {
  const all = stand();
  run(all, "createGroup", { groupname: "g" });
  run(all, "setAnonymousGroup", { groupname: "g" });
  run(all, "createClient", { username: "ann", groups: [{ groupname: "g" }] });
  all.kicked.length = 0;
  const refusal = "Deleting the anonymous group is forbidden";
  assert.equal(errorOf(all, "deleteGroup", { groupname: "g" }), refusal);
  assert.equal(all.kicked.length, 0);
  assert.equal(run(all, "listGroups").totalCount, 1);
  run(all, "createGroup", { groupname: "h" });
  run(all, "setAnonymousGroup", { groupname: "h" });
  run(all, "deleteGroup", { groupname: "g" });
  assert.deepEqual(run(all, "listGroups").groups, ["h"]);
  assert.ok(all.kicked.includes("ann"));
});

test("all is kept, and found again after a restart", () => {
  const all = furnished();
  run(all, "modifyClient", { username: "ann", clientid: "c1", textname: "Ann", password: "new" });
  run(all, "setDefaultACLAccess", { acls: [{ acltype: "unsubscribe", allow: true }] });
  run(all, "addRoleACL", {
    rolename: "role",
    acltype: "publishClientSend",
    topic: "p/%c",
    priority: 3,
    allow: true,
  });
  const kept = all.documents.kept.get(DOCUMENT);
  const again = stand(JSON.parse(JSON.stringify(kept)));
  assert.equal(again.loaded, "loaded");
  const dump = (of: Stand): unknown => [
    run(of, "listRoles", { verbose: true }),
    run(of, "listGroups", { verbose: true }),
    run(of, "listClients", { verbose: true }),
    run(of, "getDefaultACLAccess"),
    run(of, "getAnonymousGroup"),
    run(of, "getDetails"),
  ];
  assert.deepEqual(dump(again), dump(all));
  assert.equal(again.security.perClient, true);
});

test("the answer waits until the change is kept, but not for ever", () => {
  const all = stand();
  all.documents.slow = true;
  const answers: string[] = [];
  const create = (username: string): void =>
    all.security.handle(
      encodeUtf8(JSON.stringify({ commands: [{ command: "createClient", username }] })),
      CALLER,
      () => answers.push(username),
    );
  create("a");
  create("b");
  all.clock.advance(1000);
  assert.deepEqual(answers, []);
  assert.equal(may(all, "a", "x"), "", "known already, without rights");
  all.documents.settle();
  assert.deepEqual(answers, ["a"]);
  all.clock.advance(3100);
  assert.deepEqual(answers, ["a", "b"]);
  all.documents.settle();
  assert.deepEqual(answers, ["a", "b"]);
});

test("what cannot be kept is logged and tried again", () => {
  const all = stand();
  all.documents.problem = "no space left on device";
  run(all, "createClient", { username: "a" });
  assert.match(all.log.lines.join("\n"), /error: dynsec: .*no space left/);
  all.documents.problem = undefined;
  all.clock.advance(60_000);
  assert.deepEqual((all.documents.kept.get(DOCUMENT) as Json).changeIndex, 1);
});

test("a document that cannot be understood lets nobody in and is not written over", () => {
  for (const content of [5, [], { clients: {} }, { roles: "x" }]) {
    const all = stand(content);
    assert.equal(all.loaded, "sealed", JSON.stringify(content));
    assert.equal(login(all, { pass: "x" }), "defer");
    assert.equal(may(all, undefined, "a"), "");
    assert.equal(errorOf(all, "createClient", { username: "a" }), "Internal error");
    assert.equal(all.documents.saves, 0);
  }
});

test("odd entries of a document are left out, with a warning, and the rest holds", () => {
  const all = stand({
    roles: [
      5,
      {
        rolename: "r",
        acls: [1, { acltype: "x", topic: "a" }, { acltype: "subscribePattern", topic: "#/x" }],
      },
      { rolename: "r" },
      { rolename: "" },
    ],
    clients: [
      null,
      { username: 5 },
      {
        username: "a",
        encoded_password: "$7$junk",
        roles: [{ rolename: "none" }, 7, { rolename: "r", priority: 1e9 }],
      },
      { username: "b", password: "x", salt: 5, iterations: "y", disabled: "yes" },
    ],
    groups: [
      { groupname: "g", clients: [{ username: "none" }, { username: "a" }, { username: "a" }] },
      {},
    ],
    anonymousGroup: "none",
    defaultACLAccess: { subscribe: "yes", unsubscribe: true },
    changeIndex: 1e30,
  });
  assert.equal(all.loaded, "loaded");
  assert.deepEqual(run(all, "getClient", { username: "a" }), {
    client: {
      username: "a",
      roles: [{ rolename: "r", priority: 100_000 }],
      groups: [{ groupname: "g" }],
      connections: [],
    },
  });
  assert.deepEqual(run(all, "getAnonymousGroup"), { group: { groupname: "" } });
  assert.equal(all.log.lines.filter((line) => line.startsWith("warn: dynsec: ")).length, 10);
});

test("Mosquitto 2.0's own file is taken over with its passwords", () => {
  const all = stand();
  const problem = all.security.adopt({
    clients: [
      {
        username: "admin",
        textName: "Dynsec admin user",
        password:
          "Mh5LnWNkUrBh+PuT2xUDGKiJFlAmDDbWprQ350HQa0+eSOVL1WGOHLfo6XHvivsdaW8cduiMjM5zkT/dpeLgsw==",
        salt: "IJMTf7jzFuSnV/H+",
        iterations: 101,
        roles: [{ rolename: "admin" }],
      },
    ],
    roles: [
      {
        rolename: "admin",
        acls: [{ acltype: "publishClientSend", topic: "$CONTROL/dynamic-security/#", allow: true }],
      },
    ],
    defaultACLAccess: { publishClientReceive: true },
  });
  assert.equal(problem, undefined);
  assert.equal(may(all, "admin", "$CONTROL/dynamic-security/v1"), "w");
  assert.equal(may(all, "admin", "x"), "r");
  const kept = all.documents.kept.get(DOCUMENT) as { clients: Json[] };
  assert.match(String(kept.clients[0]?.encoded_password), /^\$7\$101\$IJMTf7jzFuSnV\/H\+\$Mh5L/);
  assert.equal(kept.clients[0]?.iterations, 101, "still there for Mosquitto 2.0");
  assert.equal(kept.clients[0]?.textname, "Dynsec admin user");
});

test("it can begin with an administrator, who may manage and observe, but not publish", () => {
  const all = stand();
  const answers: unknown[] = [];
  all.security.initialise("boss", "secret", (problem) => answers.push(problem));
  all.clock.advance(5);
  assert.deepEqual(answers, [undefined]);
  assert.equal(login(all, { username: "boss", pass: "secret" }), "allow");
  assert.equal(may(all, "boss", "$CONTROL/dynamic-security/v1"), "rwsu");
  assert.equal(may(all, "boss", "$SYS/broker/uptime"), "rsu");
  assert.equal(may(all, "boss", "a/b"), "rsu");
  assert.equal(may(all, undefined, "a/b"), "ru");
});

test("a storm of commands is worked off in slices, and further requests wait their turn or are sent away", () => {
  const all = stand();
  const many = Array.from({ length: 2000 }, (_, at) => ({
    command: "createRole",
    rolename: `r${at}`,
  }));
  const first: Json[] = [];
  const sent: string[] = [];
  all.security.handle(encodeUtf8(JSON.stringify({ commands: many })), CALLER, (response) => {
    first.push(...JSON.parse(new TextDecoder().decode(response)).responses);
  });
  assert.equal(first.length, 0, "not all in one go");
  for (let count = 0; count < 150; count++) {
    all.security.handle(encodeUtf8('{"commands":[{"command":"getDetails"}]}'), CALLER, (response) =>
      sent.push(new TextDecoder().decode(response)),
    );
  }
  assert.equal(sent.filter((text) => text.includes("Too many requests")).length, 50);
  all.clock.advance(10);
  assert.equal(first.length, 2000);
  assert.equal(sent.length, 150);
  assert.equal(all.changes(), 1);
});

test("a response is not longer than a message may be", () => {
  const all = stand();
  const text = "x".repeat(60_000);
  send(
    all,
    ...Array.from({ length: 20 }, (_, at) => ({
      command: "createRole",
      rolename: `r${at}`,
      textdescription: text,
    })),
  );
  const responses = send(
    all,
    ...Array.from({ length: 30 }, () => ({ command: "listRoles", verbose: true })),
  );
  assert.equal(responses.length, 30);
  assert.equal(responses.at(-1)?.error, "Response too large");
});

test("no JSON whatever throws, hangs, or goes unanswered", () => {
  const names = [
    "createClient",
    "modifyClient",
    "createGroup",
    "modifyGroup",
    "createRole",
    "modifyRole",
    "addRoleACL",
    "setDefaultACLAccess",
    "addGroupClient",
    "listClients",
    "toString",
    "__proto__",
  ];
  const keys = ["username", "groupname", "rolename", "roles", "groups", "clients", "acls", "topic"];
  const odd = fc.oneof(
    fc.jsonValue(),
    fc.constantFrom("ann", "group", "role", "a/#"),
    fc.array(fc.dictionary(fc.constantFrom(...keys), fc.constantFrom("ann", "group", "role", 5))),
  );
  fc.assert(
    fc.property(
      fc.array(
        fc.record({
          command: fc.oneof(fc.constantFrom(...names), fc.string()),
          fields: fc.dictionary(fc.oneof(fc.constantFrom(...keys), fc.string()), odd),
        }),
        { maxLength: 5 },
      ),
      (commands) => {
        const all = furnished();
        const responses = send(
          all,
          ...commands.map(({ command, fields }) => ({ ...fields, command })),
        );
        assert.ok(responses.length <= commands.length);
        assert.ok(!all.log.lines.some((line) => line.includes(" failed: ")), all.log.lines.join());
        const again = stand(all.documents.kept.get(DOCUMENT));
        assert.equal(again.loaded, "loaded");
      },
    ),
    { numRuns: 300 },
  );
});
