/** The page's connection with a hand-moved clock, against a server that is played by the test. */
import assert from "node:assert/strict";
import { beforeEach, describe, test } from "node:test";
import { ByteWriter } from "../../../src/bytes/byte-writer.ts";
import { Feed, type FeedState } from "../../../src/dashboard/connection/feed.ts";
import { encodePacket } from "../../../src/mqtt/encode.ts";
import { PacketStream } from "../../../src/mqtt/packet-stream.ts";
import type { Packet } from "../../../src/mqtt/packets.ts";
import type { Wire, WireEnd } from "../../../src/seams/wire.ts";
import { VirtualClock } from "../../kit/virtual-clock.ts";

/** One attempt to connect, as the network sees it. */
class Attempt {
  readonly received: Packet[] = [];
  cancelled = false;
  closed = false;
  readonly #opened: (wire: Wire) => WireEnd;
  readonly failed: () => void;
  readonly #stream = new PacketStream({ maximumPacketSize: 100_000, role: "server" });
  #end: WireEnd | undefined;

  constructor(opened: (wire: Wire) => WireEnd, failed: () => void) {
    this.#opened = opened;
    this.failed = failed;
  }

  open(): void {
    const output = new ByteWriter();
    const wire: Wire = {
      output,
      backlog: 0,
      remote: "test",
      address: "test",
      flush: () => {
        const fault = this.#stream.feed(output.copy(), (packet) => this.received.push(packet));
        assert.equal(fault, undefined);
        output.clear();
      },
      close: () => {
        this.closed = true;
      },
    };
    this.#end = this.#opened(wire);
  }

  send(...packets: Packet[]): void {
    const writer = new ByteWriter();
    for (const packet of packets) encodePacket(writer, packet);
    this.#end?.receive(writer.copy());
  }

  cut(): void {
    this.#end?.closed("cut");
  }

  /** Accepts the connection and its subscriptions with these codes. */
  accept(codes: readonly number[] = [0, 0]): void {
    this.open();
    this.send({ kind: "connack", sessionPresent: false, returnCode: 0 });
    const subscribe = this.received.find((packet) => packet.kind === "subscribe");
    assert.ok(subscribe?.kind === "subscribe");
    this.send({ kind: "suback", packetId: subscribe.packetId, codes });
  }
}

let clock: VirtualClock;
let attempts: Attempt[];
let states: FeedState[];
let events: string[];
let feed: Feed;

beforeEach(() => {
  clock = new VirtualClock();
  attempts = [];
  states = [];
  events = [];
  feed = new Feed({
    dial: (opened, failed) => {
      const attempt = new Attempt(opened, failed);
      attempts.push(attempt);
      return {
        cancel: () => {
          attempt.cancelled = true;
        },
      };
    },
    clock,
    scheduler: clock.scheduler,
    random: () => 0.5,
    clientId: "dashboard-1",
    subscriptions: ["#", "$SYS/broker/#"],
    owner: {
      message: (topic, payload, retain) =>
        events.push(`${topic}=${new TextDecoder().decode(payload)}${retain ? " retained" : ""}`),
      state: (state) => states.push(state),
      beginRound: () => events.push("begin"),
      endRound: () => events.push("end"),
    },
  });
  feed.start();
});

function last(): FeedState {
  return states.at(-1) as FeedState;
}

function attempt(index: number): Attempt {
  const made = attempts[index];
  assert.ok(made, `attempt ${index} was not made`);
  return made;
}

describe("a connection", () => {
  test("is a clean session that subscribes at QoS 0, and live once that is granted", () => {
    assert.deepEqual(states, [{ kind: "connecting" }]);
    attempt(0).accept();
    const [connect, subscribe] = attempt(0).received;
    assert.ok(connect?.kind === "connect");
    assert.equal(connect.cleanStart, true);
    assert.equal(connect.clientId, "dashboard-1");
    assert.ok(subscribe?.kind === "subscribe");
    assert.deepEqual(subscribe.subscriptions, [
      { filter: "#", qos: 0 },
      { filter: "$SYS/broker/#", qos: 0 },
    ]);
    assert.deepEqual(last(), { kind: "live" });
  });

  test("hands messages on, in a round that ends when everything retained had time to come", () => {
    attempt(0).accept();
    attempt(0).send({
      kind: "publish",
      topic: "a",
      payload: new TextEncoder().encode("1"),
      qos: 0,
      retain: true,
      dup: false,
      packetId: 0,
    });
    assert.deepEqual(events, ["begin", "a=1 retained"]);
    clock.advance(4_000);
    assert.deepEqual(events, ["begin", "a=1 retained", "end"]);
  });

  test("is lost when the broker does not answer a ping", () => {
    attempt(0).accept();
    clock.advance(20_000);
    assert.equal(attempt(0).received.at(-1)?.kind, "pingreq");
    clock.advance(8_000);
    assert.equal(last().kind, "lost");
    assert.equal(attempt(0).closed, true);
  });

  test("stays live as long as pings are answered", () => {
    attempt(0).accept();
    for (let minute = 0; minute < 60; minute++) {
      clock.advance(20_000);
      attempt(0).send({ kind: "pingresp" });
    }
    assert.equal(last().kind, "live");
    assert.equal(attempts.length, 1);
  });
});

describe("a lost connection", () => {
  test("tells when the broker was last heard and when it is tried again", () => {
    attempt(0).accept();
    const heardAt = clock.wall();
    clock.advance(3_000);
    attempt(0).cut();
    assert.deepEqual(last(), {
      kind: "lost",
      heardAt,
      why: undefined,
      retryAt: clock.now() + 1_000,
    });
    clock.advance(1_000);
    attempt(1).accept();
    assert.equal(last().kind, "live");
    assert.equal(events.filter((event) => event === "begin").length, 2);
  });

  test("is tried again with growing pauses up to 15 s", () => {
    const pauses: number[] = [];
    for (let index = 0; index < 7; index++) {
      attempt(index).failed();
      const state = last();
      assert.ok(state.kind === "lost");
      assert.equal(state.heardAt, undefined);
      pauses.push(state.retryAt - clock.now());
      clock.advanceTo(state.retryAt);
    }
    assert.deepEqual(pauses, [1_000, 2_000, 4_000, 8_000, 15_000, 15_000, 15_000]);
  });

  test("is tried at once when asked, but never twice at a time", () => {
    attempt(0).failed();
    feed.retryNow();
    feed.retryNow();
    assert.equal(attempts.length, 2);
    clock.advance(5_000);
    assert.equal(attempts.length, 2);
    attempt(1).accept();
    feed.retryNow();
    assert.equal(attempts.length, 2);
  });

  test("gives up an attempt that neither opens nor fails", () => {
    clock.advance(10_000);
    assert.equal(attempt(0).cancelled, true);
    assert.equal(last().kind, "lost");
    clock.advance(1_000);
    assert.equal(attempts.length, 2);
  });

  test("does not end a round that was cut short", () => {
    attempt(0).accept();
    attempt(0).cut();
    clock.advance(10_000);
    assert.deepEqual(events, ["begin"]);
  });
});

describe("a refusal", () => {
  test("by CONNACK is told in words and tried again later", () => {
    attempt(0).open();
    attempt(0).send({ kind: "connack", sessionPresent: false, returnCode: 5 });
    const state = last();
    assert.ok(state.kind === "lost");
    assert.equal(state.why, "The broker refused this page: not authorized.");
    clock.advance(1_000);
    assert.equal(attempts.length, 2);
  });

  test("of every subscription is told in words, and pauses grow", () => {
    attempt(0).accept([0x80, 0x80]);
    const state = last();
    assert.ok(state.kind === "lost");
    assert.match(state.why ?? "", /read access/);
    assert.equal(attempt(0).closed, true);
    clock.advance(1_000);
    attempt(1).accept([0x80, 0x80]);
    const again = last();
    assert.ok(again.kind === "lost");
    assert.equal(again.retryAt - clock.now(), 2_000);
  });

  test("of some subscriptions leaves the rest live", () => {
    attempt(0).accept([0x80, 0]);
    assert.equal(last().kind, "live");
  });
});
