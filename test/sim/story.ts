/**
 * A minute in which everything goes wrong that can, as a seed has it, then calm, then everybody
 * leaves; and what must hold of it.
 */
import type { Random } from "../../src/time/clock.ts";
import { seededRandom } from "../kit/random.ts";
import type { Weather } from "./network.ts";
import { World } from "./world.ts";

export interface Trouble {
  /** The gateway's power goes now and then. */
  readonly powerCuts: boolean;
}

const SECOND = 1000;
const TROUBLED = 60 * SECOND;
const NODES = 4;
/** Of messages about which the same is to be said. */
const SHOWN = 5;

/** Lets things go wrong for a minute, then waits until all is quiet. */
export function live(seed: number, trouble: Trouble): World {
  const world = new World({ seed, nodes: NODES, weather: weatherOf(seed) });
  const { clock, random, uplink } = world;
  let commands = 0;
  const during = (mean: number, action: () => void): void => {
    const again = (): void => {
      clock.scheduler.after(-Math.log(1 - random()) * mean, () => {
        if (clock.now() > TROUBLED) return;
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
    world.cloud.publish(`cmd/down/${node.clientId}`, `${node.clientId}#${commands++}q${qos}`, qos);
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
  if (trouble.powerCuts) {
    during(12 * SECOND, () => {
      world.powerOff();
      world.powerOn();
    });
  }
  clock.advanceTo(TROUBLED);
  world.calm();
  for (const node of world.nodes) node.quiet = true;
  // Long enough for retransmissions, waits after congestion and the longest sleep.
  clock.advance(400 * SECOND);
  return world;
}

/** From mild to foul. Frames overtake each other, but none comes after it was given up for lost. */
function weatherOf(seed: number): Weather {
  const random = seededRandom(seed ^ 0x2545f491);
  return {
    loss: random() * 0.35,
    duplication: random() * 0.3,
    minimumDelay: 1,
    jitter: random() < 0.5 ? 30 : random() * 300,
  };
}

function pick(random: Random, count: number): number {
  return Math.floor(random() * count);
}

/** What is wrong with a world that has come to rest, in words; nothing if all is well. */
export function faultsOf(world: World): string[] {
  const faults: string[] = [...world.watch.faults];
  const tell = (what: string, items: readonly unknown[]): void => {
    const more = items.length > SHOWN ? ` and ${items.length - SHOWN} more` : "";
    if (items.length > 0) faults.push(`${what}: ${items.slice(0, SHOWN).join(", ")}${more}`);
  };
  const readings = world.cloud.entries.map(({ payload }) => payload);
  let acknowledged = 0;
  for (const { clientId, accepted, commands } of world.nodes) {
    acknowledged += accepted[1].length + accepted[2].length;
    tell("QoS 1 readings lost", missing(accepted[1], readings));
    tell("QoS 2 readings lost", missing(accepted[2], readings));
    const own = readings.filter((reading) => reading.startsWith(`${clientId}:`));
    for (const parity of [0, 1]) {
      const numbers = own.map(numberOf).filter((number) => number % 2 === parity);
      tell("readings out of order", disordered(numbers));
    }
    const twice = duplicates(readings).filter((reading) => accepted[2].includes(reading));
    tell("QoS 2 readings doubled", twice);
    const sent = world.cloud.accepted.filter((command) => command.startsWith(`${clientId}#`));
    const [first] = commands;
    // What was sent before it subscribed is not for it.
    const its = sent.filter(
      (command) => first !== undefined && numberOf(command) >= numberOf(first),
    );
    tell("commands lost", missing(its, commands));
    for (const end of ["q1", "q2"]) {
      const numbers = commands.filter((command) => command.endsWith(end)).map(numberOf);
      tell("commands out of order", disordered(numbers));
    }
    tell(
      "QoS 2 commands doubled",
      duplicates(commands).filter((command) => command.endsWith("q2")),
    );
  }
  if (acknowledged < NODES) faults.push(`only ${acknowledged} readings were acknowledged`);
  if (world.backlog > 0) faults.push(`${world.backlog} messages are left waiting`);
  return faults;
}

/** Has everybody leave and be forgotten; what stays behind all the same, in words. */
export function remainsOf(world: World): string[] {
  for (const node of world.nodes) node.leave();
  world.clock.advance(60 * SECOND);
  const forgotten = world.forgetNodes();
  world.clock.advance(SECOND);
  const remains = world.remains();
  return forgotten === NODES ? remains : [`${NODES - forgotten} nodes were not known`, ...remains];
}

/** The number in "n1:7" and "n1#12q2". */
function numberOf(payload: string): number {
  return Number(/[:#](\d+)/.exec(payload)?.[1]);
}

/** Those that come for the first time after a later one did. */
function disordered(numbers: readonly number[]): number[] {
  const seen = new Set<number>();
  let highest = -1;
  return numbers.filter((number) => {
    const late = number < highest && !seen.has(number);
    seen.add(number);
    highest = Math.max(highest, number);
    return late;
  });
}

function duplicates(items: readonly string[]): string[] {
  const seen = new Set<string>();
  return items.filter((item) => seen.has(item) || !seen.add(item));
}

function missing(expected: readonly string[], found: readonly string[]): string[] {
  const there = new Set(found);
  return expected.filter((item) => !there.has(item));
}
