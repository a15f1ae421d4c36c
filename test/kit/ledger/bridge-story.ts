/**
 * A Midge whose bridge goes through a bad network to another broker, while either end is killed or
 * restarted now and then. Afterwards the ledgers of publishers and subscribers at both are compared.
 */
import { join } from "node:path";
import type { TestContext } from "node:test";
import type { Random } from "../../../src/time/clock.ts";
import { freePort } from "../ports.ts";
import { seededRandom } from "../random.ts";
import {
  BRIDGE_ID,
  bridgeCast,
  type RemoteBroker,
  remoteMidge,
  remoteMosquitto,
  siteConfig,
} from "./bridge-world.ts";
import type { Cast } from "./cast.ts";
import { KilledMidge, midgePorts } from "./killed-midge.ts";
import type { LedgerOutcome } from "./ledger-run.ts";
import { PacketLog } from "./packet-log.ts";
import { retainedAt } from "./retained-check.ts";
import { numberOf } from "./stream.ts";
import { TroubledProxy } from "./troubled-proxy.ts";
import type { Finding } from "./verdict.ts";
import type { Way } from "./wire-witness.ts";

export interface BridgeSettings {
  readonly seconds: number;
  readonly seed: number;
  /** What the bridge connects to. */
  readonly remote: "mosquitto" | "midge";
  readonly protocol: "mqttv311" | "mqttv50";
  /** For everything that the run leaves behind. */
  readonly folder: string;
  readonly tell: (line: string) => void;
}

/** What the network does, or is done to the brokers, and how often. */
const TROUBLES = {
  cut: 12,
  "cut within": 16,
  "half-close": 10,
  delay: 8,
  stall: 8,
  forsake: 6,
  refuse: 8,
  trickle: 8,
  "kill site": 6,
  "interrupt remote": 5,
} as const;
type Trouble = keyof typeof TROUBLES;

/** Nothing comes any more if nothing came for so long, ms: a keepalive, and two attempts to connect. */
const QUIET = 20_000;
/** Peace between two troubles, ms from and to. */
const PEACE = [150, 1800] as const;
/** The longest that the network stalls, part of the whole time, and ms. */
const LONGEST_PART = 0.15;
const LONGEST = 12_000;
const LONGEST_DELAY = 300;
/** Bytes until a cut. */
const SOON = 600;
const PROGRESS = 30_000;
const STATE_PATIENCE = 30_000;
const LOOK = 200;

/** Whether it came twice to a subscriber of Mosquitto's since that published it again after its PUBREL. */
function isRepublished({ who, kind, topic, numbers }: Finding, { subscribers }: Cast): boolean {
  const { republished } = subscribers.find(({ clientId }) => clientId === who) ?? {};
  if (kind !== "twice" || !topic.startsWith("up/") || republished === undefined) return false;
  return numbers.every((number) => republished.has(`${topic} ${number}`));
}

export class BridgeStory {
  readonly #t: TestContext;
  readonly #settings: BridgeSettings;
  readonly #random: Random;
  readonly #log: PacketLog;
  readonly #counts = new Map<Trouble, number>();

  constructor(t: TestContext, settings: BridgeSettings) {
    this.#t = t;
    this.#settings = settings;
    this.#random = seededRandom(settings.seed);
    this.#log = new PacketLog(join(settings.folder, "packets.log"));
  }

  async run(): Promise<LedgerOutcome> {
    const { folder, protocol, remote: kind } = this.#settings;
    const make = kind === "midge" ? remoteMidge : remoteMosquitto;
    const remote = await make(this.#t, folder);
    const proxy = new TroubledProxy({
      port: await freePort(),
      target: remote.mqttPort,
      level: protocol === "mqttv50" ? 5 : 4,
      log: this.#log,
    });
    this.#t.after(() => proxy.stop());
    const site = new KilledMidge(this.#t, {
      folder: join(folder, "site"),
      ...(await midgePorts()),
      more: siteConfig(proxy.port, protocol),
    });
    await Promise.all([proxy.open(), remote.start(), this.#start(site)]);
    // One of their own, since they take turns as they like: the troubles follow from the seed alone.
    const random = seededRandom(this.#settings.seed + 1);
    const cast = bridgeCast(site.mqttPort, remote.mqttPort, this.#log, random);
    this.#t.after(() => cast.stop());
    // What is published before the bridge has subscribed there is not for it.
    const faults = await this.#state(remote.name, remote.mqttPort);
    await cast.start();
    await this.#trouble(proxy, site, remote, cast);
    faults.push(...(await cast.settle(QUIET)));
    const isOurs = (finding: Finding): boolean =>
      kind === "midge" || !(proxy.witness.isRemotes(finding) || isRepublished(finding, cast));
    const all = cast.findings();
    const findings = all.filter(isOurs);
    faults.push(...findings.map(({ what }) => what), ...cast.faults());
    faults.push(...(await this.#state("Midge", site.mqttPort)));
    faults.push(...(await this.#state(remote.name, remote.mqttPort)));
    cast.stop();
    await site.stop();
    await remote.stop();
    faults.push(...site.faults, ...remote.faults);
    this.#log.flush();
    const excused = all.length - findings.length;
    const summary = `${this.#summary(cast)}${excused > 0 ? `; ${excused} findings are Mosquitto's own` : ""}`;
    return { faults, packets: cast.packetsOf(findings), summary };
  }

  async #start(site: KilledMidge): Promise<void> {
    site.spawn("grace = 20");
    await site.ready();
  }

  async #trouble(
    proxy: TroubledProxy,
    site: KilledMidge,
    remote: RemoteBroker,
    cast: Cast,
  ): Promise<void> {
    const { seconds, tell } = this.#settings;
    const end = performance.now() + seconds * 1000;
    let told = performance.now();
    while (performance.now() < end) {
      await this.#pause(...PEACE);
      const trouble = this.#next();
      this.#counts.set(trouble, 1 + (this.#counts.get(trouble) ?? 0));
      this.#log.note("TROUBLE", trouble);
      await this.#cause(trouble, proxy, site, remote);
      if (performance.now() - told < PROGRESS) continue;
      told = performance.now();
      tell(`${Math.round((end - told) / 1000)} s to go, ${cast.describe()}`);
    }
  }

  #next(): Trouble {
    let left = this.#random() * Object.values(TROUBLES).reduce((sum, weight) => sum + weight, 0);
    for (const [trouble, weight] of Object.entries(TROUBLES)) {
      left -= weight;
      if (left < 0) return trouble as Trouble;
    }
    return "cut";
  }

  async #cause(
    trouble: Trouble,
    proxy: TroubledProxy,
    site: KilledMidge,
    remote: RemoteBroker,
  ): Promise<void> {
    const way: Way = this.#random() < 0.5 ? "up" : "down";
    switch (trouble) {
      case "cut":
        proxy.cut();
        return;
      case "cut within":
        proxy.cutAfter(way, 1 + Math.floor(this.#random() * SOON));
        return;
      case "half-close":
        proxy.halfClose(way);
        return;
      case "delay":
        proxy.delay(this.#random() * LONGEST_DELAY);
        await this.#aWhile();
        proxy.delay(0);
        return;
      case "stall":
        proxy.stall(true);
        await this.#aWhile();
        if (this.#random() < 0.3) proxy.cut();
        proxy.stall(false);
        return;
      case "forsake":
        proxy.forsake();
        return;
      case "refuse":
        proxy.refuse();
        proxy.cut();
        await this.#aWhile(4);
        await proxy.open();
        return;
      case "trickle":
        proxy.trickle(true);
        await this.#aWhile(3);
        proxy.trickle(false);
        return;
      case "kill site":
        await site.kill();
        await this.#pause(0, 1000);
        await this.#start(site);
        return;
      case "interrupt remote":
        await remote.interrupt();
        await this.#pause(0, 1000);
        await remote.start();
    }
  }

  /** As long as trouble lasts; shorter by `divisor`. */
  #aWhile(divisor = 1): Promise<void> {
    const longest = Math.min(LONGEST, this.#settings.seconds * 1000 * LONGEST_PART);
    return this.#pause(200, longest / divisor);
  }

  #pause(from: number, to: number): Promise<void> {
    const duration = from + this.#random() * Math.max(0, to - from);
    return new Promise((resolve) => setTimeout(resolve, duration));
  }

  /** The bridge is to be said to be connected at either end. */
  async #state(name: string, port: number): Promise<string[]> {
    const filter = `$SYS/broker/connection/${BRIDGE_ID}/state`;
    const deadline = performance.now() + STATE_PATIENCE;
    let shown = "nothing";
    while (performance.now() < deadline) {
      const kept = await retainedAt({ name, port, filter, log: this.#log, most: 1 });
      const message = kept?.get(filter);
      if (message !== undefined) shown = String(numberOf(message.payload));
      if (shown === "1") return [];
      await new Promise((resolve) => setTimeout(resolve, LOOK));
    }
    return [`${name} says of the bridge's state ${shown}, not 1`];
  }

  #summary(cast: Cast): string {
    const counts = [...this.#counts].map(([trouble, count]) => `${trouble} ${count}`);
    return `${this.#log.time.toFixed(0)} s, ${cast.describe()}; ${counts.sort().join(", ")}`;
  }
}
