/** A node publishes to, or is, somebody for whom no more may wait, in front of the real broker. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { BrokerOptions } from "../../../src/broker/options.ts";
import { ReturnCode } from "../../../src/mqttsn/packets.ts";
import { TestBroker } from "../../kit/test-broker.ts";
import { type Speaker, Stand, text } from "./stand.ts";

const { accepted, congestion } = ReturnCode;
const kept = { cleanStart: false };

interface Site {
  readonly broker: TestBroker;
  readonly stand: Stand;
  readonly node: Speaker;
  /** Of "t". */
  readonly topicId: number;
}

/** A node, and a client that wants "t", is away, and for which two messages may wait. */
function site(queuePolicy: BrokerOptions["queuePolicy"]): Site {
  const broker = new TestBroker({ options: { queuePolicy, maxQueuedMessages: 2 } });
  const away = broker.connect("away", kept);
  away.subscribe("t/t", 2);
  away.break();
  const stand = new Stand({}, undefined, broker.broker);
  const node = stand.node("n");
  const [regack] = node.register("t/t");
  assert.ok(regack?.kind === "regack");
  return { broker, stand, node, topicId: regack.topicId };
}

/** What a node is answered: "pubrec", "puback 1"; once all is on the disk. */
function publish({ broker, node, topicId }: Site, payload: string, qos: 0 | 1 | 2): string[] {
  const answers = node.publish(topicId, payload, qos);
  broker.disk.commit();
  return [...answers, ...node.take()].map((answer) =>
    answer.kind === "puback" ? `puback ${answer.returnCode}` : answer.kind,
  );
}

const waiting = (broker: TestBroker) =>
  broker
    .connect("away", kept)
    .publishes()
    .map(({ payload }) => text(payload));

for (const [policy, answer, left] of [
  ["drop-newest", accepted, ["1", "2"]],
  ["drop-oldest", accepted, ["2", "3"]],
  ["refuse", congestion, ["1", "2"]],
] as const) {
  test(`${policy}: a node's QoS 1 is answered with return code ${answer}`, () => {
    const here = site(policy);
    for (const payload of ["1", "2"]) assert.deepEqual(publish(here, payload, 1), ["puback 0"]);
    assert.deepEqual(publish(here, "3", 1), [`puback ${answer}`]);
    assert.deepEqual(publish(here, "0", 0), []);
    assert.deepEqual(waiting(here.broker), left);
  });
}

test("refuse: QoS 2 is answered by PUBACK with congestion, and taken when it comes again", () => {
  const here = site("refuse");
  for (const payload of ["1", "2"]) publish(here, payload, 1);
  assert.deepEqual(publish(here, "3", 2), ["puback 1"]);
  assert.equal(here.stand.logged(/^node "n" cannot publish on "t\/t": /, "warn"), 1);
  const back = here.broker.connect("away", kept);
  for (const { packetId } of back.publishes()) back.send({ kind: "puback", packetId });
  back.break();
  assert.deepEqual(publish(here, "3", 2), ["pubrec"]);
});

test("refuse: a sleeping node whose buffer is full has publishers refused, awake it does not", () => {
  const broker = new TestBroker({ options: { queuePolicy: "refuse", maxQueuedMessages: 2 } });
  const stand = new Stand({}, undefined, broker.broker);
  const sleeper = stand.sleeper("s", "ab", 1);
  broker.disk.commit();
  const publisher = broker.connect5("p");
  const answer = (id: number) => {
    publisher.publish("ab", `${id}`, 1, id);
    const [puback] = publisher.take();
    return puback?.kind === "puback" ? (puback.reasonCode ?? 0) : undefined;
  };
  assert.deepEqual([1, 2, 3].map(answer), [0, 0, 0x97]);
  const got = sleeper.ping("s");
  const payloads: string[] = [];
  while (got.some((message) => message.kind === "publish")) {
    for (const message of got.splice(0)) {
      if (message.kind !== "publish") continue;
      payloads.push(text(message.payload));
      got.push(...sleeper.puback(message.messageId, 0, message.topicId));
    }
  }
  assert.deepEqual(payloads, ["1", "2"]);
  assert.equal(answer(4), 0);
});

test("what waits for a sleeping node grows old there, and the node's room is free again", () => {
  const broker = new TestBroker({ options: { maxQueuedAge: 60 } });
  const stand = new Stand({ maxBufferedBytes: 10 }, undefined, broker.broker);
  const sleeper = stand.sleeper("s", "ab", 1);
  const publisher = broker.connect("p");
  publisher.publish("ab", "1234567", 1, 1);
  publisher.publish("ab", "too much", 1, 2);
  broker.clock.advance(90_000);
  assert.equal(broker.broker.counters.queueDroppedAge, 1);
  assert.equal(broker.broker.counters.queueDroppedFull, 1);
  publisher.publish("ab", "newer", 1, 3);
  const [message] = sleeper.ping("s");
  assert.equal(message?.kind === "publish" && text(message.payload), "newer");
});
