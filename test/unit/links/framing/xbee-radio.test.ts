/** The XBee module: addresses, failed transmissions, signal strength, and frames that make no sense. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { XBeeRadio } from "../../../../src/links/framing/xbee-radio.ts";
import type { LinkAddress, Reception } from "../../../../src/seams/link.ts";
import { XBeeModule } from "../../../kit/xbee-module.ts";

const ADA = "0013a20041526370";
const BOB = "0013a200ffffff7e";
const EVERYONE = "000000000000ffff";

class Stand {
  readonly heard: { from: string; frame: string; reception: Reception | undefined }[] = [];
  readonly delivered: string[] = [];
  readonly told: string[] = [];
  /** What the next transmissions end with; success when it is empty. */
  readonly statuses: number[] = [];
  signal: number | undefined = 47;
  now = 1;
  readonly module: XBeeModule;
  readonly radio: XBeeRadio;
  #toModule: Uint8Array[] = [];
  #toRadio: Uint8Array[] = [];

  constructor(escaped = false) {
    this.module = new XBeeModule({
      escaped,
      send: (bytes) => this.#toRadio.push(bytes),
      deliver: (to, payload) => {
        this.delivered.push(`${to} ${Buffer.from(payload).toString("hex")}`);
        return this.statuses.shift() ?? 0;
      },
      signal: () => this.signal,
    });
    this.radio = new XBeeRadio(
      { maximumFrame: 256, gap: 100, escaped },
      {
        write: (bytes) => this.#toModule.push(bytes.slice()),
        receive: (from, frame, reception) =>
          this.heard.push({ from: from.key, frame: Buffer.from(frame).toString("hex"), reception }),
        tell: (text) => this.told.push(text),
      },
    );
  }

  /** Until nobody has anything to say any more. */
  run(): void {
    while (this.#toModule.length + this.#toRadio.length > 0) {
      for (const bytes of this.#toModule.splice(0)) this.module.feed(bytes);
      for (const bytes of this.#toRadio.splice(0)) this.radio.feed(bytes, this.now);
    }
  }
}

for (const escaped of [false, true]) {
  test(`mode ${escaped ? 2 : 1}: messages go to and come from 64-bit addresses`, () => {
    const stand = new Stand(escaped);
    stand.module.heard(ADA, Uint8Array.of(2, 0x16));
    stand.module.heard(BOB, Uint8Array.of(3, 1, 0x7e));
    stand.run();
    assert.deepEqual(
      stand.heard.map(({ from, frame }) => [from, frame]),
      [
        [ADA, "0216"],
        [BOB, "03017e"],
      ],
    );
    stand.radio.send(stand.radio.addressOf(BOB) as LinkAddress, Uint8Array.of(2, 0x17));
    stand.radio.broadcast(Uint8Array.of(3, 2, 1), 2);
    stand.run();
    assert.deepEqual(stand.delivered, [`${BOB} 0217`, `${EVERYONE} 030201`]);
  });
}

test("a transmission that failed is tried again, three times in all", () => {
  const stand = new Stand();
  const to = stand.radio.addressOf(ADA) as LinkAddress;
  stand.statuses.push(0x21, 0x24);
  stand.radio.send(to, Uint8Array.of(2, 0x17));
  stand.run();
  assert.equal(stand.delivered.length, 3);
  stand.statuses.push(0x21, 0x21, 0x21);
  stand.radio.send(to, Uint8Array.of(2, 0x17));
  stand.run();
  assert.equal(stand.delivered.length, 6);
  assert.deepEqual(stand.radio.counters(), {
    transmitFailures: 5,
    transmitRepeated: 4,
    transmitGivenUp: 1,
  });
});

test("what is too long for the radio is not tried again", () => {
  const stand = new Stand();
  stand.statuses.push(0x74);
  stand.radio.send(stand.radio.addressOf(ADA) as LinkAddress, new Uint8Array(100));
  stand.run();
  assert.equal(stand.delivered.length, 1);
  assert.equal(stand.radio.counters().transmitGivenUp, 1);
});

test("the signal is that of the node whose packet came last, and asked for once a second", () => {
  const stand = new Stand();
  const ping = Uint8Array.of(2, 0x16);
  stand.module.heard(ADA, ping);
  stand.run();
  stand.signal = 80;
  stand.module.heard(ADA, ping);
  stand.run();
  assert.deepEqual(
    stand.heard.map(({ reception }) => reception),
    [undefined, { rssi: -47 }],
  );
  stand.now += 2000;
  // Bob's packet comes before the module can answer for Ada's.
  stand.module.heard(ADA, ping);
  stand.module.heard(BOB, ping);
  stand.run();
  stand.now += 2000;
  stand.module.heard(ADA, ping);
  stand.run();
  assert.deepEqual(stand.heard.at(-1)?.reception, { rssi: -47 });
});

test("a module that knows no DB is asked once", () => {
  const stand = new Stand();
  stand.signal = undefined;
  const ping = Uint8Array.of(2, 0x16);
  for (let round = 0; round < 5; round++) {
    stand.module.heard(ADA, ping);
    stand.run();
    stand.now += 2000;
    stand.signal = round === 0 ? 50 : stand.signal;
  }
  assert.ok(stand.heard.every(({ reception }) => reception === undefined));
});

test("what becomes of the module is told in words", () => {
  const stand = new Stand();
  stand.module.tell(0x8a, 0x02);
  stand.module.tell(0x8a, 0x77);
  stand.run();
  assert.deepEqual(stand.told, [
    "the XBee module joined a network",
    "the XBee module reports the modem status 0x77",
  ]);
});

test("API frames of any content throw nothing", () => {
  fc.assert(
    fc.property(
      fc.array(
        fc.tuple(fc.constantFrom(0x88, 0x8a, 0x8b, 0x90, 0x10), fc.uint8Array({ maxLength: 20 })),
      ),
      (frames) => {
        const stand = new Stand(true);
        stand.radio.send(stand.radio.addressOf(ADA) as LinkAddress, Uint8Array.of(2, 0x17));
        for (const [type, rest] of frames) stand.module.tell(type, ...rest);
        stand.run();
      },
    ),
  );
});
