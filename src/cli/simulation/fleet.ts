/** All simulated nodes of one process: started one after the other, watched, and ended together. */
import type { NodeState } from "../../mqttsn-client/sn-client.ts";
import { RealTime } from "../../system/real-time.ts";
import type { Random } from "../../time/clock.ts";
import { seededRandom } from "../../time/seeded-random.ts";
import { UdpTransport } from "../udp-transport.ts";
import { BadNetwork } from "./bad-network.ts";
import type { NodePlan, Scenario } from "./scenario.ts";
import { SimulatedNode } from "./simulated-node.ts";
import { Totals } from "./totals.ts";

export interface FleetParts {
  readonly scenario: Scenario;
  /** The gateway's IP address. */
  readonly address: string;
  readonly port: number;
  readonly seed: number;
  readonly print: (line: string) => void;
  /** Something is amiss that may mend itself. */
  readonly warn: (line: string) => void;
}

/** Between the starts of two nodes unless told otherwise, ms: a gateway that begins to serve a site is not flooded either. */
const START_PACE = 2;
const STATUS_INTERVAL = 5000;
const STOP_TIMEOUT = 2000;

export class Fleet {
  readonly totals = new Totals();
  readonly #parts: FleetParts;
  readonly #time = new RealTime();
  readonly #nodes: readonly SimulatedNode[];
  #begun = 0;
  #warned = false;
  #stopping = false;

  constructor(parts: FleetParts) {
    this.#parts = parts;
    const { scenario, seed } = parts;
    this.#nodes = scenario.nodes.map((plan, index) =>
      this.#node(plan, seededRandom(seed + index * 0x9e3779b1)),
    );
  }

  /** Resolves when all nodes have begun to connect. Rejects with CommandFailure. */
  async start(): Promise<void> {
    this.#begun = this.#time.now();
    this.#time.start();
    this.#reportLater();
    const { rampUp } = this.#parts.scenario;
    const pace = rampUp === undefined ? START_PACE : (rampUp * 1000) / this.#nodes.length;
    for (const [index, node] of this.#nodes.entries()) {
      if (this.#stopping) return;
      await node.start();
      // By the clock, so that what starting takes does not add up.
      const early = this.#begun + (index + 1) * pace - this.#time.now();
      if (early > 0) await this.pause(early);
    }
  }

  /** Resolves after `delay` ms. */
  pause(delay: number): Promise<void> {
    return new Promise((resolve) => {
      this.#time.scheduler.after(delay, resolve);
    });
  }

  /** Disconnects all nodes and releases everything. */
  async stop(): Promise<void> {
    this.#stopping = true;
    const all = this.#nodes.map((node) => new Promise<void>((resolve) => node.stop(resolve)));
    await Promise.race([Promise.all(all), this.pause(STOP_TIMEOUT)]);
    const { print, scenario } = this.#parts;
    print(`In ${this.#seconds()} s: ${this.totals.describe()}.`);
    const acknowledged = scenario.nodes.every(({ qos }) => qos > 0);
    for (const line of this.totals.details(acknowledged)) print(line);
    this.#time.stop();
    for (const node of this.#nodes) node.close();
  }

  #node(plan: NodePlan, random: Random): SimulatedNode {
    const { address, port, scenario } = this.#parts;
    const { scheduler } = this.#time;
    const { frames } = this.totals;
    const udp = new UdpTransport(address, port);
    return new SimulatedNode({
      plan,
      transport: new BadNetwork(udp, scenario.network, frames, scheduler, random),
      clock: this.#time,
      scheduler,
      random,
      totals: this.totals,
      unreachable: () => this.#warn(),
    });
  }

  #reportLater(): void {
    this.#time.scheduler.after(STATUS_INTERVAL, () => {
      if (this.#stopping) return;
      this.#parts.print(`${this.#seconds()} s: ${this.#states()}; ${this.totals.describe()}`);
      this.#reportLater();
    });
  }

  #states(): string {
    const counts = new Map<NodeState, number>();
    for (const { state } of this.#nodes) counts.set(state, (counts.get(state) ?? 0) + 1);
    const parts = [...counts].map(([state, count]) => `${count} ${state}`);
    return `${this.#nodes.length} nodes: ${parts.join(", ")}`;
  }

  #seconds(): number {
    return Math.round((this.#time.now() - this.#begun) / 1000);
  }

  #warn(): void {
    if (this.#warned) return;
    this.#warned = true;
    const { address, port, warn } = this.#parts;
    warn(`Nothing listens at ${address}, UDP port ${port}; the nodes try on.`);
  }
}
