/** What all framings have in common: any split of the bytes, noise between messages, bounded memory. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { ByteWriter } from "../../../../src/bytes/byte-writer.ts";
import { AutoFraming } from "../../../../src/links/framing/auto-framing.ts";
import { crc16 } from "../../../../src/links/framing/crc16.ts";
import type { Framing } from "../../../../src/links/framing/framing.ts";
import { LengthFraming } from "../../../../src/links/framing/length-framing.ts";
import { SlipFraming } from "../../../../src/links/framing/slip-framing.ts";
import { XBeeFraming } from "../../../../src/links/framing/xbee-framing.ts";
import { encodeMessage } from "../../../../src/mqttsn/encode.ts";

const OPTIONS = { maximumFrame: 300, gap: 100 };
const LONG = 1000;

const FRAMINGS: Readonly<Record<string, () => Framing>> = {
  length: () => new LengthFraming(OPTIONS),
  slip: () => new SlipFraming(OPTIONS),
  "slip-crc16": () => new SlipFraming({ ...OPTIONS, crc: true }),
  xbee1: () => new XBeeFraming({ ...OPTIONS, escaped: false }),
  xbee2: () => new XBeeFraming({ ...OPTIONS, escaped: true }),
};

/** A PUBLISH, in a forwarder's frame now and then. */
const message = fc
  .record({
    payload: fc.uint8Array({ maxLength: 270 }),
    topicId: fc.nat(0xffff),
    wirelessNodeId: fc.option(fc.uint8Array({ maxLength: 8 }), { nil: undefined, freq: 4 }),
  })
  .map(({ payload, topicId, wirelessNodeId }) => {
    const writer = new ByteWriter();
    encodeMessage(writer, {
      kind: "publish",
      dup: false,
      qos: 1,
      retain: false,
      topicIdType: "normal",
      topicId,
      messageId: 7,
      payload,
    });
    const inner = writer.copy();
    if (wirelessNodeId === undefined) return inner;
    writer.clear();
    encodeMessage(writer, { kind: "encapsulated", radius: 0, wirelessNodeId, message: inner });
    return writer.copy();
  })
  .filter((frame) => frame.length <= OPTIONS.maximumFrame);

function encoded(framing: Framing, frames: readonly Uint8Array[]): Uint8Array {
  const writer = new ByteWriter();
  for (const frame of frames) framing.encode(frame, writer);
  return writer.copy();
}

class Receiver {
  readonly frames: string[] = [];
  readonly framing: Framing;
  now = 1;

  constructor(framing: Framing) {
    this.framing = framing;
  }

  feed(bytes: Uint8Array, after = 0): void {
    this.now += after;
    this.framing.feed(bytes, this.now, this.#take);
  }

  silence(): void {
    this.framing.silence(this.#take);
  }

  readonly #take = (frame: Uint8Array): void => {
    this.frames.push(Buffer.from(frame).toString("hex"));
  };
}

function hexes(frames: readonly Uint8Array[]): string[] {
  return frames.map((frame) => Buffer.from(frame).toString("hex"));
}

/** Feeds `bytes` in pieces that end at the given places. */
function feedInPieces(receiver: Receiver, bytes: Uint8Array, cuts: readonly number[]): void {
  let start = 0;
  for (const cut of [...cuts].sort((a, b) => a - b)) {
    const end = Math.min(cut, bytes.length);
    if (end <= start) continue;
    receiver.feed(bytes.subarray(start, end), 1);
    start = end;
  }
  receiver.feed(bytes.subarray(start), 1);
}

const cuts = fc.array(fc.nat(2000), { maxLength: 40 });

for (const [name, make] of Object.entries(FRAMINGS)) {
  test(`${name}: messages come out as they went in, however the bytes are split`, () => {
    fc.assert(
      fc.property(fc.array(message, { minLength: 1, maxLength: 6 }), cuts, (frames, where) => {
        const receiver = new Receiver(make());
        feedInPieces(receiver, encoded(make(), frames), where);
        assert.deepEqual(receiver.frames, hexes(frames));
        assert.ok(Object.values(receiver.framing.faults).every((count) => count === 0));
        assert.equal(receiver.framing.unfinished, false);
      }),
    );
  });

  test(`${name}: after noise and a silence, the next messages are there`, () => {
    const noise = fc.uint8Array({ minLength: 1, maxLength: 700 });
    fc.assert(
      fc.property(
        noise,
        fc.array(message, { minLength: 1, maxLength: 3 }),
        cuts,
        (bytes, frames, where) => {
          const receiver = new Receiver(make());
          feedInPieces(receiver, bytes, where);
          receiver.now += LONG;
          receiver.feed(encoded(make(), frames));
          assert.deepEqual(receiver.frames.slice(-frames.length), hexes(frames));
        },
      ),
    );
  });

  test(`${name}: noise without end takes no memory and throws nothing, and what follows is found`, () => {
    fc.assert(
      fc.property(
        fc.infiniteStream(fc.uint8Array({ minLength: 1, maxLength: 200 })),
        message,
        (noise, frame) => {
          const receiver = new Receiver(make());
          for (let round = 0; round < 50; round++)
            receiver.feed(noise.next().value as Uint8Array, 1);
          receiver.feed(encoded(make(), [frame]), LONG);
          assert.equal(receiver.frames.at(-1), hexes([frame])[0]);
        },
      ),
      { numRuns: 30 },
    );
  });

  test(`${name}: a half message is dropped, and the next is whole`, () => {
    fc.assert(
      fc.property(message, fc.nat(300), message, (half, at, frame) => {
        const bytes = encoded(make(), [half]);
        const cut = 1 + (at % (bytes.length - 1));
        const receiver = new Receiver(make());
        receiver.feed(bytes.subarray(0, cut));
        receiver.feed(encoded(make(), [frame]), LONG);
        assert.equal(receiver.frames.at(-1), hexes([frame])[0]);
      }),
    );
  });
}

for (const [name, make] of Object.entries(FRAMINGS)) {
  test(`${name}: a node that babbles is counted`, () => {
    for (const byte of [0x00, 0x55, 0x7e, 0xc1, 0xff]) {
      const receiver = new Receiver(make());
      for (let round = 0; round < 100; round++) {
        receiver.feed(new Uint8Array(1000).fill(byte), 1);
      }
      receiver.silence();
      const counted = Object.values(receiver.framing.faults).reduce((sum, count) => sum + count, 0);
      assert.ok(counted > 0, `${byte}`);
      assert.deepEqual(receiver.frames, []);
    }
  });
}

for (const name of ["slip-crc16", "xbee1", "xbee2"]) {
  test(`${name}: one wrong bit loses its message at most, and those around it are whole`, () => {
    const make = FRAMINGS[name] as () => Framing;
    fc.assert(
      fc.property(
        fc.array(message, { minLength: 3, maxLength: 3 }),
        fc.nat(),
        fc.nat(7),
        (frames, at, bit) => {
          const parts = frames.map((frame) => encoded(make(), [frame]));
          const [, middle] = parts as [Uint8Array, Uint8Array, Uint8Array];
          const place = at % middle.length;
          middle[place] = (middle[place] as number) ^ (1 << bit);
          const receiver = new Receiver(make());
          for (const part of parts) receiver.feed(part);
          receiver.silence();
          const [first, , last] = hexes(frames);
          assert.equal(receiver.frames[0], first);
          assert.equal(receiver.frames.at(-1), last);
          assert.ok(receiver.frames.length <= 3);
        },
      ),
    );
  });
}

test("CRC-16/CCITT-FALSE of 123456789 is 29B1", () => {
  assert.equal(crc16(new TextEncoder().encode("123456789")), 0x29b1);
});

test("auto finds SLIP and messages back to back by what arrives, with noise in front", () => {
  const noise = fc.uint8Array({ maxLength: 40 }).filter((bytes) => {
    const receiver = new Receiver(new LengthFraming(OPTIONS));
    receiver.feed(bytes);
    receiver.silence();
    return receiver.frames.length === 0;
  });
  const which = fc.constantFrom("slip", "length");
  fc.assert(
    fc.property(
      which,
      noise,
      fc.array(message, { minLength: 2, maxLength: 6 }),
      cuts,
      (name, bytes, frames, where) => {
        const make = FRAMINGS[name] as () => Framing;
        const receiver = new Receiver(new AutoFraming(OPTIONS));
        receiver.feed(bytes);
        receiver.now += LONG;
        feedInPieces(receiver, encoded(make(), frames), where);
        receiver.silence();
        assert.equal(receiver.frames.at(-1), hexes(frames).at(-1));
      },
    ),
    {
      examples: [
        ["slip", new Uint8Array([3]), [Uint8Array.of(2, 0x17), Uint8Array.of(2, 0x17)], []],
      ],
    },
  );
});

test("auto sends in the framing found, and nothing before", () => {
  const ping = Uint8Array.of(2, 0x16);
  for (const name of ["slip", "length"]) {
    const make = FRAMINGS[name] as () => Framing;
    const receiver = new Receiver(new AutoFraming(OPTIONS));
    assert.equal(encoded(receiver.framing, [ping]).length, 0);
    receiver.feed(encoded(make(), [ping]));
    // END may still come.
    if (receiver.framing.unfinished) receiver.silence();
    assert.deepEqual(receiver.frames, ["0216"]);
    assert.deepEqual(encoded(receiver.framing, [ping]), encoded(make(), [ping]));
  }
});

test("auto changes its mind when the line does", () => {
  const slip = new SlipFraming(OPTIONS);
  const length = new LengthFraming(OPTIONS);
  const connect = Uint8Array.of(7, 4, 4, 1, 0, 60, 0x6e);
  const receiver = new Receiver(new AutoFraming(OPTIONS));
  receiver.feed(encoded(slip, [connect]));
  for (let round = 0; round < 200; round++) receiver.feed(encoded(length, [connect]), 500);
  const before = receiver.frames.length;
  receiver.feed(encoded(length, [connect]), 500);
  assert.equal(receiver.frames.length, before + 1);
  for (let round = 0; round < 50; round++) receiver.feed(encoded(slip, [connect]), 500);
  receiver.feed(encoded(slip, [connect]), 500);
  assert.equal(receiver.frames.at(-1), "07040401003c6e");
});
