/** Text that MQTT forbids, in every field that holds text: it never reaches another client. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { isMqttText } from "../../../src/bytes/utf8.ts";
import { assertAlive } from "../../kit/alive.ts";
import { hex } from "../../kit/hex.ts";
import { cutFrames, field, frame, properties, rawConnect } from "../../kit/raw-packets.ts";
import { TestBroker, type TestClient } from "../../kit/test-broker.ts";

/** By name, the bytes of a text field. */
const FORBIDDEN: Readonly<Record<string, string>> = {
  NUL: "00",
  "NUL in the middle": "610062",
  "a control character": "07",
  "a line feed": "610a",
  DEL: "7f",
  "a C1 control character": "c285",
  "an overlong form": "c0af",
  "an overlong NUL": "c080",
  "a surrogate": "eda080",
  "a pair of surrogates": "eda0bdedb882",
  "U+FDD0": "efb790",
  "U+FFFE": "efbfbe",
  "U+FFFF": "efbfbf",
  "U+1FFFF": "f09fbfbf",
  "U+10FFFF": "f48fbfbf",
  "beyond U+10FFFF": "f4908080",
  "a lone continuation": "80",
  "a sequence cut off": "e282",
  "0xFF": "ff",
};

type Send = (broker: TestBroker, text: Uint8Array) => TestClient;

function connect(flags: number, payload: (text: Uint8Array) => (Uint8Array | string)[]): Send {
  return (broker, text) => {
    const client = broker.dial(5);
    client.sendBytes(rawConnect({ level: 5, flags, payload: payload(text) }));
    return client;
  };
}

function then(level: 4 | 5, packet: (text: Uint8Array) => Uint8Array): Send {
  return (broker, text) => {
    const client = broker.connect("text", { level });
    client.sendBytes(packet(text));
    return client;
  };
}

function willProperty(id: string): Send {
  return connect(0x06, (text) => ["00", field("c"), properties(id, text), field("w"), field("")]);
}

function publishProperty(id: string): Send {
  return then(5, (text) => frame(0x30, field("t"), properties(id, text), "78"));
}

const PAIR = field("x");

/** Every place where a client of 3.1.1 or 5.0 sends text. The text comes with its length in front. */
const PLACES: Readonly<Record<string, Send>> = {
  "the client identifier": connect(0x02, (text) => ["00", text]),
  "the user name": connect(0x82, (text) => ["00", field("c"), text]),
  "the will topic": connect(0x06, (text) => ["00", field("c"), "00", text, field("")]),
  "the authentication method": connect(0x02, (text) => [properties("15", text), field("c")]),
  "a user property's name in CONNECT": connect(0x02, (text) => [
    properties("26", text, PAIR),
    field("c"),
  ]),
  "a user property's value in CONNECT": connect(0x02, (text) => [
    properties("26", PAIR, text),
    field("c"),
  ]),
  "the will's content type": willProperty("03"),
  "the will's response topic": willProperty("08"),
  "the topic of PUBLISH": then(4, (text) => frame(0x31, text, "78")),
  "the topic of PUBLISH in 5.0": then(5, (text) => frame(0x31, text, "00", "78")),
  "the content type": publishProperty("03"),
  "the response topic": publishProperty("08"),
  "a user property's name": then(5, (text) =>
    frame(0x30, field("t"), properties("26", text, PAIR), "78"),
  ),
  "a user property's value": then(5, (text) =>
    frame(0x30, field("t"), properties("26", PAIR, text), "78"),
  ),
  "a filter of SUBSCRIBE": then(4, (text) => frame(0x82, "0001", text, "00")),
  "a filter of UNSUBSCRIBE": then(4, (text) => frame(0xa2, "0001", text)),
  "the reason string of PUBACK": then(5, (text) =>
    frame(0x40, "0001", "10", properties("1f", text)),
  ),
  "the reason string of DISCONNECT": then(5, (text) => frame(0xe0, "04", properties("1f", text))),
};

for (const [place, send] of Object.entries(PLACES)) {
  test(`forbidden text in ${place} closes the connection and is passed on to nobody (CVE-2017-7653)`, () => {
    for (const [what, bytes] of Object.entries(FORBIDDEN)) {
      const broker = new TestBroker();
      const watcher = broker.connect5("w");
      watcher.subscribe("#");
      const client = send(broker, field(hex(bytes)));
      assert.equal(client.closed, true, what);
      client.break();
      assert.deepEqual(watcher.messages(), [], what);
      assert.equal(broker.broker.retained.count, 0, what);
    }
  });
}

test("allowed text in those places is taken, whatever the script", () => {
  for (const [place, send] of Object.entries(PLACES)) {
    if (place === "the authentication method" || place.endsWith("of DISCONNECT")) continue;
    for (const text of ["ü", "漢字", "\u{1f6f0}", "\ufffd", "\ufeff", "a b"]) {
      assert.equal(send(new TestBroker(), field(text)).closed, false, `${text} in ${place}`);
    }
  }
});

test("whatever bytes a topic has, others get it unchanged or not at all", () => {
  const seed = fc.oneof(
    fc.uint8Array({ maxLength: 12 }),
    fc.string({ unit: "binary", maxLength: 6 }).map((text) => new TextEncoder().encode(text)),
  );
  fc.assert(
    fc.property(seed, (topic) => {
      const broker = new TestBroker();
      const watcher = broker.connect("w");
      watcher.subscribe("#");
      const client = broker.connect("c");
      client.sendBytes(frame(0x30, field(topic), "78"));
      const [message] = cutFrames(watcher.wire.take());
      if (message !== undefined) {
        assert.deepEqual(message.body, new Uint8Array([0, topic.length, ...topic, 0x78]));
        assert.ok(isMqttText(new TextDecoder("utf-8", { fatal: true }).decode(topic)));
      } else {
        assert.ok(client.closed || topic[0] === 0x24);
      }
    }),
    { numRuns: 3000 },
  );
});

test("long text is checked to its end", () => {
  for (const length of [31, 32, 33, 255, 256, 257, 300, 65_000]) {
    const broker = new TestBroker();
    const client = broker.connect("c");
    client.sendBytes(
      frame(0x30, field(new Uint8Array([...new Uint8Array(length).fill(0x61), 0xc3])), "78"),
    );
    assert.equal(client.closed, true, `${length}`);
    assertAlive(broker);
  }
});
