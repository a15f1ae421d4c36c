/** Who is sent to another server, when, and what it is told (MQTT 5.0 §4.11). */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Packet } from "../../../src/mqtt/packets.ts";
import type { Properties } from "../../../src/mqtt/properties.ts";
import { ScriptedAccess } from "../../kit/scripted-access.ts";
import { connectPacket, TestBroker, type TestBrokerSettings } from "../../kit/test-broker.ts";

const ELSEWHERE = "other.example.org:1883";

/** What a client of MQTT 5.0 is answered. */
function answerTo(broker: TestBroker, clientId: string, properties: Properties = {}): Packet[] {
  const client = broker.dial(5);
  client.send(connectPacket(clientId, { level: 5, properties }));
  return client.take();
}

function refused(returnCode: number, properties?: Properties): Packet[] {
  const connack: Packet = { kind: "connack", sessionPresent: false, returnCode };
  return [properties === undefined ? connack : { ...connack, properties }];
}

const LIMITS: readonly TestBrokerSettings[] = [
  { options: { maxConnections: 2 } },
  { policy: { maxConnections: 2 } },
];

test("where there is no room a client is sent elsewhere if there is an elsewhere, else told to come later", () => {
  for (const { options, policy } of LIMITS) {
    for (const serverReference of ["", ELSEWHERE]) {
      const broker = new TestBroker({
        options: { ...options, serverReference },
        ...(policy === undefined ? {} : { policy }),
      });
      broker.connect5("one");
      broker.connect("two");
      assert.deepEqual(
        answerTo(broker, "three"),
        serverReference === "" ? refused(0x89) : refused(0x9c, { serverReference }),
      );
      // Before 5.0 there is one way to say it.
      const old = broker.dial(4);
      old.send(connectPacket("four"));
      assert.deepEqual(old.take(), refused(3));
      assert.equal(broker.broker.connected, 2);
    }
  }
});

test("a place that a client leaves, in whatever way, is free", () => {
  for (const { options, policy } of LIMITS) {
    const broker = new TestBroker({
      ...(options === undefined ? {} : { options }),
      ...(policy === undefined ? {} : { policy }),
    });
    const ways = [
      () => broker.connect5("a").send({ kind: "disconnect" }),
      () => broker.connect5("b").break(),
      () => broker.connect5("c").sendBytes(new Uint8Array([0, 0])),
      () => {
        broker.connect5("d");
        broker.broker.disconnect(({ clientId }) => clientId === "d", 0x98);
      },
      () => {
        broker.connect5("e");
        broker.connect5("e").break();
      },
    ];
    broker.connect5("stays");
    for (const leave of ways) leave();
    assert.equal(broker.connect5("last").closed, false);
    assert.equal(answerTo(broker, "one too many")[0]?.kind, "connack");
    assert.equal(broker.broker.connected, 2);
  }
});

test("who takes over a session that is connected needs no room", () => {
  for (const { options, policy } of LIMITS) {
    const broker = new TestBroker({
      ...(options === undefined ? {} : { options }),
      ...(policy === undefined ? {} : { policy }),
    });
    const before = broker.connect5("one");
    broker.connect5("two");
    assert.equal(broker.connect5("one").closed, false);
    assert.equal(before.ending(), "0x8e");
    assert.equal(broker.broker.connected, 2);
  }
});

test("those who come in while others' passwords are checked count, too", () => {
  const answers: (() => void)[] = [];
  const access = new ScriptedAccess();
  const admit = access.admit.bind(access);
  access.admit = (credentials, answer) => answers.push(() => admit(credentials, answer));
  const broker = new TestBroker({ access, options: { maxConnections: 1 } });
  const clients = ["one", "two"].map((clientId) => {
    const client = broker.dial(5);
    client.send(connectPacket(clientId, { level: 5 }));
    return client;
  });
  for (const answer of answers) answer();
  assert.deepEqual(
    clients.map((client) => client.ending()),
    ["open", "0x89 connack"],
  );
});

test("a client that is sent elsewhere is told why if it asks, and both only as far as it takes so long a packet", () => {
  const options = { maxConnections: 1, serverReference: ELSEWHERE };
  const broker = new TestBroker({ options });
  broker.connect5("one");
  const reasonString = "The server has as many clients as it may have.";
  const seen = [200, 60, 20].map((maximumPacketSize) =>
    answerTo(broker, "two", { requestProblemInformation: 1, maximumPacketSize }),
  );
  assert.deepEqual(seen, [
    refused(0x9c, { serverReference: ELSEWHERE, reasonString }),
    refused(0x9c, { serverReference: ELSEWHERE }),
    refused(0x9c),
  ]);
});

test("access control may send a client to a server of its own choice", () => {
  const access = new ScriptedAccess();
  access.admit = (_credentials, answer) =>
    answer({ ok: false, reason: 0x9c, serverReference: "third" });
  const broker = new TestBroker({ access, options: { serverReference: ELSEWHERE } });
  assert.deepEqual(answerTo(broker, "one"), refused(0x9c, { serverReference: "third" }));
});
