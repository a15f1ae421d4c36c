/** What the log says of clients that come and go: lines that those who watch Mosquitto's log know. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Reason } from "../../../src/mqtt/reason-codes.ts";
import { ScriptedAccess } from "../../kit/scripted-access.ts";
import { connectPacket, TestBroker, type TestBrokerSettings } from "../../kit/test-broker.ts";

/** The lines that `act` brings about. */
function lines(act: (broker: TestBroker) => void, settings: TestBrokerSettings = {}): string[] {
  const broker = new TestBroker(settings);
  act(broker);
  return broker.log.lines.map((line) => line.replace("connection: ", ""));
}

/** Without those that say that it came. */
function farewells(act: (broker: TestBroker) => void): string[] {
  return lines(act).filter((line) => !line.startsWith("New "));
}

const REFUSED = lines((broker) => broker.dial().send(connectPacket("c1")), {
  allowAnonymous: false,
});

/** As fail2ban puts it into the place of <HOST>, for these tests: any address. */
const HOST = "([0-9a-f.:]+)";

test("a client that is refused is found by the filter that comes with fail2ban", () => {
  const filter = `.+New connection from ${HOST}:[0-9]+ on port 1883\\.\\n.+Client <unknown> disconnected, not authorised\\.`;
  const log = REFUSED.map((line) => `1685821252: ${line}`).join("\n");
  assert.equal(new RegExp(filter).exec(log)?.[1], "127.0.0.1");
});

test("a client that is refused is found with its address in one line, as from Mosquitto 2.1", () => {
  const filter = new RegExp(`^Client (\\S+) \\[${HOST}:(\\d+)\\] disconnected: not authorised\\.$`);
  const [, clientId, address] = REFUSED.map((line) => filter.exec(line)).find(Boolean) ?? [];
  assert.deepEqual([clientId, address], ["c1", "127.0.0.1"]);
});

test("who cannot be checked now is not taken for somebody who guesses", () => {
  const access = new ScriptedAccess();
  const broker = new TestBroker({ access });
  access.refusal = Reason.serverBusy;
  broker.dial().send(connectPacket("c1"));
  const text = broker.log.lines.join("\n");
  assert.doesNotMatch(text, /not authorised/);
  assert.match(
    text,
    /Client c1 disconnected\. \(could not be checked now, from 127\.0\.0\.1:4711\)/,
  );
});

test("who comes is told with protocol, clean start, keep alive and user name", () => {
  const told = lines((broker) => {
    broker.connect("a", { keepAlive: 60 });
    broker.connect5("b", {}, { cleanStart: false, username: "ann" });
    broker.connect("c", { level: 3 });
  });
  assert.deepEqual(told, [
    "New connection from 127.0.0.1:4711 on port 1883.",
    "New client connected from 127.0.0.1:4711 as a (p2, c1, k60).",
    "New connection from 127.0.0.1:4711 on port 1883.",
    "New client connected from 127.0.0.1:4711 as b (p5, c0, k0, u'ann').",
    "New connection from 127.0.0.1:4711 on port 1883.",
    "New client connected from 127.0.0.1:4711 as c (p1, c1, k0).",
  ]);
});

test("each way to go has its words", () => {
  assert.deepEqual(
    farewells((broker) => broker.connect("a").send({ kind: "disconnect" })),
    ["Client a disconnected."],
  );
  assert.deepEqual(
    farewells((broker) => broker.connect("a").break()),
    ["Client a closed its connection."],
  );
  assert.deepEqual(
    farewells((broker) => {
      broker.connect("a", { keepAlive: 1 });
      broker.clock.advance(5000);
    }),
    ["Client a has exceeded timeout, disconnecting."],
  );
  assert.deepEqual(
    farewells((broker) => {
      broker.connect("a");
      broker.connect("a");
    }),
    ["error: Client a already connected, closing old connection."],
  );
  assert.deepEqual(
    farewells((broker) => {
      broker.connect("a");
      broker.broker.disconnect(() => true, Reason.administrativeAction);
    }),
    ["Client a been disconnected by administrative action."],
  );
  const [malformed = ""] = farewells((broker) =>
    broker.connect("a").sendBytes(new Uint8Array([0x00, 0x00])),
  );
  assert.match(malformed, /^Client a disconnected due to (malformed packet|protocol error)\./);
  const [oversize = ""] = farewells((broker) =>
    broker.connect("a").sendBytes(new Uint8Array([0x30, 0xff, 0xff, 0xff, 0x7f])),
  );
  assert.match(oversize, /^Client a disconnected due to oversize packet\./);
});

test("subscribing is told with the QoS that was granted, and unsubscribing", () => {
  const told = farewells((broker) => {
    const client = broker.connect("a");
    client.subscribe("t/#", 1);
    client.send({ kind: "unsubscribe", packetId: 2, filters: ["t/#"] });
  });
  assert.deepEqual(told, ["subscribe: a 1 t/#", "unsubscribe: a t/#"]);
});
