/** Retained messages of those who may not publish them any more (CVE-2018-12546). */
import assert from "node:assert/strict";
import { test } from "node:test";
import { readRecord } from "../../../src/broker/records.ts";
import type { Publisher } from "../../../src/seams/access.ts";
import { hex } from "../../kit/hex.ts";
import { EVERYTHING, ScriptedAccess } from "../../kit/scripted-access.ts";
import { TestBroker } from "../../kit/test-broker.ts";
import { VirtualClock } from "../../kit/virtual-clock.ts";

const NOT_A = { mayPublish: (topic: string) => !topic.startsWith("a/") };

function retainedFor(broker: TestBroker): string[] {
  const reader = broker.connect("reader");
  reader.subscribe("#");
  return reader.messages().sort();
}

function leaveAndRevoke(checkRetainSource: boolean): string[] {
  const access = new ScriptedAccess();
  const broker = new TestBroker({ access, options: { checkRetainSource } });
  const publisher = broker.connect("p");
  publisher.publish("a/1", "left behind", 1, 1, true);
  publisher.publish("b/1", "stays", 1, 2, true);
  access.change(NOT_A);
  return retainedFor(broker);
}

test("a retained message is kept back once its publisher may not publish there any more", () => {
  assert.deepEqual(leaveAndRevoke(true), ["b/1=stays retain"]);
});

test("without check_retain_source it is delivered all the same", () => {
  assert.deepEqual(leaveAndRevoke(false), ["a/1=left behind retain", "b/1=stays retain"]);
});

test("it is kept back, too, when the publisher's session is gone, and comes back with the right", () => {
  const access = new ScriptedAccess();
  const broker = new TestBroker({ access });
  const publisher = broker.connect("p");
  publisher.publish("a/1", "x", 1, 1, true);
  publisher.send({ kind: "disconnect" });
  assert.equal(broker.broker.sessions.has("p"), false);
  access.change(NOT_A);
  assert.deepEqual(retainedFor(broker), []);
  access.change({});
  assert.deepEqual(retainedFor(broker), ["a/1=x retain"]);
});

test("after a restart the right is asked of who published it: name, client id, listener and origin", () => {
  const will = { topic: "a/will", payload: hex("78"), qos: 0, retain: true } as const;
  const broker = new TestBroker({ access: new ScriptedAccess() });
  broker.connect("p", { username: "ann", password: hex("78") }).publish("a/1", "x", 1, 1, true);
  broker.connect("anonymous").publish("a/2", "y", 1, 1, true);
  broker.connect5("dying", {}, { username: "bob", password: hex("78"), will }).break();
  broker.disk.commit();
  const access = new ScriptedAccess();
  const asked: Publisher[] = [];
  access.ofPublisher = (publisher) => {
    asked.push(publisher);
    return { ...EVERYTHING, mayPublish: () => publisher.clientId !== "p" };
  };
  const later = broker.restart({ access });
  assert.deepEqual(retainedFor(later), ["a/2=y retain", "a/will=x retain"]);
  const where = { listener: "main", origin: "mqtt" };
  assert.deepEqual(
    asked.sort((one, other) => (one.clientId < other.clientId ? -1 : 1)),
    [
      { clientId: "anonymous", username: undefined, ...where },
      { clientId: "dying", username: "bob", ...where },
      { clientId: "p", username: "ann", ...where },
    ],
  );
});

test("revoked after the restart it is kept back, and the question is what was published", () => {
  const broker = new TestBroker({ access: new ScriptedAccess() });
  broker.connect("p").publish("a/1", "x", 1, 1, true);
  const access = new ScriptedAccess();
  const later = broker.restart({ access });
  assert.deepEqual(retainedFor(later), ["a/1=x retain"]);
  const asked: unknown[] = [];
  access.change({
    mayPublish: (...question) => {
      asked.push(question);
      return false;
    },
  });
  assert.deepEqual(retainedFor(later), []);
  assert.deepEqual(asked, [["a/1", hex("78"), 1, true]]);
});

test("who publishes over a message answers for it from then on", () => {
  const access = new ScriptedAccess();
  access.ofPublisher = ({ clientId }) => ({ ...EVERYTHING, mayPublish: () => clientId === "q" });
  const broker = new TestBroker({ access });
  broker.connect("p").publish("a", "of p", 1, 1, true);
  assert.deepEqual(retainedFor(broker), []);
  broker.connect("q").publish("a", "of q", 1, 1, true);
  assert.deepEqual(retainedFor(broker), ["a=of q retain"]);
  assert.deepEqual(retainedFor(broker.restart({ access })), ["a=of q retain"]);
});

test("what the broker itself says, and what nobody knows the publisher of, stays", () => {
  const access = new ScriptedAccess();
  access.ofPublisher = ({ clientId }) =>
    clientId === "unknown" ? undefined : { ...EVERYTHING, mayPublish: () => false };
  const broker = new TestBroker({ access });
  broker.broker.announce("said", hex("78"), true);
  broker.connect("unknown").publish("unknown", "x", 1, 1, true);
  broker.connect("known").publish("known", "x", 1, 1, true);
  assert.deepEqual(retainedFor(broker), ["said=x retain", "unknown=x retain"]);
});

test("all that one publisher left shares one object after a restart", () => {
  const broker = new TestBroker({ access: new ScriptedAccess() });
  for (const clientId of ["p", "q"]) {
    const client = broker.connect(clientId, { username: "ann", password: hex("78") });
    for (let n = 1; n <= 3; n++) client.publish(`${clientId}/${n}`, "x", 1, n, true);
  }
  const access = new ScriptedAccess();
  const asked = new Set<Publisher>();
  access.ofPublisher = (publisher) => {
    asked.add(publisher);
    return EVERYTHING;
  };
  assert.equal(retainedFor(broker.restart({ access })).length, 6);
  assert.equal(asked.size, 2);
});

test("more publishers than are remembered are asked for all the same", () => {
  const access = new ScriptedAccess();
  const broker = new TestBroker({ access });
  for (let n = 0; n < 600; n++) broker.connect(`p${n}`).publish(`t/${n}`, "x", 0, 0, true);
  access.ofPublisher = ({ clientId }) => ({
    ...EVERYTHING,
    mayPublish: () => !clientId.endsWith("7"),
  });
  assert.equal(retainedFor(broker).length, 540);
});

test("a record of before, without a publisher, is read as it is", () => {
  const before = hex("02 05 0000000000000000 0001 61 78".replaceAll(" ", ""));
  const read = readRecord({ key: "r/a", value: before }, new VirtualClock());
  assert.ok(read?.kind === "retained");
  assert.equal(read.source, undefined);
  assert.deepEqual(
    [read.message.topic, read.message.payload, read.message.qos],
    ["a", hex("78"), 1],
  );
});

test("a record that is cut off anywhere, or whose publisher is of an unknown origin, is damaged", () => {
  const broker = new TestBroker({ access: new ScriptedAccess() });
  broker.connect("p", { username: "ann", password: hex("78") }).publish("a", "x", 1, 1, true);
  const [record] = broker.disk.records();
  assert.ok(record?.key === "r/a");
  const clock = new VirtualClock();
  const { key, value } = record;
  assert.equal(readRecord(record, clock)?.kind, "retained");
  // Version, flags, expiry, topic; then the origin.
  const origin = 1 + 1 + 8 + 3;
  for (let end = 0; end < value.length; end++) {
    const cut = readRecord({ key, value: value.slice(0, end) }, clock);
    assert.equal(cut, undefined, `${end}`);
  }
  const odd = value.slice();
  odd[origin] = 0x1f;
  assert.equal(readRecord({ key, value: odd }, clock), undefined);
  odd[0] = 4;
  odd[origin] = value[origin] as number;
  assert.equal(readRecord({ key, value: odd }, clock), undefined);
});
