/** Nodes behind a door where another broker has the last word. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { ReasonCode } from "../../../src/mqtt/reason-codes.ts";
import type { Client, Door, Entry, Opening, Peer } from "../../../src/seams/door.ts";
import { FakeDoor } from "../../kit/fake-door.ts";
import { Stand } from "./stand.ts";

/** Lets nobody in, and grants no subscription, before the test has answered. */
class SlowDoor implements Door {
  readonly fake = new FakeDoor();
  readonly admissions: ((refusal: ReasonCode | undefined) => void)[] = [];
  readonly asked: ((outcome: ReasonCode) => void)[] = [];
  peer: Peer | undefined;

  enter(opening: Opening, peer: Peer): Entry {
    this.peer = peer;
    const entry = this.fake.enter(opening, peer);
    if (!entry.ok) return entry;
    const client: Client = Object.assign(entry.client, {
      whenAdmitted: (answer: (refusal: ReasonCode | undefined) => void) =>
        void this.admissions.push(answer),
      askSubscription: (_filter: string, _qos: number, answer: (outcome: ReasonCode) => void) =>
        void this.asked.push(answer),
    });
    return { ...entry, client };
  }

  forget(clientId: string): void {
    this.fake.forget(clientId);
  }

  announce(topic: string, payload: Uint8Array, retain: boolean): void {
    this.fake.announce(topic, payload, retain);
  }
}

function slowStand(): { stand: Stand; door: SlowDoor } {
  const door = new SlowDoor();
  return { stand: new Stand({}, undefined, door), door };
}

test("CONNACK waits for the other broker, and a repeated CONNECT does not ask it anew", () => {
  const { stand, door } = slowStand();
  const node = stand.at("a");
  assert.deepEqual(node.connect("n"), []);
  assert.deepEqual(node.connect("n"), []);
  assert.equal(door.admissions.length, 1);
  door.admissions[0]?.(undefined);
  assert.deepEqual(node.take(), [{ kind: "connack", returnCode: 0 }]);
});

for (const [refusal, returnCode] of [
  [0x88, 1],
  [0x86, 3],
  [0x87, 3],
] as const) {
  test(`refusal 0x${refusal.toString(16)} is CONNACK ${returnCode}, and leaves nothing behind`, () => {
    const { stand, door } = slowStand();
    const node = stand.at("a");
    node.connect("n");
    door.admissions[0]?.(refusal);
    assert.deepEqual(node.take(), [{ kind: "connack", returnCode }]);
    assert.equal(stand.gateway.forget("n"), false);
    assert.equal(stand.journal.records.size, 0);
  });
}

test("what a node says before it is in is passed over, and DISCONNECT ends the wait", () => {
  const { stand, door } = slowStand();
  const node = stand.at("a");
  node.connect("n");
  assert.deepEqual(node.register("t"), []);
  assert.deepEqual(node.ping(), []);
  assert.deepEqual(node.disconnect(), [{ kind: "disconnect", duration: undefined }]);
  door.admissions[0]?.(undefined);
  assert.deepEqual(node.take(), []);
  assert.equal(stand.gateway.forget("n"), false);
});

test("another CONNECT takes the place of the one that waits", () => {
  const { stand, door } = slowStand();
  const node = stand.at("a");
  node.connect("n", { keepAlive: 60 });
  node.connect("n", { keepAlive: 30 });
  assert.equal(door.admissions.length, 2);
  door.admissions[0]?.(0x88);
  assert.deepEqual(node.take(), []);
  door.admissions[1]?.(undefined);
  assert.deepEqual(node.take(), [{ kind: "connack", returnCode: 0 }]);
});

test("SUBACK waits for the other broker and says what it says", () => {
  const { stand, door } = slowStand();
  const node = stand.at("a");
  node.connect("n");
  door.admissions[0]?.(undefined);
  node.take();
  assert.deepEqual(node.subscribe("a", 2), []);
  assert.deepEqual(node.subscribe("b", 2), []);
  door.asked[0]?.(1);
  door.asked[1]?.(0x80);
  const subacks = node.take().flatMap((message) => (message.kind === "suback" ? [message] : []));
  assert.deepEqual(
    subacks.map(({ qos, returnCode }) => [qos, returnCode]),
    [
      [1, 0],
      [0, 3],
    ],
  );
});

test("a publish that is refused in the end is answered with PUBACK, at QoS 2 as well", () => {
  const { stand, door } = slowStand();
  const node = stand.at("a");
  node.connect("n");
  door.admissions[0]?.(undefined);
  node.register("t");
  door.fake.pending = true;
  node.publish(1, "x", 1, { messageId: 5 });
  node.publish(1, "x", 2, { messageId: 6 });
  node.take();
  door.peer?.published(5, 0x88);
  door.peer?.published(6, 0x87);
  const answers = node
    .take()
    .map((message) =>
      message.kind === "puback" ? [message.messageId, message.returnCode] : message.kind,
    );
  assert.deepEqual(answers, [
    [5, 1],
    [6, 3],
  ]);
});

test("a gateway that stops keeps no record of a node that was never in", () => {
  const { stand } = slowStand();
  stand.at("a").connect("n");
  stand.gateway.stop();
  assert.equal(stand.journal.records.size, 0);
});
