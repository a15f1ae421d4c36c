/** The sensor node of firmware-samples/node, as it is seen from an MQTT client. */
import type { TestContext } from "node:test";
import { mosquittoPub, mosquittoSub, type Program, type RunningMidge } from "./processes.ts";

export class SensorNode {
  readonly id: string;
  readonly #t: TestContext;
  readonly #gateway: RunningMidge;
  readonly #watcher: Program;

  private constructor(t: TestContext, gateway: RunningMidge, id: string, watcher: Program) {
    this.#t = t;
    this.#gateway = gateway;
    this.id = id;
    this.#watcher = watcher;
  }

  /** Watches the node of this id behind a gateway. */
  static async watch(t: TestContext, gateway: RunningMidge, id: string): Promise<SensorNode> {
    const short = ["-t", "sn"];
    const topics = [...short, "-t", `nodes/${id}/status`, "-t", `nodes/${id}/temperature`];
    const watcher = await mosquittoSub(
      t,
      gateway.mqttPort,
      `nodes/${id}/reply`,
      ...topics,
      "-q",
      "2",
    );
    return new SensorNode(t, gateway, id, watcher);
  }

  /** Resolves when a message came whose topic ends so, with this text. */
  async until(topic: string, text: string | RegExp): Promise<void> {
    const pattern = typeof text === "string" ? text : text.source;
    const line = new RegExp(`^${this.#topic(topic)} ${pattern}$`, "m");
    await this.#watcher.until((output) => line.test(output), `${topic} ${pattern}`);
  }

  /** All that came on a topic, in order. */
  texts(topic: string): string[] {
    const start = `${this.#topic(topic)} `;
    const lines = this.#watcher.lines.filter((line) => line.startsWith(start));
    return lines.map((line) => line.slice(start.length));
  }

  /** Sends commands to the node, at this QoS. */
  async order(qos: 0 | 1 | 2, ...commands: string[]): Promise<void> {
    for (const command of commands) {
      const words = ["-t", `nodes/${this.id}/command`, "-m", command, "-q", String(qos)];
      await mosquittoPub(this.#t, this.#gateway.mqttPort, ...words);
    }
  }

  #topic(last: string): string {
    return last === "sn" ? "sn" : `nodes/${this.id}/${last}`;
  }
}
