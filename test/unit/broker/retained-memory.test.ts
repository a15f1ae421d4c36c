/** What a retained message costs, of which a gateway with many nodes has very many. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { ByteSlabs } from "../../../src/bytes/byte-slabs.ts";
import { keptBytes } from "../../kit/kept-memory.ts";
import { TestBroker } from "../../kit/test-broker.ts";

const COUNT = 20_000;

function announceAll(broker: TestBroker, payload: Uint8Array): void {
  for (let n = 0; n < COUNT; n++) {
    broker.broker.announce(`$SYS/gateway/nodes/a-node-of-site-${n}/state`, payload, true);
  }
}

test("a small retained message takes less than 450 bytes with all that belongs to it, replaced or not", () => {
  const broker = new TestBroker();
  const payload = new Uint8Array(60).fill(0x78);
  announceAll(broker, payload);
  announceAll(broker, new Uint8Array(0));
  assert.equal(broker.broker.retained.count, 0);
  const before = keptBytes();
  announceAll(broker, payload);
  announceAll(broker, payload.slice().fill(0x79));
  const each = (keptBytes() - before) / COUNT;
  assert.equal(broker.broker.retained.count, COUNT);
  assert.ok(each < 450, `${each} bytes`);
  announceAll(broker, new Uint8Array(0));
  const left = (keptBytes() - before) / COUNT;
  assert.ok(left < 20, `${left} bytes`);
});

test("payloads of every length are kept as they are, replaced by those of any other, and removed", () => {
  const broker = new TestBroker();
  const lengths = [1, 15, 16, 17, 60, ByteSlabs.LONGEST, ByteSlabs.LONGEST + 1, 5000];
  const publisher = broker.connect("p");
  const reader = broker.connect("r");
  let n = 0;
  for (const first of lengths) {
    for (const second of [...lengths, 0]) {
      n++;
      publisher.publish(`t/${n}`, "x".repeat(first), 0, 0, true);
      publisher.publish(`t/${n}`, "y".repeat(second), 1, n, true);
      reader.subscribe(`t/${n}`);
      const expected = second === 0 ? [] : [`t/${n}=${"y".repeat(second)} retain`];
      assert.deepEqual(reader.messages(), expected, `${first} ${second}`);
    }
  }
  assert.equal(broker.broker.retained.count, lengths.length ** 2);
});

test("a message queued for a slow client stays what it was when it is replaced meanwhile", () => {
  const broker = new TestBroker({ options: { maxInflightMessages: 1 } });
  const publisher = broker.connect("p");
  for (const n of [1, 2, 3]) publisher.publish(`t/${n}`, `old ${n}`, 1, n, true);
  const reader = broker.connect("r");
  reader.subscribe("t/+", 1);
  const first = reader.publishes();
  reader.send({ kind: "unsubscribe", packetId: 9, filters: ["t/+"] });
  for (const n of [1, 2, 3]) publisher.publish(`t/${n}`, `new ${n}`, 1, n, true);
  const seen = [...first];
  for (let packet = seen[0]; packet !== undefined; packet = reader.publishes()[0]) {
    if (packet !== first[0]) seen.push(packet);
    reader.send({ kind: "puback", packetId: packet.packetId });
  }
  const texts = seen.map(({ payload }) => new TextDecoder().decode(payload)).sort();
  assert.deepEqual(texts, ["old 1", "old 2", "old 3"]);
});
