/** Scapy, which has an MQTT-SN codec that is none of ours, as a node at the other end of UDP. */
import { join } from "node:path";
import type { TestContext } from "node:test";
import { Program } from "./processes.ts";

/** A layer's name and its fields as scapy calls them; octets are Latin-1 text. */
export type Layer = readonly [name: string, fields: Readonly<Record<string, unknown>>];

const CODEC = join(import.meta.dirname, "scapy-codec.py");
/** Debian's own, to which its packages belong. */
const PYTHON = "/usr/bin/python3";

interface Answer {
  readonly socket?: number;
  readonly layers?: readonly Layer[];
  readonly frame?: string;
}

export class Scapy {
  readonly #program: Program;
  #read = 0;

  /** `port`: where the gateway listens on 127.0.0.1. */
  constructor(t: TestContext, port = 1) {
    this.#program = new Program(t, PYTHON, [CODEC, String(port)]);
  }

  /** The frame that scapy makes of layers. */
  async build(...layers: Layer[]): Promise<Uint8Array> {
    this.#tell({ build: layers });
    return new Uint8Array(Buffer.from((await this.#answer()).frame ?? "", "hex"));
  }

  /** The layers that scapy sees in a frame. */
  async dissect(frame: Uint8Array): Promise<readonly Layer[]> {
    this.#tell({ dissect: Buffer.from(frame).toString("hex") });
    return (await this.#answer()).layers ?? [];
  }

  /** Someone at an address of its own. */
  node(socket: number): ScapyNode {
    return new ScapyNode(
      (layers) => this.#tell({ socket, send: layers }),
      () => this.#received(socket),
    );
  }

  async #received(socket: number): Promise<readonly Layer[]> {
    const answer = await this.#answer();
    if (answer.socket !== socket) throw new Error(`${JSON.stringify(answer)} is for another`);
    return answer.layers ?? [];
  }

  #tell(command: object): void {
    this.#program.write(`${JSON.stringify(command)}\n`);
  }

  async #answer(): Promise<Answer> {
    const at = this.#read++;
    // What follows the last line end may be half a line.
    const lines = (): string[] => this.#program.output.split("\n").slice(0, -1);
    await this.#program.until(() => lines().length > at, `answer ${at + 1}`);
    return JSON.parse(lines()[at] as string) as Answer;
  }
}

export class ScapyNode {
  readonly #send: (layers: readonly Layer[]) => void;
  readonly #receive: () => Promise<readonly Layer[]>;

  constructor(send: (layers: readonly Layer[]) => void, receive: () => Promise<readonly Layer[]>) {
    this.#send = send;
    this.#receive = receive;
  }

  /** Sends one message, wrapped in a header, of which fields may be given. */
  send(name: string, fields: Layer[1] = {}, header: Layer[1] = {}): void {
    this.#send([
      ["MQTTSN", header],
      [name, fields],
    ]);
  }

  sendLayers(...layers: Layer[]): void {
    this.#send(layers);
  }

  /** The next message's layers. */
  receive(): Promise<readonly Layer[]> {
    return this.#receive();
  }
}
