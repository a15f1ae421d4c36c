/**
 * Requests to a `$CONTROL` topic: a JSON object with a list of commands, each answered in its turn by
 * an object of one list of responses. One request after the other, in slices, so that no list is too
 * long for the event loop.
 */
import { encodeUtf8 } from "../bytes/utf8.ts";
import type { ControlCaller } from "../seams/access.ts";
import type { Log } from "../seams/log.ts";
import type { Scheduler } from "../time/scheduler.ts";
import { field, isObject, type JsonObject, listField, textField } from "./json-fields.ts";

/** What a command comes to: data for its response, or done without; Later for what takes a while. */
export type CommandResult = JsonObject | undefined | Later;
export type Later = (done: (result: JsonObject | undefined | CommandRefusal) => void) => void;

/** A command that cannot be carried out; thrown by its handler and told to the caller. */
export class CommandRefusal extends Error {
  constructor(message: string) {
    super(message);
    this.name = "CommandRefusal";
  }
}

export interface ControlCommand {
  readonly fields: JsonObject;
  readonly caller: ControlCaller;
  /** Writes to the log who has done this, with what. */
  record(what: Readonly<Record<string, unknown>>): void;
}

export interface CommandSet {
  /** By the command's name in lower case, with the name as it is answered. */
  find(
    name: string,
  ):
    | { readonly name: string; readonly run: (command: ControlCommand) => CommandResult }
    | undefined;
  /** All commands of a request are done: `done` lets the answer go. */
  finished(done: () => void): void;
  /** The answer is on its way. */
  answered(): void;
}

export interface ControlQueueParts {
  /** What the log calls these commands. */
  readonly label: string;
  readonly commands: CommandSet;
  readonly scheduler: Scheduler;
  readonly log: Log;
}

interface Request {
  readonly commands: readonly unknown[];
  readonly caller: ControlCaller;
  readonly respond: (response: Uint8Array) => void;
  /** Ready JSON. */
  readonly responses: string[];
  length: number;
  next: number;
}

/** Commands carried out in one go. */
const SLICE = 50;
const MOST_WAITING = 100;
/** A response is not longer than this, characters. */
const LONGEST_RESPONSE = 16_000_000;
const UNKNOWN = "Unknown command";

const decoder = new TextDecoder("utf-8", { fatal: true });

export class ControlQueue {
  readonly #parts: ControlQueueParts;
  readonly #waiting: Request[] = [];
  #busy = false;

  constructor(parts: ControlQueueParts) {
    this.#parts = parts;
  }

  handle(
    payload: Uint8Array,
    caller: ControlCaller,
    respond: (response: Uint8Array) => void,
  ): void {
    const commands = parse(payload);
    if (typeof commands === "string") {
      respond(refusal(commands));
    } else if (this.#waiting.length >= MOST_WAITING) {
      respond(refusal("Too many requests"));
    } else {
      this.#waiting.push({ commands, caller, respond, responses: [], length: 0, next: 0 });
      this.#start();
    }
  }

  #start(): void {
    if (this.#busy) return;
    const request = this.#waiting.shift();
    if (request === undefined) return;
    this.#busy = true;
    this.#run(request);
  }

  #run(request: Request): void {
    for (let count = 0; count < SLICE; count++) {
      const json = request.commands[request.next++];
      if (json === undefined) {
        this.#finish(request);
        return;
      }
      const later = this.#carryOut(request, json);
      if (later !== undefined) {
        later(() => this.#run(request));
        return;
      }
    }
    this.#parts.scheduler.after(0, () => this.#run(request));
  }

  /** Carries out one command; answers what to wait for, if it takes a while. */
  #carryOut(request: Request, json: unknown): ((done: () => void) => void) | undefined {
    const name = isObject(json) ? textField(json, "command") : undefined;
    if (!isObject(json) || name === undefined) {
      const error = isObject(json) ? "Missing command" : "Command not an object";
      this.#breakOff(request, { command: UNKNOWN, error });
      return undefined;
    }
    const correlationData = field(json, "correlationData");
    if (correlationData !== undefined && typeof correlationData !== "string") {
      this.#breakOff(request, { command: name, error: "Invalid correlationData data type." });
      return undefined;
    }
    const known = this.#parts.commands.find(name.toLowerCase());
    const settle = (result: JsonObject | undefined | CommandRefusal): void => {
      if (result instanceof CommandRefusal) {
        this.#add(request, { command: name, error: result.message, correlationData });
      } else if (result === undefined) {
        this.#add(request, { command: name, correlationData });
      } else {
        this.#add(request, { command: known?.name ?? name, data: result, correlationData });
      }
    };
    const result = this.#attempt(known, json, request.caller, name);
    if (typeof result !== "function") {
      settle(result);
      return undefined;
    }
    return (done) =>
      result((outcome) => {
        settle(outcome);
        done();
      });
  }

  #attempt(
    known: ReturnType<CommandSet["find"]>,
    fields: JsonObject,
    caller: ControlCaller,
    name: string,
  ): CommandResult | CommandRefusal {
    if (known === undefined) return new CommandRefusal(UNKNOWN);
    const record = (what: Readonly<Record<string, unknown>>): void => {
      const details = Object.entries(what).map(([key, value]) => ` | ${key}=${value}`);
      const who = `${caller.clientId}/${caller.username ?? "(null)"}`;
      this.#parts.log.info(`${this.#parts.label}: ${who} | ${known.name}${details.join("")}`);
    };
    try {
      return known.run({ fields, caller, record });
    } catch (error) {
      if (error instanceof CommandRefusal) return error;
      this.#parts.log.error(`${this.#parts.label}: ${name} failed: ${(error as Error).message}`);
      return new CommandRefusal("Internal error");
    }
  }

  /** After what is no command at all, the rest of the request is not carried out either. */
  #breakOff(request: Request, response: JsonObject): void {
    this.#add(request, response);
    request.next = request.commands.length;
  }

  #add(request: Request, response: JsonObject): void {
    let text = JSON.stringify(response);
    if (request.length + text.length > LONGEST_RESPONSE) {
      const { command, correlationData } = response;
      text = JSON.stringify({ command, error: "Response too large", correlationData });
      if (request.length > LONGEST_RESPONSE) {
        request.next = request.commands.length;
        return;
      }
    }
    request.length += text.length;
    request.responses.push(text);
  }

  #finish(request: Request): void {
    const { commands } = this.#parts;
    commands.finished(() => {
      request.respond(encodeUtf8(`{"responses":[${request.responses.join(",")}]}`));
      commands.answered();
      this.#busy = false;
      this.#start();
    });
  }
}

function parse(payload: Uint8Array): readonly unknown[] | string {
  let json: unknown;
  try {
    json = JSON.parse(decoder.decode(payload));
  } catch {
    return "Payload not valid JSON";
  }
  const commands = isObject(json) ? listField(json, "commands") : undefined;
  return commands ?? "Invalid/missing commands";
}

function refusal(error: string): Uint8Array {
  return encodeUtf8(JSON.stringify({ responses: [{ command: UNKNOWN, error }] }));
}
