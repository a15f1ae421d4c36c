/** Access rules for nodes: by ClientId, link and the user name that a rule gives them. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { AccessControl, type AccessModule } from "../../../src/auth/access-control.ts";
import type { AccessPolicy } from "../../../src/auth/access-policy.ts";
import type { GatewayOptions } from "../../../src/gateway/options.ts";
import { Reason } from "../../../src/mqtt/reason-codes.ts";
import { ReturnCode, type SnMessage } from "../../../src/mqttsn/packets.ts";
import type { Credentials } from "../../../src/seams/access.ts";
import type { Message } from "../../../src/seams/message.ts";
import { KeptLog } from "../../kit/kept-log.ts";
import { PlainHasher } from "../../kit/plain-hasher.ts";
import { ScriptedAccess } from "../../kit/scripted-access.ts";
import { TestBroker } from "../../kit/test-broker.ts";
import { VirtualClock } from "../../kit/virtual-clock.ts";
import { FakeLink, Stand, text } from "./stand.ts";

const { accepted, congestion, notSupported } = ReturnCode;
const ACL = { kind: "acl-file", path: "/acl" } as const;

/** The return code of the first message that has one. */
function code(answer: SnMessage[]): number | undefined {
  for (const message of answer) if ("returnCode" in message) return message.returnCode;
  return undefined;
}

interface Rules {
  acl?: string;
  readonly nodes?: Record<string, AccessPolicy>;
  readonly plugins?: Record<string, AccessModule>;
}

/** A whole broker with access control behind the gateway. */
function guarded(rules: Rules, options: Partial<GatewayOptions> = {}) {
  const clock = new VirtualClock();
  const policy: AccessPolicy = { allowAnonymous: true, chain: [ACL], strictSubscribe: true };
  const settings = {
    throttle: { freeFailures: 3, longestDelay: 30_000 },
    listeners: new Map(),
    nodes: new Map(Object.entries(rules.nodes ?? { udp: policy })),
    others: { allowAnonymous: false, chain: [] },
  };
  const access = new AccessControl({
    settings,
    files: { read: () => ({ ok: true, text: rules.acl ?? "" }) },
    hasher: new PlainHasher(clock.scheduler),
    plugins: new Map(Object.entries(rules.plugins ?? {})),
    clock,
    scheduler: clock.scheduler,
    log: new KeptLog(),
  });
  assert.deepEqual(access.load(), []);
  const seen: string[] = [];
  const published = (message: Message, { clientId }: { readonly clientId: string }) => {
    seen.push(`${clientId} ${message.topic} ${text(message.payload)}`);
    return message;
  };
  const { broker } = new TestBroker({ clock, access, hooks: { published } });
  const stand = new Stand(options, undefined, broker, { access });
  return { stand, access, settings, broker, seen, rules };
}

test("a refused PUBLISH is answered PUBACK not supported at every QoS, a refused SUBSCRIBE by SUBACK", () => {
  const { stand, seen } = guarded({ acl: "topic write open/#\ntopic read open/#\n" });
  const node = stand.at("a");
  assert.equal(code(node.connect("n")), accepted);
  for (const name of ["open/a", "shut/a"]) assert.equal(code(node.register(name)), accepted);
  for (const qos of [0, 1, 2] as const) {
    const [puback] = node.publish(2, "no", qos);
    assert.ok(puback?.kind === "puback", `QoS ${qos}`);
    assert.deepEqual([puback.returnCode, puback.topicId], [notSupported, 2]);
  }
  assert.equal(code(node.publish(1, "yes", 1)), accepted);
  assert.deepEqual(seen, ["n open/a yes"]);
  assert.equal(code(node.subscribe("open/#", 1)), accepted);
  assert.equal(code(node.subscribe("shut/#", 1)), notSupported);
  assert.equal(stand.logged(/may not publish on "shut\/a"/, "warn"), 1);
});

test("rules name the ClientId by %c, and each node has its own", () => {
  const { stand, seen } = guarded({ acl: "pattern readwrite nodes/%c/#\n" });
  const node = stand.at("a");
  node.connect("n");
  node.register("nodes/n/t");
  node.register("nodes/m/t");
  assert.equal(code(node.publish(1, "mine", 1)), accepted);
  assert.equal(code(node.publish(2, "another's", 1)), notSupported);
  assert.deepEqual(seen, ["n nodes/n/t mine"]);
});

for (const clientId of ["#", "+", "n/+", "+/t", "m/t"]) {
  test(`a ClientId of ${clientId} reaches nobody else's topics by %c (CVE-2017-7650)`, () => {
    const { stand, seen } = guarded({ acl: "pattern readwrite nodes/%c/#\n" }, { username: "%c" });
    const node = stand.at("a");
    node.connect(clientId);
    node.register("nodes/m/t");
    assert.equal(code(node.publish(1, "x", 1)), notSupported);
    node.subscribe("nodes/#", 1);
    const other = stand.at("b");
    other.connect("m");
    other.register("nodes/m/t");
    assert.equal(code(other.publish(1, "secret", 1)), accepted);
    assert.deepEqual(node.take(), []);
    assert.deepEqual(seen, ["m nodes/m/t secret"]);
  });
}

test("a rule gives nodes a user name: with ClientId and link in it, or the same for all", () => {
  const acl = "user sn-n\ntopic write a\nuser udp\ntopic write b\n";
  const { stand } = guarded({ acl }, { username: "sn-%c" });
  const node = stand.at("a");
  node.connect("n");
  node.register("a");
  assert.equal(code(node.publish(1, "x", 1)), accepted);
  const byLink = guarded({ acl }, { links: new Map([["udp", { username: "%l" }]]) });
  const other = byLink.stand.at("a");
  other.connect("n");
  other.register("b");
  assert.equal(code(other.publish(1, "x", 1)), accepted);
});

test("a node manages nothing, whatever the name it goes by", () => {
  const acl = "user admin\ntopic readwrite #\ntopic readwrite $CONTROL/#\n";
  const { stand, broker } = guarded({ acl }, { username: "%c" });
  broker.control(stand.gateway.control());
  const node = stand.at("a");
  node.connect("admin");
  node.register("$CONTROL/gateway/v1");
  const request = '{"commands":[{"command":"refuseNode","clientid":"x"}]}';
  assert.equal(code(node.publish(1, request, 1)), notSupported);
  assert.equal(code(stand.at("b").connect("x")), accepted);
});

test("without any rules a node manages nothing either", () => {
  const { stand, broker } = guarded({ nodes: { udp: { allowAnonymous: true, chain: [] } } });
  broker.control(stand.gateway.control());
  const node = stand.at("a");
  node.connect("n");
  node.register("$CONTROL/gateway/v1");
  node.register("anything");
  const request = '{"commands":[{"command":"refuseNode","clientid":"x"}]}';
  assert.equal(code(node.publish(1, request, 1)), notSupported);
  assert.equal(code(node.publish(2, "x", 1)), accepted);
});

test("rights that are taken away at run time are gone at once, subscriptions included", () => {
  const all = guarded({ acl: "topic readwrite #\n" });
  const { stand, access, rules } = all;
  const node = stand.at("a");
  node.connect("n");
  node.subscribe("t", 1);
  node.register("u");
  const source = stand.at("b");
  source.connect("source");
  source.register("t");
  source.publish(1, "1", 1);
  assert.equal(node.kinds()[0], "publish");
  node.puback(1);
  rules.acl = "topic write t\n";
  access.reload();
  assert.equal(code(source.publish(1, "2", 1)), accepted);
  assert.deepEqual(node.take(), [], "the subscription brings nothing any more");
  assert.equal(code(node.publish(2, "x", 1)), notSupported);
});

test("what waits for a sleeping node that may not have it any more is not delivered", () => {
  const all = guarded({ acl: "topic readwrite #\n" });
  const { stand, access, rules } = all;
  const node = stand.sleeper("n", "t");
  const source = stand.at("b");
  source.connect("source");
  source.register("t");
  source.publish(1, "1", 1);
  rules.acl = "topic write t\n";
  access.reload();
  assert.deepEqual(
    node.ping("n").map(({ kind }) => kind),
    ["pingresp"],
  );
});

test("a node that would not be let in any more is put out at once", () => {
  const clock = new VirtualClock();
  const access = new ScriptedAccess();
  const { broker } = new TestBroker({ clock, access });
  const stand = new Stand({ username: "sn-%c" }, undefined, broker, { access });
  const [good, bad] = [stand.at("a"), stand.at("b")];
  good.connect("good");
  bad.connect("bad");
  access.admitted = (username) => username !== "sn-bad";
  access.onChange?.();
  assert.deepEqual(bad.take(), [{ kind: "disconnect", duration: undefined }]);
  assert.equal(code(bad.connect("bad")), notSupported);
  assert.deepEqual(good.ping(), [{ kind: "pingresp" }]);
});

test("a will is checked: WILLTOPICUPD is refused, and one of CONNECT is not published", () => {
  const { stand, seen } = guarded({ acl: "topic write open\n" });
  const node = stand.at("a");
  node.connect("n", { will: true, keepAlive: 10 });
  node.say({ kind: "willtopic", topic: "shut", qos: 1, retain: false });
  node.say({ kind: "willmsg", payload: new Uint8Array([103]) });
  assert.equal(code(node.take()), accepted, "as with MQTT, it does not keep its owner out");
  assert.equal(stand.logged(/may not have a will on "shut"/, "warn"), 1);
  node.say({ kind: "willtopicupd", topic: "shut/too", qos: 1, retain: false });
  assert.equal(code(node.take()), notSupported);
  stand.pass(60);
  assert.deepEqual(seen, []);
  node.connect("n", { keepAlive: 10 });
  node.take();
  node.say({ kind: "willtopicupd", topic: "open", qos: 1, retain: false });
  assert.equal(code(node.take()), accepted);
  stand.pass(60);
  assert.deepEqual(seen, ["n open "]);
});

test("QoS -1 is published by the rules for its identity, on each link by that link's", () => {
  const open: AccessPolicy = { allowAnonymous: true, chain: [] };
  const ruled: AccessPolicy = { allowAnonymous: true, chain: [ACL] };
  const { stand, seen } = guarded(
    { acl: "pattern write %c\nuser qos\ntopic write ok\n", nodes: { udp: ruled, serial: open } },
    { qosMinusOneClientId: "qos", username: "qos" },
  );
  const serial = new FakeLink("serial");
  stand.gateway.attach(serial);
  const sender = stand.at("x");
  const short = { topicIdType: "short" } as const;
  sender.publish(0x6f6b, "1", -1, short);
  sender.publish(0x6e6f, "2", -1, short);
  stand.at("y", serial).publish(0x6e6f, "3", -1, short);
  sender.publish(0x6e6f, "4", -1, short);
  assert.deepEqual(seen, ["qos ok 1", "qos no 3"]);
  assert.equal(stand.logged(/QoS -1 from udp\/x: access rules do not allow it on "no"/, "warn"), 1);
});

test("a plugin decides by ClientId, link and address whether a node comes in", () => {
  const asked: Credentials[] = [];
  const plugins: Record<string, AccessModule> = {
    door: {
      authenticator: {
        authenticate: (credentials, answer) => {
          asked.push(credentials);
          answer({ verdict: credentials.clientId === "good" ? "allow" : "deny" });
        },
      },
    },
  };
  const chain = [{ kind: "plugin", name: "door" }] as const;
  const { stand } = guarded({ nodes: { udp: { allowAnonymous: true, chain } }, plugins });
  const speaker = stand.at("10.0.0.7:5000");
  Object.assign(speaker.address, { host: "10.0.0.7" });
  assert.equal(code(speaker.connect("good")), accepted);
  assert.equal(code(stand.at("x").connect("bad")), notSupported);
  const { clientId, listener, origin, address, username, password } = asked[0] as Credentials;
  assert.deepEqual(
    { clientId, listener, origin, address, username, password },
    {
      clientId: "good",
      listener: "udp",
      origin: "mqtt-sn",
      address: "10.0.0.7",
      username: undefined,
      password: undefined,
    },
  );
  assert.equal(stand.logged(/access control refuses node "bad" \(0x87\)/, "warn"), 1);
});

/** Access control that answers when the test says so. */
class SlowAccess extends ScriptedAccess {
  readonly waiting: (() => void)[] = [];

  override admit(...[credentials, answer]: Parameters<ScriptedAccess["admit"]>): void {
    this.waiting.push(() => super.admit(credentials, answer));
  }

  settle(): void {
    for (const answer of this.waiting.splice(0)) answer();
  }
}

test("while access control takes its time the node waits, and its latest CONNECT counts", () => {
  const access = new SlowAccess();
  const stand = new Stand({}, undefined, undefined, { access });
  const node = stand.at("a");
  assert.deepEqual(node.connect("n", { keepAlive: 5 }), []);
  assert.deepEqual(node.connect("n", { keepAlive: 7 }), []);
  assert.equal(access.waiting.length, 1);
  access.settle();
  assert.equal(code(node.take()), accepted);
  assert.equal(stand.report("n").keepAlive, 7);
  assert.equal(stand.door.openings.length, 1);
});

test("a CONNECT that is refused leaves the node that is connected alone", () => {
  const access = new ScriptedAccess();
  const stand = new Stand({}, undefined, undefined, { access });
  const node = stand.at("a");
  node.connect("n", { clean: false });
  access.refusal = Reason.notAuthorized;
  assert.equal(code(stand.at("b").connect("n", { clean: false })), notSupported);
  assert.equal(stand.state("n"), "active");
  assert.equal(stand.report("n").address, "a");
  access.refusal = Reason.serverBusy;
  assert.equal(code(stand.at("c").connect("m")), congestion);
});

test("answers that come when gateway or link are gone have no effect", () => {
  const access = new SlowAccess();
  const stand = new Stand({}, undefined, undefined, { access });
  stand.at("a").connect("n");
  stand.gateway.detach(stand.link);
  access.settle();
  stand.gateway.attach(stand.link);
  stand.at("a").connect("m");
  stand.gateway.stop();
  access.settle();
  assert.equal(stand.door.sessions.size, 0);
});

test("after a restart a node holds its session again with its rights, once access control has answered", () => {
  const before = new Stand({}, undefined, undefined, { access: new ScriptedAccess() });
  before.node("n", { clean: false });
  before.node("m", { clean: false });
  before.gateway.stop();
  const access = new SlowAccess();
  const after = new Stand({}, before, undefined, { access });
  assert.deepEqual(after.at("at-n").ping("n"), [{ kind: "disconnect", duration: undefined }]);
  access.settle();
  assert.notEqual(after.door.openings.at(-1)?.rights, undefined);
  assert.equal(after.state("n"), "active");
  assert.deepEqual(after.at("at-m").ping(), [{ kind: "pingresp" }]);
});

test("a node that access control does not let in again stays out after a restart", () => {
  const before = new Stand({}, undefined, undefined, { access: new ScriptedAccess() });
  before.node("n", { clean: false });
  before.gateway.stop();
  const access = new ScriptedAccess();
  access.refusal = Reason.notAuthorized;
  const after = new Stand({}, before, undefined, { access });
  assert.equal(after.state("n"), "disconnected");
  assert.equal(after.logged(/not restored: access control refuses it \(0x87\)/, "warn"), 1);
});

test("rules that a link gets while nodes are connected there bind them at once", () => {
  const open: AccessPolicy = { allowAnonymous: true, chain: [] };
  const ruled: AccessPolicy = { allowAnonymous: true, chain: [ACL] };
  const { stand, access, settings, seen } = guarded({
    acl: "topic write open\n",
    nodes: { udp: open },
  });
  const node = stand.at("a");
  node.connect("n", { clean: false });
  node.register("shut");
  assert.equal(code(node.publish(1, "before", 1)), accepted);
  access.reload({ ...settings, nodes: new Map([["udp", ruled]]) });
  stand.gateway.rulesChanged();
  assert.equal(code(node.publish(1, "after", 1)), notSupported);
  assert.deepEqual(seen, ["n shut before"]);
  assert.deepEqual(node.ping(), [{ kind: "pingresp" }], "still connected");
});

test("a node moves to another link by PINGREQ only where it is the same to access control there", () => {
  const { stand } = guarded({ acl: "topic readwrite #\n" });
  stand.node("n", { clean: false });
  const serial = new FakeLink("serial");
  stand.gateway.attach(serial);
  const moved = stand.at("stick", serial);
  assert.deepEqual(moved.ping("n"), [{ kind: "disconnect", duration: undefined }]);
  const plain = new Stand();
  plain.node("n", { clean: false });
  plain.gateway.attach(serial);
  assert.deepEqual(plain.at("stick", serial).ping("n"), [{ kind: "pingresp" }]);
});
