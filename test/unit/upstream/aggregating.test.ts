/** The aggregating mode: all nodes share one connection to another broker. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Broker } from "../../../src/broker/broker.ts";
import { BrokerDirectedDoor } from "../../../src/broker/directed-door.ts";
import { DEFAULT_BROKER_OPTIONS } from "../../../src/broker/options.ts";
import type { Opening } from "../../../src/seams/door.ts";
import { AggregatingDoor } from "../../../src/upstream/aggregating-door.ts";
import type { UpstreamOptions } from "../../../src/upstream/options.ts";
import { MemoryDisk } from "../../kit/memory-disk.ts";
import type { ServerEnd } from "../../kit/server-end.ts";
import {
  ask,
  type Entered,
  enter,
  message,
  opening,
  RecordingPeer,
  UpstreamStand,
} from "../../kit/upstream-stand.ts";

const encoder = new TextEncoder();
const GRACE = 5000;

class Stand extends UpstreamStand {
  readonly door: AggregatingDoor;
  readonly serving: boolean[] = [];
  server: ServerEnd;

  constructor(options: Partial<UpstreamOptions> = {}, disk = new MemoryDisk()) {
    super(options, disk);
    const sessions = new Broker({
      clock: this.clock,
      scheduler: this.clock.scheduler,
      journal: disk.open(),
      log: this.log,
      options: { ...DEFAULT_BROKER_OPTIONS, custodyGrace: GRACE },
    });
    sessions.restore(disk.records());
    this.door = new AggregatingDoor({
      ...this.parts,
      clientId: "gateway",
      inner: new BrokerDirectedDoor(sessions),
      serving: (serving) => void this.serving.push(serving),
    });
    this.door.start();
    this.server = this.connect();
  }

  connect(sessionPresent = false): ServerEnd {
    const { server, connect } = this.accept(sessionPresent);
    assert.equal(connect.clientId, "gateway");
    this.server = server;
    return server;
  }

  /** A node that may be sent messages. */
  node(clientId: string, more: Partial<Opening> = {}): Entered {
    const entered = enter(this.door, clientId, more);
    entered.client.redeliver();
    return entered;
  }

  commit(): void {
    do this.disk.commit();
    while (this.disk.awaited);
  }
}

describe("subscriptions", () => {
  test("a filter is asked for once more for each node, and left when the last one leaves", () => {
    const stand = new Stand();
    const [a, b] = [stand.node("a"), stand.node("b")];
    ask(a.client, "t/#", 0);
    assert.deepEqual(stand.server.answer(), ["subscribe t/# q0 #1"]);
    ask(b.client, "t/#", 1);
    assert.deepEqual(stand.server.answer(), ["subscribe t/# q1 #2"]);
    stand.server.publish("t/x", "1", 1, 9);
    assert.deepEqual(a.peer.take(), ["t/x=1"]);
    assert.deepEqual(b.peer.take(), ["t/x=1 q1 #1"]);
    b.client.acknowledge(1);
    assert.deepEqual(stand.server.answer(), ["puback #9"]);
    a.client.unsubscribe("t/#");
    assert.deepEqual(stand.server.answer(), []);
    b.client.leave("normal");
    stand.door.forget("b");
    assert.deepEqual(stand.server.answer(), ["unsubscribe t/# #3"]);
  });

  test("retained messages go to the node that has just subscribed, once", () => {
    const stand = new Stand();
    const [a, b] = [stand.node("a"), stand.node("b")];
    ask(a.client, "t", 1);
    stand.server.answer();
    stand.server.publish("t", "old", 0, 0, { retain: true });
    assert.deepEqual(a.peer.take(), ["t=old retain"]);
    ask(b.client, "t", 1);
    stand.server.answer();
    stand.server.publish("t", "old", 0, 0, { retain: true });
    assert.deepEqual([a.peer.take(), b.peer.take()], [[], ["t=old retain"]]);
  });

  test("retained messages of a broker that has lost the session go to everyone", () => {
    const stand = new Stand();
    const a = stand.node("a");
    ask(a.client, "t", 1);
    stand.server.answer();
    stand.clock.advance(60_000);
    stand.server.wire.break();
    stand.clock.advance(1000);
    stand.connect(false);
    assert.deepEqual(stand.server.answer(), ["subscribe t q1 #1"]);
    stand.server.publish("t", "new", 0, 0, { retain: true });
    assert.deepEqual(a.peer.take(), ["t=new retain"]);
  });

  test("refusals reach the node; shared subscriptions are refused here", () => {
    const stand = new Stand();
    const { client } = stand.node("a");
    const refused = ask(client, "secret", 1);
    stand.server.take();
    stand.server.send({ kind: "suback", packetId: 1, codes: [0x80] });
    assert.equal(refused(), "0x80");
    assert.equal(ask(client, "$share/g/t")(), "0x9e");
    stand.server.wire.break();
    assert.equal(ask(client, "t")(), "0x88");
  });

  test("with identifiers of MQTT 5.0 overlapping filters bring a message to each node once", () => {
    const stand = new Stand({ level: 5 });
    const [a, b] = [stand.node("a"), stand.node("b")];
    ask(a.client, "t/#", 0);
    ask(b.client, "t/x", 0);
    const asked = stand.server.take().flatMap((packet) => {
      if (packet.kind !== "subscribe") return [];
      stand.server.send({ kind: "suback", packetId: packet.packetId, codes: [0] });
      return packet.properties?.subscriptionIdentifiers ?? [];
    });
    assert.equal(asked.length, 2);
    for (const identifier of asked) {
      stand.server.publish("t/x", "1", 0, 0, {
        properties: { subscriptionIdentifiers: [identifier] },
      });
    }
    assert.deepEqual([a.peer.take(), b.peer.take()], [["t/x=1"], ["t/x=1"]]);
    // One of before a restart, which says nothing any more.
    const properties = { subscriptionIdentifiers: [(asked[0] as number) + 1000] };
    stand.server.publish("t/y", "2", 0, 0, { properties });
    assert.deepEqual([a.peer.take(), b.peer.take()], [["t/y=2"], []]);
  });

  test("subscriptions are asked for anew after a restart", () => {
    const stand = new Stand();
    const { client } = stand.node("a");
    ask(client, "t", 1);
    stand.server.answer();
    stand.commit();
    const after = new Stand({}, stand.disk);
    assert.deepEqual(after.server.answer(), ["subscribe t q1 #1"]);
    const again = after.node("a");
    after.server.publish("t", "x");
    assert.deepEqual(again.peer.take(), ["t=x"]);
  });
});

describe("messages for nodes", () => {
  test("are acknowledged upstream when all nodes have them", () => {
    const stand = new Stand();
    const [a, b] = [stand.node("a"), stand.node("b")];
    for (const { client } of [a, b]) ask(client, "t", 1);
    stand.server.answer();
    stand.server.publish("t", "x", 1, 3);
    a.client.acknowledge(1);
    assert.deepEqual(stand.server.told(), []);
    b.client.acknowledge(1);
    assert.deepEqual(stand.server.told(), ["puback #3"]);
  });

  test("do not wait upstream for a node that sleeps: they are on the disk then", () => {
    const stand = new Stand();
    const a = stand.node("a");
    ask(a.client, "t", 1);
    stand.server.answer();
    a.client.suspend();
    stand.server.publish("t", "x", 1, 3);
    stand.commit();
    assert.deepEqual(stand.server.told(), ["puback #3"]);
    const after = new Stand({}, stand.disk);
    const taken = after.node("a").peer.take();
    assert.equal(taken.length, 1);
    assert.match(`${taken[0]}`, /^t=x q1 #\d+$/);
  });

  test("of which nobody wants any are let go", () => {
    const { server } = new Stand();
    server.publish("t", "x", 1, 3);
    server.publish("t", "x", 2, 4);
    server.send({ kind: "pubrel", packetId: 4 });
    assert.deepEqual(server.told(), ["puback #3", "pubrec #4", "pubcomp #4"]);
  });
});

describe("messages from nodes", () => {
  test("are acknowledged when the upstream broker has acknowledged", () => {
    const stand = new Stand();
    const { client, peer } = stand.node("a");
    assert.equal(client.publish(message("t", "x", 1, true), 77), -1);
    assert.deepEqual(stand.server.told(), ["publish t=x q1 retain #1"]);
    assert.deepEqual(peer.take(), []);
    stand.server.send({ kind: "puback", packetId: 1 });
    assert.deepEqual(peer.take(), ["published #77"]);
  });

  test("are safe on the disk where the upstream broker takes its time, and go out again", () => {
    const stand = new Stand();
    const { client, peer } = stand.node("a");
    client.publish(message("t", "x", 1), 77);
    stand.clock.advance(GRACE);
    stand.commit();
    assert.deepEqual(peer.take(), ["published #77"]);
    const after = new Stand({}, stand.disk);
    assert.equal(after.server.told().at(0)?.startsWith("publish t=x q1"), true);
  });

  test("are not taken while the upstream broker is away", () => {
    const stand = new Stand();
    const { client } = stand.node("a");
    stand.server.wire.break();
    assert.equal(client.publish(message("t", "x", 1), 1), 0x88);
    assert.equal(client.publish(message("t", "x", 0), 0), 0x88);
    assert.deepEqual(stand.serving, [true, false]);
  });

  test("that a broker of MQTT 5.0 refuses are not acknowledged", () => {
    const stand = new Stand({ level: 5 });
    const { client, peer } = stand.node("a");
    client.publish(message("t", "x", 1), 77);
    stand.server.take();
    stand.server.send({ kind: "puback", packetId: 1, reasonCode: 0x87 });
    assert.deepEqual(peer.take(), ["published #77 0x87"]);
  });

  test("of QoS 2 pass once, whatever is repeated", () => {
    const stand = new Stand();
    const { client, peer } = stand.node("a");
    client.publish(message("t", "x", 2), 5);
    stand.commit();
    assert.deepEqual(peer.take(), ["published #5"]);
    assert.equal(client.publish(message("t", "x", 2), 5, true), 0);
    assert.deepEqual(stand.server.answer(), ["publish t=x q2 #1"]);
    stand.commit();
    assert.deepEqual(stand.server.answer(), ["pubrel #1"]);
    client.release(5);
    stand.commit();
    assert.deepEqual(peer.take(), ["completed #5"]);
  });

  test("wait for an identifier that SUBSCRIBE is under way with", () => {
    const stand = new Stand();
    const { client, peer } = stand.node("a");
    ask(client, "t", 0);
    client.publish(message("u", "x", 1), 9);
    assert.deepEqual(stand.server.told(), ["subscribe t q0 #1"]);
    stand.server.send({ kind: "suback", packetId: 1, codes: [0] });
    assert.deepEqual(stand.server.answer(), ["publish u=x q1 #1"]);
    assert.deepEqual(peer.take(), ["published #9"]);
  });
});

describe("wills", () => {
  const will = { topic: "w", payload: encoder.encode("gone"), qos: 1, retain: false } as const;

  test("are published when the gateway finds the node lost, not when it leaves", () => {
    const stand = new Stand();
    stand.node("a", { will }).client.leave("normal");
    stand.node("b", { will }).client.leave("lost");
    assert.deepEqual(stand.server.told(), ["publish w=gone q1 #1"]);
  });

  test("wait for an upstream broker that is away", () => {
    const stand = new Stand();
    const { client } = stand.node("a");
    client.setWill(will);
    stand.server.wire.break();
    client.leave("lost");
    stand.clock.advance(1000);
    stand.connect(true);
    assert.deepEqual(stand.server.told(), ["publish w=gone q1 #1"]);
  });
});

describe("coming in", () => {
  test("nodes wait for the first connection, and are refused while there is none", () => {
    const stand = new Stand();
    assert.equal(stand.node("a").admission(), "in");
    stand.server.wire.break();
    assert.equal(stand.node("b").admission(), "0x88");
  });

  test("nobody may have the gateway's own ClientId", () => {
    const stand = new Stand();
    const entry = stand.door.enter(opening("gateway"), new RecordingPeer());
    assert.deepEqual(entry, { ok: false, reason: 0x85 });
  });
});
