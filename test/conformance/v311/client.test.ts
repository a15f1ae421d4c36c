/** MQTT 3.1.1 for clients: Midge is one, too, where it bridges to another broker [MQTT-7.0.0-1]. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { ServerEnd } from "../../kit/server-end.ts";
import { TestBridge, topic } from "../../kit/test-bridge.ts";

const BOTH = { topics: [topic("out/#", "out", 2), topic("in/#", "in", 2)] } as const;

test("[MQTT-7.0.0-1] a broker that connects to others keeps to the rules for clients: CONNECT comes first", () => {
  const { bridge, dialler } = new TestBridge(BOTH);
  bridge.start();
  const remote = dialler.accept();
  assert.deepEqual(
    remote.take().map(({ kind }) => kind),
    ["connect"],
  );
});

test("[MQTT-2.3.1-2] a client gives a new packet an identifier that is not in use", () => {
  const { bridge, here, ...rest } = new TestBridge(BOTH);
  bridge.start();
  const remote = rest.dialler.accept();
  remote.take();
  remote.connack();
  const [subscribe] = remote.take();
  const publisher = here.connect("p");
  remote.send({ kind: "suback", packetId: 1, codes: [2] });
  for (let n = 1; n <= 5; n++) publisher.publish("out/x", `${n}`, n % 2 === 0 ? 2 : 1, n);
  const ids = remote.take().flatMap((packet) => ("packetId" in packet ? [packet.packetId] : []));
  assert.equal(subscribe?.kind, "subscribe");
  assert.equal(ids.includes(0), false);
  assert.equal(new Set(ids).size, 5);
});

/** The PUBLISH and PUBREL packets among those that came, as "kind #identifier". */
function exchanges(remote: ServerEnd): string[] {
  return remote
    .take()
    .flatMap((packet) =>
      packet.kind === "publish" || packet.kind === "pubrel"
        ? [
            `${packet.kind} #${packet.packetId}${packet.kind === "publish" && packet.dup ? " dup" : ""}`,
          ]
        : [],
    );
}

test("[MQTT-2.3.1-3] a client sends a packet again under the identifier it had", () => {
  const bridge = new TestBridge(BOTH);
  const remote = bridge.start();
  const publisher = bridge.here.connect("p");
  publisher.publish("out/1", "x", 1, 1);
  publisher.publish("out/2", "x", 2, 2);
  publisher.publish("out/3", "x", 2, 3);
  remote.send({ kind: "pubrec", packetId: 3 });
  assert.deepEqual(exchanges(remote), ["publish #1", "publish #2", "publish #3", "pubrel #3"]);
  remote.wire.break();
  bridge.wait();
  assert.deepEqual(exchanges(bridge.open(true)), ["publish #1 dup", "publish #2 dup", "pubrel #3"]);
});

test("[MQTT-3.1.2-23] a client that has nothing to send pings within the keep alive time", () => {
  const bridge = new TestBridge({ ...BOTH, options: { keepAlive: 60 } });
  const remote = bridge.start();
  for (let count = 0; count < 5; count++) {
    bridge.here.clock.advance(60_000);
    assert.deepEqual(remote.told(), ["pingreq"]);
    remote.send({ kind: "pingresp" });
  }
});

test("[MQTT-3.14.4-1] after DISCONNECT a client closes the connection", () => {
  const bridge = new TestBridge(BOTH);
  const remote = bridge.start();
  bridge.bridge.stop();
  assert.equal(remote.told().at(-1), "disconnect");
  assert.equal(remote.wire.closing, true);
});

test("[MQTT-3.14.4-2] after DISCONNECT a client sends nothing more on that connection", () => {
  const bridge = new TestBridge(BOTH);
  const remote = bridge.start();
  bridge.bridge.stop();
  remote.take();
  bridge.here.connect("p").publish("out/x", "late", 1, 1);
  bridge.here.clock.advance(600_000);
  assert.deepEqual(remote.take(), []);
});

test("[MQTT-4.5.0-2] a client acknowledges every PUBLISH by its QoS, wanted or not", () => {
  const bridge = new TestBridge(BOTH);
  const remote = bridge.start();
  remote.take();
  remote.publish("unasked", "x", 0);
  remote.publish("unasked", "x", 1, 11);
  remote.publish("unasked", "x", 2, 12);
  remote.publish("in/asked", "x", 1, 13);
  remote.send({ kind: "pubrel", packetId: 12 });
  assert.deepEqual(remote.told(), ["puback #11", "pubrec #12", "puback #13", "pubcomp #12"]);
});

test("[MQTT-4.6.0-2] a client sends PUBACK in the order of the PUBLISH packets", () => {
  const bridge = new TestBridge(BOTH);
  const remote = bridge.start();
  remote.take();
  for (const id of [5, 3, 9, 1]) remote.publish("in/a", "x", 1, id);
  assert.deepEqual(remote.told(), ["puback #5", "puback #3", "puback #9", "puback #1"]);
});

test("[MQTT-4.6.0-3] a client sends PUBREC in the order of the PUBLISH packets", () => {
  const bridge = new TestBridge(BOTH);
  const remote = bridge.start();
  remote.take();
  for (const id of [5, 3, 9, 1]) remote.publish("in/a", "x", 2, id);
  assert.deepEqual(remote.told(), ["pubrec #5", "pubrec #3", "pubrec #9", "pubrec #1"]);
});
