/** `$CONTROL/gateway/v1`: the commands by which operators manage nodes while the gateway runs. */
import { CommandRefusal, type CommandResult, ControlQueue } from "../control/control-queue.ts";
import type { JsonObject } from "../control/json-fields.ts";
import type { ControlCaller, ControlEndpoint } from "../seams/access.ts";
import type { Log } from "../seams/log.ts";
import type { Scheduler } from "../time/scheduler.ts";
import type { ControlCommand, ControlPart } from "./control-command.ts";

export interface GatewayControlParts {
  readonly parts: readonly ControlPart[];
  readonly scheduler: Scheduler;
  readonly log: Log;
}

export const GATEWAY_CONTROL_TOPIC = "$CONTROL/gateway/v1";
/** A text that somebody sends is not to fill the log, characters. */
const LONGEST_SHOWN = 100;

export class GatewayControl implements ControlEndpoint {
  readonly topic = GATEWAY_CONTROL_TOPIC;
  readonly #parts: readonly ControlPart[];
  readonly #queue: ControlQueue;

  constructor({ parts, scheduler, log }: GatewayControlParts) {
    const commands = new Map<string, { readonly name: string; readonly run: ControlCommand }>();
    for (const part of parts) {
      for (const [name, run] of part.commands) commands.set(name.toLowerCase(), { name, run });
    }
    this.#parts = parts;
    this.#queue = new ControlQueue({
      label: "Gateway",
      scheduler,
      log,
      commands: {
        find: (wanted) => {
          const known = commands.get(wanted);
          return known === undefined
            ? undefined
            : {
                name: known.name,
                run: ({ fields, record }) => {
                  const result = carryOut(known.run, fields);
                  record(shown(fields));
                  return result;
                },
              };
        },
        finished: (done) => this.#settle(done),
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

  /** The answer goes when every part has kept what has changed. */
  #settle(done: () => void): void {
    let waiting = 1;
    const one = (): void => {
      waiting--;
      if (waiting === 0) done();
    };
    for (const part of this.#parts) {
      if (part.settled === undefined) continue;
      waiting++;
      part.settled(one);
    }
    one();
  }
}

function carryOut(run: ControlCommand, fields: JsonObject): CommandResult {
  const result = run(fields);
  if ("error" in result) throw new CommandRefusal(result.error);
  return result.data;
}

/** The parameters, for the log. */
function shown(fields: JsonObject): JsonObject {
  const entries: [string, unknown][] = [];
  for (const [name, value] of Object.entries(fields)) {
    if (/^(?:command|correlationdata)$/i.test(name)) continue;
    if (typeof value === "number" || typeof value === "boolean") entries.push([name, value]);
    else if (typeof value === "string") {
      entries.push([name, JSON.stringify(value.slice(0, LONGEST_SHOWN))]);
    }
  }
  return Object.fromEntries(entries);
}
