/** SCRAM-SHA-256 from the client's side, against the server's side and against impostors. */
import assert from "node:assert/strict";
import { pbkdf2Sync } from "node:crypto";
import { test } from "node:test";
import { preparedPassword } from "../../../src/auth/saslprep.ts";
import { ScramServer } from "../../../src/auth/scram.ts";
import { type ScramRecord, scramKeys } from "../../../src/auth/scram-record.ts";
import { ScramClient } from "../../../src/cli/authentication-options.ts";
import type { AuthenticationStep } from "../../../src/mqtt-client/authentication.ts";
import { NODE_DIGESTS } from "../../../src/system/scram-digests.ts";

const SALT = Buffer.from("salt of a kind");

function recordOf(password: string): ScramRecord {
  const prepared = preparedPassword(Buffer.from(password));
  const salted = pbkdf2Sync(prepared, SALT, 4096, 32, "sha256");
  const keys = scramKeys(salted, NODE_DIGESTS);
  return { kind: "scram-sha-256", iterations: 4096, salt: SALT, ...keys };
}

function step(client: ScramClient, data: Uint8Array): Promise<AuthenticationStep> {
  return new Promise((resolve) => client.next(data, resolve));
}

for (const [username, password] of [
  ["ada", "secret"],
  ["a,d=a", "p,w=\u00e9"],
  ["I\u00adX", "\u2168"],
] as const) {
  test(`${username} proves its password to the server, and the server itself to it`, async () => {
    const client = new ScramClient(username, password);
    const server = new ScramServer({ digests: NODE_DIGESTS, nonce: "server" });
    assert.equal(server.first(client.begin()).ok, true);
    const answer = await step(client, server.challenge(recordOf(password)));
    assert.equal(answer.kind, "continue");
    const final = server.final((answer as { data: Uint8Array }).data);
    assert.ok(final.ok);
    assert.equal(client.complete(final.data), undefined);
    assert.match(String(client.complete(Buffer.from("v=AAAA"))), /has not proved/);
    assert.match(String(client.complete(undefined)), /has not proved/);
  });
}

test("a wrong password is no proof", async () => {
  const client = new ScramClient("ada", "wrong");
  const server = new ScramServer({ digests: NODE_DIGESTS, nonce: "server" });
  server.first(client.begin());
  const answer = await step(client, server.challenge(recordOf("secret")));
  assert.equal(server.final((answer as { data: Uint8Array }).data).ok, false);
});

test("a server that skips the exchange has proved nothing", () => {
  const client = new ScramClient("ada", "secret");
  client.begin();
  assert.match(String(client.complete(Buffer.from("v="))), /has not proved/);
});

test("messages that are wrong are given up", async () => {
  for (const message of [
    "",
    "r=other,s=AAAA,i=4096",
    "r=NONCE,s=AAAA,i=4096",
    "r=NONCEx,s=,i=4096",
    "r=NONCEx,s=AAAA,i=0",
    "r=NONCEx,s=AAAA,i=99999999",
    "m=ext,r=NONCEx,s=AAAA,i=4096",
  ]) {
    const client = new ScramClient("ada", "secret");
    const nonce = /r=(.*)$/.exec(Buffer.from(client.begin()).toString())?.[1] ?? "";
    const answer = await step(client, Buffer.from(message.replace("NONCE", nonce)));
    assert.equal(answer.kind, "give-up", message);
  }
});
