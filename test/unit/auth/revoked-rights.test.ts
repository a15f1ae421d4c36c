/** What a right that is taken away does to what is kept already, by dynamic security and by files. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { AccessControl, type AccessModule } from "../../../src/auth/access-control.ts";
import { type AccessPolicy, CLOSED, OPEN } from "../../../src/auth/access-policy.ts";
import { DynamicSecurity } from "../../../src/auth/dynsec/dynamic-security.ts";
import { formatPasswordRecord } from "../../../src/auth/password-records.ts";
import { encodeUtf8 } from "../../../src/bytes/utf8.ts";
import type { ConnectPacket } from "../../../src/mqtt/packets.ts";
import { KeptLog } from "../../kit/kept-log.ts";
import { MemoryDisk } from "../../kit/memory-disk.ts";
import { MemoryDocuments } from "../../kit/memory-documents.ts";
import { PlainHasher, plainRecord } from "../../kit/plain-hasher.ts";
import { connectPacket, TestBroker, type TestClient } from "../../kit/test-broker.ts";
import { VirtualClock } from "../../kit/virtual-clock.ts";

const KEPT = { cleanStart: false } as const;
const DYNSEC: AccessPolicy = { allowAnonymous: true, chain: [{ kind: "dynamic-security" }] };
const ACL: AccessPolicy = { allowAnonymous: true, chain: [{ kind: "acl-file", path: "/acl" }] };

interface Start {
  /** Of the listener "main", by which all clients of these tests come in. */
  readonly main?: AccessPolicy | undefined;
  readonly gone?: AccessPolicy | undefined;
  readonly files?: Record<string, string>;
  readonly plugins?: Record<string, AccessModule>;
  readonly before?: Site;
}

/** A broker with access control, whose disk and documents may be those of one before. */
class Site {
  readonly clock = new VirtualClock();
  readonly documents: MemoryDocuments;
  readonly disk: MemoryDisk;
  readonly security: DynamicSecurity;
  readonly access: AccessControl;
  readonly broker: TestBroker;
  readonly files: Record<string, string>;
  readonly #settings: ConstructorParameters<typeof AccessControl>[0]["settings"];

  constructor({ main = DYNSEC, gone, files = {}, plugins = {}, before }: Start = {}) {
    const { clock } = this;
    const { scheduler } = clock;
    const log = new KeptLog();
    const hasher = new PlainHasher(scheduler);
    this.files = files;
    this.documents = before?.documents ?? new MemoryDocuments();
    this.disk = before?.disk ?? new MemoryDisk();
    before?.disk.crash();
    const security = new DynamicSecurity({ documents: this.documents, hasher, scheduler, log });
    security.load();
    const listeners = new Map<string, AccessPolicy>();
    if (gone === undefined) listeners.set("main", main);
    const throttle = { freeFailures: 3, longestDelay: 30_000 };
    this.#settings = { throttle, listeners, nodes: new Map(), others: CLOSED, gone };
    this.access = new AccessControl({
      settings: this.#settings,
      files: { read: (path) => ({ ok: true, text: this.files[path] ?? "" }) },
      hasher,
      dynamicSecurity: { authenticator: security, authorizer: security },
      plugins: new Map(Object.entries(plugins)),
      clock,
      scheduler,
      log,
    });
    assert.deepEqual(this.access.load(), []);
    security.onChange = () => this.access.changed();
    this.security = security;
    this.broker = new TestBroker({ access: this.access, clock, disk: this.disk });
    security.connected = this.broker.broker;
  }

  /** Puts other text into a file, and has it read. */
  rewrite(path: string, text: string): void {
    this.files[path] = text;
    assert.deepEqual(this.access.reload(), []);
  }

  /** Reads settings in which "main" is not named any more. */
  reloadWithoutListener(): void {
    assert.deepEqual(this.access.reload({ ...this.#settings, listeners: new Map() }), []);
  }

  /** Has commands of dynamic security carried out, all of which succeed. */
  run(...commands: Record<string, unknown>[]): void {
    const answers: string[] = [];
    const request = encodeUtf8(JSON.stringify({ commands }));
    const caller = { clientId: "ctrl", username: "admin" };
    this.security.handle(request, caller, (answer) =>
      answers.push(new TextDecoder().decode(answer)),
    );
    for (let turn = 0; turn < 100 && answers.length === 0; turn++) this.clock.advance(1);
    const { responses } = JSON.parse(answers[0] ?? "{}");
    for (const { command, error } of responses) assert.equal(error, undefined, command);
  }

  connect(username: string, fields: Partial<ConnectPacket> = {}): TestClient {
    const client = this.broker.dial();
    const password = encodeUtf8("pw");
    client.send(connectPacket(`id-${username}`, { username, password, ...fields }));
    this.clock.advance(10);
    client.takeConnack();
    assert.equal(client.connack?.kind === "connack" && client.connack.returnCode, 0, username);
    return client;
  }

  /** What a subscriber to all of `a` and `b` gets at once. */
  retained(): string[] {
    const reader = this.connect("reader");
    reader.subscribe("a/#");
    reader.subscribe("b/#");
    return reader.messages().sort();
  }
}

function allowing(acltype: string, topic: string): Record<string, unknown> {
  return { command: "addRoleACL", rolename: "all", acltype, topic, priority: 0, allow: true };
}

/** Users "reader" and "writer" by a role of each, and what they may do in "a" and "b". */
function managed(): Site {
  const site = new Site();
  const role = (rolename: string, acltype: string) => [
    { command: "createRole", rolename },
    ...["a/#", "b/#"].map((topic) => ({ ...allowing(acltype, topic), rolename })),
  ];
  site.run(
    ...role("writes", "publishClientSend"),
    ...role("reads", "publishClientReceive"),
    ...["a/#", "b/#"].map((topic) => ({
      ...allowing("subscribePattern", topic),
      rolename: "reads",
    })),
    { command: "createClient", username: "writer", password: "pw" },
    { command: "createClient", username: "reader", password: "pw" },
    { command: "addClientRole", username: "writer", rolename: "writes" },
    { command: "addClientRole", username: "reader", rolename: "reads" },
  );
  return site;
}

const removeAcl = (rolename: string, acltype: string) => ({
  command: "removeRoleACL",
  rolename,
  acltype,
  topic: "a/#",
});

/** What takes the writer's right to "a", or to everything, and what is delivered of it then. */
const REVOCATIONS: [string, Record<string, unknown>, string[]][] = [
  ["an ACL is removed", removeAcl("writes", "publishClientSend"), ["b/1=y retain"]],
  ["the role is removed", { command: "deleteRole", rolename: "writes" }, []],
  [
    "the role is taken",
    { command: "removeClientRole", username: "writer", rolename: "writes" },
    [],
  ],
  ["the client is deleted", { command: "deleteClient", username: "writer" }, []],
  [
    "the client is disabled, which says nothing of its rights",
    { command: "disableClient", username: "writer" },
    ["a/1=x retain", "b/1=y retain"],
  ],
];

for (const [what, command, expected] of REVOCATIONS) {
  test(`retained messages, dynamic security: ${what}, before and after a restart`, () => {
    const first = managed();
    const writer = first.connect("writer");
    writer.publish("a/1", "x", 1, 1, true);
    writer.publish("b/1", "y", 1, 2, true);
    assert.deepEqual(first.retained(), ["a/1=x retain", "b/1=y retain"]);
    const restarted = new Site({ before: first });
    assert.deepEqual(restarted.retained(), ["a/1=x retain", "b/1=y retain"]);
    restarted.run(command);
    assert.deepEqual(restarted.retained(), expected);
    assert.deepEqual(new Site({ before: restarted }).retained(), expected);
  });
}

test("a deleted client of dynamic security is not one that defaults are for, created anew it is", () => {
  const site = managed();
  site.connect("writer").publish("a/1", "x", 1, 1, true);
  const access = { command: "setDefaultACLAccess" };
  site.run(
    { ...access, acls: [{ acltype: "publishClientSend", allow: true }] },
    { command: "deleteClient", username: "writer" },
  );
  assert.deepEqual(site.retained(), []);
  site.run({ command: "createClient", username: "writer", password: "other" });
  assert.deepEqual(site.retained(), ["a/1=x retain"]);
});

test("a subscription of before brings nothing more once dynamic security takes the right, and it is kept over a restart", () => {
  for (const restarts of [false, true]) {
    const first = managed();
    const reader = first.connect("reader", KEPT);
    reader.subscribe("a/#", 1);
    reader.subscribe("b/#", 1);
    reader.break();
    const site = restarts ? new Site({ before: first }) : first;
    site.run(removeAcl("reads", "publishClientReceive"));
    const writer = site.connect("writer");
    writer.publish("a/1", "x", 1, 1);
    writer.publish("b/1", "y", 1, 2);
    const back = site.connect("reader", KEPT);
    writer.publish("a/1", "z", 1, 3);
    assert.deepEqual(back.messages(), ["b/1=y q1"]);
  }
});

test("what is queued, and what was in flight at QoS 1 and 2, does not reach who comes back without the right", () => {
  for (const restarts of [false, true]) {
    const first = managed();
    const reader = first.connect("reader", KEPT);
    reader.subscribe("a/#", 2);
    reader.subscribe("b/#", 2);
    const writer = first.connect("writer");
    writer.publish("a/1", "1", 1, 1);
    writer.publish("a/2", "2", 2, 2);
    writer.publish("b/1", "3", 2, 3);
    // Of 2 and 3 the reader has got PUBLISH, and said so of neither.
    assert.equal(reader.take().length, 3);
    reader.break();
    writer.publish("a/3", "4", 1, 4);
    writer.publish("b/2", "5", 1, 5);
    const site = restarts ? new Site({ before: first }) : first;
    site.run(removeAcl("reads", "publishClientReceive"));
    const back = site.connect("reader", KEPT);
    const [second, waited] = back.publishes();
    assert.deepEqual([second?.topic, second?.dup, waited?.topic], ["b/1", true, "b/2"]);
    // Whatever the client says of what is gone, each exchange comes to an end.
    for (const packetId of [2, second?.packetId ?? 0]) {
      back.send({ kind: "pubrec", packetId });
      assert.deepEqual(back.take(), [{ kind: "pubrel", packetId }]);
      back.send({ kind: "pubcomp", packetId });
    }
    back.send({ kind: "puback", packetId: waited?.packetId ?? 0 });
    assert.equal(back.closed, false);
    assert.deepEqual(
      site.disk.records().filter(({ key }) => key.startsWith("q/")),
      [],
    );
  }
});

test("an exchange of QoS 2 of which the recipient has the message is completed without the right", () => {
  for (const restarts of [false, true]) {
    const first = managed();
    const reader = first.connect("reader", KEPT);
    reader.subscribe("a/#", 2);
    first.connect("writer").publish("a/1", "1", 2, 1);
    assert.equal(reader.take().length, 1);
    reader.send({ kind: "pubrec", packetId: 1 });
    reader.break();
    const site = restarts ? new Site({ before: first }) : first;
    site.run(removeAcl("reads", "publishClientReceive"));
    const back = site.connect("reader", KEPT);
    assert.deepEqual(back.take(), [{ kind: "pubrel", packetId: 1 }]);
    back.send({ kind: "pubcomp", packetId: 1 });
    assert.deepEqual(
      site.disk.records().filter(({ key }) => key.startsWith("q/")),
      [],
    );
  }
});

test("a QoS 2 message that a returning publisher repeats without the right is not published again, a new one not at all", () => {
  for (const restarts of [false, true]) {
    const first = managed();
    const reader = first.connect("reader", KEPT);
    reader.subscribe("a/#", 2);
    const writer = first.connect("writer", KEPT);
    writer.publish("a/1", "1", 2, 1);
    assert.deepEqual(reader.messages(), ["a/1=1 q2"]);
    reader.break();
    writer.break();
    const site = restarts ? new Site({ before: first }) : first;
    site.run(removeAcl("writes", "publishClientSend"));
    const back = site.connect("writer", KEPT);
    back.publish("a/1", "1", 2, 1, false, true);
    back.send({ kind: "pubrel", packetId: 1 });
    back.publish("a/1", "2", 2, 1, true);
    back.send({ kind: "pubrel", packetId: 1 });
    assert.deepEqual(
      back.take().map(({ kind }) => kind),
      ["pubrec", "pubcomp", "pubrec", "pubcomp"],
    );
    // What was on its way stays: it was allowed when it was published.
    assert.deepEqual(site.connect("reader", KEPT).messages(), ["a/1=1 q2 dup"]);
    assert.equal(site.broker.broker.retained.count, 0);
  }
});

test("retained messages, ACL file: revoked by a reload or over a restart, with %c and %u, and without a name", () => {
  const text =
    "topic a/anonymous\nuser ann\ntopic a/ann\nuser reader\ntopic read a/#\npattern write a/%u/%c\n";
  const site = new Site({ main: ACL, files: { "/acl": text } });
  const ann = site.connect("ann");
  ann.publish("a/ann", "1", 1, 1, true);
  ann.publish("a/ann/id-ann", "2", 1, 2, true);
  const anonymous = site.broker.connect("nobody");
  anonymous.publish("a/anonymous", "3", 1, 1, true);
  const all = ["a/ann/id-ann=2 retain", "a/ann=1 retain", "a/anonymous=3 retain"];
  assert.deepEqual(site.retained(), all);
  assert.deepEqual(new Site({ main: ACL, files: { "/acl": text }, before: site }).retained(), all);
  for (const [gone, kept] of [
    ["topic a/anonymous\n", all.slice(0, 2)],
    ["topic a/ann\n", [all[0], all[2]]],
    ["pattern write a/%u/%c\n", all.slice(1)],
    // Whoever has no section of his own any more, has what patterns give.
    ["user ann\ntopic a/ann\n", [all[0], all[2]]],
  ] as const) {
    const less = text.replace(gone, "");
    const later = new Site({ main: ACL, files: { "/acl": less }, before: site });
    assert.deepEqual(later.retained(), kept, gone);
    later.rewrite("/acl", text);
    assert.deepEqual(later.retained(), all);
    later.rewrite("/acl", less);
    assert.deepEqual(later.retained(), kept, gone);
  }
});

test("retained messages stay when a password is taken away: the rules over topics decide, as in Mosquitto", () => {
  const main: AccessPolicy = {
    allowAnonymous: true,
    chain: [
      { kind: "password-file", path: "/pw" },
      { kind: "acl-file", path: "/acl" },
    ],
  };
  const record = formatPasswordRecord(plainRecord("pw"));
  const reader = `reader:${record}\n`;
  const acl = "user ann\ntopic a/#\nuser reader\ntopic a/#\n";
  const site = new Site({ main, files: { "/pw": `${reader}ann:${record}\n`, "/acl": acl } });
  const ann = site.connect("ann");
  ann.publish("a/1", "x", 1, 1, true);
  site.rewrite("/pw", reader);
  assert.equal(ann.closed, true);
  assert.deepEqual(site.retained(), ["a/1=x retain"]);
  site.rewrite("/acl", acl.replace("user ann\ntopic a/#\n", ""));
  assert.deepEqual(site.retained(), []);
});

test("a plugin is asked for the publisher of a retained message, connected or not", () => {
  const asked: string[] = [];
  const module = (allows: boolean): AccessModule => ({
    authorizer: {
      perClient: true,
      rightsOf: ({ clientId, username }) => ({
        mayPublish: (topic, payload, qos, retain) => {
          asked.push(`${clientId} ${username} ${topic} ${payload.length} ${qos} ${retain}`);
          return allows ? "allow" : "deny";
        },
        mayReceive: () => "allow",
        maySubscribe: () => "allow",
        mayUnsubscribe: () => "allow",
      }),
    },
  });
  const main: AccessPolicy = { allowAnonymous: true, chain: [{ kind: "plugin", name: "door" }] };
  const site = new Site({ main, plugins: { door: module(true) } });
  const ann = site.connect("ann");
  ann.publish("a/1", "xyz", 1, 1, true);
  ann.send({ kind: "disconnect" });
  const later = new Site({ main, plugins: { door: module(false) }, before: site });
  asked.length = 0;
  assert.deepEqual(later.retained(), []);
  assert.deepEqual(asked, ["id-ann ann a/1 3 1 true"]);
});

test("of a listener that is gone since the start, the rules for such decide", () => {
  const first = new Site({ main: OPEN });
  const ann = first.connect("ann");
  ann.publish("a/1", "x", 1, 1, true);
  ann.publish("b/1", "y", 1, 2, true);
  const rest = { gone: ACL, files: { "/acl": "user ann\ntopic a/#\n" } };
  const later = new Site({ ...rest, before: first });
  const publisher = {
    clientId: "id-ann",
    username: "ann",
    listener: "main",
    origin: "mqtt",
  } as const;
  const rights = later.access.rightsOf(publisher);
  const may = (topic: string): boolean => rights.mayPublish(topic, encodeUtf8("x"), 1, true);
  assert.deepEqual([may("a/1"), may("b/1")], [true, false]);
});

test("clients of a listener that a reload does not name any more keep the rules that it had", () => {
  const site = new Site({ main: ACL, files: { "/acl": "user ann\ntopic a/#\n" } });
  const ann = site.connect("ann");
  ann.subscribe("#");
  site.reloadWithoutListener();
  ann.publish("a/1", "x");
  ann.publish("b/1", "y");
  assert.deepEqual(ann.messages(), ["a/1=x"]);
  assert.equal(site.connect("ann").closed, false);
});

test("what bridges of this Midge left is not held back", () => {
  const site = new Site({ main: CLOSED });
  const origin = "bridge" as const;
  const rights = site.access.rightsOf({ clientId: "b", username: "x", listener: "b", origin });
  assert.equal(rights.mayPublish("a", encodeUtf8("x"), 0, true), true);
});
