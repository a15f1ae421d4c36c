/** The transparent mode: every node is a client of another broker, over a connection of its own. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Opening } from "../../../src/seams/door.ts";
import { isUpstreamKey } from "../../../src/upstream/known-subscriptions.ts";
import { loginRule } from "../../../src/upstream/login-rule.ts";
import type { UpstreamOptions } from "../../../src/upstream/options.ts";
import { TransparentDoor } from "../../../src/upstream/transparent-door.ts";
import { MemoryDisk } from "../../kit/memory-disk.ts";
import type { ServerEnd } from "../../kit/server-end.ts";
import { ask, type Entered, enter, message, UpstreamStand } from "../../kit/upstream-stand.ts";

const encoder = new TextEncoder();

class Stand extends UpstreamStand {
  readonly door: TransparentDoor;

  constructor(options: Partial<UpstreamOptions> = {}, disk = new MemoryDisk()) {
    super(options, disk);
    this.door = new TransparentDoor({ ...this.parts, journal: disk.open() });
    this.door.restore(disk.records().filter(({ key }) => isUpstreamKey(key)));
  }

  /** A node that is connected and may be sent messages. */
  node(clientId: string, more: Partial<Opening> = {}): Entered & { server: ServerEnd } {
    const entered = enter(this.door, clientId, more);
    const { server } = this.accept();
    assert.equal(entered.admission(), "in");
    entered.client.redeliver();
    return { ...entered, server };
  }
}

const will = { topic: "w", payload: encoder.encode("gone"), qos: 1, retain: true } as const;

describe("connecting", () => {
  test("a node is known upstream by its own ClientId, login and will", () => {
    const login = loginRule({ username: "%l/%c", password: "100%%", nodes: [] });
    const stand = new Stand({ login });
    const { admission } = enter(stand.door, "n", { will });
    assert.equal(admission(), undefined);
    const { connect } = stand.accept();
    assert.equal(admission(), "in");
    assert.equal(connect.clientId, "n");
    assert.equal(connect.username, "udp/n");
    assert.equal(new TextDecoder().decode(connect.password), "100%");
    assert.deepEqual(
      { ...connect.will, payload: "" },
      { ...will, payload: "", properties: undefined },
    );
  });

  test("in 3.1.1 the session is clean exactly where the node's is", () => {
    const stand = new Stand();
    enter(stand.door, "a", { cleanStart: true, clean: true });
    assert.equal(stand.accept().connect.cleanStart, true);
    enter(stand.door, "b");
    assert.equal(stand.accept().connect.cleanStart, false);
  });

  test("in 5.0 a clean session survives a lost connection, but not its end", () => {
    const stand = new Stand({ level: 5 });
    const { client } = enter(stand.door, "a", { cleanStart: true, clean: true });
    const { server, connect } = stand.accept();
    assert.equal(connect.cleanStart, true);
    server.wire.break();
    stand.clock.advance(1000);
    const again = stand.accept(true);
    assert.equal(again.connect.cleanStart, false);
    client.leave("normal");
    const [goodbye] = again.server.take();
    assert.equal(goodbye?.kind === "disconnect" && goodbye.properties?.sessionExpiryInterval, 0);
  });

  for (const [returnCode, refusal] of [
    [2, "0x85"],
    [3, "0x88"],
    [4, "0x86"],
    [5, "0x87"],
  ] as const) {
    test(`CONNACK ${returnCode} refuses the node with ${refusal}, and nothing is tried again`, () => {
      const stand = new Stand();
      const { admission, client } = enter(stand.door, "n");
      stand.accept(false, returnCode);
      assert.equal(admission(), refusal);
      stand.clock.advance(60_000);
      assert.equal(stand.dialler.pending, 0);
      assert.equal(client.publish(message("t", "x", 1), 1), 0x87);
    });
  }

  test("an upstream that cannot be reached, or stays silent, refuses the node for now", () => {
    const stand = new Stand();
    const unreached = enter(stand.door, "a");
    stand.dialler.fail("connection refused");
    assert.equal(unreached.admission(), "0x88");
    const unanswered = enter(stand.door, "b");
    stand.dialler.accept();
    stand.clock.advance(10_000);
    assert.equal(unanswered.admission(), "0x88");
    assert.equal(stand.log.lines.filter((line) => line.startsWith("warn")).length, 1);
  });

  test("a node of before a restart comes back by itself, however long that takes", () => {
    const stand = new Stand();
    const peer = enter(stand.door, "n").peer;
    stand.dialler.fail();
    assert.deepEqual(peer.take(), []);
    const entry = stand.door.enter(
      {
        ...{ clientId: "m", cleanStart: false, persistent: true },
        origin: "mqtt-sn",
        remote: "",
        receiveMaximum: 1,
        queueQos0: true,
      },
      peer,
    );
    assert.ok(entry.ok);
    for (let tries = 0; tries < 5; tries++) {
      stand.dialler.fail();
      stand.clock.advance(30_000);
    }
    stand.accept();
    assert.equal(entry.client.publish(message("t", "x"), 0), 0);
  });

  test("only so many connections are made at a time", () => {
    const stand = new Stand({ maxDials: 3 });
    for (let index = 0; index < 10; index++) enter(stand.door, `n${index}`);
    assert.equal(stand.dialler.pending, 3);
    stand.accept();
    assert.equal(stand.dialler.pending, 3);
    for (let index = 0; index < 9; index++) stand.accept();
    assert.equal(stand.dialler.pending, 0);
  });

  test("when one node has reached the upstream broker again, all others follow at once", () => {
    const stand = new Stand();
    const nodes = ["a", "b", "c"].map((clientId) => stand.node(clientId));
    for (const { server } of nodes) server.wire.break();
    stand.clock.advance(1000);
    for (let index = 0; index < 3; index++) stand.dialler.fail();
    assert.equal(stand.dialler.pending, 0);
    enter(stand.door, "d");
    stand.accept();
    assert.equal(stand.dialler.pending, 3);
    for (let index = 0; index < 3; index++) stand.accept(true);
    stand.clock.advance(60_000);
    assert.equal(stand.dialler.pending, 0);
  });

  test("who is taken over by another client is told, and does not fight for it", () => {
    const stand = new Stand({ level: 5 });
    const { peer, server } = stand.node("n");
    server.send({ kind: "disconnect", reasonCode: 0x8e });
    assert.deepEqual(peer.take(), ["evicted 0x8e"]);
    stand.clock.advance(60_000);
    assert.equal(stand.dialler.pending, 0);
  });
});

describe("publishing", () => {
  test("QoS 1 is acknowledged when the upstream broker has acknowledged, under the node's MsgId", () => {
    const { client, peer, server } = new Stand().node("n");
    assert.equal(client.publish(message("t", "x", 1, true), 77), -1);
    assert.deepEqual(server.told(), ["publish t=x q1 retain #77"]);
    assert.deepEqual(peer.take(), []);
    server.send({ kind: "puback", packetId: 77 });
    assert.deepEqual(peer.take(), ["published #77"]);
  });

  test("QoS 2 goes through step by step", () => {
    const { client, peer, server } = new Stand().node("n");
    assert.equal(client.publish(message("t", "x", 2), 5), -1);
    assert.equal(client.publish(message("t", "x", 2), 5, true), -1);
    assert.deepEqual(server.told(), ["publish t=x q2 #5"]);
    server.send({ kind: "pubrec", packetId: 5 });
    assert.deepEqual(peer.take(), ["published #5"]);
    assert.equal(client.publish(message("t", "x", 2), 5, true), 0);
    assert.deepEqual(server.told(), []);
    client.release(5);
    assert.deepEqual(server.told(), ["pubrel #5"]);
    assert.deepEqual(peer.take(), []);
    server.send({ kind: "pubcomp", packetId: 5 });
    assert.deepEqual(peer.take(), ["completed #5"]);
  });

  test("MsgId 0 and identifiers in use get another one upstream", () => {
    const { client, peer, server } = new Stand().node("n");
    client.publish(message("t", "a", 1), 0);
    client.publish(message("t", "b", 1), 1);
    assert.deepEqual(server.told(), ["publish t=a q1 #1", "publish t=b q1 #2"]);
    server.send({ kind: "puback", packetId: 2 }, { kind: "puback", packetId: 1 });
    assert.deepEqual(peer.take(), ["published #1", "published #0"]);
  });

  test("while the upstream broker is away nothing is taken, and nothing is acknowledged", () => {
    const stand = new Stand();
    const { client, peer, server } = stand.node("n");
    client.publish(message("t", "x", 1), 1);
    server.wire.break();
    assert.equal(client.publish(message("t", "y", 1), 2), 0x88);
    assert.equal(client.publish(message("t", "z", 0), 0), 0x88);
    assert.deepEqual(peer.take(), []);
    stand.clock.advance(1000);
    const again = stand.accept(true);
    assert.deepEqual(again.server.told(), ["publish t=x q1 dup #1"]);
    again.server.send({ kind: "puback", packetId: 1 });
    assert.deepEqual(peer.take(), ["published #1"]);
  });

  test("a repeated QoS 2 message is never told to be away: it may be upstream already", () => {
    const stand = new Stand();
    const { client, peer, server } = stand.node("n");
    server.wire.break();
    assert.equal(client.publish(message("t", "x", 2), 9, true), -1);
    stand.clock.advance(1000);
    stand.dialler.fail();
    assert.deepEqual(peer.take(), []);
    stand.clock.advance(30_000);
    assert.deepEqual(stand.accept(true).server.told(), ["publish t=x q2 dup #9"]);
  });

  test("QoS 2 is taken up again where it was, PUBLISH or PUBREL", () => {
    const stand = new Stand();
    const { client, peer, server } = stand.node("n");
    client.publish(message("t", "a", 2), 1);
    client.publish(message("t", "b", 2), 2);
    client.publish(message("t", "c", 2), 3);
    server.send({ kind: "pubrec", packetId: 2 }, { kind: "pubrec", packetId: 3 });
    client.release(3);
    server.wire.break();
    stand.clock.advance(1000);
    const again = stand.accept(true);
    assert.deepEqual(again.server.told(), ["publish t=a q2 dup #1", "pubrel #3"]);
    client.release(2);
    assert.deepEqual(again.server.told(), ["pubrel #2"]);
    again.server.send({ kind: "pubcomp", packetId: 2 }, { kind: "pubcomp", packetId: 3 });
    assert.deepEqual(peer.take(), ["published #2", "published #3", "completed #2", "completed #3"]);
  });

  test("PUBREL of before a restart is passed on", () => {
    const { client, peer, server } = new Stand().node("n");
    client.release(12);
    assert.deepEqual(server.told(), ["pubrel #12"]);
    server.send({ kind: "pubcomp", packetId: 12 });
    assert.deepEqual(peer.take(), ["completed #12"]);
  });

  test("what a broker of MQTT 5.0 refuses is not acknowledged", () => {
    const { client, peer, server } = new Stand({ level: 5 }).node("n");
    client.publish(message("t", "x", 1), 1);
    client.publish(message("t", "x", 2), 2);
    server.send(
      { kind: "puback", packetId: 1, reasonCode: 0x87 },
      { kind: "pubrec", packetId: 2, reasonCode: 0x97 },
    );
    assert.deepEqual(peer.take(), ["published #1 0x87", "published #2 0x97"]);
  });

  test("the upstream broker's Receive Maximum is kept", () => {
    const stand = new Stand({ level: 5 });
    const { client } = enter(stand.door, "n");
    const server = stand.dialler.accept();
    server.take();
    server.connack(false, 0, { receiveMaximum: 1 });
    client.publish(message("t", "a", 1), 1);
    client.publish(message("t", "b", 1), 2);
    assert.deepEqual(server.told(), ["publish t=a q1 #1"]);
    server.send({ kind: "puback", packetId: 1, reasonCode: 0 });
    assert.deepEqual(server.told(), ["publish t=b q1 #2"]);
  });

  test("rights of this gateway hold before those of the upstream broker", () => {
    const rights = {
      mayPublish: (topic: string) => topic === "ok",
      maySubscribe: () => false,
      mayUnsubscribe: () => true,
      mayReceive: () => true,
    };
    const { client, server } = new Stand().node("n", { rights });
    assert.equal(client.publish(message("t", "x", 1), 1), 0x87);
    assert.equal(ask(client, "t")(), "0x87");
    assert.equal(client.publish(message("ok", "x"), 0), 0);
    assert.deepEqual(server.told(), ["publish ok=x"]);
  });
});

describe("receiving", () => {
  test("SUBSCRIBE is answered as the upstream broker answers", () => {
    const { client, server } = new Stand().node("n");
    const [one, other] = [ask(client, "a/#", 2), ask(client, "b", 1)];
    assert.deepEqual(server.told(), ["subscribe a/# q2 #1", "subscribe b q1 #2"]);
    assert.equal(one(), undefined);
    server.send(
      { kind: "suback", packetId: 1, codes: [1] },
      { kind: "suback", packetId: 2, codes: [0x80] },
    );
    assert.deepEqual([one(), other()], ["granted 1", "0x80"]);
  });

  test("no message reaches the node before it knows that it has subscribed", () => {
    const { client, peer, server } = new Stand().node("n");
    client.askSubscription?.("t", 0, () => {});
    server.send({ kind: "suback", packetId: 1, codes: [0] });
    server.publish("t", "old", 0, 0, { retain: true });
    assert.deepEqual(peer.take(), []);
    client.deliverRetained("t", 0);
    assert.deepEqual(peer.take(), ["t=old retain"]);
  });

  test("the upstream broker keeps a message until the node has it", () => {
    const { client, peer, server } = new Stand().node("n");
    client.suspend();
    server.publish("t", "a", 1, 4);
    server.publish("t", "b", 1, 5);
    assert.equal(client.backlog, 2);
    assert.deepEqual(peer.take(), []);
    client.redeliver();
    assert.deepEqual(peer.take(), ["t=a q1 #4"]);
    assert.deepEqual(server.told(), []);
    client.acknowledge(4);
    assert.deepEqual(peer.take(), ["t=b q1 #5"]);
    client.acknowledge(5);
    assert.deepEqual(server.told(), ["puback #4", "puback #5"]);
    assert.equal(client.backlog, 0);
  });

  test("QoS 2 goes through step by step, the release also while delivery is paused", () => {
    const { client, peer, server } = new Stand().node("n");
    server.publish("t", "a", 2, 7);
    client.pause();
    client.received(7);
    assert.deepEqual(server.told(), ["pubrec #7"]);
    server.send({ kind: "pubrel", packetId: 7 });
    assert.deepEqual(peer.take(), ["t=a q2 #7", "release #7"]);
    client.acknowledge(7);
    assert.deepEqual(server.told(), ["pubcomp #7"]);
  });

  test("what the node acknowledged while the upstream broker was away is acknowledged when it comes again", () => {
    const stand = new Stand();
    const { client, peer, server } = stand.node("n");
    server.publish("t", "a", 1, 1);
    server.wire.break();
    client.acknowledge(1);
    stand.clock.advance(1000);
    const again = stand.accept(true).server;
    again.publish("t", "a", 1, 1, { dup: true });
    assert.deepEqual(again.told(), ["puback #1"]);
    assert.deepEqual(peer.take(), ["t=a q1 #1"]);
  });

  test("identifiers of a lost session do not get in the way of new ones", () => {
    const stand = new Stand();
    const { client, peer, server } = stand.node("n");
    server.publish("t", "a", 1, 1);
    server.wire.break();
    stand.clock.advance(1000);
    const again = stand.accept(false).server;
    again.publish("t", "b", 1, 1);
    client.acknowledge(1);
    assert.deepEqual(again.told(), []);
    assert.deepEqual(peer.take(), ["t=a q1 #1", "t=b q1 #2"]);
    client.acknowledge(2);
    assert.deepEqual(again.told(), ["puback #1"]);
  });

  test("what has no room stays upstream, and is fetched when there is room", () => {
    const stand = new Stand({ maxQueuedMessages: 2 });
    const { client, peer, server } = stand.node("n");
    client.suspend();
    for (let id = 1; id <= 4; id++) server.publish("t", `${id}`, 1, id);
    client.redeliver();
    client.acknowledge(1);
    client.acknowledge(2);
    assert.deepEqual(server.told(), ["puback #1", "puback #2", "disconnect"]);
    const again = stand.accept(true).server;
    again.publish("t", "3", 1, 3, { dup: true });
    assert.deepEqual(peer.take(), ["t=1 q1 #1", "t=2 q1 #2", "t=3 q1 #3 dup"]);
  });

  test("of QoS 0 the newest are kept for a node that sleeps", () => {
    const { client, peer, server } = new Stand({ maxQueuedMessages: 2 }).node("n");
    client.suspend();
    for (const text of ["1", "2", "3"]) server.publish("t", text);
    client.resume();
    assert.deepEqual(peer.take(), ["t=2", "t=3"]);
  });

  test("a session that the upstream broker has lost is subscribed anew", () => {
    const stand = new Stand();
    const { client, server } = stand.node("n");
    ask(client, "a/#", 2);
    ask(client, "b", 1);
    ask(client, "c", 1);
    server.answer();
    client.unsubscribe("c");
    server.answer();
    server.wire.break();
    stand.clock.advance(1000);
    assert.deepEqual(stand.accept(false).server.told(), ["subscribe a/# q2 b q1 #1"]);
  });

  test("subscriptions are known after a restart", () => {
    const stand = new Stand();
    const { client, server } = stand.node("n");
    ask(client, "a", 1);
    server.answer();
    client.leave("normal");
    stand.disk.commit();
    const after = new Stand({}, stand.disk);
    enter(after.door, "n");
    assert.deepEqual(after.accept(false).server.told(), ["subscribe a q1 #1"]);
    enter(after.door, "n", { cleanStart: true });
    assert.deepEqual(after.accept(false).server.told(), []);
  });
});

describe("leaving", () => {
  test("in order, DISCONNECT keeps the will from being published", () => {
    const { client, server } = new Stand().node("n", { will });
    client.leave("normal");
    assert.deepEqual(server.told(), ["disconnect"]);
    assert.equal(server.wire.closing, true);
  });

  test("a lost node's connection ends without DISCONNECT, or asks for the will in 5.0", () => {
    const old = new Stand().node("n", { will });
    old.client.leave("lost");
    assert.deepEqual(old.server.told(), []);
    assert.equal(old.server.wire.closing, true);
    const modern = new Stand({ level: 5 }).node("n", { will });
    modern.client.leave("lost");
    assert.deepEqual(modern.server.told(), ["disconnect rc4"]);
  });

  test("a will that has changed is told by connecting anew, when nothing is under way", () => {
    const stand = new Stand();
    const { client, server } = stand.node("n", { will });
    client.publish(message("t", "x", 1), 1);
    server.take();
    client.setWill({ ...will, topic: "v" });
    client.setWill({ ...will, topic: "v", payload: encoder.encode("new") });
    stand.clock.advance(1000);
    assert.deepEqual(server.told(), []);
    server.send({ kind: "puback", packetId: 1 });
    assert.deepEqual(server.told(), ["disconnect"]);
    assert.equal(client.publish(message("t", "y", 1), 2), -1);
    const again = stand.accept(true);
    assert.equal(again.connect.will?.topic, "v");
    assert.equal(new TextDecoder().decode(again.connect.will?.payload), "new");
    assert.deepEqual(again.server.told(), ["publish t=y q1 #2"]);
  });

  test("a session that is to be forgotten is ended upstream", () => {
    const stand = new Stand();
    const { client } = stand.node("n");
    client.leave("normal");
    stand.door.forget("n");
    const { server, connect } = stand.accept();
    assert.equal(connect.cleanStart, true);
    assert.deepEqual(server.told(), ["disconnect"]);
    stand.door.forget("n");
    assert.equal(stand.dialler.pending, 0);
  });

  test("reports stay with this broker", () => {
    const stand = new Stand();
    stand.door.announce("$SYS/gateway/x", encoder.encode("1"), true);
    assert.deepEqual(stand.announced, ["$SYS/gateway/x"]);
  });
});
