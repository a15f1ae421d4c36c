/** How fast senders may be, and how many nodes a link has. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { LinkState } from "../../../src/gateway/link-state.ts";
import { DEFAULT_GATEWAY_OPTIONS } from "../../../src/gateway/options.ts";
import { SenderLimits } from "../../../src/gateway/sender-limits.ts";
import { TokenBucket } from "../../../src/gateway/token-bucket.ts";
import { SilentLog } from "../../kit/silent-log.ts";
import { VirtualClock } from "../../kit/virtual-clock.ts";
import { type Speaker, Stand } from "./stand.ts";

test("a token bucket gives its burst at once, then its rate, and fills up again", () => {
  const bucket = new TokenBucket({ perSecond: 10, burst: 3 });
  let fullAt = 0;
  const takenAt = (now: number): boolean => {
    const next = bucket.take(fullAt, now);
    fullAt = next ?? fullAt;
    return next !== undefined;
  };
  assert.deepEqual([0, 0, 0, 0, 99].map(takenAt), [true, true, true, false, false]);
  assert.deepEqual([100, 100, 250].map(takenAt), [true, false, true]);
  assert.deepEqual([9000, 9000, 9000, 9000].map(takenAt), [true, true, true, false]);
});

function at(stand: Stand, key: string, host: string): Speaker {
  const speaker = stand.at(key);
  Object.assign(speaker.address, { host });
  return speaker;
}

function counters(stand: Stand): Record<string, number> {
  stand.pass(10);
  return JSON.parse(stand.door.announced.get("$SYS/gateway/links/udp") ?? "{}");
}

test("frames over an address's rate are dropped, counted, and logged once a minute, whatever the port", () => {
  const stand = new Stand({ addressRate: { perSecond: 1, burst: 4 } });
  const answers = [1, 2, 3, 4, 5, 6].map(
    (port) => at(stand, `10.0.0.7:${port}`, "10.0.0.7").connect(`n${port}`).length,
  );
  assert.deepEqual(answers, [1, 1, 1, 1, 0, 0]);
  assert.equal(at(stand, "10.0.0.8:1", "10.0.0.8").connect("other").length, 1);
  assert.equal(
    stand.logged(/^dropped a frame from udp\/10\.0\.0\.7: over address_rate/, "warn"),
    1,
  );
  assert.equal(counters(stand).throttled, 2);
  assert.equal(at(stand, "10.0.0.7:5", "10.0.0.7").connect("n5").length, 1, "after a while again");
});

test("an IPv6 site counts as one address", () => {
  const stand = new Stand({ addressRate: { perSecond: 1, burst: 2 } });
  const answers = ["2001:db8::1", "2001:db8:0:0:7::9", "2001:db8::ffff", "2001:db8:0:1::1"].map(
    (host) => at(stand, `[${host}]:1`, host).connect(host).length,
  );
  assert.deepEqual(answers, [1, 1, 0, 1]);
});

test("forged addresses take bounded memory, lock nobody out, and win one sender nothing", () => {
  const clock = new VirtualClock();
  const options = { ...DEFAULT_GATEWAY_OPTIONS, addressRate: { perSecond: 1, burst: 5 } };
  const limits = new SenderLimits(clock, new SilentLog(), options);
  const link = new LinkState("udp", clock, 5);
  const allows = (host: string) => limits.allowsAddress(link, { key: `${host}:1`, host });
  let steady = 0;
  for (let count = 0; count < 100_000; count++) {
    if (!allows(`10.${count >> 16}.${(count >> 8) & 255}.${count & 255}`))
      assert.fail("locked out");
    if (count % 1000 === 0 && allows("192.168.0.1")) steady++;
  }
  assert.ok(limits.addresses <= 16_384 + 1);
  assert.equal(steady, 5);
});

test("messages over a node's rate are dropped; another node at another address is not concerned", () => {
  const stand = new Stand({ nodeRate: { perSecond: 10, burst: 3 } });
  const node = stand.node("n");
  const other = stand.node("m");
  assert.deepEqual(
    [1, 2, 3, 4].map(() => node.ping().length),
    [1, 1, 1, 0],
  );
  assert.equal(other.ping().length, 1);
  stand.clock.advance(100);
  assert.equal(node.ping().length, 1);
  assert.equal(stand.logged(/^dropped a frame from node "n": over node_rate/, "warn"), 1);
});

test("nodes behind a forwarder have their own rate, and share that of its address", () => {
  const stand = new Stand({
    nodeRate: { perSecond: 1, burst: 1 },
    addressRate: { perSecond: 1, burst: 8 },
  });
  const forwarder = at(stand, "10.0.0.7:1", "10.0.0.7");
  const through = (id: number, message: Uint8Array) => {
    forwarder.say({
      kind: "encapsulated",
      radius: 0,
      wirelessNodeId: new Uint8Array([id]),
      message,
    });
    return forwarder.take().length;
  };
  const connect = (name: number) => new Uint8Array([7, 0x04, 0x04, 1, 0, 60, name]);
  const ping = new Uint8Array([2, 0x16]);
  assert.deepEqual([through(1, connect(97)), through(2, connect(98))], [1, 1]);
  assert.deepEqual([through(1, ping), through(1, ping), through(2, ping)], [1, 0, 1]);
  assert.deepEqual(
    [through(3, connect(99)), through(4, connect(100)), through(5, connect(101))],
    [1, 1, 1],
  );
  assert.equal(through(6, connect(102)), 0, "the forwarder's address has had its eight");
});

test("a node that connects over and over is held up, without a loss to its session", () => {
  const stand = new Stand({ connectRate: { perSecond: 1, burst: 5 } });
  const node = stand.at("a");
  const connects = [true, false, true, false, true, false, true].map(
    (clean) => node.connect("n", { clean }).length,
  );
  assert.deepEqual(connects, [1, 1, 1, 1, 1, 1, 0]);
  const writes = stand.journal.writes;
  for (let count = 0; count < 1000; count++) node.connect("n", { clean: count % 2 === 0 });
  assert.equal(stand.journal.writes, writes);
  assert.equal(stand.state("n"), "active");
  assert.equal(stand.logged(/over connect_rate/, "warn"), 1);
});

test("a CONNECT that repeats one whose CONNACK was lost costs nothing of the rate", () => {
  const stand = new Stand({ connectRate: { perSecond: 1, burst: 1 } });
  const node = stand.at("a");
  assert.deepEqual(
    [1, 2, 3, 4, 5].map(() => node.connect("n").length),
    [1, 1, 1, 1, 1],
  );
});

test("a link's own bound on nodes: CONNACK congestion; those that are there may connect again", () => {
  const stand = new Stand({ links: new Map([["udp", { maxNodes: 2 }]]) });
  stand.node("a");
  const b = stand.node("b", { clean: false });
  assert.deepEqual(stand.at("x").connect("c"), [{ kind: "connack", returnCode: 1 }]);
  assert.deepEqual(b.connect("b", { clean: true }), [{ kind: "connack", returnCode: 0 }]);
  assert.deepEqual(stand.at("y").connect("a"), [{ kind: "connack", returnCode: 0 }], "it moves");
  assert.deepEqual(b.connect("d"), [{ kind: "connack", returnCode: 0 }], "in the place of b");
  b.disconnect();
  assert.deepEqual(stand.at("x").connect("c"), [{ kind: "connack", returnCode: 0 }]);
});

test("by default there is no limit that a fast node would meet", () => {
  const stand = new Stand();
  const node = stand.node("n");
  node.register("t");
  for (let count = 0; count < 10_000; count++) node.publish(1, "x", 0);
  assert.equal(stand.door.published.length, 10_000);
});
