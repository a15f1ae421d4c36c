/**
 * Node ↔ gateway ↔ another broker, in both upstream modes, under loss, duplication, reordering, address
 * changes, a breaking network and power cuts: nothing that was acknowledged is lost. A seed that fails
 * is named and can be run alone: MIDGE_SIM_SEED=n. MIDGE_SIM_SEEDS=n runs more.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Random } from "../../src/time/clock.ts";
import { UpstreamWorld } from "./upstream-world.ts";

const SECOND = 1000;

interface Trouble {
  readonly mode: "transparent" | "aggregating";
  readonly level: 4 | 5;
  readonly powerCuts: boolean;
}

/** Lets things go wrong for a minute, then waits until all is quiet. */
function live(seed: number, { mode, level, powerCuts }: Trouble): UpstreamWorld {
  const weather = { loss: 0.15, duplication: 0.1, minimumDelay: 1, jitter: 30 };
  const world = new UpstreamWorld({ seed, nodes: 4, weather, mode, level });
  const { clock, random, uplink } = world;
  const end = 60 * SECOND;
  let commands = 0;
  const during = (mean: number, action: () => void): void => {
    const again = (): void => {
      clock.scheduler.after(-Math.log(1 - random()) * mean, () => {
        if (clock.now() > end) return;
        action();
        again();
      });
    };
    again();
  };
  during(700, () => {
    const node = world.nodes[pick(random, world.nodes.length)];
    if (node === undefined) return;
    const qos = random() < 0.5 ? 1 : 2;
    world.cloud.publish(`down/${node.clientId}`, `${node.clientId}#${commands++}q${qos}`, qos);
  });
  during(9 * SECOND, () => uplink.cut());
  during(20 * SECOND, () => {
    uplink.up = false;
    uplink.cut();
    clock.scheduler.after(random() * 8 * SECOND, () => {
      uplink.up = true;
    });
  });
  during(15 * SECOND, () => world.nodes[pick(random, world.nodes.length)]?.move());
  if (powerCuts) {
    during(12 * SECOND, () => {
      world.powerOff();
      world.powerOn();
    });
  }
  clock.advanceTo(end);
  world.calm();
  for (const node of world.nodes) node.quiet = true;
  // Long enough for retransmissions, waits after congestion and the longest sleep.
  for (let waits = 0; waits < 40; waits++) clock.advance(10 * SECOND);
  return world;
}

function pick(random: Random, count: number): number {
  return Math.floor(random() * count);
}

function duplicates(items: readonly string[]): string[] {
  const seen = new Set<string>();
  return items.filter((item) => seen.has(item) || !seen.add(item));
}

function missing(expected: readonly string[], found: readonly string[]): string[] {
  const there = new Set(found);
  return expected.filter((item) => !there.has(item));
}

function seeds(): number[] {
  const only = process.env.MIDGE_SIM_SEED;
  if (only !== undefined) return [Number(only)];
  const count = Number(process.env.MIDGE_SIM_SEEDS ?? 20);
  return Array.from({ length: count }, (_, index) => index + 1);
}

function check(world: UpstreamWorld, name: string): void {
  const readings = world.cloud.entries.map(({ payload }) => payload);
  let acknowledged = 0;
  for (const node of world.nodes) {
    const { accepted } = node;
    acknowledged += accepted[1].length + accepted[2].length;
    assert.deepEqual(missing(accepted[1], readings), [], `${name}: QoS 1 readings lost`);
    assert.deepEqual(missing(accepted[2], readings), [], `${name}: QoS 2 readings lost`);
    const commands = world.cloud.accepted.filter((command) =>
      command.startsWith(`${node.clientId}#`),
    );
    if (node.commands.length > 0) {
      const first = commands.indexOf(node.commands[0] as string);
      assert.deepEqual(missing(commands.slice(first), node.commands), [], `${name}: commands lost`);
    }
    const twice = duplicates(readings).filter((reading) => accepted[2].includes(reading));
    assert.deepEqual(twice, [], `${name}: QoS 2 readings doubled`);
    const doubled = duplicates(node.commands).filter((command) => command.endsWith("q2"));
    assert.deepEqual(doubled, [], `${name}: QoS 2 commands doubled`);
  }
  assert.ok(acknowledged > 10, `${name}: readings were acknowledged`);
  assert.equal(world.backlog, 0, `${name}: nothing is left waiting`);
}

for (const mode of ["transparent", "aggregating"] as const) {
  for (const level of [4, 5] as const) {
    const how = `${mode} over MQTT ${level === 4 ? "3.1.1" : "5.0"}`;
    for (const powerCuts of [false, true]) {
      const what = powerCuts ? "power cuts as well" : "loss, moves and a breaking network";
      test(`${how}: nothing acknowledged is lost and QoS 2 comes once, through ${what}`, () => {
        for (const seed of seeds()) {
          check(live(seed, { mode, level, powerCuts }), `${how}, seed ${seed}`);
        }
      });
    }
  }
}
