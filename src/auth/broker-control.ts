/** `$CONTROL/broker/v1`: questions about the broker itself, as Mosquitto 2.1 answers them. */

import { type CommandResult, type ControlCommand, ControlQueue } from "../control/control-queue.ts";
import type { ControlCaller, ControlEndpoint } from "../seams/access.ts";
import type { Log } from "../seams/log.ts";
import type { Scheduler } from "../time/scheduler.ts";

export interface ListenerFact {
  /** 0 for a Unix socket. */
  readonly port: number;
  readonly webSocket: boolean;
  readonly tls: boolean;
  /** undefined: all addresses. */
  readonly address?: string | undefined;
  /** Of a Unix socket. */
  readonly path?: string | undefined;
}

export interface PluginFact {
  readonly name: string;
  readonly version?: string | undefined;
  /** The `$CONTROL` topics that it answers at. */
  readonly endpoints: readonly string[];
}

export interface BrokerControlParts {
  readonly listeners: () => readonly ListenerFact[];
  readonly plugins: () => readonly PluginFact[];
  readonly scheduler: Scheduler;
  readonly log: Log;
}

export const BROKER_CONTROL_TOPIC = "$CONTROL/broker/v1";

export class BrokerControl implements ControlEndpoint {
  readonly topic = BROKER_CONTROL_TOPIC;
  readonly #queue: ControlQueue;

  constructor({ listeners, plugins, scheduler, log }: BrokerControlParts) {
    const commands = new Map<string, [string, (command: ControlCommand) => CommandResult]>([
      ["listlisteners", ["listListeners", told(() => ({ listeners: listeners().map(listener) }))]],
      ["listplugins", ["listPlugins", told(() => ({ plugins: plugins().map(plugin) }))]],
    ]);
    this.#queue = new ControlQueue({
      label: "Broker",
      scheduler,
      log,
      commands: {
        find: (wanted) => {
          const known = commands.get(wanted);
          return known === undefined ? undefined : { name: known[0], run: known[1] };
        },
        finished: (done) => done(),
        answered: () => {},
      },
    });
  }

  handle(
    request: Uint8Array,
    client: ControlCaller,
    respond: (response: Uint8Array) => void,
  ): void {
    this.#queue.handle(request, client, respond);
  }
}

/** A question whose answer is what `answer` finds; the log tells who asked. */
function told(answer: () => Readonly<Record<string, unknown>>) {
  return (command: ControlCommand): CommandResult => {
    command.record({});
    return answer();
  };
}

function listener({ port, webSocket, tls, address, path }: ListenerFact) {
  return {
    port,
    protocol: webSocket ? "mqtt+websockets" : "mqtt",
    "bind-address": address,
    "socket-path": path,
    tls,
  };
}

function plugin({ name, version, endpoints }: PluginFact) {
  return { name, version, "control-endpoints": endpoints };
}
