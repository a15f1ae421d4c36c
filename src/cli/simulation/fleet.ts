/** All simulated nodes of one process: started one after the other, watched, and ended together. */
import type { NodeState } from "../../mqttsn-client/sn-client.ts";
import { RealTime } from "../../system/real-time.ts";
import { seededRandom } from "../../time/seeded-random.ts";
import type { NodePlan } from "./scenario.ts";
import { SimulatedNode } from "./simulated-node.ts";
import { Totals } from "./totals.ts";

export interface FleetParts {
  readonly plans: readonly NodePlan[];
  /** The gateway's IP address. */
  readonly address: string;
  readonly port: number;
  readonly seed: number;
  readonly print: (line: string) => void;
  /** Something is amiss that may mend itself. */
  readonly warn: (line: string) => void;
}

/** Between the starts of two nodes, ms: a gateway that begins to serve a site is not flooded either. */
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
    const { plans, address, port, seed } = parts;
    this.#nodes = plans.map(
      (plan, index) =>
        new SimulatedNode({
          plan,
          address,
          port,
          clock: this.#time,
          scheduler: this.#time.scheduler,
          random: seededRandom(seed + index * 0x9e3779b1),
          totals: this.totals,
          unreachable: () => this.#warn(),
        }),
    );
  }

  /** Resolves when all nodes have begun to connect. Rejects with CommandFailure. */
  async start(): Promise<void> {
    this.#begun = this.#time.now();
    this.#time.start();
    this.#reportLater();
    for (const node of this.#nodes) {
      if (this.#stopping) return;
      await node.start();
      await this.pause(START_PACE);
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
    this.#parts.print(`In ${this.#seconds()} s: ${this.totals.describe()}.`);
    this.#time.stop();
    for (const node of this.#nodes) node.close();
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
