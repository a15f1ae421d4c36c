/** SCRAM-SHA-256 as clients of a broker meet it: with a password file, access rules and the throttle. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { AccessControl } from "../../../src/auth/access-control.ts";
import type { AccessPolicy } from "../../../src/auth/access-policy.ts";
import { CLOSED } from "../../../src/auth/access-policy.ts";
import { formatPasswordRecord } from "../../../src/auth/password-records.ts";
import { SCRAM_SHA_256, ScramMethod } from "../../../src/auth/scram-method.ts";
import type { Packet } from "../../../src/mqtt/packets.ts";
import { NODE_DIGESTS } from "../../../src/system/scram-digests.ts";
import { KeptLog } from "../../kit/kept-log.ts";
import { PlainHasher, plainRecord } from "../../kit/plain-hasher.ts";
import { ScramClient, scramRecordText } from "../../kit/scram-client.ts";
import { connectPacket, TestBroker, type TestClient } from "../../kit/test-broker.ts";
import { VirtualClock } from "../../kit/virtual-clock.ts";

const ADA = scramRecordText("pencil");
const FILE = [
  "# users",
  `ada:${ADA}`,
  `bob:${formatPasswordRecord(plainRecord("plain"))}`,
  `d=e,f:${scramRecordText("comma", "AAECAwQFBgcICQoLDA0ODw==")}`,
  `jos\u00e9:${scramRecordText("pencil")}`,
].join("\n");

interface Stand {
  readonly broker: TestBroker;
  readonly access: AccessControl;
  readonly log: KeptLog;
  readonly files: Record<string, string>;
}

function stand(files: Record<string, string> = { "/pw": FILE }): Stand {
  const clock = new VirtualClock();
  const { scheduler } = clock;
  const log = new KeptLog();
  const main: AccessPolicy = {
    allowAnonymous: false,
    chain: [
      { kind: "password-file", path: "/pw" },
      ...(files["/acl"] === undefined ? [] : [{ kind: "acl-file", path: "/acl" } as const]),
    ],
  };
  let nonces = 0;
  const access = new AccessControl({
    settings: {
      throttle: { freeFailures: 3, longestDelay: 8000 },
      listeners: new Map([["main", main]]),
      nodes: new Map(),
      others: CLOSED,
    },
    files: { read: (path) => ({ ok: true, text: files[path] ?? "" }) },
    hasher: new PlainHasher(scheduler),
    passwordMethods: (users, throttle) => [
      new ScramMethod({
        users,
        throttle,
        digests: NODE_DIGESTS,
        random: (count) => new Uint8Array(count).fill(++nonces),
        secret: new Uint8Array(32).fill(7),
        scheduler,
        log,
      }),
    ],
    clock,
    scheduler,
    log,
  });
  assert.deepEqual(access.load(), []);
  return { broker: new TestBroker({ access, clock }), access, log, files };
}

interface Who {
  readonly username?: string;
  readonly password?: string;
  /** That of CONNECT. */
  readonly connectAs?: string;
  readonly clientId?: string;
}

function scramOf({ username = "ada", password = "pencil" }: Who): ScramClient {
  return new ScramClient({ username, password, nonce: "fyko+d2lbbFgONRv9qkxdawL" });
}

function dial({ broker }: Stand, who: Who, data?: Uint8Array): TestClient {
  const client = broker.dial(5);
  const properties = { authenticationMethod: SCRAM_SHA_256, authenticationData: data };
  const { clientId = "c", connectAs } = who;
  const given = connectAs === undefined ? {} : { username: connectAs };
  client.send(connectPacket(clientId, { level: 5, properties, ...given }));
  return client;
}

function go(client: TestClient, data: Uint8Array, reasonCode = 0x18): void {
  const properties = { authenticationMethod: SCRAM_SHA_256, authenticationData: data };
  client.send({ kind: "auth", reasonCode, properties });
}

/** The only packet that has come. */
function only(client: TestClient): Packet {
  const packets = client.take();
  assert.equal(packets.length, 1);
  return packets[0] as Packet;
}

function dataOf(packet: Packet): Uint8Array {
  assert.ok(packet.kind === "auth" || packet.kind === "connack");
  return packet.properties?.authenticationData ?? new Uint8Array(0);
}

/** A whole login; the answer to CONNECT, and the client behind it. */
function login(
  on: Stand,
  who: Who = {},
): { client: TestClient; answer: Packet; scram: ScramClient } {
  const scram = scramOf(who);
  const client = dial(on, who, scram.first());
  const challenge = only(client);
  assert.equal(challenge.kind, "auth");
  go(client, scram.final(dataOf(challenge)));
  return { client, answer: only(client), scram };
}

function codeOf(packet: Packet): number | undefined {
  return packet.kind === "connack" ? packet.returnCode : undefined;
}

test("the right proof lets in as the user, and the broker proves that it knows the password", () => {
  const on = stand();
  const { answer, scram, client } = login(on);
  assert.equal(codeOf(answer), 0);
  assert.ok(scram.knows(dataOf(answer)));
  assert.equal(on.broker.broker.sessions.get("c")?.username, "ada");
  client.send({ kind: "pingreq" });
  assert.deepEqual(client.take(), [{ kind: "pingresp" }]);
});

test("names with commas, and names that look alike, find their record", () => {
  const on = stand();
  assert.equal(codeOf(login(on, { username: "d=3De=2Cf", password: "comma" }).answer), 0);
  assert.equal(on.broker.broker.sessions.get("c")?.username, "d=e,f");
  assert.equal(codeOf(login(on, { username: "jose\u0301" }).answer), 0);
  assert.equal(on.broker.broker.sessions.get("c")?.username, "jos\u00e9");
});

test("a wrong proof, a user without a record of SCRAM and one without any are told the same", () => {
  const on = stand();
  for (const who of [
    { password: "wrong" },
    { username: "bob", password: "plain" },
    { username: "eve" },
  ]) {
    const { answer, client } = login(on, who);
    assert.deepEqual(answer, { kind: "connack", sessionPresent: false, returnCode: 135 });
    assert.equal(client.closed, true);
  }
  assert.equal(on.broker.broker.sessions.size, 0);
});

test("challenges do not tell whether there is such a user", () => {
  const on = stand();
  const challenge = (username: string): { salt: string; iterations: string } => {
    const client = dial(on, {}, scramOf({ username }).first());
    const text = new TextDecoder().decode(dataOf(only(client)));
    client.break();
    const [, salt = "", iterations = ""] = /,s=(.*),i=(.*)$/.exec(text) ?? [];
    return { salt, iterations };
  };
  const known = challenge("ada");
  for (const username of ["eve", "bob", "ADA"]) {
    const first = challenge(username);
    assert.deepEqual(challenge(username), first, "each time the same");
    assert.equal(first.iterations, known.iterations);
    assert.equal(first.salt.length, known.salt.length);
    assert.notEqual(first.salt, known.salt);
  }
  assert.notEqual(challenge("eve").salt, challenge("bob").salt);
});

test("a client that sends nothing with CONNECT is asked to begin; twice nothing is refused", () => {
  const on = stand();
  const scram = scramOf({});
  const client = dial(on, {});
  const empty = only(client);
  assert.equal(empty.kind, "auth");
  assert.equal(dataOf(empty).length, 0);
  go(client, scram.first());
  go(client, scram.final(dataOf(only(client))));
  assert.equal(codeOf(only(client)), 0);
  const silent = dial(on, {}, new Uint8Array(0));
  assert.equal(only(silent).kind, "auth");
  go(silent, new Uint8Array(0));
  assert.equal(codeOf(only(silent)), 135);
});

test("a user name in CONNECT must be that of the proof", () => {
  const on = stand();
  assert.equal(codeOf(login(on, { connectAs: "ada" }).answer), 0);
  const client = dial(on, { connectAs: "admin" }, scramOf({}).first());
  assert.equal(codeOf(only(client)), 135);
  assert.equal(client.closed, true);
});

test("the rights are those of the user", () => {
  const on = stand({ "/pw": FILE, "/acl": "user ada\ntopic readwrite ada/#\n" });
  const { client } = login(on);
  client.subscribe("#");
  client.publish("ada/x", "mine");
  client.publish("bob/x", "not mine");
  assert.deepEqual(client.messages(), ["ada/x=mine"]);
});

test("wrong proofs are slowed down, and too many at once turned away", () => {
  const on = stand();
  for (let count = 0; count < 3; count++) login(on, { password: "wrong" });
  const scram = scramOf({});
  const client = dial(on, {}, scram.first());
  assert.deepEqual(client.take(), []);
  on.broker.clock.advance(999);
  assert.deepEqual(client.take(), []);
  on.broker.clock.advance(1);
  go(client, scram.final(dataOf(only(client))));
  assert.equal(codeOf(only(client)), 0);
  const flooded = stand();
  for (let count = 0; count < 3; count++) login(flooded, { username: "eve" });
  const waiting = Array.from({ length: 20 }, () =>
    dial(flooded, {}, scramOf({ username: "eve" }).first()),
  );
  const turnedAway = waiting.filter((one) => one.take().some((packet) => codeOf(packet) === 137));
  // One a second is heard, and nobody waits for longer than twice the longest delay.
  assert.equal(turnedAway.length, 20 - 16);
});

test("a client that leaves while it is slowed down leaves nothing behind", () => {
  const on = stand();
  for (let count = 0; count < 3; count++) login(on, { password: "wrong" });
  const client = dial(on, {}, scramOf({}).first());
  client.break();
  on.broker.clock.advance(60_000);
  assert.deepEqual(client.take(), []);
});

test("whoever is removed from the file, or gets another password, is not let in by the old one", () => {
  const on = stand();
  const scram = scramOf({});
  const client = dial(on, {}, scram.first());
  const challenge = dataOf(only(client));
  on.files["/pw"] = `ada:${scramRecordText("another")}`;
  assert.deepEqual(on.access.reload(), []);
  go(client, scram.final(challenge));
  assert.equal(codeOf(only(client)), 135);
  assert.equal(codeOf(login(on, { password: "another" }).answer), 0);
  const { rights } = on.broker.broker.sessions.get("c") ?? {};
  assert.equal(rights?.admitted?.(), true);
  on.files["/pw"] = FILE;
  assert.deepEqual(on.access.reload(), []);
  assert.equal(rights?.admitted?.(), false);
});

test("a client proves itself anew on its live connection", () => {
  const on = stand();
  const { client } = login(on);
  const again = scramOf({});
  go(client, again.first(), 0x19);
  go(client, again.final(dataOf(only(client))));
  const done = only(client);
  assert.ok(done.kind === "auth" && done.reasonCode === 0);
  assert.ok(again.knows(dataOf(done)));
  const wrong = scramOf({ password: "wrong" });
  go(client, wrong.first(), 0x19);
  go(client, wrong.final(dataOf(only(client))));
  assert.deepEqual(only(client), { kind: "disconnect", reasonCode: 135 });
  assert.equal(client.closed, true);
});

test("nonces are new for each exchange", () => {
  const on = stand();
  const nonces = [1, 2].map(() => {
    const text = new TextDecoder().decode(dataOf(only(dial(on, {}, scramOf({}).first()))));
    return text.slice(0, text.indexOf(","));
  });
  assert.notEqual(nonces[0], nonces[1]);
});

test("why somebody was refused stands in the log, at debug level", () => {
  const on = stand();
  login(on, { password: "wrong" });
  assert.ok(
    on.log.lines.includes("debug: SCRAM-SHA-256: client c at 127.0.0.1 gave a wrong proof."),
    on.log.lines.join("\n"),
  );
});
