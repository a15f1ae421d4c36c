/** Which messages for nodes may overtake others. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { isAnswer } from "../../../../src/links/framing/is-answer.ts";
import { hex } from "../../../kit/hex.ts";

const CASES: readonly (readonly [string, string, boolean])[] = [
  ["PUBACK", "070d0001000100", true],
  ["PUBACK in a forwarder's frame", "04fe00aa 070d0001000100", true],
  ["PUBACK with a long header", "0100090d0001000100", true],
  ["PUBLISH", "080c2000010001aa", false],
  ["PINGRESP, after which a node sleeps", "0217", false],
  ["DISCONNECT, after which a node is gone", "0218", false],
  ["a forwarder's frame in another", "03fe00 03fe00 0217", false],
  ["half a frame", "07", false],
  ["nothing", "", false],
];

for (const [what, bytes, answer] of CASES) {
  test(`${what}: ${answer ? "overtakes" : "waits its turn"}`, () => {
    assert.equal(isAnswer(hex(bytes)), answer);
  });
}
