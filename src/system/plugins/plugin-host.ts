/** Loads the plugins of the configuration, gives each what it has from Midge, and stops them. */
import { resolve } from "node:path";
import type { AccessModule } from "../../auth/access-control.ts";
import { Reason, type ReasonCode } from "../../mqtt/reason-codes.ts";
import type { BrokerHooks } from "../../seams/hooks.ts";
import type { Log } from "../../seams/log.ts";
import { Message } from "../../seams/message.ts";
import type { PluginClient, PluginContext, PluginLog, PublishOptions } from "../../seams/plugin.ts";
import type { Clock } from "../../time/clock.ts";
import type { Scheduler } from "../../time/scheduler.ts";
import { outsideOfPlugins, PluginFence } from "./fence.ts";
import { loadPlugin } from "./load-plugin.ts";
import { payloadOf, topicProblem } from "./message-change.ts";
import { accessModuleOf } from "./plugin-access.ts";
import { type LoadedPlugin, pluginHooks } from "./plugin-hooks.ts";
import { StrayFaults } from "./stray-faults.ts";

/** `[[plugin]]`. */
export interface PluginSettings {
  readonly name: string;
  /** Path of the module; a relative one is seen from the working directory. */
  readonly module: string;
  readonly options: Readonly<Record<string, string | number | boolean>>;
}

export interface PluginHostParts {
  readonly plugins: readonly PluginSettings[];
  /** Levels that a topic may have. */
  readonly maxTopicLevels: number;
  /** Catch, in the whole process, what plugins throw where nobody else can. */
  readonly watchProcess: boolean;
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  readonly log: Log;
}

/** What plugins may do to the broker. */
export interface PluginGround {
  /** Publishes in the broker's own name. */
  insert(message: Message): void;
  disconnect(test: (client: { readonly clientId: string }) => boolean, reason: ReasonCode): number;
}

/** A plugin has no longer than this to stop, ms. */
const STOP_PATIENCE = 1000;

export class PluginHost {
  readonly #parts: PluginHostParts;
  readonly #loaded: LoadedPlugin[] = [];
  readonly #modules = new Map<string, AccessModule>();
  readonly #clients = new Map<string, PluginClient>();
  #hooks: BrokerHooks = {};
  #strays: StrayFaults | undefined;
  #ground: PluginGround | undefined;
  /** What plugins want done before there is a broker. */
  #waiting: ((ground: PluginGround) => void)[] = [];
  #stopped = false;
  /** Called when rights that plugins give have changed. */
  onRightsChanged: (() => void) | undefined;

  constructor(parts: PluginHostParts) {
    this.#parts = parts;
  }

  /** What chains of access control know the plugins by. Complete once started. */
  get modules(): ReadonlyMap<string, AccessModule> {
    return this.#modules;
  }

  /** For the broker. Complete once started. */
  get hooks(): BrokerHooks {
    return this.#hooks;
  }

  /** Loads all plugins, in their order. Rejects with PluginError where one cannot be used. */
  async start(): Promise<void> {
    const { plugins, maxTopicLevels, watchProcess } = this.#parts;
    if (plugins.length === 0) return;
    const fences = plugins.map(({ name, module }) => this.#fence(name, resolve(module)));
    this.#strays = watchProcess ? new StrayFaults(fences) : undefined;
    this.#strays?.start();
    try {
      for (const [index, fence] of fences.entries()) {
        const { name, options = {} } = plugins[index] as PluginSettings;
        const plugin = await loadPlugin(fence, this.#contextOf(fence, options));
        this.#loaded.push({ plugin, fence });
        this.#modules.set(name, accessModuleOf(plugin, fence));
        this.#parts.log.info(`Plugin ${name} loaded from ${fence.path}.`);
      }
    } catch (error) {
      await this.stop();
      throw error;
    }
    this.#hooks = pluginHooks({ plugins: this.#loaded, clients: this.#clients, maxTopicLevels });
  }

  /** The broker is there: what plugins have asked for meanwhile is done. */
  attach(ground: PluginGround): void {
    this.#ground = ground;
    for (const action of this.#waiting.splice(0)) action(ground);
  }

  /** Stops the plugins, the last one first. */
  async stop(): Promise<void> {
    for (let one = this.#loaded.pop(); one !== undefined; one = this.#loaded.pop()) {
      const { plugin, fence } = one;
      if (plugin.stop === undefined) continue;
      await new Promise<void>((done) => {
        fence.eventually(
          "stop",
          STOP_PATIENCE,
          () => plugin.stop?.(),
          () => done(),
        );
      });
    }
    this.#stopped = true;
    this.#strays?.stop();
  }

  #fence(name: string, path: string): PluginFence {
    const { clock, scheduler, log } = this.#parts;
    return new PluginFence({ name, path, clock, scheduler, log });
  }

  #contextOf({ name }: PluginFence, options: PluginSettings["options"]): PluginContext {
    const clients = this.#clients;
    return Object.freeze({
      name,
      options: Object.freeze({ ...options }),
      log: pluginLog(name, this.#parts.log),
      publish: (topic: string, payload: string | Uint8Array, how: PublishOptions = {}) =>
        this.#publish(topic, payload, how),
      clients: Object.freeze({
        list: () => [...clients.values()],
        get: (clientId: string) => clients.get(clientId),
        disconnect: (clientId: string) =>
          this.#later((ground) =>
            ground.disconnect(
              (client) => client.clientId === clientId,
              Reason.administrativeAction,
            ),
          ),
      }),
      rightsChanged: () => this.#later(() => this.onRightsChanged?.()),
    });
  }

  /** Throws, into the plugin, where there is something wrong with what it wants to publish. */
  #publish(topic: string, payload: string | Uint8Array, how: PublishOptions): void {
    const { qos = 0, retain = false } = how;
    const trouble = topicProblem(topic, this.#parts.maxTopicLevels);
    if (trouble !== undefined) throw new TypeError(`publish: ${trouble}`);
    const bytes = payloadOf(payload);
    if (bytes === undefined) {
      throw new TypeError("publish: the payload must be a text or a Uint8Array");
    }
    if (qos !== 0 && qos !== 1 && qos !== 2) throw new TypeError("publish: qos must be 0, 1 or 2");
    const message = new Message(topic, bytes, qos, retain === true);
    this.#later((ground) => ground.insert(message));
  }

  /** The broker may be in the middle of something that a plugin has a say in. */
  #later(action: (ground: PluginGround) => void): void {
    const ground = this.#ground;
    if (this.#stopped) return;
    if (ground === undefined) this.#waiting.push(action);
    else outsideOfPlugins(() => queueMicrotask(() => action(ground)));
  }
}

function pluginLog(name: string, log: Log): PluginLog {
  const line = (text: unknown): string => `plugin ${name}: ${String(text)}`;
  return Object.freeze({
    debug: (text: string) => log.debug(line(text)),
    info: (text: string) => log.info(line(text)),
    notice: (text: string) => log.notice(line(text)),
    warn: (text: string) => log.warn(line(text)),
    error: (text: string) => log.error(line(text)),
  });
}
