/** When a bridge connects, when it leaves, and how another takes its place. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { TestBridge, topic } from "../../kit/test-bridge.ts";

const STATE = "$SYS/broker/connection/box.cloud/state";

test("a lazy bridge connects when enough waits, and leaves when nothing is carried", () => {
  const bridge = new TestBridge({
    topics: [topic("#", "out", 1)],
    options: { startType: "lazy", threshold: 3, idleTimeout: 20_000, notifications: true },
  });
  const { clock } = bridge.here;
  bridge.bridge.start();
  const client = bridge.here.connect("c");
  for (let id = 1; id <= 2; id++) client.publish("a", `${id}`, 1, id);
  clock.advance(60_000);
  assert.equal(bridge.dialler.pending, 0);
  client.publish("a", "3", 1, 3);
  clock.advance(1000);
  assert.equal(bridge.dialler.pending, 1);
  const remote = bridge.open();
  assert.equal(remote.answer().length, 3);
  clock.advance(15_000);
  client.publish("a", "4", 1, 4);
  remote.answer();
  clock.advance(15_000);
  assert.equal(bridge.bridge.connected, true);
  clock.advance(6000);
  assert.deepEqual(remote.told(), [`publish ${STATE}=0 retain`, "disconnect"]);
  assert.equal(bridge.bridge.connected, false);
  clock.advance(60_000);
  assert.equal(bridge.dialler.pending, 0);
});

test("a lazy bridge stays while something is not acknowledged, and while messages come in", () => {
  const bridge = new TestBridge({
    topics: [topic("a", "out", 1), topic("b", "in", 1)],
    options: { startType: "lazy", threshold: 1, idleTimeout: 5000, keepAlive: 0 },
  });
  const { clock } = bridge.here;
  bridge.bridge.start();
  bridge.here.connect("c").publish("a", "x", 1, 1);
  clock.advance(1000);
  const remote = bridge.open();
  clock.advance(60_000);
  assert.equal(bridge.bridge.connected, true);
  remote.answer();
  remote.publish("b", "y", 0);
  clock.advance(3000);
  assert.equal(bridge.bridge.connected, true);
  clock.advance(4000);
  assert.equal(bridge.bridge.connected, false);
});

test("a lazy bridge that fails waits, and dials again only if enough is left", () => {
  const bridge = new TestBridge({
    topics: [topic("#", "out", 1)],
    options: { startType: "lazy", threshold: 2 },
  });
  bridge.bridge.start();
  const client = bridge.here.connect("c");
  for (let id = 1; id <= 2; id++) client.publish("a", `${id}`, 1, id);
  bridge.here.clock.advance(1000);
  bridge.dialler.fail();
  assert.equal(bridge.dialler.pending, 0);
  bridge.wait();
  assert.equal(bridge.dialler.pending, 1);
});

test("a bridge that starts once tries each address, and never again", () => {
  const addresses = ["a", "b"].map((host) => ({ host, port: 1883 }));
  const bridge = new TestBridge({ options: { startType: "once", addresses } });
  bridge.bridge.start();
  bridge.dialler.fail();
  bridge.here.clock.advance(0);
  bridge.dialler.fail();
  bridge.here.clock.advance(3_600_000);
  assert.equal(bridge.dialler.pending, 0);
  assert.match(bridge.log.join("\n"), /b:1883: connection refused, not trying again/);
});

test("a bridge that starts once does not come back when its connection breaks", () => {
  const bridge = new TestBridge({ options: { startType: "once" } });
  bridge.start().wire.break();
  bridge.here.clock.advance(3_600_000);
  assert.equal(bridge.dialler.pending, 0);
});

test("a login that runs out is renewed before, without a message lost", () => {
  let logins = 0;
  const bridge = new TestBridge({
    topics: [topic("#", "out", 1)],
    login: () => ({ username: "u", password: `token${++logins}`, validFor: 100_000 }),
  });
  bridge.bridge.start();
  const first = bridge.dialler.accept();
  const connect = first.take()[0];
  assert.ok(connect?.kind === "connect");
  assert.equal(new TextDecoder().decode(connect.password), "token1");
  first.connack();
  first.answer();
  bridge.here.connect("c").publish("a", "x", 1, 1);
  assert.deepEqual(first.told(), ["publish a=x q1 #1"]);
  bridge.here.clock.advance(80_000);
  assert.ok(first.told().includes("disconnect"));
  const second = bridge.accept(true);
  assert.equal(logins, 2);
  assert.deepEqual(second.told(), ["publish a=x q1 dup #1"]);
});

test("a login that cannot be made is a failure like others", () => {
  const bridge = new TestBridge({ login: () => ({ problem: "no key" }) });
  bridge.bridge.start();
  assert.equal(bridge.dialler.pending, 0);
  assert.match(bridge.log.join("\n"), /remote:1883: no key, next try in 5 s/);
});

test("a bridge makes place for another when its connection ends, or at once", () => {
  const connected = new TestBridge();
  const remote = connected.start();
  let replaced = 0;
  connected.bridge.retire(() => replaced++);
  assert.equal(replaced, 0);
  remote.wire.break();
  assert.equal(replaced, 1);
  connected.wait();
  assert.equal(connected.dialler.pending, 0);

  const waiting = new TestBridge();
  waiting.bridge.start();
  waiting.bridge.retire(() => replaced++);
  assert.deepEqual([replaced, waiting.dialler.pending], [2, 0]);
});

test("a bridge that is removed leaves nothing behind but what waits", () => {
  const bridge = new TestBridge({
    topics: [topic("#", "out", 1)],
    options: { notifications: true, reportInterval: 1000 },
  });
  const { broker } = bridge.here;
  bridge.start();
  assert.equal(bridge.bridge.remove(), 0);
  assert.equal(broker.sessions.has("local.box.cloud"), false);
  const watch = bridge.here.connect("watch");
  watch.subscribe("$SYS/broker/connection/#");
  assert.deepEqual(watch.messages(), []);

  const full = new TestBridge({ topics: [topic("#", "out", 1)] });
  full.bridge.start();
  const client = full.here.connect("c");
  client.publish("a", "x", 1, 1);
  assert.equal(full.bridge.remove(), 1);
  client.publish("a", "y", 1, 2);
  assert.equal(full.here.broker.sessions.get("local.box.cloud")?.outgoing.backlog, 1);
});

test("counters are told under $SYS as they change", () => {
  const bridge = new TestBridge({
    topics: [topic("a", "both", 1)],
    options: { reportInterval: 10_000 },
  });
  bridge.bridge.start();
  const watch = bridge.here.connect("watch");
  watch.subscribe("$SYS/broker/connection/box.cloud/#");
  const told = () =>
    watch.messages().map((line) => line.replace(/^.*box\.cloud\//, "").replace(" retain", ""));
  assert.ok(told().includes("messages/sent=0"));
  bridge.dialler.fail("unknown host name");
  bridge.here.clock.advance(10_000);
  assert.deepEqual(told().sort(), [
    "failure=remote:1883: unknown host name",
    "failures=1",
    "status=offline",
  ]);
  bridge.wait();
  const remote = bridge.open();
  bridge.here.connect("c").publish("a", "x", 1, 1);
  remote.publish("a", "y", 0);
  bridge.here.clock.advance(10_000);
  assert.deepEqual(told().sort(), [
    "connects=1",
    "failure=none",
    "messages/queued=1",
    "messages/received=1",
    "messages/sent=1",
    "status=connected",
  ]);
});

test("a bridge says how it stands with it: connecting, connected, offline, or idle if it is lazy", () => {
  const bridge = new TestBridge({
    topics: [topic("a", "out", 1)],
    options: { startType: "lazy", threshold: 1, idleTimeout: 5000 },
  });
  const { clock } = bridge.here;
  const states: string[] = [];
  const note = () => states.push(bridge.bridge.state);
  bridge.bridge.start();
  note();
  const client = bridge.here.connect("c");
  client.publish("a", "x", 1, 1);
  clock.advance(1000);
  note();
  bridge.dialler.fail();
  note();
  bridge.wait();
  note();
  bridge.open().answer();
  note();
  clock.advance(10_000);
  note();
  assert.deepEqual(states, ["idle", "connecting", "offline", "offline", "connected", "idle"]);
  const eager = new TestBridge();
  eager.bridge.start();
  assert.equal(eager.bridge.state, "connecting");
});
