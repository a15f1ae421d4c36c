/** Messages as JSON: what is escaped, what keeps its order, and how it is indented. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { messageJson, prettyJson } from "../../../src/cli/message-json.ts";
import type { PublishPacket } from "../../../src/mqtt/packets.ts";

const ARRIVAL = { date: new Date(0), nanoseconds: 0 };

function packet(payload: Uint8Array): PublishPacket {
  const flags = { qos: 0, retain: false, dup: false, packetId: 0 } as const;
  return { kind: "publish", topic: "t", payload, ...flags };
}

function payloadOf(json: Uint8Array | undefined): string | undefined {
  return json === undefined
    ? undefined
    : /"payload":([\s\S]*)\}$/.exec(Buffer.from(json).toString())?.[1];
}

test("JSON keeps the order of its keys, also of those that look like numbers, and repeated ones", () => {
  const source = '{ "2":1, "1":[ 1e3, 2.50 ], "a":"\\u00e9\\"", "a":null, "b":{ } }';
  const json = messageJson(packet(Buffer.from(source)), ARRIVAL, "json");
  assert.equal(payloadOf(json), '{"2":1,"1":[1000,2.5],"a":"\u00e9\\"","a":null,"b":{}}');
});

test("what is no JSON is none, what is empty is null", () => {
  for (const bad of ["{", "[1,]", "\u00e9", "{} {}", "nul"]) {
    assert.equal(messageJson(packet(Buffer.from(bad)), ARRIVAL, "json"), undefined);
  }
  assert.equal(messageJson(packet(Buffer.from([0x22, 0xff, 0x22])), ARRIVAL, "json"), undefined);
  assert.equal(payloadOf(messageJson(packet(new Uint8Array(0)), ARRIVAL, "json")), "null");
});

test("any payload that is UTF-8 can be read back from its text form", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (text) => {
      const payload = Buffer.from(text);
      const json = messageJson(packet(payload), ARRIVAL, "text");
      const read = JSON.parse(Buffer.from(json ?? []).toString()) as { payload: string | null };
      assert.equal(read.payload ?? "", payload.toString());
    }),
  );
});

test("pretty JSON says the same, over several lines", () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const compact = Buffer.from(JSON.stringify(value));
      const pretty = Buffer.from(prettyJson(compact)).toString();
      assert.deepEqual(JSON.parse(pretty), JSON.parse(compact.toString()));
    }),
  );
  assert.equal(
    Buffer.from(prettyJson(Buffer.from('{"a":[1,{"b":null}],"c":{}}'))).toString(),
    '{\n\t"a":\t[1, {\n\t\t\t"b":\tnull\n\t\t}],\n\t"c":\t{\n\t}\n}',
  );
});
