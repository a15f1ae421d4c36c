/** `$CONTROL/gateway/v1`: how requests are answered, and what is told of nodes. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { encodeUtf8 } from "../../../src/bytes/utf8.ts";
import { command, commands } from "./control.ts";
import { FakeLink, Stand } from "./stand.ts";

test("nodes are listed as ClientIds, or in full, by state and link and in pages", () => {
  const stand = new Stand();
  const serial = new FakeLink("serial");
  stand.gateway.attach(serial);
  stand.node("a");
  stand.sleeper("b", "t");
  stand.at("stick", serial).connect("c");
  const list = (more: object) => command(stand, { command: "listNodes", ...more }).data;
  assert.deepEqual(list({}), { totalCount: 3, nodes: ["a", "b", "c"] });
  assert.deepEqual(list({ state: "asleep" }), { totalCount: 1, nodes: ["b"] });
  assert.deepEqual(list({ link: "serial" }), { totalCount: 1, nodes: ["c"] });
  assert.deepEqual(list({ count: 1, offset: 1 }), { totalCount: 3, nodes: ["b"] });
  assert.deepEqual(list({ count: -5, offset: -5 }), { totalCount: 3, nodes: ["a", "b", "c"] });
  const inFull = list({ state: "asleep", verbose: true });
  const [full] = (inFull?.nodes ?? []) as Record<string, unknown>[];
  assert.equal(full?.clientid, "b");
  assert.equal(full?.sleepDuration, 600);
  assert.equal(command(stand, { command: "listNodes", state: 7 }).error, "Invalid state");
});

test("a node is told of with the user name and the reason it was let in by", () => {
  const stand = new Stand({ username: "sn-%c", admission: "pairing" });
  command(stand, { command: "approveNode", clientid: "n" });
  stand.node("n");
  const node = command(stand, { command: "getNode", clientid: "n" }).data?.node as object;
  assert.deepEqual(
    { ...node, lastSeen: undefined },
    {
      ...node,
      lastSeen: undefined,
      clientid: "n",
      username: "sn-n",
      admission: "approved",
      state: "active",
      address: "at-n",
    },
  );
  assert.equal(command(stand, { command: "getNode", clientid: "m" }).error, "Node not found");
});

test("a node that is removed goes with its session, its ids and what was decided on it", () => {
  const stand = new Stand({ admission: "pairing" });
  command(stand, { command: "approveNode", clientid: "n" });
  const node = stand.node("n", { clean: false });
  node.register("t");
  assert.equal(command(stand, { command: "removeNode", clientid: "n" }).error, undefined);
  assert.equal(node.kinds()[0], "disconnect");
  assert.deepEqual([...stand.journal.records.keys()], []);
  assert.equal(stand.door.sessions.has("n"), false);
  assert.deepEqual(node.connect("n"), [{ kind: "connack", returnCode: 1 }]);
  assert.equal(command(stand, { command: "removeNode", clientid: "m" }).error, "Node not found");
});

test("a change is answered when it is kept", () => {
  const stand = new Stand();
  stand.documents.slow = true;
  const answers: unknown[] = [];
  const request = { commands: [{ command: "approveNode", clientid: "n" }] };
  stand.gateway
    .control()
    .handle(encodeUtf8(JSON.stringify(request)), { clientId: "o", username: undefined }, (answer) =>
      answers.push(answer),
    );
  assert.equal(answers.length, 0);
  stand.documents.settle();
  assert.equal(answers.length, 1);
});

test("a disk that does not answer holds no answer up for long, one that fails is tried again", () => {
  const stand = new Stand();
  stand.documents.problem = "no space left";
  assert.equal(command(stand, { command: "approveNode", clientid: "n" }).error, undefined);
  assert.equal(stand.logged(/node-decisions cannot be written: no space left/, "error"), 1);
  stand.documents.problem = undefined;
  stand.pass(60);
  assert.equal(stand.documents.kept.has("node-decisions"), true);
});

test("what is done is logged with who did it, and long texts are cut", () => {
  const stand = new Stand();
  commands(stand, [
    { command: "approveNode", clientid: "n", link: "udp", correlationData: "7" },
    { command: "approveNode", clientid: "x".repeat(500) },
    { command: "approveNode", clientid: 5 },
  ]);
  assert.equal(
    stand.logged(/^Gateway: operator\/ada \| approveNode \| clientid="n" \| link="udp"$/, "info"),
    1,
  );
  assert.ok(stand.lines.every(({ text }) => text.length < 200));
});

for (const [what, request, error] of [
  ["no JSON", "{", "Payload not valid JSON"],
  ["no list", "{}", "Invalid/missing commands"],
  ["an unknown command", '{"commands":[{"command":"fly"}]}', "Unknown command"],
  ["no object", '{"commands":[7]}', "Command not an object"],
] as const) {
  test(`${what} is answered by an error`, () => {
    const stand = new Stand();
    const answers: string[] = [];
    stand.gateway
      .control()
      .handle(encodeUtf8(request), { clientId: "o", username: undefined }, (answer) =>
        answers.push(new TextDecoder().decode(answer)),
      );
    assert.equal(JSON.parse(answers[0] ?? "").responses[0].error, error);
  });
}
