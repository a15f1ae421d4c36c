/** What may wait for a group of clients, such as all MQTT-SN nodes, besides the limits of every session. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Client, Opening, Peer, WaitingRoom } from "../../../src/seams/door.ts";
import { Message } from "../../../src/seams/message.ts";
import { TestBroker } from "../../kit/test-broker.ts";

/** Takes what comes, and acknowledges nothing. */
class Node implements Peer {
  readonly got: string[] = [];
  client: Client | undefined;

  deliver({ topic, payload }: Message): void {
    this.got.push(`${topic} ${payload.length}`);
  }

  release(): void {}
  published(): void {}
  completed(): void {}
  evicted(): void {}
}

function enter({ broker }: TestBroker, clientId: string, room: WaitingRoom | undefined): Node {
  const opening: Opening = {
    clientId,
    cleanStart: false,
    persistent: true,
    origin: "mqtt-sn",
    remote: "here",
    receiveMaximum: 1,
    queueQos0: true,
    room,
  };
  const node = new Node();
  const entry = broker.enter(opening, node);
  assert.ok(entry.ok);
  node.client = entry.client;
  return node;
}

function publish({ broker }: TestBroker, topic: string, length: number, qos: 0 | 1): void {
  broker.insert(new Message(topic, new Uint8Array(length), qos, false));
}

test("one client of the group has a limit of its own on what waits", () => {
  const stand = new TestBroker();
  const room = { each: 100, total: 0, used: 0 };
  const node = enter(stand, "n", room);
  node.client?.subscribe("#", 1);
  for (let count = 0; count < 5; count++) publish(stand, `t${count}`, 40, 1);
  assert.equal(node.client?.backlog, 2);
  assert.equal(room.used, 80);
});

test("all of the group together have a limit, and QoS 0 messages make room for newer ones", () => {
  const stand = new TestBroker();
  const room = { each: 0, total: 100, used: 0 };
  const [a, b] = [enter(stand, "a", room), enter(stand, "b", room)];
  a.client?.subscribe("a/#", 1);
  b.client?.subscribe("b/#", 0);
  publish(stand, "a/1", 50, 1);
  publish(stand, "b/1", 30, 0);
  publish(stand, "b/2", 20, 0);
  publish(stand, "b/3", 25, 0);
  publish(stand, "a/2", 50, 1);
  assert.equal(room.used, 95);
  a.client?.redeliver();
  b.client?.redeliver();
  assert.deepEqual(a.got, ["a/1 50"]);
  assert.deepEqual(b.got, ["b/2 20", "b/3 25"]);
  assert.equal(room.used, 0, "what is on its way waits no more");
});

test("what a client leaves behind is counted until its session ends or comes back", () => {
  const stand = new TestBroker();
  const room = { each: 0, total: 1000, used: 0 };
  const node = enter(stand, "n", room);
  node.client?.subscribe("#", 1);
  node.client?.leave("normal");
  publish(stand, "t", 40, 1);
  assert.equal(room.used, 40);
  const other = { each: 0, total: 1000, used: 0 };
  const back = enter(stand, "n", other);
  assert.deepEqual([room.used, other.used], [0, 40]);
  back.client?.leave("normal");
  stand.broker.forget("n");
  assert.equal(other.used, 0);
});

test("clients of no group are not concerned", () => {
  const stand = new TestBroker();
  const room = { each: 10, total: 10, used: 0 };
  enter(stand, "n", room);
  const free = enter(stand, "m", undefined);
  free.client?.subscribe("#", 1);
  for (let count = 0; count < 5; count++) publish(stand, "t", 40, 1);
  assert.equal(free.client?.backlog, 5);
  assert.equal(room.used, 0);
});
