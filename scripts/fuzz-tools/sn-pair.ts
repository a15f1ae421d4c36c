/** A node that behaves: what it publishes must be acknowledged, and come back to it, in time. */
import { createSocket, type Socket } from "node:dgram";
import { decodeMessage } from "../../src/mqttsn/decode.ts";
import { describeMessage } from "../../src/mqttsn/describe.ts";
import { SnClient } from "../../src/mqttsn-client/sn-client.ts";
import { RealTime } from "../../src/system/real-time.ts";

/** Between messages, ms. */
const INTERVAL = 100;
/** A message that takes longer counts as lost, ms: datagrams wait in line behind all the others. */
const PATIENCE = 30_000;
/** Messages of the node that are kept to tell what went wrong. */
const KEPT = 30;
const TOPIC = { type: "name", name: "well-behaved/node" } as const;

export class SnPair {
  /** What went wrong. */
  failure: string | undefined;
  /** Messages that went through. */
  count = 0;
  /** The longest that one took, ms. */
  slowest = 0;
  readonly #time = new RealTime();
  readonly #socket: Socket;
  readonly #client: SnClient;
  readonly #last: string[] = [];
  #running = true;
  #awaited = "";
  #arrived: () => void = () => {};

  /** `port`: of the gateway on 127.0.0.1. */
  constructor(port: number) {
    this.#socket = createSocket("udp4");
    this.#socket.on("message", (bytes) => {
      this.#note("received", bytes);
      this.#client.receive(bytes);
    });
    this.#socket.on("error", () => {});
    this.#client = new SnClient({
      clock: this.#time,
      scheduler: this.#time.scheduler,
      random: Math.random,
      clientId: "well-behaved-node",
      // On loopback too, a datagram may be dropped under load.
      retryInterval: 3000,
      retryLimit: 10,
      send: (frame) => {
        this.#note("sent", frame);
        this.#socket.send(frame, port, "127.0.0.1");
      },
      listener: {
        message: ({ payload }) => {
          if (new TextDecoder().decode(payload) === this.#awaited) this.#arrived();
        },
        disconnected: (cause) => {
          if (this.#running) this.#fail(`the node was disconnected: ${cause}`);
        },
      },
    });
  }

  /** Connects and subscribes; rejects if that does not succeed. */
  async start(): Promise<void> {
    this.#time.start();
    await this.#ask("connecting", (done) =>
      this.#client.connect({ cleanSession: true, duration: 60 }, done),
    );
    await this.#ask("subscribing", (done) => this.#client.subscribe(TOPIC, 1, done));
    void this.#run();
  }

  stop(): void {
    this.#running = false;
    this.#time.stop();
    this.#socket.close();
  }

  async #run(): Promise<void> {
    for (let number = 1; this.#running; number++) {
      const began = performance.now();
      try {
        await this.#exchange(String(number));
      } catch (error) {
        if (this.#running) this.#fail((error as Error).message);
        return;
      }
      this.count++;
      this.slowest = Math.max(this.slowest, performance.now() - began);
      await new Promise((resolve) => setTimeout(resolve, INTERVAL));
    }
  }

  #fail(why: string): void {
    this.failure ??= [why, "What the node saw last:", ...this.#last].join("\n  ");
  }

  #note(what: string, frame: Uint8Array): void {
    const message = decodeMessage(frame);
    const text = message.kind === "fault" ? message.detail : describeMessage(message);
    this.#last.push(`${new Date().toISOString()} ${what} ${text}`);
    if (this.#last.length > KEPT) this.#last.shift();
  }

  async #exchange(text: string): Promise<void> {
    this.#awaited = text;
    const payload = new TextEncoder().encode(text);
    const arrived = new Promise<void>((resolve, reject) => {
      const timer = setTimeout(
        () => reject(new Error(`the node's message did not come back in ${PATIENCE / 1000} s`)),
        PATIENCE,
      );
      this.#arrived = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    const acknowledged = this.#ask("publishing", (done) =>
      this.#client.publish({ topic: TOPIC, payload, qos: 1, retain: false }, done),
    );
    await Promise.all([acknowledged, arrived]);
  }

  #ask(what: string, start: (done: (outcome: string) => void) => void): Promise<void> {
    return new Promise((resolve, reject) => {
      start((outcome) => {
        if (outcome === "accepted") resolve();
        else reject(new Error(`the well-behaved node's ${what} ended with "${outcome}"`));
      });
    });
  }
}
