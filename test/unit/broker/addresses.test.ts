/** Where clients are connected from, as dynamic security tells those who manage it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { DynamicSecurity } from "../../../src/auth/dynsec/dynamic-security.ts";
import { encodeUtf8 } from "../../../src/bytes/utf8.ts";
import { MemoryDocuments } from "../../kit/memory-documents.ts";
import { PlainHasher } from "../../kit/plain-hasher.ts";
import { TestBroker } from "../../kit/test-broker.ts";

test("addresses are those of the connected clients that are meant, without ports", () => {
  const { broker, connect, connect5 } = bound(new TestBroker());
  connect("one", { username: "ann" });
  connect5("two", {}, { username: "ann" });
  connect("three", { username: "bob" }).break();
  connect5("four", { sessionExpiryInterval: 100 }, { username: "bob" }).break();
  connect("five");
  const of = (name: string | undefined) => broker.addresses(({ username }) => username === name);
  assert.deepEqual(of("ann"), ["127.0.0.1", "127.0.0.1"]);
  assert.deepEqual(of("bob"), []);
  assert.deepEqual(of(undefined), ["127.0.0.1"]);
  assert.deepEqual(
    broker.addresses(({ clientId }) => clientId === "two"),
    ["127.0.0.1"],
  );
});

test("getClient of dynamic security shows the connections that there are", () => {
  const on = new TestBroker();
  const { scheduler } = on.clock;
  const documents = new MemoryDocuments();
  const hasher = new PlainHasher(scheduler);
  const security = new DynamicSecurity({ documents, hasher, scheduler, log: on.log });
  security.load();
  security.connected = on.broker;
  const ask = (command: unknown): unknown => {
    const answers: string[] = [];
    const request = encodeUtf8(JSON.stringify({ commands: [command] }));
    security.handle(request, { clientId: "ctrl", username: "admin" }, (response) =>
      answers.push(new TextDecoder().decode(response)),
    );
    on.clock.advance(1000);
    return JSON.parse(answers[0] ?? "{}").responses[0].data?.client?.connections;
  };
  for (const username of ["ann", "bob"]) ask({ command: "createClient", username, password: "x" });
  for (const clientId of ["one", "two"]) on.connect(clientId, { username: "ann" });
  const address = "127.0.0.1";
  assert.deepEqual(ask({ command: "getClient", username: "ann" }), [{ address }, { address }]);
  assert.deepEqual(ask({ command: "getClient", username: "bob" }), []);
});

test("a client that has no address, as nodes and bridges, has none to tell", () => {
  const { broker } = bound(new TestBroker());
  const peer = { deliver() {}, release() {}, published() {}, completed() {}, evicted() {} };
  const opening = {
    clientId: "node",
    cleanStart: true,
    persistent: false,
    origin: "mqtt-sn",
    remote: "udp/7",
    receiveMaximum: 1,
    queueQos0: false,
  } as const;
  assert.equal(broker.enter(opening, peer).ok, true);
  assert.deepEqual(
    broker.addresses(() => true),
    [],
  );
});

function bound(on: TestBroker) {
  return {
    broker: on.broker,
    connect: on.connect.bind(on),
    connect5: on.connect5.bind(on),
  };
}
