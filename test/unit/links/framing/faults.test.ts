/** What each framing does with bytes that are no proper message, and by which cause it counts them. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Framing, FramingFaults } from "../../../../src/links/framing/framing.ts";
import { LengthFraming } from "../../../../src/links/framing/length-framing.ts";
import { SlipFraming } from "../../../../src/links/framing/slip-framing.ts";
import { XBeeFraming } from "../../../../src/links/framing/xbee-framing.ts";

const OPTIONS = { maximumFrame: 20, gap: 100 };

function run(framing: Framing, ...pieces: (string | number)[]): string[] {
  const frames: string[] = [];
  const take = (frame: Uint8Array) => frames.push(Buffer.from(frame).toString("hex"));
  let now = 1;
  for (const piece of pieces) {
    if (typeof piece === "number") now += piece;
    else framing.feed(Buffer.from(piece.replaceAll(" ", ""), "hex"), now, take);
  }
  return frames;
}

function counted(framing: Framing): Partial<FramingFaults> {
  return Object.fromEntries(Object.entries(framing.faults).filter(([, count]) => count > 0));
}

const PINGREQ = "0216";
const CONNECT = "0704040100056e";

test("slip: what the escapes stand for, empty frames, and no END before", () => {
  const slip = new SlipFraming(OPTIONS);
  assert.deepEqual(run(slip, "c0 c0 c0 01dbdc02dbdd03 c0 0216 c0"), ["01c002db03", PINGREQ]);
  assert.deepEqual(counted(slip), {});
});

test("slip: a bad escape and an overlong message are skipped up to END", () => {
  const slip = new SlipFraming(OPTIONS);
  assert.deepEqual(run(slip, `c0 01db05aa c0 0216 c0 ${"55".repeat(500)} c0 0216 c0 01db c0`), [
    PINGREQ,
    PINGREQ,
  ]);
  assert.deepEqual(counted(slip), { escape: 2, overlong: 1 });
});

test("slip-crc16: a wrong sum, and a message too short to have one", () => {
  const slip = new SlipFraming({ ...OPTIONS, crc: true });
  assert.deepEqual(run(slip, "c0 0216 ffff c0 02 c0 0102 c0"), []);
  assert.deepEqual(counted(slip), { checksum: 1, cut: 2 });
});

test("length: both forms of the length, and a forwarder's frame with its own", () => {
  const framing = new LengthFraming(OPTIONS);
  assert.deepEqual(run(framing, "0216 01000416 05fe00aabb 0216 03fe00 0216"), [
    PINGREQ,
    "01000416",
    "05fe00aabb0216",
    "03fe000216",
  ]);
  assert.deepEqual(counted(framing), {});
});

test("length: silence ends a half message", () => {
  const framing = new LengthFraming(OPTIONS);
  assert.deepEqual(run(framing, "07040401", 101, PINGREQ), [PINGREQ]);
  assert.deepEqual(counted(framing), { cut: 1 });
});

test("length: a slow message is whole", () => {
  const framing = new LengthFraming(OPTIONS);
  assert.deepEqual(run(framing, "0704", 99, "0401", 99, "0005", 99, "6e"), [CONNECT]);
});

test("length: without any silence the next message is found behind bytes that are none", () => {
  const framing = new LengthFraming(OPTIONS);
  // No such type, no such length, longer than allowed, a nested forwarder's frame.
  assert.deepEqual(run(framing, `0233 ${CONNECT}`), [CONNECT]);
  assert.deepEqual(run(framing, `00 ${CONNECT}`), [CONNECT]);
  assert.deepEqual(run(framing, `f017 ${CONNECT}`), [CONNECT]);
  assert.deepEqual(run(framing, `03fe00 03fe00 ${PINGREQ}`), ["03fe000216"]);
  assert.deepEqual(counted(framing), { malformed: 3, overlong: 1 });
});

test("length: silence gives the message that noise had claimed as its own", () => {
  const framing = new LengthFraming(OPTIONS);
  const frames: string[] = [];
  const take = (frame: Uint8Array) => frames.push(Buffer.from(frame).toString("hex"));
  // 0x13 bytes of type 0x07, WILLTOPIC, would be a message.
  framing.feed(Buffer.from(`13 ${CONNECT} ${PINGREQ}`.replaceAll(" ", ""), "hex"), 1, take);
  assert.deepEqual(frames, []);
  assert.equal(framing.unfinished, true);
  framing.silence(take);
  assert.deepEqual(frames, [CONNECT, PINGREQ]);
  assert.equal(framing.unfinished, false);
});

test("xbee1: noise, a wrong sum, an impossible length, and the frame behind them", () => {
  const framing = new XBeeFraming({ ...OPTIONS, escaped: false });
  // A modem status "joined", from Digi's documentation: 7E 00 02 8A 02 73 is one with its sum.
  assert.deepEqual(run(framing, "aabb 7e00028a0273"), ["8a02"]);
  assert.deepEqual(counted(framing), { noise: 1 });
  assert.deepEqual(run(framing, "7e00028a0274 7e00028a0273"), ["8a02"]);
  assert.deepEqual(run(framing, "7effff 7e00028a0273"), ["8a02"]);
  assert.deepEqual(counted(framing), { noise: 1, checksum: 1, overlong: 1 });
});

test("xbee1: silence gives the frame that a lost one had claimed", () => {
  const framing = new XBeeFraming({ ...OPTIONS, escaped: false });
  assert.deepEqual(run(framing, "7e0010 7e00028a0273", 101, "7e00028a0673"), ["8a02"]);
  assert.deepEqual(counted(framing), { cut: 1, checksum: 1 });
});

test("xbee2: special bytes are escaped, and 7E always begins a frame", () => {
  const framing = new XBeeFraming({ ...OPTIONS, escaped: true });
  assert.deepEqual(run(framing, "7e0002237d31cb"), ["2311"]);
  assert.deepEqual(run(framing, "7e0010aa 7e0002237d31cb"), ["2311"]);
  assert.deepEqual(counted(framing), { cut: 1 });
  assert.deepEqual(run(framing, "7e0002237d31cc 7d5e 0002 7e0002237d31cb"), ["2311"]);
  assert.deepEqual(counted(framing), { cut: 1, checksum: 1 });
});
