/** Enhanced authentication (MQTT 5.0 §4.12) from the client's side. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { ConnectPacket } from "../../../src/mqtt/packets.ts";
import type { Properties } from "../../../src/mqtt/properties.ts";
import type {
  Authentication,
  AuthenticationStep,
} from "../../../src/mqtt-client/authentication.ts";
import type { Ending } from "../../../src/mqtt-client/ending.ts";
import { MqttClient, type MqttClientOwner } from "../../../src/mqtt-client/mqtt-client.ts";
import { hex } from "../../kit/hex.ts";
import { ServerEnd } from "../../kit/server-end.ts";
import { VirtualClock } from "../../kit/virtual-clock.ts";

const METHOD = "METHOD";

/** A method whose answers the test gives. */
class ScriptedMethod implements Authentication {
  readonly method = METHOD;
  readonly seen: string[] = [];
  answer: ((step: AuthenticationStep) => void) | undefined;
  problem: string | undefined;

  begin(): Uint8Array {
    this.seen.push("begin");
    return hex("01");
  }

  next(data: Uint8Array | undefined, answer: (step: AuthenticationStep) => void): void {
    this.seen.push(`next ${data}`);
    this.answer = answer;
  }

  complete(data: Uint8Array | undefined): string | undefined {
    this.seen.push(`complete ${data}`);
    return this.problem;
  }
}

function setUp() {
  const clock = new VirtualClock();
  const server = new ServerEnd(5);
  const method = new ScriptedMethod();
  let ending: Ending | undefined;
  let connected = 0;
  const nothing = (): void => {};
  const owner: MqttClientOwner = {
    connected: () => {
      connected++;
    },
    message: nothing,
    released: nothing,
    received: nothing,
    acknowledged: nothing,
    subscribed: nothing,
    unsubscribed: nothing,
    drained: nothing,
    closed: (why) => {
      ending = why;
    },
  };
  const client = new MqttClient({
    wire: server.wire,
    owner,
    clock,
    scheduler: clock.scheduler,
    options: {
      level: 5,
      clientId: "c",
      cleanSession: true,
      keepAlive: 0,
      patience: 5000,
      properties: { authenticationMethod: "of the options", userProperties: [["a", "b"]] },
      authentication: method,
    },
  });
  server.wire.open(client);
  client.start();
  const connect = server.take()[0] as ConnectPacket;
  const auth = (reasonCode: number, properties: Properties = {}): void => {
    const all = { authenticationMethod: METHOD, ...properties };
    server.send({ kind: "auth", reasonCode, properties: all });
  };
  const accept = (properties: Properties = {}): void =>
    server.connack(false, 0, { authenticationMethod: METHOD, ...properties });
  /** The data of the AUTH that the client sent. */
  const sent = (): readonly (string | undefined)[] =>
    server
      .take()
      .map((packet) =>
        packet.kind === "auth"
          ? `${packet.reasonCode} ${packet.properties?.authenticationMethod} ${packet.properties?.authenticationData}`
          : packet.kind,
      );
  return {
    ...{ clock, server, client, method, connect, auth, accept, sent },
    ending: () => ending,
    connected: () => connected,
  };
}

test("[MQTT-4.12.0-3] the exchange goes from CONNECT over AUTH to CONNACK", () => {
  const { connect, method, auth, accept, sent, connected, ending } = setUp();
  assert.equal(connect.properties?.authenticationMethod, METHOD);
  assert.deepEqual(connect.properties?.authenticationData, hex("01"));
  assert.deepEqual(connect.properties?.userProperties, [["a", "b"]]);
  auth(0x18, { authenticationData: hex("02") });
  assert.deepEqual(sent(), [], "not before the method has its answer");
  method.answer?.({ kind: "continue", data: hex("03") });
  assert.deepEqual(sent(), [`24 ${METHOD} 3`]);
  auth(0x18);
  method.answer?.({ kind: "continue", data: undefined });
  assert.deepEqual(sent(), [`24 ${METHOD} undefined`]);
  accept({ authenticationData: hex("04") });
  assert.deepEqual(method.seen, ["begin", "next 2", "next undefined", "complete 4"]);
  assert.deepEqual([connected(), ending()], [1, undefined]);
});

test("[MQTT-4.12.1-1] it may be gone through again while connected", () => {
  const { client, method, auth, accept, sent, ending } = setUp();
  accept();
  client.reauthenticate();
  client.reauthenticate();
  assert.deepEqual(sent(), [`25 ${METHOD} 1`], "one at a time");
  auth(0x18, { authenticationData: hex("02") });
  method.answer?.({ kind: "continue", data: hex("03") });
  assert.deepEqual(sent(), [`24 ${METHOD} 3`]);
  auth(0, { authenticationData: hex("04") });
  assert.deepEqual(method.seen.slice(-3), ["begin", "next 2", "complete 4"]);
  client.reauthenticate();
  assert.deepEqual(sent(), [`25 ${METHOD} 1`]);
  assert.equal(ending(), undefined);
});

test("a server that does not prove itself is left before the owner hears of a connection", () => {
  const { method, accept, ending, connected, server } = setUp();
  method.problem = "an impostor";
  accept();
  assert.deepEqual(ending(), { kind: "fault", detail: "an impostor" });
  assert.equal(connected(), 0);
  assert.equal(server.wire.closing, true);
});

test("a method that gives up ends the connection with its words", () => {
  const { method, auth, ending } = setUp();
  auth(0x18);
  method.answer?.({ kind: "give-up", detail: "no such thing" });
  assert.deepEqual(ending(), { kind: "fault", detail: "no such thing" });
});

test("an answer that comes when all is over is let pass", () => {
  const { server, method, auth, sent } = setUp();
  auth(0x18);
  server.wire.break("gone");
  method.answer?.({ kind: "continue", data: hex("03") });
  assert.deepEqual(sent(), []);
});

test("each step gives the server its patience anew, and a silent one is left", () => {
  const { clock, method, auth, ending } = setUp();
  clock.advance(4000);
  auth(0x18);
  method.answer?.({ kind: "continue", data: undefined });
  clock.advance(4000);
  assert.equal(ending(), undefined);
  clock.advance(1000);
  assert.equal(ending()?.kind, "silent");
});

for (const [what, act] of [
  ["another method in AUTH", ({ auth }) => auth(0x18, { authenticationMethod: "other" })],
  ["another method in CONNACK", ({ accept }) => accept({ authenticationMethod: "other" })],
  ["no method in CONNACK", ({ server }) => server.connack()],
  ["AUTH of success before CONNACK", ({ auth }) => auth(0)],
  ["AUTH of re-authentication", ({ auth }) => auth(0x19)],
  [
    "AUTH twice without an answer",
    ({ auth }) => {
      auth(0x18);
      auth(0x18);
    },
  ],
  [
    "AUTH on a connection that stands",
    ({ auth, accept }) => {
      accept();
      auth(0x18);
    },
  ],
  [
    "PUBLISH within the exchange",
    ({ auth, server }) => {
      auth(0x18);
      server.publish("a", "x");
    },
  ],
] as const satisfies readonly (readonly [string, (all: ReturnType<typeof setUp>) => void])[]) {
  test(`a server that sends ${what} is left`, () => {
    const all = setUp();
    act(all);
    assert.equal(all.ending()?.kind, "fault");
    assert.equal(all.server.wire.closing, true);
  });
}
