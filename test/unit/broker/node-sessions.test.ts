/** What sessions of MQTT-SN nodes have that others have not: their way carries datagrams. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Client, Opening, Peer } from "../../../src/seams/door.ts";
import { Message } from "../../../src/seams/message.ts";
import { TestBroker } from "../../kit/test-broker.ts";

class Node implements Peer {
  readonly packetIds: number[] = [];
  client: Client | undefined;

  deliver(_message: Message, _qos: number, _retain: boolean, _dup: boolean, id: number): void {
    this.packetIds.push(id);
  }

  release(): void {}
  published(): void {}
  completed(): void {}
  evicted(): void {}
}

function enter({ broker }: TestBroker): Node {
  const opening: Opening = {
    clientId: "n",
    cleanStart: false,
    persistent: true,
    origin: "mqtt-sn",
    remote: "here",
    receiveMaximum: 1,
    queueQos0: true,
  };
  const node = new Node();
  const entry = broker.enter(opening, node);
  assert.ok(entry.ok);
  node.client = entry.client;
  node.client.redeliver();
  return node;
}

function publish({ broker }: TestBroker, text: string): void {
  broker.insert(new Message("t", new TextEncoder().encode(text), 1, false));
}

test("after a restart a node's messages have other identifiers than lately, as late answers may still come", () => {
  const before = new TestBroker();
  const node = enter(before);
  node.client?.subscribe("t", 1);
  publish(before, "1");
  assert.deepEqual(node.packetIds, [1]);
  node.client?.acknowledge(1);
  before.clock.advance(5000);
  before.disk.commit();
  const after = before.restart();
  const again = enter(after);
  publish(after, "2");
  const [first = 0] = again.packetIds;
  assert.ok(first > 1 && first <= 0xffff, String(first));
  // The answer to the former message.
  again.client?.acknowledge(1);
  assert.equal(again.client?.backlog, 1);
  again.client?.acknowledge(first);
  assert.equal(again.client?.backlog, 0);
});

test("what a node was sent before a restart keeps its identifier", () => {
  const before = new TestBroker();
  const node = enter(before);
  node.client?.subscribe("t", 1);
  publish(before, "1");
  before.clock.advance(5000);
  before.disk.commit();
  const again = enter(before.restart());
  assert.deepEqual(again.packetIds, [1]);
});
