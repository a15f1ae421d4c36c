import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { isStale, type Node, parseNode } from "../../../src/dashboard/model/node.ts";
import { NodeStore } from "../../../src/dashboard/model/node-store.ts";

function bytes(value: unknown): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(value));
}

function node(fields: Record<string, unknown>): Node {
  const parsed = parseNode("key", bytes({ clientId: "n", ...fields }));
  assert.ok(parsed);
  return parsed;
}

describe("parseNode", () => {
  test("reads what the gateway tells", () => {
    const fields = {
      clientId: "soil-1",
      state: "asleep",
      link: "udp",
      address: "10.0.0.2:1000",
      since: 1_700_000_000_000,
      lastSeen: "2023-11-14T22:13:20.000Z",
      keepAlive: 60,
      sleepDuration: 600,
      messagesIn: 4,
      messagesOut: 5,
      retries: 6,
      dropped: 7,
      buffered: 8,
      topicIds: 9,
    };
    assert.deepEqual(parseNode("k", bytes(fields)), {
      ...fields,
      key: "k",
      lastSeen: 1_700_000_000_000,
    });
  });

  test("gives what is missing or wrong a harmless value", () => {
    const odd = node({
      state: "constructor",
      link: 7,
      lastSeen: "soon",
      keepAlive: -1,
      retries: "9",
    });
    assert.equal(odd.state, "unknown");
    assert.equal(odd.link, "");
    assert.equal(odd.lastSeen, undefined);
    assert.equal(odd.keepAlive, 0);
    assert.equal(odd.retries, 0);
    assert.equal(node({ clientId: "x".repeat(9999) }).clientId.length, 256);
  });

  test("takes no description without a client id, and none that is no object", () => {
    for (const value of [null, 1, "text", [], {}, { clientId: 5 }])
      assert.equal(parseNode("k", bytes(value)), undefined);
    assert.equal(parseNode("k", new Uint8Array([0xff, 0x00])), undefined);
  });

  test("never throws, whatever comes", () => {
    fc.assert(fc.property(fc.uint8Array(), (payload) => void parseNode("k", payload)));
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.anything()), (fields) => {
        void parseNode(
          "k",
          bytes({ clientId: "n", ...JSON.parse(JSON.stringify(fields) ?? "{}") }),
        );
      }),
    );
  });
});

describe("isStale", () => {
  const lastSeen = 1_000_000;

  test("MQTT-SN 1.2 §7.2: silence beyond keep alive and its tolerance", () => {
    const short = node({ state: "active", keepAlive: 60, lastSeen });
    assert.equal(isStale(short, lastSeen + 90_000), false);
    assert.equal(isStale(short, lastSeen + 90_001), true);
    const long = node({ state: "active", keepAlive: 100, lastSeen });
    assert.equal(isStale(long, lastSeen + 110_000), false);
    assert.equal(isStale(long, lastSeen + 110_001), true);
  });

  test("a sleeping node is measured by its sleep duration", () => {
    const asleep = node({ state: "asleep", keepAlive: 10, sleepDuration: 3600, lastSeen });
    assert.equal(isStale(asleep, lastSeen + 3_600_000), false);
    assert.equal(isStale(asleep, lastSeen + 3_960_001), true);
  });

  test("a lost node is; one that left, or is not supervised, is not", () => {
    assert.equal(isStale(node({ state: "lost", lastSeen }), lastSeen), true);
    const gone = node({ state: "disconnected", keepAlive: 10, lastSeen });
    assert.equal(isStale(gone, lastSeen + 1e9), false);
    assert.equal(isStale(node({ state: "active", lastSeen }), lastSeen + 1e9), false);
    assert.equal(isStale(node({ state: "active", keepAlive: 10 }), 1e9), false);
  });
});

describe("NodeStore", () => {
  function store(...nodes: Record<string, unknown>[]): NodeStore {
    const made = new NodeStore();
    for (const fields of nodes) made.receive(String(fields.clientId), bytes(fields));
    return made;
  }

  function ids(made: NodeStore, ...order: Parameters<NodeStore["sorted"]>): string[] {
    return made.sorted(...order).map(({ clientId }) => clientId);
  }

  test("an empty payload takes the node away", () => {
    const made = store({ clientId: "a" }, { clientId: "b" });
    made.receive("a", new Uint8Array(0));
    assert.deepEqual(ids(made, "clientId", false), ["b"]);
  });

  test("rubbish leaves what was known", () => {
    const made = store({ clientId: "a" });
    made.receive("a", bytes("rubbish"));
    assert.deepEqual(ids(made, "clientId", false), ["a"]);
  });

  test("sorts names as people count, and everything else with names last", () => {
    const made = store(
      { clientId: "n10", state: "lost", lastSeen: 5, buffered: 3 },
      { clientId: "n9", state: "active", lastSeen: 9, messagesIn: 1, messagesOut: 2 },
      { clientId: "n1", state: "asleep", messagesIn: 2 },
    );
    assert.deepEqual(ids(made, "clientId", false), ["n1", "n9", "n10"]);
    assert.deepEqual(ids(made, "clientId", true), ["n10", "n9", "n1"]);
    assert.deepEqual(ids(made, "state", false), ["n9", "n1", "n10"]);
    assert.deepEqual(ids(made, "lastSeen", false), ["n9", "n10", "n1"]);
    assert.deepEqual(ids(made, "messages", true), ["n9", "n1", "n10"]);
    assert.deepEqual(ids(made, "buffered", true), ["n10", "n1", "n9"]);
  });

  test("after a new connection, nodes that are not told of again are gone", () => {
    const made = store({ clientId: "a" }, { clientId: "b" });
    made.beginRound();
    made.receive("b", bytes({ clientId: "b", state: "lost" }));
    assert.equal(made.size, 2);
    made.endRound();
    assert.deepEqual(ids(made, "clientId", false), ["b"]);
  });
});
