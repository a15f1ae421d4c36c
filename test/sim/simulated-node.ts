/** A node of the simulated world: publishes numbered readings, takes commands, sleeps, comes back. */
import { SnClient } from "../../src/mqttsn-client/sn-client.ts";
import type { World } from "./world.ts";

/** What a node needs of its world. */
export type Surroundings = Pick<World, "clock" | "radio" | "random">;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

export class SimulatedNode {
  readonly clientId: string;
  /** Readings that the gateway acknowledged, by QoS. */
  readonly accepted: Record<1 | 2, string[]> = { 1: [], 2: [] };
  /** Commands received, in order. */
  readonly commands: string[] = [];
  readonly #world: Surroundings;
  readonly #client: SnClient;
  readonly #sleepy: boolean;
  #address: string;
  #moves = 0;
  #count = 0;
  #busy = false;
  /** No new readings. */
  quiet = false;
  /** It leaves, or has left. */
  #gone = false;

  constructor(world: Surroundings, index: number) {
    const { clock, radio } = world;
    this.#world = world;
    this.clientId = `n${index}`;
    this.#sleepy = index % 3 === 2;
    this.#address = `${this.clientId}@0`;
    let transmit = this.#place();
    this.#client = new SnClient({
      clock,
      scheduler: clock.scheduler,
      random: world.random,
      clientId: this.clientId,
      retryInterval: 2000,
      retryLimit: 4,
      waitInterval: 5000,
      send: (frame) => transmit(frame),
      listener: {
        message: ({ payload }) => this.commands.push(decoder.decode(payload)),
        disconnected: () => this.#connectLater(),
      },
    });
    this.#moveNow = () => {
      radio.remove(this.#address);
      this.#address = `${this.clientId}@${++this.#moves}`;
      transmit = this.#place();
    };
    this.#connectLater();
  }

  /** The node's address changes under it, as behind a NAT. */
  move(): void {
    this.#moveNow();
  }

  /** Disconnects for good. */
  leave(): void {
    this.#gone = true;
    this.#client.disconnect();
  }

  readonly #moveNow: () => void;

  #place(): (frame: Uint8Array) => void {
    return this.#world.radio.place(this.#address, (frame) => this.#client.receive(frame));
  }

  #connectLater(): void {
    this.#after(500, () => this.#connect());
  }

  #connect(): void {
    if (this.#gone || this.#client.state !== "disconnected") return;
    this.#client.connect({ cleanSession: false, duration: 20 }, (outcome) => {
      if (outcome !== "accepted") {
        this.#connectLater();
        return;
      }
      const name = `down/${this.clientId}`;
      this.#client.subscribe({ type: "name", name }, 2, () => {});
      if (!this.#busy) {
        this.#busy = true;
        this.#live();
      }
    });
  }

  /** One reading after the other; a sleepy node sleeps between them. */
  #live(): void {
    if (this.#gone) return;
    if (!this.quiet && this.#client.state !== "disconnected") this.#publish();
    if (this.#sleepy && this.#client.state === "active") {
      this.#client.sleep(15, () => {});
    } else if (this.#client.state === "asleep") {
      this.#client.wake(() => {});
    }
    this.#after(4000, () => this.#live());
  }

  #publish(): void {
    if (this.#client.state !== "active") return;
    const qos = this.#count % 2 === 0 ? 1 : 2;
    const reading = `${this.clientId}:${this.#count++}`;
    const topic = { type: "name", name: `up/${this.clientId}` } as const;
    const payload = encoder.encode(reading);
    this.#client.publish({ topic, payload, qos, retain: false }, (outcome) => {
      if (outcome === "accepted") this.accepted[qos].push(reading);
    });
  }

  #after(longest: number, action: () => void): void {
    this.#world.clock.scheduler.after(this.#world.random() * longest + 1, action);
  }
}
