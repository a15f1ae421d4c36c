/** The parts of `midge simulate`: its bad network, and what it says at the end. */
import assert from "node:assert/strict";
import { it } from "node:test";
import { BadNetwork, type NetworkFaults } from "../../../src/cli/simulation/bad-network.ts";
import { Delays } from "../../../src/cli/simulation/delays.ts";
import { Totals } from "../../../src/cli/simulation/totals.ts";
import type { SnTransport, SnTransportEnd } from "../../../src/cli/sn-transport.ts";
import { seededRandom } from "../../kit/random.ts";
import { VirtualClock } from "../../kit/virtual-clock.ts";

class Wire implements SnTransport {
  readonly where = "here";
  readonly maximumFrame = 100;
  readonly sent: number[] = [];
  end: SnTransportEnd | undefined;
  closed = false;

  open(end: SnTransportEnd): Promise<void> {
    this.end = end;
    return Promise.resolve();
  }

  send(frame: Uint8Array): void {
    this.sent.push(frame[0] ?? 0);
  }

  close(): void {
    this.closed = true;
  }
}

const FINE: NetworkFaults = { loss: 0, duplicate: 0, reorder: 0, delay: 0 };

function network(faults: Partial<NetworkFaults>) {
  const clock = new VirtualClock();
  const wire = new Wire();
  const { frames } = new Totals();
  const all = { ...FINE, ...faults };
  const bad = new BadNetwork(wire, all, frames, clock.scheduler, seededRandom(1));
  return { clock, wire, frames, bad };
}

function sendMany(bad: BadNetwork, count: number): void {
  for (let n = 0; n < count; n++) bad.send(Uint8Array.of(n % 256));
}

it("a network without faults passes everything on at once", async () => {
  const { wire, frames, bad } = network({});
  const heard: number[] = [];
  await bad.open({ receive: (frame) => heard.push(frame[0] ?? 0), unreachable() {}, ended() {} });
  sendMany(bad, 3);
  wire.end?.receive(Uint8Array.of(9));
  assert.deepEqual([wire.sent, heard], [[0, 1, 2], [9]]);
  assert.deepEqual(frames, { sent: 3, received: 1, lost: 0, duplicated: 0, reordered: 0 });
});

it("loses and doubles about as many as it is told, and counts them", () => {
  const { wire, frames, bad } = network({ loss: 0.2, duplicate: 0.1 });
  sendMany(bad, 2000);
  assert.ok(frames.lost > 300 && frames.lost < 500, String(frames.lost));
  assert.ok(frames.duplicated > 100 && frames.duplicated < 220, String(frames.duplicated));
  assert.equal(wire.sent.length, 2000 - frames.lost + frames.duplicated);
});

it("frames that are held back are overtaken, and none is lost", () => {
  const { clock, wire, frames, bad } = network({ reorder: 0.2 });
  for (let n = 0; n < 100; n++) {
    bad.send(Uint8Array.of(n));
    clock.advance(10);
  }
  clock.advance(1000);
  assert.ok(frames.reordered > 5);
  const ordered = [...wire.sent].sort((a, b) => a - b);
  assert.notDeepEqual(wire.sent, ordered);
  assert.deepEqual(
    ordered,
    Array.from({ length: 100 }, (_, n) => n),
  );
});

it("a delay is the same for all, and a closed network delivers nothing more", () => {
  const { clock, wire, bad } = network({ delay: 50 });
  sendMany(bad, 2);
  clock.advance(49);
  assert.deepEqual(wire.sent, []);
  clock.advance(1);
  assert.deepEqual(wire.sent, [0, 1]);
  sendMany(bad, 1);
  bad.close();
  clock.advance(100);
  assert.deepEqual([wire.sent.length, wire.closed, clock.scheduler.size], [2, true, 0]);
});

it("percentiles of delays are right within a class", () => {
  const delays = new Delays();
  assert.equal(delays.percentile(0.5), 0);
  for (let delay = 1; delay <= 1000; delay++) delays.add(delay);
  const half = delays.percentile(0.5);
  assert.ok(half >= 500 && half < 530, String(half));
  assert.equal(delays.percentile(1), 1000);
  assert.deepEqual([delays.count, delays.longest], [1000, 1000]);
});

it("the summary tells what was lost, and what the network did to it", () => {
  const totals = new Totals();
  Object.assign(totals, { offered: 10, published: 7, failed: 2, skipped: 1, refused: 3 });
  Object.assign(totals.frames, { sent: 30, received: 20, lost: 4, duplicated: 1, reordered: 2 });
  assert.deepEqual(totals.details(true), [
    "Lost: 2 readings were refused or not answered, 1 were skipped as too much waited, 1 were on their way at the end.",
    "CONNECT was refused or not answered 3 times.",
    "The simulated network lost 4, doubled 1 and held back 2 of 50 frames.",
  ]);
});

it("where nothing was lost the summary says so, as far as the nodes can know", () => {
  const totals = new Totals();
  Object.assign(totals, { offered: 10, published: 10 });
  assert.deepEqual(totals.details(true), ["Lost: nothing."]);
  assert.deepEqual(totals.details(false), ["Lost: nothing that the nodes know of."]);
});
