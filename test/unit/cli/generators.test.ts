/** Values of simulated nodes stay plausible, repeat with the seed, and obey commands. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { GENERATORS, makeGenerator, type Reading } from "../../../src/cli/simulation/generators.ts";
import { seededRandom } from "../../kit/random.ts";

function readings(name: (typeof GENERATORS)[number], count: number, seed = 1): Reading[] {
  const generator = makeGenerator(name, seededRandom(seed));
  return Array.from({ length: count }, () => generator.read(5)).filter(
    (reading) => reading !== undefined,
  );
}

function values(list: readonly Reading[], key: string): number[] {
  return list.map((reading) => Number(reading[key]));
}

for (const name of GENERATORS) {
  it(`${name} tells something at once, and the same with the same seed`, () => {
    const generator = makeGenerator(name, seededRandom(3));
    assert.notEqual(generator.read(0), undefined);
    assert.deepEqual(readings(name, 50, 7), readings(name, 50, 7));
  });
}

it("weather stays within what weather does, and moves by small steps", () => {
  const list = readings("weather", 20_000);
  for (const [key, low, high, step] of [
    ["temperature", -10, 45, 2],
    ["humidity", 5, 100, 8],
    ["pressure", 960, 1060, 3],
  ] as const) {
    const series = values(list, key);
    assert.ok(Math.min(...series) >= low, key);
    assert.ok(Math.max(...series) <= high, key);
    assert.ok(new Set(series).size > 5, key);
    const steps = series.slice(1).map((value, index) => Math.abs(value - Number(series[index])));
    assert.ok(Math.max(...steps) <= step, `${key} moves by ${Math.max(...steps)}`);
  }
});

it("a door opens and closes, tells changes and signs of life, and uses its battery up slowly", () => {
  const list = readings("door", 500);
  const states = list.map(({ state }) => state);
  assert.deepEqual(new Set(states), new Set(["open", "closed"]));
  assert.ok(list.length < 500, "not every look at the door is told");
  const battery = values(list, "battery");
  assert.ok(battery.every((value, index) => index === 0 || value <= Number(battery[index - 1])));
  assert.ok(Number(battery.at(-1)) > 70);
});

describe("a tank", () => {
  it("stays between empty and full, whatever happens", () => {
    for (const level of values(readings("level", 5000), "level")) {
      assert.ok(level >= 0 && level <= 100);
    }
  });

  it("drains when its valve is told to open, and fills when told to close", () => {
    const tank = makeGenerator("level", seededRandom(1));
    const level = (): number => Number(tank.read(3)?.level);
    assert.equal(tank.command("open"), true);
    const before = level();
    assert.equal(tank.read(0)?.valve, "open");
    assert.ok(level() < before);
    assert.equal(tank.command('"OFF"\n'), true);
    const low = level();
    assert.ok(level() > low);
  });

  it("ignores what is no command", () => {
    const tank = makeGenerator("level", seededRandom(1));
    assert.equal(tank.command("explode"), false);
    assert.equal(tank.command(""), false);
  });
});

it("a counter counts", () => {
  assert.deepEqual(values(readings("counter", 3), "count"), [0, 1, 2]);
});
