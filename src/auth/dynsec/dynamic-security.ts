/**
 * Dynamic security: clients, groups and roles that are managed while the broker runs, at
 * `$CONTROL/dynamic-security/v1`, as by Mosquitto's plugin of that name.
 */
import { encodeUtf8 } from "../../bytes/utf8.ts";
import { CommandRefusal, ControlQueue } from "../../control/control-queue.ts";
import { Reason } from "../../mqtt/reason-codes.ts";
import type {
  ConnectedClients,
  ControlCaller,
  ControlEndpoint,
  Credentials,
} from "../../seams/access.ts";
import type { DocumentStore } from "../../seams/documents.ts";
import type { Log } from "../../seams/log.ts";
import type { Scheduler, Timer } from "../../time/scheduler.ts";
import type { Authentication, Authenticator, Authorizer, LinkRights } from "../access-chain.ts";
import { DEFAULT_RECIPE, type HashRecipe, type PasswordHasher } from "../password-hasher.ts";
import { decoyOf, type PasswordRecord } from "../password-records.ts";
import type { Identity } from "../pattern.ts";
import { CLIENT_COMMANDS } from "./client-commands.ts";
import type { CommandContext, CommandHandler } from "./command-context.ts";
import { describeModel, type Json } from "./description.ts";
import { dynsecRights, namesClientIds } from "./dynsec-rights.ts";
import { GENERAL_COMMANDS } from "./general-commands.ts";
import { GROUP_COMMANDS } from "./group-commands.ts";
import { initialContent } from "./initial.ts";
import { type DynsecClient, DynsecModel } from "./model.ts";
import { readModel } from "./reading.ts";
import { ROLE_COMMANDS } from "./role-commands.ts";

export interface DynamicSecurityParts {
  readonly documents: DocumentStore;
  readonly hasher: PasswordHasher;
  readonly scheduler: Scheduler;
  readonly log: Log;
  readonly recipe?: HashRecipe | undefined;
}

/** The document's name. */
export const DYNAMIC_SECURITY_DOCUMENT = "dynamic-security";
export const DYNAMIC_SECURITY_TOPIC = "$CONTROL/dynamic-security/v1";

/** Between attempts to write a document that could not be written, ms. */
const RETRY_INTERVAL = 60_000;
/** A disk that does not answer holds up no kick for longer than this, ms. */
const PATIENCE = 3000;

const COMMANDS: ReadonlyMap<string, { readonly name: string; readonly handler: CommandHandler }> =
  new Map(
    Object.entries({
      ...GENERAL_COMMANDS,
      ...CLIENT_COMMANDS,
      ...GROUP_COMMANDS,
      ...ROLE_COMMANDS,
    }).map(([name, handler]) => [name.toLowerCase(), { name, handler }]),
  );

export class DynamicSecurity implements Authenticator, Authorizer, ControlEndpoint {
  readonly topic = DYNAMIC_SECURITY_TOPIC;
  /** Set by whoever holds the connections. */
  connected: ConnectedClients | undefined;
  /** Called when what clients may do has changed. */
  onChange: (() => void) | undefined;
  readonly #parts: DynamicSecurityParts;
  readonly #queue: ControlQueue;
  readonly #context: CommandContext;
  #model = new DynsecModel();
  #perClient = false;
  /** Why nothing may be changed: what is kept cannot be read. */
  #sealed: string | undefined;
  #dirty = false;
  #kicks = new Set<string | undefined>();
  #retry: Timer | undefined;

  constructor(parts: DynamicSecurityParts) {
    this.#parts = parts;
    this.#context = this.#newContext();
    this.#queue = new ControlQueue({
      label: "dynsec",
      scheduler: parts.scheduler,
      log: parts.log,
      commands: {
        find: (name) => this.#find(name),
        finished: (done) => this.#finished(done),
        answered: () => this.#kick(),
      },
    });
  }

  /**
   * Takes over what is kept. Answers "none" where there is nothing yet, and "sealed" where what there
   * is cannot be read: then nobody is let in, and nothing is written over it.
   */
  load(): "loaded" | "none" | "sealed" {
    const { content, problem } = this.#parts.documents.load(DYNAMIC_SECURITY_DOCUMENT);
    if (problem !== undefined) return this.#seal(problem);
    if (content === undefined) return "none";
    const problemInside = this.#adopt(content);
    return problemInside === undefined ? "loaded" : this.#seal(problemInside);
  }

  /** Starts from this content, such as Mosquitto's dynamic-security.json, and keeps it. Answers what is wrong with it. */
  adopt(content: unknown): string | undefined {
    const problem = this.#adopt(content);
    if (problem === undefined) this.#save(() => {});
    return problem;
  }

  /** Starts from nothing but this administrator. `done` is called later, with what went wrong. */
  initialise(
    username: string,
    password: string,
    done: (problem: string | undefined) => void,
  ): void {
    const { hasher, recipe = DEFAULT_RECIPE } = this.#parts;
    hasher.hash(recipe, encodeUtf8(password), (record) =>
      done(record === undefined ? "busy" : this.adopt(initialContent(username, record))),
    );
  }

  get perClient(): boolean {
    return this.#perClient;
  }

  get decoy(): PasswordRecord | undefined {
    for (const { password } of this.#model.clients.values()) {
      if (password !== undefined) return decoyOf(password);
    }
    return undefined;
  }

  authenticate(credentials: Credentials, answer: (authentication: Authentication) => void): void {
    const { username, password, verified, clientId } = credentials;
    const client = username === undefined ? undefined : this.#model.clients.get(username);
    if (verified) {
      const refused = client !== undefined && !mayCome(client, clientId);
      answer({ verdict: refused ? "deny" : "ignore" });
      return;
    }
    if (client === undefined || password === undefined) {
      answer({ verdict: "defer" });
      return;
    }
    // Checked even where the answer is no already, so that the time does not tell why.
    const record = client.password ?? this.decoy;
    if (record === undefined) {
      answer({ verdict: "deny" });
      return;
    }
    this.#parts.hasher.verify(record, password, (verdict) => {
      if (verdict === "busy") {
        answer({ verdict: "busy" });
        return;
      }
      const right =
        verdict === "right" &&
        this.#model.clients.get(client.username) === client &&
        client.password === record &&
        mayCome(client, clientId);
      // Who is to go later is kicked, after the answer to the command that did it is on its way.
      answer({ verdict: right ? "allow" : "deny" });
    });
  }

  rightsOf(identity: Identity): LinkRights {
    return dynsecRights(this.#model, identity);
  }

  handle(
    request: Uint8Array,
    client: ControlCaller,
    respond: (response: Uint8Array) => void,
  ): void {
    this.#queue.handle(request, client, respond);
  }

  #adopt(content: unknown): string | undefined {
    const read = readModel(content);
    if (typeof read === "string") return read;
    for (const warning of read.warnings) this.#parts.log.warn(`dynsec: ${warning}`);
    this.#model = read.model;
    this.#perClient = namesClientIds(read.model);
    return undefined;
  }

  #seal(problem: string): "sealed" {
    this.#sealed = problem;
    this.#parts.log.error(`dynsec: ${problem}; nobody of dynamic security is let in until it can`);
    return "sealed";
  }

  #find(
    name: string,
  ): ReturnType<ConstructorParameters<typeof ControlQueue>[0]["commands"]["find"]> {
    const known = COMMANDS.get(name);
    if (known === undefined) return undefined;
    return {
      name: known.name,
      run: (command) => {
        if (this.#sealed !== undefined) throw new CommandRefusal("Internal error");
        return known.handler(command, this.#context);
      },
    };
  }

  #newContext(): CommandContext {
    const { hasher, recipe = DEFAULT_RECIPE } = this.#parts;
    const model = (): DynsecModel => this.#model;
    return {
      get model() {
        return model();
      },
      changed: () => {
        this.#model.changeIndex++;
        this.#dirty = true;
      },
      kick: (username) => this.#kicks.add(username),
      hash: (password, done) =>
        hasher.hash(recipe, encodeUtf8(password), (record) =>
          done(record ?? new CommandRefusal("Internal error")),
        ),
      connections: (username, clientId) => this.#connections(username, clientId),
    };
  }

  #connections(username: string, clientId: string | undefined): Json[] {
    const addresses = this.connected?.addresses?.(
      (client) =>
        client.username === username && (clientId === undefined || client.clientId === clientId),
    );
    return (addresses ?? []).map((address) => ({ address }));
  }

  /** What a request has changed holds at once. It is answered when it is kept, or cannot be for long. */
  #finished(done: () => void): void {
    if (!this.#dirty) {
      done();
      return;
    }
    this.#dirty = false;
    this.#perClient = namesClientIds(this.#model);
    this.onChange?.();
    let answered = false;
    const answer = (): void => {
      timer.cancel();
      if (!answered) done();
      answered = true;
    };
    const timer = this.#parts.scheduler.after(PATIENCE, answer);
    this.#save(answer);
  }

  #save(done: () => void): void {
    const { documents, log, scheduler } = this.#parts;
    this.#retry?.cancel();
    documents.save(DYNAMIC_SECURITY_DOCUMENT, describeModel(this.#model), (problem) => {
      if (problem !== undefined) {
        log.error(`dynsec: the change holds, but is not kept: ${problem}; trying again`);
        this.#retry?.cancel();
        this.#retry = scheduler.after(RETRY_INTERVAL, () => this.#save(() => {}));
      }
      done();
    });
  }

  #kick(): void {
    if (this.#kicks.size === 0) return;
    const kicks = this.#kicks;
    this.#kicks = new Set();
    this.connected?.disconnect(({ username }) => kicks.has(username), Reason.administrativeAction);
  }
}

/** Whether the client is enabled, and is the one that may use the name. */
function mayCome({ disabled, clientId: wanted }: DynsecClient, clientId: string): boolean {
  return !disabled && (wanted === undefined || wanted === clientId);
}
