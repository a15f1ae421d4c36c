/** Who comes in by which listener, what he may do there, and what a change of the rules does. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { AccessControl, type AccessModule } from "../../../src/auth/access-control.ts";
import {
  type AccessPolicy,
  type ChainLink,
  CLOSED,
  OPEN,
} from "../../../src/auth/access-policy.ts";
import { formatPasswordRecord } from "../../../src/auth/password-records.ts";
import { encodeUtf8 } from "../../../src/bytes/utf8.ts";
import { Reason } from "../../../src/mqtt/reason-codes.ts";
import type { Admission, Credentials, Rights } from "../../../src/seams/access.ts";
import { KeptLog } from "../../kit/kept-log.ts";
import { PlainHasher, plainRecord } from "../../kit/plain-hasher.ts";
import { VirtualClock } from "../../kit/virtual-clock.ts";

function recordOf(password: string): string {
  return formatPasswordRecord(plainRecord(password));
}

const PASSWORDS: ChainLink = { kind: "password-file", path: "/pw" };
const ACL: ChainLink = { kind: "acl-file", path: "/acl" };

interface StandOptions {
  readonly files?: Record<string, string>;
  readonly listeners?: Record<string, AccessPolicy>;
  readonly nodes?: Record<string, AccessPolicy>;
  readonly plugins?: Record<string, AccessModule>;
}

function stand({ files = {}, listeners = {}, nodes = {}, plugins = {} }: StandOptions) {
  const clock = new VirtualClock();
  const log = new KeptLog();
  const hasher = new PlainHasher(clock.scheduler);
  const settings = {
    throttle: { freeFailures: 3, longestDelay: 30_000 },
    listeners: new Map(Object.entries(listeners)),
    nodes: new Map(Object.entries(nodes)),
    others: CLOSED,
  };
  const access = new AccessControl({
    settings,
    files: {
      read: (path) => {
        const text = files[path];
        return text === undefined
          ? { ok: false, problem: "there is no such file" }
          : { ok: true, text };
      },
    },
    hasher,
    plugins: new Map(Object.entries(plugins)),
    clock,
    scheduler: clock.scheduler,
    log,
  });
  const problems = access.load();
  return { access, clock, log, hasher, files, settings, problems };
}

type Stand = ReturnType<typeof stand>;

function ask({ access, clock }: Stand, who: Partial<Credentials> & { pass?: string }): Admission {
  const { pass, ...rest } = who;
  let admission: Admission | undefined;
  access.admit(
    {
      clientId: "id",
      username: undefined,
      password: pass === undefined ? undefined : encodeUtf8(pass),
      verified: false,
      address: "10.0.0.1",
      listener: "main",
      origin: "mqtt",
      ...rest,
    },
    (answer) => {
      assert.equal(admission, undefined, "answered twice");
      admission = answer;
    },
  );
  for (let count = 0; count < 10 && admission === undefined; count++) clock.advance(10);
  assert.ok(admission !== undefined, "not answered");
  return admission;
}

function rights(all: Stand, who: Partial<Credentials> & { pass?: string }): Rights {
  const admission = ask(all, who);
  assert.ok(admission.ok);
  return admission.rights;
}

const NOTHING = new Uint8Array(0);
const publish = (of: Rights, topic: string): boolean => of.mayPublish(topic, NOTHING, 0, false);

test("users of the password file come in with their password, nobody else", () => {
  const all = stand({
    files: { "/pw": `ann:${recordOf("secret")}\n` },
    listeners: { main: { allowAnonymous: false, chain: [PASSWORDS] } },
  });
  assert.deepEqual(all.problems, []);
  const admission = ask(all, { username: "ann", pass: "secret" });
  assert.ok(admission.ok && admission.username === "ann");
  const refused = { ok: false, reason: Reason.notAuthorized };
  assert.deepEqual(ask(all, { username: "ann", pass: "other" }), refused);
  assert.deepEqual(ask(all, { username: "ann" }), refused);
  assert.deepEqual(ask(all, { username: "bob", pass: "secret" }), refused);
  assert.deepEqual(ask(all, { username: "", pass: "" }), refused);
  assert.deepEqual(ask(all, {}), refused);
});

test("with anonymous access a user name still needs its password", () => {
  const all = stand({
    files: { "/pw": `ann:${recordOf("secret")}\n` },
    listeners: { main: { allowAnonymous: true, chain: [PASSWORDS] } },
  });
  assert.ok(ask(all, {}).ok);
  assert.ok(!ask(all, { username: "bob", pass: "x" }).ok);
  assert.ok(!ask(all, { username: "ann", pass: "x" }).ok);
});

test("where nobody is asked for passwords, whoever may be anonymous may give a name", () => {
  const all = stand({ listeners: { main: OPEN, closed: CLOSED } });
  const admission = ask(all, { username: "bob", pass: "x" });
  assert.ok(admission.ok && admission.username === "bob");
  assert.ok(!ask(all, { username: "bob", pass: "x", listener: "closed" }).ok);
  assert.ok(!ask(all, { listener: "unheard of" }).ok);
});

test("each listener has its own policy", () => {
  const all = stand({
    files: { "/pw": `ann:${recordOf("one")}\n`, "/pw2": `bob:${recordOf("two")}\n` },
    listeners: {
      main: { allowAnonymous: false, chain: [PASSWORDS] },
      other: { allowAnonymous: true, chain: [{ kind: "password-file", path: "/pw2" }] },
    },
  });
  assert.ok(ask(all, { username: "ann", pass: "one" }).ok);
  assert.ok(!ask(all, { username: "ann", pass: "one", listener: "other" }).ok);
  assert.ok(ask(all, { username: "bob", pass: "two", listener: "other" }).ok);
  assert.ok(ask(all, { listener: "other" }).ok);
});

test("an unknown user is checked as long as a known one", () => {
  const all = stand({
    files: { "/pw": `ann:${recordOf("secret")}\n` },
    listeners: { main: { allowAnonymous: false, chain: [PASSWORDS] } },
  });
  ask(all, { username: "nobody", pass: "guess" });
  assert.equal(all.hasher.checked.length, 1);
});

test("guessing is slowed down, and the right password from elsewhere is not", () => {
  const all = stand({
    files: { "/pw": `ann:${recordOf("secret")}\n` },
    listeners: { main: { allowAnonymous: false, chain: [PASSWORDS] } },
  });
  const guess = (): Admission => ask(all, { username: "ann", pass: "guess" });
  for (let count = 0; count < 3; count++) guess();
  const answers: Admission[] = [];
  const credentials: Credentials = {
    clientId: "id",
    username: "ann",
    password: encodeUtf8("guess"),
    verified: false,
    address: "10.0.0.1",
    listener: "main",
    origin: "mqtt",
  };
  all.access.admit(credentials, (answer) => answers.push(answer));
  all.clock.advance(900);
  assert.equal(answers.length, 0);
  all.clock.advance(200);
  assert.deepEqual(answers, [{ ok: false, reason: Reason.notAuthorized }]);
  assert.ok(ask(all, { username: "ann", pass: "secret", address: "10.0.0.2" }).ok);
});

test("beyond the queue of the hasher and of a slowed-down address the server is busy", () => {
  const all = stand({
    files: { "/pw": `ann:${recordOf("secret")}\n` },
    listeners: { main: { allowAnonymous: false, chain: [PASSWORDS] } },
  });
  all.hasher.busy = true;
  assert.deepEqual(ask(all, { username: "ann", pass: "secret" }), {
    ok: false,
    reason: Reason.serverBusy,
  });
  all.hasher.busy = false;
  assert.ok(ask(all, { username: "ann", pass: "secret" }).ok, "that was no failure");
});

test("a name that was verified needs no password", () => {
  const all = stand({
    files: { "/pw": `ann:${recordOf("secret")}\n`, "/acl": "user cert\ntopic a\n" },
    listeners: { main: { allowAnonymous: false, chain: [PASSWORDS, ACL] } },
  });
  let verified = true;
  const granted = rights(all, { username: "cert", verified: true, stillVerified: () => verified });
  assert.equal(publish(granted, "a"), true);
  assert.equal(granted.admitted?.(), true);
  verified = false;
  assert.equal(granted.admitted?.(), false);
});

test("rights come from the ACL file, and are remembered", () => {
  const all = stand({
    files: { "/acl": "topic read r/#\ntopic write w/#\nuser ann\ntopic x/#\n" },
    listeners: { main: { allowAnonymous: true, chain: [ACL] } },
  });
  const anonymous = rights(all, {});
  for (let round = 0; round < 2; round++) {
    assert.equal(publish(anonymous, "w/1"), true);
    assert.equal(publish(anonymous, "r/1"), false);
    assert.equal(anonymous.mayReceive("r/1"), true);
    assert.equal(anonymous.mayReceive("w/1"), false);
  }
  assert.equal(anonymous.maySubscribe("#", 0), true);
  assert.equal(anonymous.mayUnsubscribe("#"), true);
  assert.equal(publish(rights(all, { username: "ann" }), "x/1"), true);
  assert.match(all.log.lines.join("\n"), /any client can take any name/);
});

test("strict: what could never bring a message cannot be subscribed to", () => {
  const all = stand({
    files: { "/acl": "topic read r/#\ntopic deny r/secret/#\npattern read own/%c\n" },
    listeners: { main: { allowAnonymous: true, chain: [ACL], strictSubscribe: true } },
  });
  const granted = rights(all, { clientId: "box" });
  const allowed = (filter: string): boolean => granted.maySubscribe(filter, 0);
  assert.deepEqual(["#", "+/a", "r/a", "own/+", "own/box"].map(allowed), Array(5).fill(true));
  assert.deepEqual(
    ["r/secret/x", "r/secret/#", "own/other", "$SYS/#", "w/#"].map(allowed),
    Array(5).fill(false),
  );
});

test("without rules everything is allowed, save publishing to shared subscriptions", () => {
  const all = stand({ listeners: { main: OPEN } });
  const granted = rights(all, {});
  assert.equal(publish(granted, "any/thing"), true);
  assert.equal(publish(granted, "$share/g/t"), false);
  assert.equal(granted.maySubscribe("#", 2), true);
  assert.equal(granted.mayReceive("any/thing"), true);
});

test("a bridge of this Midge may do everything but manage it", () => {
  const all = stand({ listeners: {} });
  const granted = rights(all, { origin: "bridge", listener: "cloud" });
  assert.equal(publish(granted, "a"), true);
  assert.equal(publish(granted, "$CONTROL/dynamic-security/v1"), false);
  assert.equal(granted.mayReceive("a"), true);
});

test("MQTT-SN nodes have a policy of their own", () => {
  const all = stand({ nodes: { udp: OPEN } });
  assert.ok(ask(all, { origin: "mqtt-sn", listener: "udp" }).ok);
  assert.ok(!ask(all, { origin: "mqtt-sn", listener: "elsewhere" }).ok);
  assert.ok(!ask(all, { origin: "mqtt", listener: "udp" }).ok);
});

test("names with wildcards can be shut out altogether", () => {
  const all = stand({ listeners: { main: { ...OPEN, denySpecialCharacters: true } } });
  for (const who of [{ clientId: "a+" }, { username: "#", pass: "x" }]) {
    const granted = rights(all, who);
    assert.equal(publish(granted, "a"), false);
    assert.equal(granted.maySubscribe("a", 0), false);
    assert.equal(granted.mayReceive("a"), false);
  }
});

test("reloaded rules hold at once for those who are connected, and the broker is told", () => {
  const files = { "/acl": "topic a\n" };
  const all = stand({ files, listeners: { main: { allowAnonymous: true, chain: [ACL] } } });
  const granted = rights(all, {});
  let changes = 0;
  all.access.onChange = () => {
    changes++;
    assert.equal(granted.mayReceive("a"), false);
  };
  assert.equal(granted.mayReceive("a"), true);
  files["/acl"] = "topic b\n";
  assert.deepEqual(all.access.reload(), []);
  assert.equal(changes, 1);
  assert.equal(publish(granted, "a"), false);
  assert.equal(publish(granted, "b"), true);
});

test("a bad or missing new file changes nothing, and is logged", () => {
  const files: Record<string, string> = {
    "/pw": `ann:${recordOf("secret")}\n`,
    "/acl": "user ann\ntopic a\n",
  };
  const all = stand({
    files,
    listeners: { main: { allowAnonymous: false, chain: [PASSWORDS, ACL] } },
  });
  const granted = rights(all, { username: "ann", pass: "secret" });
  files["/acl"] = "topic everything #\n";
  assert.match(all.access.reload().join(), /\/acl:1: /);
  files["/acl"] = "topic #\n";
  delete files["/pw"];
  assert.match(all.access.reload().join(), /\/pw: there is no such file/);
  assert.equal(publish(granted, "a"), true);
  assert.equal(publish(granted, "b"), false);
  assert.ok(!ask(all, { username: "bob", pass: "x" }).ok);
  assert.ok(!ask(all, {}).ok);
  assert.ok(ask(all, { username: "ann", pass: "secret" }).ok);
  assert.ok(all.log.lines.some((line) => line.startsWith("error: /acl:1: ")));
});

test("files that are wrong at the start are told, and let nobody in", () => {
  const all = stand({
    files: { "/pw": "ann:plain\n" },
    listeners: { main: { allowAnonymous: true, chain: [PASSWORDS, ACL] } },
  });
  assert.equal(all.problems.length, 2);
  assert.ok(!ask(all, { username: "ann", pass: "plain" }).ok);
  assert.ok(!ask(all, {}).ok);
});

test("who would not be let in any more is known after a reload", () => {
  const files = { "/pw": `ann:${recordOf("one")}\nbob:${recordOf("two")}\n` };
  const policy = { allowAnonymous: true, chain: [PASSWORDS] };
  const all = stand({ files, listeners: { main: policy } });
  const ann = rights(all, { username: "ann", pass: "one" });
  const bob = rights(all, { username: "bob", pass: "two" });
  const anonymous = rights(all, {});
  files["/pw"] = `ann:${recordOf("new")}\nbob:${recordOf("two")}\n`;
  all.access.reload({
    ...all.settings,
    listeners: new Map([["main", { ...policy, allowAnonymous: false }]]),
  });
  assert.deepEqual(
    [ann, bob, anonymous].map((one) => one.admitted?.()),
    [false, true, false],
  );
});

test("the chain asks its links in order until one decides", () => {
  const asked: string[] = [];
  const link = (name: string, verdict: "allow" | "deny" | "defer" | "ignore"): AccessModule => ({
    authenticator: {
      authenticate: (_credentials, answer) => {
        asked.push(name);
        answer({ verdict });
      },
    },
    authorizer: {
      perClient: false,
      rightsOf: () => ({
        mayPublish: (topic) =>
          topic === name ? "allow" : topic === `no-${name}` ? "deny" : verdict,
        mayReceive: () => verdict,
        maySubscribe: () => verdict,
        mayUnsubscribe: () => verdict,
      }),
    },
  });
  const chain = (...names: string[]): AccessPolicy => ({
    allowAnonymous: false,
    chain: names.map((name) => ({ kind: "plugin", name })),
  });
  const all = stand({
    listeners: {
      yes: chain("ignores", "defers", "allows", "denies"),
      no: chain("denies", "allows"),
      defers: chain("ignores", "defers"),
      ignores: chain("ignores"),
      missing: chain("missing", "allows"),
    },
    plugins: {
      ignores: link("ignores", "ignore"),
      defers: link("defers", "defer"),
      allows: link("allows", "allow"),
      denies: link("denies", "deny"),
    },
  });
  const come = (listener: string): boolean =>
    ask(all, { listener, address: listener, username: "x", pass: "y" }).ok;
  assert.equal(come("yes"), true);
  assert.deepEqual(asked, ["ignores", "defers", "allows"]);
  assert.deepEqual(["no", "defers", "ignores", "missing"].map(come), Array(4).fill(false));
  const granted = rights(all, { listener: "yes", username: "x", pass: "y" });
  assert.equal(publish(granted, "anything"), true);
  assert.equal(publish(granted, "no-defers"), false);
  assert.equal(publish(granted, "no-denies"), true);
});

test("a topic too long to be remembered, or one of very many, is decided all the same", () => {
  const all = stand({
    files: { "/acl": "topic read a/#\n" },
    listeners: { main: { allowAnonymous: true, chain: [ACL] } },
  });
  const granted = rights(all, {});
  const long = `a/${"x".repeat(5000)}`;
  for (let round = 0; round < 2; round++) {
    assert.equal(granted.mayReceive(long), true);
    assert.equal(publish(granted, long), false);
    for (let at = 0; at < 5000; at++) assert.equal(granted.mayReceive(`a/${at}`), true);
  }
});
