/** Whatever a node is asked for and whatever comes in, in any order, it stays sound. */
import assert from "node:assert/strict";
import { it } from "node:test";
import fc from "fast-check";
import type { SnMessage } from "../../../src/mqttsn/packets.ts";
import type { Outcome } from "../../../src/mqttsn-client/outcome.ts";
import { Bench, publish, text } from "./bench.ts";

type Step =
  | { readonly ask: "connect"; readonly clean: boolean; readonly will: boolean }
  | { readonly ask: "publish"; readonly qos: -1 | 0 | 1 | 2; readonly topic: number }
  | { readonly ask: "register" | "subscribe" | "unsubscribe" | "ping" | "wake" | "disconnect" }
  | { readonly ask: "sleep" | "updateWill" }
  | { readonly advance: number }
  | { readonly answer: number; readonly returnCode: number }
  | { readonly bytes: Uint8Array };

const qos = fc.constantFrom(-1, 0, 1, 2);
const step = fc.oneof(
  fc.record({ ask: fc.constant("connect"), clean: fc.boolean(), will: fc.boolean() }),
  fc.record({ ask: fc.constant("publish"), qos, topic: fc.integer({ min: 0, max: 2 }) }),
  fc.record({
    ask: fc.constantFrom(
      "register",
      "subscribe",
      "unsubscribe",
      "ping",
      "wake",
      "disconnect",
      "sleep",
      "updateWill",
    ),
  }),
  fc.record({ advance: fc.constantFrom(1, 9999, 10_000, 60_000, 400_000) }),
  {
    arbitrary: fc.record({
      answer: fc.nat({ max: 12 }),
      returnCode: fc.constantFrom(0, 0, 0, 1, 2, 3, 9),
    }),
    weight: 4,
  },
  fc.record({ bytes: fc.uint8Array({ maxLength: 12 }) }),
) as fc.Arbitrary<Step>;

/** What a gateway, sane or not, may say at this point. */
function answers(messageId: number, returnCode: number): SnMessage[] {
  return [
    { kind: "connack", returnCode },
    { kind: "willtopicreq" },
    { kind: "willmsgreq" },
    { kind: "regack", topicId: 5, messageId, returnCode },
    { kind: "puback", topicId: 5, messageId, returnCode },
    { kind: "pubrec", messageId },
    { kind: "pubcomp", messageId },
    { kind: "suback", qos: 1, topicId: 6, messageId, returnCode },
    { kind: "pingresp" },
    { kind: "disconnect", duration: undefined },
    { kind: "register", topicId: 7, messageId: 9, topicName: "x" },
    publish({ qos: 2, topicId: 7, messageId: 9 }),
    { kind: "pubrel", messageId: 9 },
  ];
}

function apply(bench: Bench, move: Step, done: (outcome: Outcome) => void): void {
  const { client } = bench;
  if ("advance" in move) return bench.clock.advance(move.advance);
  if ("bytes" in move) return client.receive(move.bytes);
  if ("answer" in move) {
    const last = bench.sent().findLast((message) => "messageId" in message);
    const messageId = last !== undefined && "messageId" in last ? last.messageId : 1;
    bench.gateway(answers(messageId, move.returnCode)[move.answer] as SnMessage);
    return;
  }
  switch (move.ask) {
    case "connect": {
      const will = { topic: "w", payload: text(""), qos: 0, retain: false } as const;
      const options = { cleanSession: move.clean, duration: 60 };
      return client.connect(move.will ? { ...options, will } : options, done);
    }
    case "publish": {
      const topic = [
        { type: "name", name: "a" } as const,
        { type: "predefined", topicId: 1 } as const,
        { type: "short", name: "ab" } as const,
      ][move.topic] as { type: "name"; name: string };
      return client.publish({ topic, payload: text("x"), qos: move.qos, retain: false }, done);
    }
    case "register":
      return client.register("b", done);
    case "subscribe":
      return client.subscribe({ type: "name", name: "c/#" }, 1, done);
    case "unsubscribe":
      return client.unsubscribe({ type: "name", name: "c/#" }, done);
    case "ping":
      return client.ping(done);
    case "wake":
      return client.wake(done);
    case "sleep":
      return client.sleep(30, done);
    case "updateWill":
      return client.updateWillMessage(text("w"), done);
    case "disconnect":
      return client.disconnect(done);
  }
}

it("every request ends once, and nothing is left running after the node has left", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const bench = new Bench();
      const ended: number[] = [];
      let asked = 0;
      for (const move of steps) {
        const number = asked;
        if ("ask" in move) asked++;
        apply(bench, move, () => ended.push(number));
        assert.ok(bench.client.backlog <= steps.length);
      }
      // A clean session ends what a kept one would go on with.
      bench.client.connect({ cleanSession: true, duration: 0 });
      bench.client.disconnect();
      bench.clock.advance(100_000);
      assert.equal(bench.client.state, "disconnected");
      assert.equal(bench.client.backlog, 0);
      assert.equal(bench.clock.scheduler.nextDeadline(), undefined);
      const expected = Array.from({ length: asked }, (_, number) => number);
      assert.deepEqual(
        ended.sort((a, b) => a - b),
        expected,
      );
    }),
    { numRuns: 2000 },
  );
});
