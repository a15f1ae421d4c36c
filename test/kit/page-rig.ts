/** The built page behind our own HTTP server and WebSocket acceptor, with aedes as the broker. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buildPage } from "../../scripts/build-page.ts";
import type { HealthFacts } from "../../src/http/facts.ts";
import { healthOf } from "../../src/http/health.ts";
import { HttpServer } from "../../src/http/http-server.ts";
import { WebSocketAcceptor } from "../../src/listeners/websocket-acceptor.ts";
import { FlushTurn } from "../../src/sockets/flush-turn.ts";
import { aedesBehindWires } from "./aedes-behind-wire.ts";
import { FACTS } from "./process-facts.ts";
import { SilentLog } from "./silent-log.ts";

type Broker = Awaited<ReturnType<typeof aedesBehindWires>>;

export class PageRig {
  readonly #assets: string;
  /** What health tells instead of that all is well. */
  facts: Partial<HealthFacts> = {};
  /** Added to the gateway's clock, ms. */
  clockOffset = 0;
  #broker: Broker | undefined;
  #acceptor: WebSocketAcceptor | undefined;
  #http: HttpServer | undefined;
  #port = 0;

  private constructor(assets: string) {
    this.#assets = assets;
  }

  static async build(): Promise<PageRig> {
    const assets = await mkdtemp(join(tmpdir(), "midge-page-"));
    await buildPage(assets);
    return new PageRig(assets);
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}/`;
  }

  /** Serves with an empty broker; on the port of before, if there was one. */
  async start(): Promise<void> {
    const broker = await aedesBehindWires();
    const acceptor = new WebSocketAcceptor({
      accept: broker.accept,
      allowedOrigins: [],
      maximumPayload: 1024 * 1024,
      turn: new FlushTurn(),
    });
    const http = new HttpServer({
      address: "127.0.0.1",
      port: this.#port,
      assets: this.#assets,
      upgrades: new Map([
        ["/mqtt", (request, socket, head) => acceptor.handleUpgrade(request, socket, head)],
      ]),
      log: new SilentLog(),
      api: {
        name: "greenhouse",
        version: "0.1.0",
        clock: { now: () => 0, wall: () => Date.now() + this.clockOffset },
        health: () => healthOf({ ...FACTS, ...this.facts }),
      },
    });
    await http.start();
    this.#port = http.port;
    this.#http = http;
    this.#acceptor = acceptor;
    this.#broker = broker;
  }

  async stop(): Promise<void> {
    await this.#acceptor?.stop();
    await this.#http?.stop();
    await this.#broker?.stop();
    this.#acceptor = undefined;
    this.#http = undefined;
    this.#broker = undefined;
  }

  async remove(): Promise<void> {
    await this.stop();
    await rm(this.#assets, { recursive: true });
  }

  async publish(topic: string, payload: string | Uint8Array, retain = false): Promise<void> {
    const bytes = typeof payload === "string" ? payload : Buffer.from(payload);
    await this.#broker?.announce(topic, bytes, retain);
  }

  /** Tells of a node as the gateway does; `ago` is how many ms ago it was heard. */
  async tellNode(clientId: string, fields: Record<string, unknown> = {}, ago = 0): Promise<void> {
    const now = Date.now() + this.clockOffset;
    const node = {
      clientId,
      state: "active",
      link: "udp",
      address: "192.168.1.20:5001",
      since: now - 3_600_000,
      lastSeen: now - ago,
      keepAlive: 60,
      sleepDuration: 0,
      messagesIn: 12,
      messagesOut: 3,
      retries: 0,
      dropped: 0,
      buffered: 0,
      topicIds: 2,
      ...fields,
    };
    await this.publish(
      `$SYS/gateway/nodes/${encodeURIComponent(clientId)}`,
      JSON.stringify(node),
      true,
    );
  }
}
