/** Whatever a node is asked for and whatever comes in, in any order, it stays sound. */
import assert from "node:assert/strict";
import { it } from "node:test";
import fc from "fast-check";
import type { SnMessage, TopicReference } from "../../../src/mqttsn/packets.ts";
import type { Done, Outcome } from "../../../src/mqttsn-client/outcome.ts";
import type { SnClient } from "../../../src/mqttsn-client/sn-client.ts";
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
  if ("advance" in move) bench.clock.advance(move.advance);
  else if ("bytes" in move) bench.client.receive(move.bytes);
  else if ("answer" in move) answer(bench, move.answer, move.returnCode);
  else ask(bench.client, move, done);
}

function answer(bench: Bench, choice: number, returnCode: number): void {
  const last = bench.sent().findLast((message) => "messageId" in message);
  const messageId = last !== undefined && "messageId" in last ? last.messageId : 1;
  bench.gateway(answers(messageId, returnCode)[choice] as SnMessage);
}

const WILL = { topic: "w", payload: text(""), qos: 0, retain: false } as const;
const TOPICS: readonly TopicReference[] = [
  { type: "name", name: "a" },
  { type: "predefined", topicId: 1 },
  { type: "short", name: "ab" },
];

function ask(client: SnClient, move: Extract<Step, { ask: string }>, done: Done): void {
  switch (move.ask) {
    case "connect": {
      const will = move.will ? WILL : undefined;
      client.connect({ cleanSession: move.clean, duration: 60, will }, done);
      break;
    }
    case "publish": {
      const topic = TOPICS[move.topic] as TopicReference;
      client.publish({ topic, payload: text("x"), qos: move.qos, retain: false }, done);
      break;
    }
    case "register":
      client.register("b", done);
      break;
    case "subscribe":
      client.subscribe({ type: "name", name: "c/#" }, 1, done);
      break;
    case "unsubscribe":
      client.unsubscribe({ type: "name", name: "c/#" }, done);
      break;
    case "ping":
      client.ping(done);
      break;
    case "wake":
      client.wake(done);
      break;
    case "sleep":
      client.sleep(30, done);
      break;
    case "updateWill":
      client.updateWillMessage(text("w"), done);
      break;
    case "disconnect":
      client.disconnect(done);
      break;
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
