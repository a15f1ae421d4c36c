/**
 * A Midge that is killed at random moments under load: while it serves, while it starts, while it hands
 * out what has waited, and twice in a row. Afterwards the ledgers of all who took part are compared.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { TestContext } from "node:test";
import type { Random } from "../../../src/time/clock.ts";
import { MIDGE, runToEnd } from "../processes.ts";
import { seededRandom } from "../random.ts";
import { KillWorld, killedConfig, startRemote } from "./kill-world.ts";
import { KilledMidge, midgePorts } from "./killed-midge.ts";
import type { LedgerOutcome } from "./ledger-run.ts";
import { PacketLog } from "./packet-log.ts";
import { checkRetained } from "./retained-check.ts";
import type { Finding } from "./verdict.ts";

export interface KillSettings {
  readonly kills: number;
  readonly seed: number;
  readonly mode: "strict" | "interval";
  /** For everything that the run leaves behind. */
  readonly folder: string;
  readonly tell: (line: string) => void;
}

/** How the next life ends. */
type Death = "serving" | "starting" | "handing out" | "at once again";

/** How often each of them comes, and how long a life of it lasts, ms from and to. */
const DEATHS: readonly (readonly [Death, weight: number, from: number, to: number])[] = [
  ["serving", 55, 100, 1800],
  // From when the process is made: Node itself takes the first 100 ms.
  ["starting", 20, 0, 700],
  ["handing out", 15, 10, 300],
  ["at once again", 10, 0, 30],
];
/** A look at who is here and who is away, ms. */
const WANDERING = 250;
/** Of mode "interval", ms. */
const INTERVAL = 300;
/** What a commit in that mode may take on a busy machine, ms. */
const LATE = 700;
/** Nothing comes any more if nothing came for so long, ms. */
const QUIET = 10_000;
const GRACES = [0, 20, 50, 300];

export class KillStory {
  readonly #t: TestContext;
  readonly #settings: KillSettings;
  readonly #random: Random;
  readonly #log: PacketLog;
  /** When Midge was killed, seconds on the log's clock. */
  readonly #kills: number[] = [];

  constructor(t: TestContext, settings: KillSettings) {
    this.#t = t;
    this.#settings = settings;
    this.#random = seededRandom(settings.seed);
    this.#log = new PacketLog(join(settings.folder, "packets.log"));
  }

  async run(): Promise<LedgerOutcome> {
    const { folder } = this.#settings;
    const mosquitto = await startRemote(this.#t);
    const far = new KilledMidge(this.#t, {
      folder: join(folder, "far"),
      ...(await midgePorts()),
      more: "[broker]\nmax_queued_messages = 0\n",
    });
    const midge = new KilledMidge(this.#t, {
      folder: join(folder, "killed"),
      ...(await midgePorts()),
      more: killedConfig(mosquitto.port, far.mqttPort),
    });
    far.spawn("");
    this.#start(midge);
    await Promise.all([far.ready(), midge.ready()]);
    // One of their own, since they take turns as they like: the deaths follow from the seed alone.
    const random = seededRandom(this.#settings.seed + 1);
    const world = new KillWorld({ t: this.#t, log: this.#log, random, midge, far, mosquitto });
    this.#t.after(() => world.cast.stop());
    await world.cast.start();
    await this.#killAll(midge, world);
    const faults = await world.cast.settle(QUIET);
    const findings = this.#excused(world);
    faults.push(...findings.map(({ what }) => what), ...this.#noticed(world));
    if (this.#settings.mode === "strict") {
      faults.push(...(await this.#retained(world, midge.mqttPort, mosquitto.port)));
    }
    world.cast.stop();
    for (const one of [midge, far]) {
      await one.stop();
      faults.push(...one.faults, ...(await this.#remains(one)));
    }
    writeFileSync(join(folder, "mosquitto.log"), `${mosquitto.output}${mosquitto.errors}`);
    this.#log.flush();
    const summary = `${this.#kills.length} kills in ${this.#log.time.toFixed(0)} s, ${world.cast.describe()}`;
    return { faults, packets: world.cast.packetsOf(findings), summary };
  }

  async #killAll(midge: KilledMidge, world: KillWorld): Promise<void> {
    const random = seededRandom(this.#settings.seed + 2);
    const wandering = setInterval(() => wander(world, random), WANDERING);
    this.#t.after(() => clearInterval(wandering));
    const { kills, tell } = this.#settings;
    for (let kill = 1; kill <= kills; kill++) {
      const [death, , from, to] = this.#nextDeath();
      if (death !== "starting") await midge.ready();
      if (death === "handing out") for (const one of world.wanderers) one.come();
      await pause(from + this.#random() * (to - from));
      this.#kills.push(this.#log.time);
      await midge.kill();
      this.#log.note("MIDGE", `killed ${death}, for the ${kill}th time`);
      this.#start(midge);
      if (kill % 20 === 0) tell(`${kill} of ${kills} kills, ${world.cast.describe()}`);
    }
    await midge.ready();
    clearInterval(wandering);
  }

  #nextDeath(): (typeof DEATHS)[number] {
    let left = this.#random() * DEATHS.reduce((sum, [, weight]) => sum + weight, 0);
    for (const death of DEATHS) {
      left -= death[1];
      if (left < 0) return death;
    }
    return DEATHS[0] as (typeof DEATHS)[number];
  }

  #start(midge: KilledMidge): void {
    const grace = GRACES[Math.floor(this.#random() * GRACES.length)];
    const { mode } = this.#settings;
    midge.spawn(`mode = "${mode}"\ninterval = ${INTERVAL}\ngrace = ${grace}`);
  }

  /**
   * In mode "interval" what was acknowledged within the interval before a kill may be lost, and with it
   * what was known of identifiers, by which QoS 2 loses and doubles more. So only QoS 1 is judged there,
   * and only what one hop brings.
   */
  #excused({ cast }: KillWorld): Finding[] {
    const findings = cast.findings();
    if (this.#settings.mode === "strict") return findings;
    const within = (INTERVAL + LATE) / 1000;
    const isExcused = (time: number): boolean =>
      this.#kills.some((kill) => time <= kill && kill <= time + within);
    const streams = new Map(cast.streams.map((stream) => [stream.topic, stream]));
    return findings
      .filter(({ kind, topic }) => kind === "missing" && /^(load|slow)\/.*\/1$/.test(topic))
      .filter(({ who }) => !who.startsWith("at-"))
      .map((finding) => {
        const { acknowledged } = streams.get(finding.topic) ?? {};
        const timeOf = (number: number): number => acknowledged?.get(number) ?? 0;
        const numbers = finding.numbers.filter((number) => !isExcused(timeOf(number)));
        return { ...finding, numbers };
      })
      .filter(({ numbers }) => numbers.length > 0);
  }

  #noticed({ cast }: KillWorld): string[] {
    return this.#settings.mode === "strict" ? cast.faults() : [];
  }

  async #retained({ cast }: KillWorld, midge: number, mosquitto: number): Promise<string[]> {
    const places = [
      ["Midge", midge],
      ["Mosquitto", mosquitto],
    ] as const;
    const faults: string[] = [];
    for (const [name, port] of places) {
      const check = { name, port, filter: "kept/#", log: this.#log };
      faults.push(...(await checkRetained(check, cast.streams)));
    }
    return faults;
  }

  /** With everything delivered nothing is left in the store but sessions and what is retained. */
  async #remains({ data }: KilledMidge): Promise<string[]> {
    const run = (...words: string[]) =>
      runToEnd(this.#t, process.execPath, [MIDGE, "store", ...words, "--data", data]);
    const check = await run("check");
    const faults = check.code === 0 ? [] : [`midge store check: ${check.output}${check.errors}`];
    if (this.#settings.mode === "interval") return faults;
    const { output } = await run("dump");
    // Those who change subscriptions begin anew with each connection, and leave exchanges open.
    const left = output
      .split("\n")
      .filter((line) => /^(queued|in flight|released|received) +(?! |changing-)/.test(line));
    if (left.length > 0) faults.push(`${left.length} records are left, such as: ${left[0]}`);
    return faults;
  }
}

function wander({ wanderers }: KillWorld, random: Random): void {
  for (const one of wanderers) {
    if (random() < 0.25) one.come();
    else if (random() < 0.1) one.leave(random() < 0.5 ? "order" : "break");
  }
}

function pause(duration: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, duration));
}
