/** A Mosquitto with persistence that is stopped in order and started again: killed, it would lose data. */
import { appendFileSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { Program } from "../processes.ts";

export class RestartedMosquitto {
  readonly faults: string[] = [];
  readonly mqttPort: number;
  readonly #t: TestContext;
  readonly #folder: string;
  #program: Program | undefined;

  constructor(t: TestContext, folder: string, port: number) {
    this.#t = t;
    this.#folder = folder;
    this.mqttPort = port;
    mkdirSync(folder, { recursive: true });
  }

  async start(): Promise<void> {
    const file = join(this.#folder, "mosquitto.conf");
    writeFileSync(
      file,
      `listener ${this.mqttPort} 127.0.0.1
allow_anonymous true
user root
persistence true
persistence_location ${this.#folder}/
max_queued_messages 0
log_type error
log_type warning
log_type notice
log_type information
`,
    );
    this.#program = new Program(this.#t, "/usr/sbin/mosquitto", ["-c", file]);
    await this.#program.until((text) => text.includes("running"), "readiness");
  }

  async stop(): Promise<void> {
    const program = this.#program;
    if (program === undefined) return;
    program.signal("SIGTERM");
    const code = await program.end();
    if (code !== 0) this.faults.push(`Mosquitto ended with ${code}`);
    const said = `${program.output}${program.errors}---- ended by ${code}\n`;
    appendFileSync(join(this.#folder, "mosquitto.log"), said);
    this.#program = undefined;
  }
}
