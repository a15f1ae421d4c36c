/** Builds the web server: the page, MQTT over WebSocket, health and metrics. */
import { hostname } from "node:os";
import { HTTP_LISTENER } from "./access-from-config.ts";
import type { AssembledFacts } from "./assemble-facts.ts";
import type { Config } from "./config/schema.ts";
import { healthOf } from "./http/health.ts";
import { HttpServer } from "./http/http-server.ts";
import { Metrics } from "./http/metrics/metrics.ts";
import { ScraperLogin } from "./http/metrics/scraper-login.ts";
import type { WebSocketAcceptor } from "./listeners/websocket-acceptor.ts";
import type { Access } from "./seams/access.ts";
import type { Log } from "./seams/log.ts";
import type { Clock } from "./time/clock.ts";
import { VERSION } from "./version.ts";

export interface AssembledHttpParts {
  readonly config: () => Config;
  /** Folder of the built dashboard page. */
  readonly page: string;
  /** Takes in pages and other clients that come by WebSocket. */
  readonly acceptor: WebSocketAcceptor;
  readonly facts: AssembledFacts;
  readonly access: Access;
  readonly clock: Clock;
  readonly log: Log;
}

export class AssembledHttp {
  readonly #acceptor: WebSocketAcceptor;
  readonly #server: HttpServer;

  constructor(parts: AssembledHttpParts) {
    const { config, page, acceptor, facts, access, clock, log } = parts;
    const { address, port } = config().http;
    const metrics = new Metrics(() => facts.metrics());
    this.#acceptor = acceptor;
    this.#server = new HttpServer({
      address,
      port,
      assets: page,
      upgrades: new Map([
        ["/mqtt", (request, socket, head) => acceptor.handleUpgrade(request, socket, head)],
      ]),
      api: { name: hostname(), version: VERSION, clock, health: () => healthOf(facts.health()) },
      metrics: {
        isOpen: () => config().http.metrics,
        login: new ScraperLogin({ access, listener: HTTP_LISTENER }),
        scrape: () => metrics.scrape(),
      },
      log,
    });
  }

  /** The port listened on. */
  get port(): number {
    return this.#server.port;
  }

  /** Rejects with HttpListenError. */
  start(): Promise<void> {
    return this.#server.start();
  }

  async stop(): Promise<void> {
    // The server would cut the connections that were upgraded.
    await this.#acceptor.stop();
    await this.#server.stop();
  }
}
